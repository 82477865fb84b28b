"""Computes with the graph of a detector."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fakefocus.cache import compiled_graph
from fakefocus.imaging.alignment import centre_of
from fakefocus.imaging.maps import MapMaker, from_levels, to_levels
from fakefocus.models.contract import Contract
from fakefocus.parameters import Defocus

Picture = NDArray[np.uint8]
_BATCH = 8
"""Larger batches are no faster a crop on one thread."""


class GraphScorer:
    """A detector, ready to score crops that were made as its contract says."""

    def __init__(self, contract: Contract, file: Path) -> None:
        """Compile a graph that `stored.stored_graph` keeps."""
        self.contract = contract
        self._request = compiled_graph(file).create_infer_request()
        self._side = contract.training.augmentation.crop
        self._make_maps = _map_maker(contract)

    def __call__(self, crops: Sequence[Picture]) -> NDArray[np.float64]:
        """Return the probability of fake of each crop ``(H, W, 3) uint8, RGB``: ``(N,)`` in [0, 1]."""
        parts = [self._score(crops[start : start + _BATCH]) for start in range(0, len(crops), _BATCH)]
        return np.concatenate(parts) if parts else np.zeros(0)

    def _score(self, crops: Sequence[Picture]) -> NDArray[np.float64]:
        inputs = [np.stack([centre_of(crop, self._side)[0] for crop in crops])]
        if self._make_maps is not None:
            # a map is made of the whole crop, and rounded as the catalog stores it
            made = [from_levels(to_levels(self._make_maps(crop))) for crop in crops]
            inputs.append(np.stack([centre_of(maps, self._side)[0] for maps in made]))
        self._request.infer(inputs, share_inputs=True)
        return self._request.get_output_tensor(0).data.astype(np.float64)


def _map_maker(contract: Contract) -> MapMaker | None:
    if contract.maps is None:
        return None
    return MapMaker(Defocus(**contract.maps.model_dump(), store="none"), contract.input.maps)

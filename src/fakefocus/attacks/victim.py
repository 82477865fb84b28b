"""Attacks on many crops of one detector, and what it says of the changed ones."""

from collections.abc import Sequence
from functools import partial
from typing import Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from fakefocus.attacks.shown import Maps, ShownCrop, score
from fakefocus.attacks.toolbox import Attack, Images, attacked
from fakefocus.inference import Crop, ReadCrop, Scorer

Run = Literal["none", "constant", "differentiable"]
"""What an attack takes a network's maps for: there are none, they do not change, or they change with the pixels."""


class Pictures(NamedTuple):
    """Crops ``(N, H, W, 3) uint8, RGB``, the maps ``(N, H, W, K)`` that belong to them or None, and labels ``(N,)``."""

    images: NDArray[np.uint8]
    maps: NDArray[np.float32] | None
    labels: NDArray[np.int64]


def read_pictures(crops: Sequence[ReadCrop], labels: NDArray[np.int64]) -> Pictures:
    """Read crops, and the maps that are stored with them."""
    images, maps = zip(*(read() for read in crops), strict=True)
    kept = [m.astype(np.float32) for m in maps if m is not None]
    return Pictures(np.stack(images), np.stack(kept) if kept else None, labels)


class Victim:
    """A detector that is attacked: it is ``scorer``, and calls a crop fake from ``threshold`` on."""

    def __init__(self, scorer: Scorer, threshold: float, batch_size: int) -> None:
        """Take a detector; ``batch_size`` crops are attacked at once where that is possible."""
        self._scorer, self._threshold, self._batch_size = scorer, threshold, batch_size
        self._network = scorer.network.to(scorer.device if scorer.device.type == "cuda" else "cpu")
        self._network.requires_grad_(False)

    @property
    def runs(self) -> tuple[Run, ...]:
        """As what its maps can be taken."""
        return ("none",) if self._scorer.make_maps is None else ("constant", "differentiable")

    def changed(self, pictures: Pictures, attack: Attack, run: Run, seed: int) -> Images:
        """Return the changed crops, ``(N, 3, H, W)`` in [0, 1].

        The toolbox shows a network rows of a batch as it likes, so that a map that is no function of the crop has to be
        the only one: with constant maps, crops are attacked one by one.
        """
        crops = as_images(pictures.images)
        size = 1 if run == "constant" else self._batch_size
        lots = [(start, slice(start, start + size)) for start in range(0, len(crops), size)]
        parts = [
            attacked(self._shown(pictures, run, start), crops[lot], pictures.labels[lot], attack, seed + start)
            for start, lot in lots
        ]
        return np.concatenate(parts) if parts else crops

    def scores(self, images: NDArray[np.uint8], maps: NDArray[np.float32] | None) -> NDArray[np.float64]:
        """Return the scores of crops of 8 bits with these maps; without, maps are made of the crops."""
        return self._scorer([partial(Crop, image, None if maps is None else maps[n]) for n, image in enumerate(images)])

    def exact_scores(self, crops: Images, maps: NDArray[np.float32] | None) -> NDArray[np.float64]:
        """Return the scores of crops that are not rounded to 8 bits; without maps, these are made of rounded ones."""
        make = self._scorer.make_maps
        if make is None:
            return score(self._with("none"), crops)
        if maps is None:
            maps = np.stack([make(np.ascontiguousarray(image)) for image in as_pixels(crops)])
        return score(self._with(self._tensor(maps)), crops)

    def _shown(self, pictures: Pictures, run: Run, row: int) -> ShownCrop:
        if run == "constant" and pictures.maps is not None:
            return self._with(self._tensor(pictures.maps[row : row + 1]))
        return self._with("differentiable" if run == "differentiable" else "none")

    def _with(self, maps: Maps) -> ShownCrop:
        return ShownCrop(self._network, self._scorer.contract, self._threshold, maps)

    def _tensor(self, maps: NDArray[np.float32]) -> torch.Tensor:
        device = next(self._network.parameters()).device
        return torch.from_numpy(maps).permute(0, 3, 1, 2).contiguous().to(device)


def as_images(pixels: NDArray[np.uint8]) -> Images:
    """Return ``(N, H, W, 3) uint8`` as ``(N, 3, H, W) float32`` in [0, 1]."""
    return np.ascontiguousarray(pixels.transpose(0, 3, 1, 2), dtype=np.float32) / np.float32(255)


def as_pixels(crops: Images) -> NDArray[np.uint8]:
    """Return ``(N, 3, H, W) float32`` in [0, 1] rounded to ``(N, H, W, 3) uint8``: what a file can hold."""
    return np.ascontiguousarray(np.rint(np.clip(crops, 0, 1) * 255).astype(np.uint8).transpose(0, 2, 3, 1))

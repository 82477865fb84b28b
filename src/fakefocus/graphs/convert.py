"""Makes a graph of a trained detector: from the pixels of a crop to the probability of fake."""

import warnings
from typing import cast

import openvino as ov
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fakefocus.errors import InputError
from fakefocus.models.build import load_network
from fakefocus.models.contract import Contract

CROPS, MAPS, SCORE = "crops", "maps", "score"


class Scored(nn.Module):
    """A network with everything around it: bytes to [0, 1], maps beside RGB, its size, and a probability."""

    size: Tensor | None

    def __init__(self, contract: Contract, weights: dict[str, Tensor]) -> None:
        """Put the network of a contract together."""
        super().__init__()
        whole = {name: value.float() if value.is_floating_point() else value for name, value in weights.items()}
        try:
            self.network = load_network(contract, whole)
        except TypeError as error:
            msg = f"{contract.family}: its contract has options of another version ({error}): train it again"
            raise InputError(msg) from error
        side, shown = contract.training.augmentation.crop, contract.input.img_size
        self.register_buffer("size", None if side == shown else _resizing(side, shown), persistent=False)

    def forward(self, crops: Tensor, maps: Tensor | None = None) -> Tensor:
        """Return ``(N,) float32`` in [0, 1] for crops ``(N, S, S, 3) uint8`` and their maps ``(N, S, S, K)``."""
        # planes first: OpenVINO joins channels, and divides, several times as fast there
        x = crops.permute(0, 3, 1, 2).float() * (1 / 255)
        if maps is not None:
            x = torch.cat([x, maps.permute(0, 3, 1, 2)], 1)
        if self.size is None:
            return torch.sigmoid(self.network(x))
        # the last step turns axes: OpenVINO 2026.4 joins a norm to the product before it, along a wrong axis
        down = self.size @ x
        across = down.permute(0, 1, 3, 2)
        return torch.sigmoid(self.network((self.size @ across).permute(0, 1, 3, 2)))


def to_graph(contract: Contract, weights: dict[str, Tensor]) -> ov.Model:
    """Return a graph that scores crops as `fakefocus.inference.Scorer` does, to rounding.

    Its input ``crops`` is ``(N, S, S, 3) uint8, RGB``, S being ``training.augmentation.crop`` of the contract: the
    middle of a stored crop. ``maps`` ``(N, S, S, K) float32`` in [0, 1] follow where the network sees them. ``score``
    is ``(N,) float32``, the probability of fake.

    Raises:
        InputError: If the weights are not of this contract.
    """
    side, channels = contract.training.augmentation.crop, contract.input.maps
    scored = Scored(contract, weights).eval()
    example = [torch.zeros(2, side, side, 3, dtype=torch.uint8)]
    example += [torch.zeros(2, side, side, channels)] if channels else []
    with warnings.catch_warnings(), torch.no_grad():
        # of shapes that a trace takes for constants: they are
        warnings.simplefilter("ignore")
        graph = cast("ov.Model", ov.convert_model(scored, example_input=tuple(example)))
    names, depths = (CROPS, MAPS)[: len(example)], (3, channels)
    for place, name in enumerate(names):
        graph.inputs[place].get_tensor().set_names({name})
    graph.outputs[0].get_tensor().set_names({SCORE})
    graph.reshape({name: ov.PartialShape([-1, side, side, d]) for name, d in zip(names, depths, strict=False)})
    return graph


def _resizing(side: int, shown: int) -> Tensor:
    """Return the matrix ``(shown, side)`` that makes lines of pixels smaller as torch does it, with antialiasing."""
    lines = torch.eye(side)[None, None]
    return F.interpolate(lines, (shown, side), mode="bilinear", antialias=True)[0, 0]

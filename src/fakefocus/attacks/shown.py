"""A detector as an attack sees it: from pixels of a stored crop to the logits of two classes, with a gradient."""

from math import log
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fakefocus.models.contract import Contract
from fakefocus.training.augmentation import middle
from fakefocus.training.differentiable_maps import differentiable_maps
from fakefocus.training.samples import network_input

Maps = Tensor | Literal["none", "differentiable"]
"""``(1 or B, K, H, W)`` in [0, 1] that stay as they are, or what is made of the crop with a gradient; or none."""


class ShownCrop(nn.Module):
    """Does what a scorer does after decoding, so that what an attack changes are pixels of the stored crop.

    Whatever normalises pixels is inside of the network: a change of 1/255 is one grey level. The middle is cut out and
    resized as in `fakefocus.inference.Scorer`.
    """

    def __init__(self, network: nn.Module, contract: Contract, threshold: float, maps: Maps) -> None:
        """Take a network ready to score; ``threshold`` in [0, 1], the score from which on a crop is called fake."""
        super().__init__()
        self.network = network
        self._contract = contract
        self._maps = maps
        inside = min(max(threshold, 1e-6), 1 - 1e-6)
        self._at_threshold = log(inside / (1 - inside))

    def forward(self, crops: Tensor) -> Tensor:
        """Return logits of real and fake, ``(B, 2)``, for crops ``(B, 3, H, W) float32`` in [0, 1].

        The larger one is the decision at the threshold: they are minus and plus half of the logit above it.
        """
        half = (self.logit(crops) - self._at_threshold) / 2
        return torch.stack([-half, half], 1)

    def logit(self, crops: Tensor) -> Tensor:
        """Return the detector's own logit, ``(B,)``; its sigmoid is the score."""
        side = self._contract.training.augmentation.crop
        top, left = middle(crops.shape[2], crops.shape[3], side)
        maps = self._maps_of(crops)
        within = (..., slice(top, top + side), slice(left, left + side))
        seen = network_input(crops[within], None if maps is None else maps[within], self._contract.input.img_size)
        return self.network(seen).float()

    def _maps_of(self, crops: Tensor) -> Tensor | None:
        if isinstance(self._maps, Tensor):
            return self._maps.expand(len(crops), -1, -1, -1)
        if self._maps == "none" or self._contract.maps is None:
            return None
        return differentiable_maps(crops, self._contract.maps, self._contract.input.maps)


@torch.inference_mode()
def score(shown: ShownCrop, crops: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the probability of fake, ``(B,)``, of crops ``(B, 3, H, W) float32`` in [0, 1], not rounded to 8 bits."""
    device = next(shown.network.parameters()).device
    return np.asarray(torch.sigmoid(shown.logit(torch.from_numpy(crops).to(device))).cpu().numpy(), dtype=np.float64)

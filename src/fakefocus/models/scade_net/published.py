"""Names of the published SCADE-Net checkpoints (2026, https://github.com/vonexel/SCADE-Net)."""

import re

import torch
from torch import Tensor

# the norm comes after the attention where a block has one
_LAYERS = {
    "block1_conv": "blocks.0.0",
    "block1_bn": "blocks.0.2",
    "block2_conv": "blocks.1.0",
    "block2_bn": "blocks.1.2",
    "block3_conv": "blocks.2.0",
    "block3_eca": "blocks.2.2",
    "block3_bn": "blocks.2.3",
    "block4_conv": "blocks.3.0",
    "block4_eca": "blocks.3.2",
    "block4_bn": "blocks.3.3",
    "fc1": "head.1",
    "fc2": "head.4",
}


def rename(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return published weights under our names; names that are not published ones stay.

    The published constraint B stores the eight outer weights of a kernel, ``(8, C, 8)``, before a softmax; they come
    back as kernels ``(8, C, 3, 3)`` that fulfil the constraint. Constraint A needs no change.
    """
    renamed = {re.sub(r"^\w+", lambda layer: _LAYERS.get(layer[0], layer[0]), k): v for k, v in weights.items()}
    first = renamed.get("blocks.0.0.weight")
    if first is not None and first.ndim == 3:
        renamed["blocks.0.0.weight"] = _kernels(first)
    return renamed


def _kernels(outer: Tensor) -> Tensor:
    """Return kernels ``(O, C, 3, 3)``, -1 in the middle, of their outer weights row by row, ``(O, C, 8)``."""
    outer = outer.float().softmax(dim=2)
    middle = -torch.ones_like(outer[..., :1])
    return torch.cat([outer[..., :4], middle, outer[..., 4:]], dim=2).unflatten(2, (3, 3))

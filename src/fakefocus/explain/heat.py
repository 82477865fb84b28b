"""Heat maps: which places of a face raise the score."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pytorch_grad_cam import GradCAMPlusPlus
from pytorch_grad_cam.utils.model_targets import BinaryClassifierOutputTarget
from torch import Tensor, nn

_LEAST_SIDE, _MOST_SIDE = 3, 64
"""Sides of a map of features that tells places apart and no longer pixels."""


def heat_maps(network: nn.Module, x: Tensor, part: str = "") -> NDArray[np.float32] | None:
    """Return where the last map of features speaks for fake, by Grad-CAM++.

    Chattopadhay et al. 2018 (https://arxiv.org/abs/1710.11063), by grad-cam. A map is relative to its own hottest
    place: it says where, not how much; and that a place counts, not that it was manipulated.

    Args:
        network: A detector's, in eval mode.
        x: What it sees, ``(N, in_chans, S, S)`` in [0, 1].
        part: The part of the network whose maps are asked for, where it has several; see `Family.heat_part`.

    Returns:
        ``(N, S, S) float32`` in [0, 1]; None where the network has no map of features, as one of tokens.
    """
    layer = last_map_layer(network, x[:1], part)
    if layer is None:
        return None
    with torch.enable_grad(), GradCAMPlusPlus(model=network, target_layers=[layer]) as cam:
        maps = cam(input_tensor=x.clone(), targets=[BinaryClassifierOutputTarget(1)] * len(x))
    return np.nan_to_num(np.asarray(maps, dtype=np.float32))


def last_map_layer(network: nn.Module, x: Tensor, part: str = "") -> nn.Module | None:
    """Return the module that gives the last map of features ``(N, C, H, W)``, of a network or of a part of it."""
    seen: list[nn.Module] = []

    def note(module: nn.Module, _: Any, output: Any) -> None:  # noqa: ANN401 (torch's)
        is_map = isinstance(output, Tensor) and output.ndim == 4
        if is_map and min(output.shape[2:]) >= _LEAST_SIDE and max(output.shape[2:]) <= _MOST_SIDE:
            seen.append(module)

    inside = [module for name, module in network.named_modules() if not part or name.split(".")[0] == part]
    hooks = [module.register_forward_hook(note) for module in inside if not list(module.children())]
    try:
        with torch.no_grad():
            network(x)
    finally:
        for hook in hooks:
            hook.remove()
    return seen[-1] if seen else None

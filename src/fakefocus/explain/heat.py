"""Heat maps: which places of a face speak for a label."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from pytorch_grad_cam import GradCAM, GradCAMPlusPlus, HiResCAM
from pytorch_grad_cam.utils.model_targets import BinaryClassifierOutputTarget
from torch import Tensor, nn

Heat = NDArray[np.float32]
Method = Literal["grad_cam", "grad_cam_plus_plus", "hires_cam", "rollout"]
METHODS: tuple[Method, ...] = get_args(Method)
_LEAST_SIDE, _MOST_SIDE = 3, 64
"""Sides of a map of features that tells places apart and no longer pixels."""
_ROUNDING = 1e-4
"""By what share of its size attention of float32 may differ through several layers of products."""


class MapLayer(NamedTuple):
    """A module whose output has places, and what turns that into ``(N, C, H, W)``; None where it is that already."""

    module: nn.Module
    as_map: Callable[[Tensor], Tensor] | None = None


def heat_maps(
    network: nn.Module, x: Tensor, part: str = "", method: Method = "grad_cam_plus_plus", label: int = 1
) -> Heat | None:
    """Return which places speak for a label.

    grad_cam: Selvaraju et al. 2017 (https://arxiv.org/abs/1610.02391); grad_cam_plus_plus: Chattopadhay et al. 2018
    (https://arxiv.org/abs/1710.11063); hires_cam: Draelos & Carin 2020 (https://arxiv.org/abs/2011.08891); by grad-cam,
    on the last layer that has places: the last map of features, or the tokens that go into the last block of a
    transformer. The first two weigh a channel alike everywhere, as a network does that averages its last map; where a
    flat head tells places apart, as in SCADE-Net and Meso-4, hires_cam follows it, exactly for a linear head and to
    first order for others. rollout: `attention_rollout`, which knows no label.

    A map is relative to its own coldest and hottest place: it says where, not how much; and that a place counts, not
    that it was manipulated.

    Args:
        network: A detector's, in eval mode.
        x: What it sees, ``(N, in_chans, S, S)`` in [0, 1].
        part: The part of the network whose maps are asked for, where it has several; see `Family.heat_part`.
        method: How.
        label: 1 asks what speaks for fake, 0 what speaks for real.

    Returns:
        ``(N, S, S) float32`` in [0, 1]; None where the network has no such layer, or no attention.
    """
    if method == "rollout":
        return attention_rollout(network, x, part)
    layer = last_map_layer(network, x[:1], part)
    if layer is None:
        return None
    cams = {"grad_cam": GradCAM, "grad_cam_plus_plus": GradCAMPlusPlus, "hires_cam": HiResCAM}
    target = [BinaryClassifierOutputTarget(label)] * len(x)
    with (
        torch.enable_grad(),
        cams[method](model=network, target_layers=[layer.module], reshape_transform=layer.as_map) as cam,
    ):
        maps = cam(input_tensor=x.clone().requires_grad_(), targets=target)
    return np.nan_to_num(np.asarray(maps, dtype=np.float32))


def attention_rollout(network: nn.Module, x: Tensor, part: str = "") -> Heat | None:
    """Return which patches the last class token is made of, through all layers of attention.

    Abnar & Zuidema 2020 (https://arxiv.org/abs/2005.00928): the mean over heads, half of it what a token keeps of
    itself, multiplied from layer to layer. It knows neither label nor head: where a transformer looks, not why.

    Returns:
        ``(N, S, S) float32`` in [0, 1]; None where the part is no transformer of timm.
    """
    transformer = _transformer(network, part)
    if transformer is None:
        return None
    rollout: Tensor | None = None
    with torch.no_grad():
        for attention in _attention(network, transformer, x):
            own = torch.eye(attention.shape[-1], device=x.device)
            step = (attention.mean(1) + own) / 2
            rollout = step if rollout is None else step @ rollout
    if rollout is None:
        return None
    prefix = int(transformer.num_prefix_tokens)
    seen = rollout[:, 0, prefix:] if prefix else rollout.mean(1)
    grid = seen.reshape(len(x), 1, *transformer.patch_embed.grid_size)
    large = F.interpolate(grid, x.shape[-2:], mode="bilinear")[:, 0]
    low, high = (large.amin((1, 2), keepdim=True), large.amax((1, 2), keepdim=True))
    # attention that is the same everywhere differs by rounding alone
    spread = torch.where(high - low > _ROUNDING * high, high - low, torch.inf)
    return np.asarray(((large - low) / spread).cpu().numpy(), dtype=np.float32)


def last_map_layer(network: nn.Module, x: Tensor, part: str = "") -> MapLayer | None:
    """Return the last layer with places, of a network or of a part of it; None where there is none."""
    transformer = _transformer(network, part)
    if transformer is not None:
        # behind the last block nothing but the class token may count: its patches get no gradient there
        return MapLayer(transformer.blocks[-1].norm1, _token_map(transformer))
    seen: list[nn.Module] = []

    def note(module: nn.Module, _: Any, output: Any) -> None:  # noqa: ANN401 (torch's)
        is_map = isinstance(output, Tensor) and output.ndim == 4
        if is_map and min(output.shape[2:]) >= _LEAST_SIDE and max(output.shape[2:]) <= _MOST_SIDE:
            seen.append(module)

    inside = [module for name, module in network.named_modules() if _is_in(name, part)]
    hooks = [module.register_forward_hook(note) for module in inside if not list(module.children())]
    try:
        with torch.no_grad():
            network(x)
    finally:
        for hook in hooks:
            hook.remove()
    return MapLayer(seen[-1]) if seen else None


def _is_in(name: str, part: str) -> bool:
    return not part or name.split(".")[0] == part


def _transformer(network: nn.Module, part: str) -> Any:  # noqa: ANN401 (timm's)
    """Return the vision transformer of a part, as timm builds them; None where there is none."""
    inside = (module for name, module in network.named_modules() if _is_in(name, part))
    parts_of_timm = ("blocks", "patch_embed", "num_prefix_tokens")
    return next((module for module in inside if all(hasattr(module, name) for name in parts_of_timm)), None)


def _token_map(transformer: Any) -> Callable[[Tensor], Tensor]:  # noqa: ANN401
    def as_map(tokens: Tensor) -> Tensor:
        patches = tokens[:, transformer.num_prefix_tokens :].transpose(1, 2)
        return patches.reshape(*patches.shape[:2], *transformer.patch_embed.grid_size)

    return as_map


def _attention(network: nn.Module, transformer: Any, x: Tensor) -> list[Tensor]:  # noqa: ANN401
    """Return the attention of each block, ``(N, heads, T, T)``, which a fused kernel would not show."""
    seen: list[Tensor] = []
    layers = [block.attn for block in transformer.blocks]
    fused = [layer.fused_attn for layer in layers]
    hooks = [layer.attn_drop.register_forward_hook(lambda _m, _i, output: seen.append(output)) for layer in layers]
    try:
        for layer in layers:
            layer.fused_attn = False
        network(x)
    finally:
        for hook in hooks:
            hook.remove()
        for layer, was_fused in zip(layers, fused, strict=True):
            layer.fused_attn = was_fused
    return seen

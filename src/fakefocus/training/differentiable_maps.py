"""Maps of crops in [0, 1] through which gradients reach the pixels: for attacks, which change both at once.

The values are those of the crops rounded to 8 bits. Gradients pass the rounding as if it were none: the
straight-through estimator (Bengio et al. 2013, https://arxiv.org/abs/1308.3432), which Athalye et al. 2018
(https://arxiv.org/abs/1802.00420) used against defences that have no gradient. Places of edges are constants: whether
a pixel is an edge has no gradient, how blurred it is has one.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from fakefocus.imaging import defocus, gradient_ratio
from fakefocus.parameters import MapSpec
from fakefocus.training.batched_maps import (
    GREY,
    at_peak,
    edge_pixels,
    grey_levels,
    reblurred,
    spread,
    squared_slopes,
    trusted,
)


def differentiable_maps(crops: Tensor, spec: MapSpec, channels: int) -> Tensor:
    """Return the ``channels`` maps of crops, ``(B, K, H, W) float32`` in [0, 1].

    Args:
        crops: ``(B, 3, H, W) float32`` in [0, 1]; H and W multiples of 8 for gradient_ratio.
        spec: The method of the map, and the blur that a value of 1 stands for.
        channels: 1, or 2 with the confidence of gradient_ratio.
    """
    grey = _grey(crops)
    if spec.method == "gradient_ratio":
        return _gradient_ratio(grey, spec.sigma_max)[:, :channels]
    return _edge_variance(grey)


def _grey(crops: Tensor) -> Tensor:
    levels = crops * 255
    smooth = (levels * levels.new_tensor(GREY)[:, None, None]).sum(1, keepdim=True) / (1 << 15)
    rounded = grey_levels(levels.detach().round().clamp(0, 255).to(torch.uint8))
    # the rounded value, the gradient of the smooth one
    return rounded + (smooth - smooth.detach())


def _gradient_ratio(grey: Tensor, sigma_max: float) -> Tensor:
    """Return blur and confidence for grey levels ``(B, 1, H, W)``.

    What `batched_maps.blur_and_confidence` works out for every pixel is worked out for edges alone: they are few, and
    elsewhere slopes of logarithms have no bound.
    """
    soft = reblurred(grey, gradient_ratio.REBLUR)
    softer = reblurred(soft, gradient_ratio.REBLUR_AGAIN)
    half = softer[:, :, ::2, ::2]
    fine = _sums(soft, softer, gradient_ratio.FINE, sigma_max)
    coarse = _sums(half, reblurred(half, gradient_ratio.REBLUR), gradient_ratio.COARSE, sigma_max)
    guide = F.interpolate(soft, scale_factor=1 / gradient_ratio.CELL, mode="bilinear")
    return F.interpolate(spread(guide, fine + coarse, sigma_max), size=grey.shape[2:], mode="bilinear")


def _sums(soft: Tensor, softer: Tensor, scale: gradient_ratio.Scale, sigma_max: float) -> Tensor:
    """Return variance times weight, and weight, of the edges in each cell: ``(B, 2, H / CELL, W / CELL)``."""
    height, width = soft.shape[2:]
    x2, y2 = squared_slopes(soft)
    first, upright = x2 + y2, x2 >= y2
    x2, y2 = squared_slopes(softer)
    second, steeper = x2 + y2, torch.maximum(x2, y2)
    with torch.no_grad():
        edge = edge_pixels(first, second, upright, scale, sigma_max)
    at = edge.flatten().nonzero()[:, 0]
    step = torch.where(upright.flatten()[at], 1, width)
    near = torch.stack([at - step, at, at + step])
    squares = torch.stack([_taken(first, near), _taken(second, near)]) + gradient_ratio.TINY.item()
    ratio, profile = at_peak(*squares.log())
    profile = profile * _taken(steeper, at) / squares[1, 1]
    variance, weight = trusted(_taken(first, at), ratio, profile, scale)
    side = gradient_ratio.CELL // scale.step
    away = side // 2 * step
    cells = torch.cat([_cell_of(place, width, side) for place in (at - away, at + away)])
    weights = torch.stack([weight * variance, weight]).repeat(1, 2)
    sums = weights.new_zeros(2, len(soft) * (height // side) * (width // side)).index_add(1, cells, weights)
    return sums.view(2, len(soft), height // side, width // side).transpose(0, 1)


def _taken(values: Tensor, at: Tensor) -> Tensor:
    return values.flatten().index_select(0, at.flatten()).view(at.shape)


def _cell_of(at: Tensor, width: int, side: int) -> Tensor:
    """Return the flat number of the cell, over all pictures, that flat places are in."""
    rows, columns = at // width, at % width
    # rows of all pictures follow each other, and a picture's height is a multiple of the cells'
    return rows // side * (width // side) + columns // side


def _edge_variance(grey: Tensor) -> Tensor:
    """Return the map of `fakefocus.imaging.defocus.edge_variance` for grey levels ``(B, 1, H, W)``."""
    pictures = grey.detach()[:, 0].to(torch.uint8).cpu().numpy()
    edges = torch.from_numpy(np.stack([defocus.canny_edges(picture) for picture in pictures]))[:, None].to(grey.device)
    side = defocus.WINDOW // 2
    level = grey.double()
    windows = F.pad(level, (side,) * 4, mode="reflect")
    mean = F.avg_pool2d(windows, defocus.WINDOW, 1)
    variance = (F.avg_pool2d(windows * windows, defocus.WINDOW, 1) - mean * mean).clamp_min(0)
    return _stretched(_guided(level, torch.where(edges, 1 / (1 + variance), 0))).float()


def _guided(guide: Tensor, source: Tensor) -> Tensor:
    mean_g, mean = _box(guide), _box(source)
    scatter = _box(guide * guide) - mean_g * mean_g + defocus.GUIDE_EPSILON
    slope = (_box(guide * source) - mean_g * mean) / scatter
    return _box(slope) * guide + _box(mean - slope * mean_g)


def _box(values: Tensor) -> Tensor:
    """Return means over windows; at the border pictures are mirrored, the outermost pixels twice."""
    r = defocus.GUIDE_RADIUS
    wide = torch.cat([values[..., :r].flip(3), values, values[..., -r:].flip(3)], 3)
    high = torch.cat([wide[:, :, :r].flip(2), wide, wide[:, :, -r:].flip(2)], 2)
    return F.avg_pool2d(high, 2 * r + 1, 1)


def _stretched(values: Tensor) -> Tensor:
    low, high = values.amin((1, 2, 3), keepdim=True), values.amax((1, 2, 3), keepdim=True)
    flat = high - low < 1e-8
    return torch.where(flat, 0, (values - low) / torch.where(flat, 1, high - low))

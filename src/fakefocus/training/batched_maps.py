"""The maps of `fakefocus.imaging.gradient_ratio` for a batch, on the device where it is trained."""

from collections.abc import Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor

from fakefocus.imaging import gradient_ratio as single

GREY = (9798, 19235, 3735)
"""Shares of red, green and blue in 2^15, as OpenCV weighs them."""
_LEAST_VARIANCE = 1e-12
"""In squared pixels: the slope of a square root has no bound at 0."""


def gradient_ratio(crops: Tensor, sigma_max: float = 5.0) -> Tensor:
    """Estimate the blur of every pixel from the edges around it, as the function of that name for one crop does.

    Args:
        crops: ``(B, 3, H, W) uint8, RGB``, on any device; H and W multiples of `single.CELL`.
        sigma_max: The blur in pixels of the crop that a value of 1 stands for.

    Returns:
        ``(B, 1, H, W) float32``, in [0, 1], within 1e-3 of the maps made one by one.

    Raises:
        ValueError: If a side is no multiple of a cell's.
    """
    return blur_and_confidence(crops, sigma_max)[:, :1]


@torch.no_grad()
def blur_and_confidence(crops: Tensor, sigma_max: float = 5.0) -> Tensor:
    """Estimate the blur, and how far edges nearby support it: ``(B, 2, H, W) float32`` in [0, 1].

    Both are as the function of that name for one crop gives them; arguments are those of `gradient_ratio`.
    """
    height, width = crops.shape[2:]
    if height % single.CELL or width % single.CELL:
        msg = f"crops: sides must be multiples of {single.CELL} pixels, got {height} x {width}"
        raise ValueError(msg)
    soft = reblurred(grey_levels(crops), single.REBLUR)
    softer = reblurred(soft, single.REBLUR_AGAIN)
    half = softer[:, :, ::2, ::2]
    fine = _sums(soft, softer, single.FINE, sigma_max)
    coarse = _sums(half, reblurred(half, single.REBLUR), single.COARSE, sigma_max)
    guide = F.interpolate(soft, scale_factor=1 / single.CELL, mode="bilinear")
    return F.interpolate(spread(guide, fine + coarse, sigma_max), size=(height, width), mode="bilinear")


def grey_levels(crops: Tensor) -> Tensor:
    """Return the grey levels that OpenCV gives crops ``(B, 3, H, W) uint8``: ``(B, 1, H, W) float32``."""
    shares = torch.tensor(GREY, dtype=torch.int32, device=crops.device)[:, None, None]
    return ((crops.int() * shares).sum(1, keepdim=True) + (1 << 14) >> 15).float()


def reblurred(levels: Tensor, blur: tuple[int, float]) -> Tensor:
    """Blur grey levels ``(B, 1, H, W)`` by so many taps and σ in pixels."""
    taps = single.kernel(*blur).tolist()
    return _separable(levels, taps, taps)


def _separable(levels: Tensor, across: Sequence[float], along: Sequence[float]) -> Tensor:
    """Filter rows and columns, borders mirrored, by sums of shifted levels.

    A convolution of one channel takes four times as long on a processor, and a GPU would round levels to the ten bits
    of TF32, in which edges of one grey level are lost.
    """
    x, y = len(across) // 2, len(along) // 2
    return _filtered(_filtered(F.pad(levels, (x, x, y, y), mode="reflect"), across, 3), along, 2)


def _filtered(levels: Tensor, taps: Sequence[float], axis: int) -> Tensor:
    length = levels.shape[axis] - len(taps) + 1
    return cast("Tensor", sum(tap * levels.narrow(axis, i, length) for i, tap in enumerate(taps) if tap))


def squared_slopes(levels: Tensor) -> tuple[Tensor, Tensor]:
    """Return the squares of what Scharr's operator gives across and along."""
    across, along = (-1.0, 0.0, 1.0), (3.0, 10.0, 3.0)
    return _separable(levels, across, along).square(), _separable(levels, along, across).square()


def _sums(soft: Tensor, softer: Tensor, scale: single.Scale, sigma_max: float) -> Tensor:
    """Return variance times weight, and weight, of the edges in each cell: ``(B, 2, H / CELL, W / CELL)``."""
    x2, y2 = squared_slopes(soft)
    first, upright = x2 + y2, x2 >= y2
    x2, y2 = squared_slopes(softer)
    second = x2 + y2
    edge = edge_pixels(first, second, upright, scale, sigma_max)
    before, after = _beside(first, upright)
    below, above = _beside(second, upright)
    squares = torch.stack([before, first, after, below, second, above]) + single.TINY.item()
    ratio, width = at_peak(*squares.log().split(3))
    width = width * torch.maximum(x2, y2) / squares[4]
    variance, weight = trusted(first, ratio, width, scale)
    weighted = torch.where(edge, torch.cat([weight * variance, weight], 1), 0)
    side = single.CELL // scale.step
    both_sides = _moved(weighted, upright, -side // 2) + _moved(weighted, upright, side // 2)
    return side**2 * F.avg_pool2d(both_sides, side)


def edge_pixels(first: Tensor, second: Tensor, upright: Tensor, scale: single.Scale, sigma_max: float) -> Tensor:
    """Return which pixels are edges, of those that are looked at: ``(B, 1, H, W) bool``.

    Args:
        first: ``(B, 1, H, W)``, squared slopes of the first blur; ``second`` of the second one.
        second: See ``first``.
        upright: Whether a pixel's slope is steeper across than along.
        scale: The scale that the slopes are of.
        sigma_max: The blur in pixels of the crop that a value of 1 stands for.
    """
    before, after = _beside(first, upright)
    lowest, highest = scale.ratios(sigma_max)
    edge = (first >= before) & (first > after) & (first > (single.GRADIENT * single.SCHARR) ** 2)
    edge &= (first > lowest * second) & (first < highest * second) & _looked_at(upright, single.EVERY // scale.step)
    return edge


def _moved(weighted: Tensor, upright: Tensor, by: int) -> Tensor:
    """Move weights across the edge, by pixels: in its row where edges stand upright, else in its column."""
    return torch.where(upright, weighted, 0).roll(by, 3) + torch.where(upright, 0, weighted).roll(by, 2)


def _beside(values: Tensor, upright: Tensor) -> tuple[Tensor, Tensor]:
    """Return the values before and after each pixel: in its row where edges stand upright, else in its column."""
    before = torch.where(upright, values.roll(1, 3), values.roll(1, 2))
    return before, torch.where(upright, values.roll(-1, 3), values.roll(-1, 2))


def _looked_at(upright: Tensor, every: int) -> Tensor:
    rows, columns = (torch.zeros(upright.shape[2:], dtype=torch.bool, device=upright.device) for _ in range(2))
    b = single.BORDER
    rows[b:-b:every, b:-b] = True
    columns[b:-b, b:-b:every] = True
    return (upright & rows) | (~upright & columns)


def at_peak(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Return R and the width of edges, for ``(3, …)`` logarithms of squared slopes before, at and after each."""
    before, middle, after = first
    bend = (2 * middle - before - after).clamp_min(1e-4)
    place = ((after - before) / (2 * bend)).clamp(-0.6, 0.6)
    before, middle, after = first - second
    log_ratio = middle + place / 2 * (after - before + place * (before + after - 2 * middle))
    return log_ratio.exp(), 2 / bend


def trusted(peak: Tensor, ratio: Tensor, width: Tensor, scale: single.Scale) -> tuple[Tensor, Tensor]:
    """Return the variance of the blur of edges of a scale, and their weight."""
    total = scale.more / (ratio - 1).clamp_min(single.LEAST)
    width = width * scale.step**2
    good = (width < single.WIDTH_TOLERANCE * total) & (total < 2 * single.WIDTH_TOLERANCE * width)
    peak = peak / single.SCHARR**2
    weight = good * (peak - single.GRADIENT**2) / ((peak + single.GRADIENT_SOFTNESS) * total.sqrt())
    variance = total - scale.v1 - single.PIXEL
    return variance, weight * _share(variance.clamp_min(0), scale)


def _share(variance: Tensor, scale: single.Scale) -> Tensor:
    odds = (variance + single.FINE.v1) / (variance + single.COARSE.v1)
    share = 1 / (1 + (odds**5 * single.CLARITY).square())
    return share if scale == single.FINE else 1 - share


def spread(guide: Tensor, sums: Tensor, sigma_max: float) -> Tensor:
    """Fill cells between edges: blur and confidence in [0, 1], ``(B, 2, H / CELL, W / CELL)``."""
    total = sums.double().sum((2, 3), keepdim=True)
    mean = (total[:, :1] / total[:, 1:].clamp_min(1e-9)).float()
    blurred, near = _guided(guide, sums).split(1, 1)
    near = near.clamp_min(0)
    squared = (blurred * near + single.FAINT**2 * mean) / (near * near + single.FAINT**2)
    blur = (squared.clamp_min(_LEAST_VARIANCE).sqrt() / sigma_max).clamp_max(1)
    return torch.where(total[:, 1:] > 0, torch.cat([blur, near / (near + single.HALF_SURE)], 1), 0)


def _guided(guide: Tensor, sources: Tensor) -> Tensor:
    g = guide - guide.mean((2, 3), keepdim=True)
    mean_g, mean = _box(g), _box(sources)
    scatter = (_box(g * g) - mean_g * mean_g).clamp_min(0) + single.EPSILON
    slope = (_box(g * sources) - mean_g * mean) / scatter
    return _box(slope) * g + _box(mean - slope * mean_g)


def _box(values: Tensor) -> Tensor:
    r = single.RADIUS
    return F.avg_pool2d(F.pad(values, (r, r, r, r), mode="reflect"), 2 * r + 1, 1)

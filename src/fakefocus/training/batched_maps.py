"""The blur map of `fakefocus.imaging.gradient_ratio` for a batch, on the device where it is trained."""

import torch
import torch.nn.functional as F
from torch import Tensor

from fakefocus.imaging import gradient_ratio as single

_GREY = (9798, 19235, 3735)
"""Shares of red, green and blue in 2^15, as OpenCV weighs them."""


@torch.no_grad()
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
    height, width = crops.shape[2:]
    if height % single.CELL or width % single.CELL:
        msg = f"crops: sides must be multiples of {single.CELL} pixels, got {height} x {width}"
        raise ValueError(msg)
    soft = _reblurred(_grey(crops), single.REBLUR)
    ratio, weight = _edges(soft, sigma_max)
    guide = F.interpolate(soft, scale_factor=1 / single.CELL, mode="bilinear")
    blur = _spread(guide, ratio, weight, sigma_max)
    return F.interpolate(blur, size=(height, width), mode="bilinear")


def _grey(crops: Tensor) -> Tensor:
    shares = torch.tensor(_GREY, dtype=torch.int32, device=crops.device)[:, None, None]
    return ((crops.int() * shares).sum(1, keepdim=True) + (1 << 14) >> 15).float()


def _reblurred(levels: Tensor, blur: tuple[int, float]) -> Tensor:
    line = torch.from_numpy(single.kernel(*blur)).to(levels)
    return _separable(levels, line, line)


def _separable(levels: Tensor, x: Tensor, y: Tensor) -> Tensor:
    padded = F.pad(levels, (len(x) // 2, len(x) // 2, len(y) // 2, len(y) // 2), mode="reflect")
    return F.conv2d(F.conv2d(padded, x.view(1, 1, 1, -1)), y.view(1, 1, -1, 1))


def _squared_slopes(levels: Tensor) -> tuple[Tensor, Tensor]:
    across, along = levels.new_tensor([-0.5, 0, 0.5]), levels.new_tensor([3, 10, 3]) / 16
    return _separable(levels, across, along).square(), _separable(levels, along, across).square()


def _edges(soft: Tensor, sigma_max: float) -> tuple[Tensor, Tensor]:
    """Return R at every pixel and its weight, 0 where there is no edge: ``(B, 1, H, W)``."""
    x2, y2 = _squared_slopes(soft)
    first, upright = x2 + y2, x2 >= y2
    second = torch.add(*_squared_slopes(_reblurred(soft, single.REBLUR_AGAIN)))
    before, after = _beside(first, upright)
    ridge = (first >= before) & (first > after) & (first > single.GRADIENT**2) & _looked_at(upright)
    log_first = (torch.stack([before, first, after]) + single.TINY.item()).log()
    below, above = _beside(second, upright)
    log_second = (torch.stack([below, second, above]) + single.TINY.item()).log()
    ratio, width = _at_peak(log_first, log_second)
    width = width * torch.maximum(x2, y2) / first.clamp_min(1e-12)
    return ratio, torch.where(ridge, _trust(first, ratio, width, sigma_max), 0)


def _beside(values: Tensor, upright: Tensor) -> tuple[Tensor, Tensor]:
    """Return the values before and after each pixel: in its row where edges stand upright, else in its column."""
    before = torch.where(upright, values.roll(1, 3), values.roll(1, 2))
    return before, torch.where(upright, values.roll(-1, 3), values.roll(-1, 2))


def _looked_at(upright: Tensor) -> Tensor:
    rows, columns = (torch.zeros(upright.shape[2:], dtype=torch.bool, device=upright.device) for _ in range(2))
    b = single.BORDER
    rows[b:-b:2, b:-b] = True
    columns[b:-b, b:-b:2] = True
    return torch.where(upright, rows, columns)


def _at_peak(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    before, middle, after = first
    bend = (2 * middle - before - after).clamp_min(1e-4)
    place = ((after - before) / (2 * bend)).clamp(-0.6, 0.6)
    before, middle, after = first - second
    log_ratio = middle + place / 2 * (after - before + place * (before + after - 2 * middle))
    return log_ratio.exp(), 2 / bend


def _trust(peak: Tensor, ratio: Tensor, width: Tensor, sigma_max: float) -> Tensor:
    lowest, highest = single.ratio_bounds(sigma_max)
    drop = ratio.clamp_min(lowest) - 1
    expected = (single.V2 - single.V1) / drop
    good = (ratio > lowest) & (ratio < highest)
    good &= (width < single.WIDTH_TOLERANCE * expected) & (expected < 2 * single.WIDTH_TOLERANCE * width)
    return good * (peak - single.GRADIENT**2) / ((peak + single.GRADIENT_SOFTNESS) * drop.sqrt())


def _spread(guide: Tensor, ratio: Tensor, weight: Tensor, sigma_max: float) -> Tensor:
    sure = torch.where(weight > 0, weight * (ratio - 1), 0)
    variance = torch.where(weight > 0, weight * (single.V2 - single.V1 * ratio), 0) - single.PIXEL * sure
    sums = single.CELL**2 * F.avg_pool2d(torch.cat([variance, sure], 1), single.CELL)
    total = sums.double().sum((2, 3), keepdim=True)
    mean = (total[:, :1] / total[:, 1:].clamp_min(1e-9)).float()
    spread, near = _guided(guide, sums).split(1, 1)
    near = near.clamp_min(0)
    squared = (spread * near + single.FAINT**2 * mean) / (near * near + single.FAINT**2)
    blur = (squared.clamp_min(0).sqrt() / sigma_max).clamp_max(1)
    return torch.where(total[:, 1:] > 0, blur, 0)


def _guided(guide: Tensor, sources: Tensor) -> Tensor:
    g = guide - guide.mean((2, 3), keepdim=True)
    mean_g, mean = _box(g), _box(sources)
    scatter = (_box(g * g) - mean_g * mean_g).clamp_min(0) + single.EPSILON
    slope = (_box(g * sources) - mean_g * mean) / scatter
    return _box(slope) * g + _box(mean - slope * mean_g)


def _box(values: Tensor) -> Tensor:
    r = single.RADIUS
    return F.avg_pool2d(F.pad(values, (r, r, r, r), mode="reflect"), 2 * r + 1, 1)

"""How blurred edges are, in pixels: re-blur them by a known amount and see how much of their gradient is left.

A step edge that was blurred by σ has a Gaussian gradient of variance S = σ² + 1/12, the 1/12 being the
integration of light over a pixel. After a further blur of variance v its peak is proportional to 1 / √(S + v).
Two such blurs, v₁ < v₂, give the ratio of squared peaks R = (S + v₂) / (S + v₁), and S = (v₂ - R v₁) / (R - 1).
Source: Zhuo & Sim, Defocus Map Estimation from a Single Image, 2011, https://doi.org/10.1016/j.patcog.2011.03.009.
The paper takes one of the gradients from the picture itself, v₁ = 0; both are taken from re-blurred pictures here,
since noise is divided otherwise. Nothing is fitted: all constants below follow from the kernels.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

Map = NDArray[np.float32]

REBLUR = (7, 1.2)
"""Taps and σ in pixels of the first re-blur."""
REBLUR_AGAIN = (13, 1.2 * 3**0.5)
"""Taps and σ of the blur after that: together about twice the first."""
PIXEL = 1 / 12
"""Variance of the integration over a pixel in squared pixels; it is no part of the blur."""
SLOPE = 0.344
"""Variance that Scharr's operator adds along an edge's normal: 1/3 to .354, depending on the direction."""
GRADIENT = 1.5
"""Weakest slope of an edge after the first re-blur, in grey levels a pixel: 5 deviations of noise of 2 grey levels."""
GRADIENT_SOFTNESS = 10.0
"""Squared slope beyond ``GRADIENT`` at which an edge has half its confidence."""
WIDTH_TOLERANCE = 1.6
"""Factor by which an edge's width by its profile may differ from that by its ratio: others are lines or corners."""
TINY = np.float32(1e-6)
"""Added to squared slopes before their logarithm is taken."""
BORDER = 3
"""Pixels at the border of a crop where no edge is looked for."""
CELL = 4
"""Side of the cells that confidence and blur are gathered in, in pixels."""
RADIUS = 4
"""Radius of the guided filter in cells."""
EPSILON = 100.0
"""Regulariser of the guided filter: guides that vary by less than 10 grey levels are no edges."""
FAINT = 5e-3
"""Weight of edges in a cell's neighbourhood below which the mean blur of a crop holds."""
HALF_SURE = 0.1
"""Weight of edges in a cell's neighbourhood at which confidence is one half."""


@lru_cache(maxsize=4)
def kernel(taps: int, sigma: float) -> NDArray[np.float32]:
    """Return the kernel of a re-blur, ``(taps,) float32``."""
    return np.asarray(cv2.getGaussianKernel(taps, sigma), dtype=np.float32).ravel()


def _variance(taps: int, sigma: float) -> float:
    """Return the variance of the sampled and truncated kernel, in squared pixels."""
    return float((kernel(taps, sigma) * (np.arange(taps) - taps // 2) ** 2).sum())


V1 = _variance(*REBLUR) + SLOPE
"""Variance that lies between an edge and its first gradient, in squared pixels."""
V2 = V1 + _variance(*REBLUR_AGAIN)
"""The same of the second gradient."""


def ratio_bounds(sigma_max: float) -> tuple[float, float]:
    """Return the smallest and the largest R that count: of 1.3 times the blur of a value of 1, and beyond a step's."""
    return 1 + (V2 - V1) / ((1.3 * sigma_max) ** 2 + PIXEL + V1), 1.15 * V2 / V1


@dataclass(frozen=True)
class Edges:
    """Edge points of a crop: each array is ``(N,)``.

    ``at`` their flat places; ``ratio`` R of squared peaks; ``weight`` how far they are trusted, 0 for outliers;
    ``shape`` that of the crop.
    """

    at: NDArray[np.intp]
    ratio: NDArray[np.float32]
    weight: NDArray[np.float32]
    shape: tuple[int, ...]

    @property
    def sigma(self) -> NDArray[np.float32]:
        """Blur of each edge point by itself in pixels; 0 where it is sharper than an ideal one."""
        total = (V2 - V1 * self.ratio) / np.maximum(self.ratio - 1, 1e-6)
        return np.sqrt(np.maximum(total - PIXEL, 0)).astype(np.float32)


def gradient_ratio(crop: NDArray[np.uint8], sigma_max: float = 5.0) -> Map:
    """Estimate the blur of every pixel from the edges around it.

    Args:
        crop: ``(H, W, 3) uint8, RGB``.
        sigma_max: The blur in pixels of the crop that a value of 1 stands for.

    Returns:
        ``(H, W) float32``, σ / ``sigma_max`` in [0, 1]; all 0 where no edge is found.
    """
    return _enlarged(_spread(*find_edges(_grey(crop), sigma_max), sigma_max)[0], crop.shape)


def blur_and_confidence(crop: NDArray[np.uint8], sigma_max: float = 5.0) -> tuple[Map, Map]:
    """Estimate the blur, and how far edges nearby support it: both ``(H, W) float32`` in [0, 1].

    Where confidence is 0 no edge is near, and the blur is the mean of the crop's edges.
    """
    blur, confidence = _spread(*find_edges(_grey(crop), sigma_max), sigma_max)
    return _enlarged(blur, crop.shape), _enlarged(confidence, crop.shape)


def _grey(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY))


def _enlarged(cells: Map, shape: tuple[int, ...]) -> Map:
    return np.asarray(cv2.resize(cells, (shape[1], shape[0]), interpolation=cv2.INTER_LINEAR))


class _Scratch(threading.local):
    """Arrays that are written over at each call: to get fresh ones from the system costs half as much as computing."""

    def __init__(self) -> None:
        self._planes = np.empty((5, 0, 0), np.float32)

    def __call__(self, shape: tuple[int, ...]) -> Map:
        """Return five planes ``(5, H, W) float32`` that hold anything."""
        if self._planes.shape[1:] != shape:
            self._planes = np.empty((5, *shape), np.float32)
        return self._planes


_scratch = _Scratch()


def find_edges(grey: NDArray[np.uint8] | Map, sigma_max: float) -> tuple[Map, Edges]:
    """Find the edge points of grey levels ``(H, W)``, with the ratio of their gradients.

    Returns:
        The grey levels in cells, ``(H / CELL, W / CELL) float32``, and the edges.
    """
    soft, softer, x, y, slope = _scratch(grey.shape)
    _reblur(grey, REBLUR, soft)
    _take_slopes(soft, x, y)
    np.multiply(x, x, out=x)
    np.multiply(y, y, out=y)
    upright = (x >= y).ravel()
    at = _ridge(np.add(x, y, out=slope).ravel(), upright, grey.shape)
    across = np.where(upright.take(at), 1, grey.shape[1])
    straight = np.maximum(x.take(at), y.take(at))
    _reblur(soft, REBLUR_AGAIN, softer)
    _take_slopes(softer, x, y)
    near = np.stack([at - across, at, at + across])
    first, second = slope.take(near), np.square(x.take(near)) + np.square(y.take(near))
    ratio, width = _at_peak(np.log(first + TINY), np.log(second + TINY))
    peak = first[1]
    return _in_cells(soft), Edges(at, ratio, _trust(peak, ratio, width * straight / peak, sigma_max), grey.shape)


def _reblur(levels: NDArray[np.uint8] | Map, blur: tuple[int, float], out: Map) -> None:
    line = kernel(*blur)
    cv2.sepFilter2D(levels, cv2.CV_32F, line, line, dst=out)


def _take_slopes(levels: Map, x: Map, y: Map) -> None:
    cv2.Scharr(levels, cv2.CV_32F, 1, 0, dst=x, scale=1 / 32)
    cv2.Scharr(levels, cv2.CV_32F, 0, 1, dst=y, scale=1 / 32)


def _in_cells(soft: Map) -> Map:
    size = -(-soft.shape[1] // CELL), -(-soft.shape[0] // CELL)
    return np.asarray(cv2.resize(soft, size, interpolation=cv2.INTER_LINEAR))


def _ridge(slope: Map, upright: NDArray[np.bool_], shape: tuple[int, ...]) -> NDArray[np.intp]:
    """Return where the squared slope, flat, is a maximum across the edge: in every second row or column."""
    width, count = shape[1], len(slope)
    here = slice(width, count - width)
    centre = slope[here]
    # rows run into each other at the border, which is left out
    along_rows = (centre >= slope[width - 1 : count - width - 1]) & (centre > slope[width + 1 : count - width + 1])
    along_columns = (centre >= slope[: count - 2 * width]) & (centre > slope[2 * width :])
    upright, (rows, columns) = upright[here], _looked_at(shape)
    along_rows &= upright & rows[here]
    along_columns &= ~upright & columns[here]
    return np.flatnonzero((along_rows | along_columns) & (centre > GRADIENT**2)) + width


@lru_cache(maxsize=4)
def _looked_at(shape: tuple[int, ...]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Mark the places, flat, where edges that cross a row and a column are looked for.

    The first re-blur makes neighbours along an edge nearly equal: every second one says as much.
    """
    rows, columns = np.zeros(shape, bool), np.zeros(shape, bool)
    rows[BORDER:-BORDER:2, BORDER:-BORDER] = True
    columns[BORDER:-BORDER, BORDER:-BORDER:2] = True
    return rows.ravel(), columns.ravel()


@lru_cache(maxsize=4)
def _cells(shape: tuple[int, ...]) -> NDArray[np.intp]:
    """Return the flat number of the cell that each place is in, flat."""
    rows, columns = np.arange(shape[0]) // CELL, np.arange(shape[1]) // CELL
    return (rows[:, None] * (columns[-1] + 1) + columns).ravel()


def _at_peak(first: Map, second: Map) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return R where the first gradient peaks between pixels, and the variance of its profile along the axis.

    Both are ``(3, N)``, logarithms of squared slopes before, at and after the pixel: a Gaussian's logarithm is a
    parabola, so three samples along a row or a column give its peak exactly.
    """
    before, middle, after = first
    bend = np.maximum(2 * middle - before - after, np.float32(1e-4))
    place = (after - before) / (2 * bend)
    place = np.minimum(np.maximum(place, np.float32(-0.6)), np.float32(0.6))
    before, middle, after = first - second
    log_ratio = middle + place / 2 * (after - before + place * (before + after - 2 * middle))
    return np.exp(log_ratio), 2 / bend


def _trust(
    peak: NDArray[np.float32], ratio: NDArray[np.float32], width: NDArray[np.float32], sigma_max: float
) -> NDArray[np.float32]:
    """Return the weight of edge points: 0 for impossible ratios and for profiles of other widths than the ratio's."""
    lowest, highest = ratio_bounds(sigma_max)
    drop = np.maximum(ratio, lowest) - 1
    expected = (V2 - V1) / drop
    good = (ratio > lowest) & (ratio < highest)
    good &= (width < WIDTH_TOLERANCE * expected) & (expected < 2 * WIDTH_TOLERANCE * width)
    return good * (peak - GRADIENT**2) / ((peak + GRADIENT_SOFTNESS) * np.sqrt(drop))


def _spread(guide: Map, edges: Edges, sigma_max: float) -> tuple[Map, Map]:
    """Fill cells between edges by a guided filter of numerator and weight alike: blur and confidence in [0, 1]."""
    cell = _cells(edges.shape).take(edges.at)
    # S = (v₂ - R v₁) / (R - 1): averaged before the division, where noise is symmetric
    weight = edges.weight * (edges.ratio - 1)
    variance = edges.weight * (V2 - V1 * edges.ratio) - PIXEL * weight
    total = float(weight.sum(dtype=np.float64))
    if total <= 0:
        return np.zeros_like(guide), np.zeros_like(guide)
    sums = [np.bincount(cell, v, guide.size).reshape(guide.shape).astype(np.float32) for v in (variance, weight)]
    spread, near = _guided(guide, sums)
    # a guided filter also extrapolates, to below 0: there the mean holds
    near = np.maximum(near, 0)
    mean = FAINT**2 * float(variance.sum(dtype=np.float64)) / total
    squared = (spread * near + mean) / (near * near + FAINT**2)
    blur = np.sqrt(np.maximum(squared, 0)) / np.float32(sigma_max)
    return np.minimum(blur, 1), near / (near + HALF_SURE)


def _guided(guide: Map, sources: Sequence[Map]) -> list[Map]:
    """Filter each source along the edges of the guide (He et al. 2013), which is looked at once."""
    g = guide - np.float32(cv2.mean(guide)[0])
    mean_g = _box(g)
    scatter = np.maximum(_box(g * g) - mean_g * mean_g, 0) + np.float32(EPSILON)
    filtered = []
    for source in sources:
        mean = _box(source)
        slope = ((_box(g * source) - mean_g * mean) / scatter).astype(np.float32, copy=False)
        filtered.append(_box(slope) * g + _box(mean - slope * mean_g))
    return filtered


def _box(values: Map) -> Map:
    side = 2 * RADIUS + 1
    return np.asarray(cv2.boxFilter(values, -1, (side, side)))

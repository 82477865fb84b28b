"""How blurred edges are, in pixels: re-blur them by a known amount and see how much of their gradient is left.

A step edge that was blurred by σ has a Gaussian gradient of variance S = σ² + 1/12, the 1/12 being the
integration of light over a pixel. After a further blur of variance v its peak is proportional to 1 / √(S + v).
Two such blurs, v₁ < v₂, give the ratio of squared peaks R = (S + v₂) / (S + v₁), and S = (v₂ - R v₁) / (R - 1).
Source: Zhuo & Sim, Defocus Map Estimation from a Single Image, 2011, https://doi.org/10.1016/j.patcog.2011.03.009.
The paper takes one of the gradients from the picture itself, v₁ = 0; both are taken from re-blurred pictures here,
since noise is divided otherwise. That is done twice, in the picture and in its half: noise bends what small blurs
say of wide edges, and large blurs mix sharp edges with their neighbours. Variances and shares follow from the
kernels; kernels, cells and windows were chosen by the error on seeds 0 to 2 of `benchmarks.defocus_truth`.
"""

import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Map = NDArray[np.float32]

REBLUR = (7, 1.2)
"""Taps and σ in pixels of the first re-blur, and of the last one, in pixels of the half picture."""
REBLUR_AGAIN = (9, 1.5)
"""Taps and σ in pixels of the blur between them: enough for the picture to be halved."""
PIXEL = 1 / 12
"""Variance of the integration over a pixel in squared pixels; it is no part of the blur."""
SLOPE = 0.344
"""Variance that Scharr's operator adds along an edge's normal: 1/3 to .354, depending on the direction."""
SCHARR = 32
"""Scharr's operator gives that many times the slope; to scale its results would take as long as itself."""
GRADIENT = 1.5
"""Weakest slope of an edge, in grey levels a pixel of its scale: 5 deviations of noise of 2 grey levels."""
GRADIENT_SOFTNESS = 10.0
"""Squared slope beyond ``GRADIENT`` at which an edge has half its confidence."""
WIDTH_TOLERANCE = 1.6
"""Factor by which an edge's width by its profile may differ from that by its ratio: others are lines or corners."""
TINY = np.float32(1e-3)
"""Added to squared results of Scharr's operator before their logarithm is taken."""
LEAST = 1e-3
"""Smallest R - 1 that is divided by."""
BORDER = 4
"""Pixels at the border of a picture where no edge is looked for: at least half a cell, as edges count on both sides."""
EVERY = 8
"""Edges are looked for in rows and columns of the crop that many pixels apart: blur makes neighbours nearly equal."""
CELL = 8
"""Side of the cells that confidence and blur are gathered in, in pixels."""
RADIUS = 1
"""Radius of the guided filter in cells."""
EPSILON = 100.0
"""Regulariser of the guided filter: guides that vary by less than 10 grey levels are no edges."""
FAINT = 0.01
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


@dataclass(frozen=True)
class Scale:
    """A picture that edges are looked for in, and what lies between an edge and its two gradients there."""

    step: int
    """Pixels of the crop from one of its pixels to the next."""
    v1: float
    """Variance up to the first gradient, in squared pixels of the crop."""
    more: float
    """Variance from there to the second gradient."""

    def ratios(self, sigma_max: float) -> tuple[float, float]:
        """Return the least and the largest R that count: of 1.3 times the blur of a value of 1, and beyond a step's."""
        return 1 + self.more / ((1.3 * sigma_max) ** 2 + PIXEL + self.v1), 1.15 * (1 + self.more / self.v1)


_FIRST, _SECOND = _variance(*REBLUR), _variance(*REBLUR_AGAIN)
FINE = Scale(1, _FIRST + SLOPE, _SECOND)
"""The crop."""
COARSE = Scale(2, _FIRST + _SECOND + 4 * SLOPE, 4 * _FIRST)
"""Every second pixel of it, after both blurs."""
CLARITY = ((COARSE.more * COARSE.v1) / (FINE.more * FINE.v1)) ** 2
"""White noise gives S a variance proportional to (S + v₁)⁵ / (more v₁)²: the second factor, of both scales."""
_OF_SCALES = np.array([[s.v1, s.more, s.step**2] for s in (FINE, COARSE)], np.float32).T
_BESIDE = np.array([[-1], [0], [1]])
_SOFTER = 2
"""The plane that what is blurred again is left in."""


@dataclass(frozen=True)
class Edges:
    """Edge points of a crop: each array is ``(N,)``.

    ``at`` their flat places, ``across`` how far the next one across the edge is; ``variance`` of their blur in squared
    pixels, less than 0 where one is sharper than an ideal one; ``weight`` how far they are trusted, 0 for outliers;
    ``shape`` that of the crop.
    """

    at: NDArray[np.intp]
    across: NDArray[np.intp]
    variance: NDArray[np.float32]
    weight: NDArray[np.float32]
    shape: tuple[int, ...]

    @property
    def sigma(self) -> NDArray[np.float32]:
        """Blur of each edge point by itself in pixels."""
        return np.sqrt(np.maximum(self.variance, 0))


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
        self._planes: dict[Scale, list[Map]] = {}

    def __call__(self, shape: tuple[int, ...], scale: Scale) -> list[Map]:
        """Return four planes ``(H, W) float32`` that hold anything, the same for a scale."""
        planes = self._planes.get(scale)
        if planes is None or planes[0].shape != shape:
            size = shape[0] * shape[1]
            # planes a multiple of 4 KiB apart would hinder each other in the processor's cache
            planes = [plane[:size].reshape(shape) for plane in np.empty((4, size + 272), np.float32)]
            self._planes[scale] = planes
        return planes


_scratch = _Scratch()


def find_edges(grey: NDArray[np.uint8] | Map, sigma_max: float) -> tuple[Map, Edges]:
    """Find the edge points of grey levels ``(H, W)``, with the variance of their blur.

    Returns:
        The grey levels in cells, ``(H / CELL, W / CELL) float32``, and the edges.
    """
    planes = _scratch(grey.shape, FINE)
    _reblur(grey, REBLUR, planes[0])
    guide = _in_cells(planes[0])
    fine = _profiles(FINE, planes, REBLUR_AGAIN, sigma_max)
    half = planes[_SOFTER][::2, ::2]
    planes = _scratch(half.shape, COARSE)
    np.copyto(planes[0], half)
    coarse = _profiles(COARSE, planes, REBLUR, sigma_max)
    upright = np.concatenate([fine.upright, coarse.upright])
    across = grey.shape[1] - (grey.shape[1] - 1) * upright
    at = np.concatenate([fine.at, _places(grey.shape, COARSE.step).take(coarse.at)])
    ratio, width = _at_peak(np.log(np.concatenate([fine.squares, coarse.squares], axis=2)))
    width *= np.concatenate([fine.straight, coarse.straight])
    peak = np.concatenate([fine.squares[0, 1], coarse.squares[0, 1]])
    return guide, Edges(at, across, *_trusted(peak, ratio, width, len(fine.at)), grey.shape)


def _reblur(levels: NDArray[np.uint8] | Map, blur: tuple[int, float], out: Map) -> Map:
    line = kernel(*blur)
    return np.asarray(cv2.sepFilter2D(levels, cv2.CV_32F, line, line, dst=out))


def _take_slopes(levels: Map, x: Map, y: Map) -> None:
    cv2.Scharr(levels, cv2.CV_32F, 1, 0, dst=x)
    cv2.Scharr(levels, cv2.CV_32F, 0, 1, dst=y)


def _in_cells(soft: Map) -> Map:
    size = -(-soft.shape[1] // CELL), -(-soft.shape[0] // CELL)
    return np.asarray(cv2.resize(soft, size, interpolation=cv2.INTER_LINEAR))


@dataclass(frozen=True)
class _Profiles:
    """Edge points of one scale: ``at`` flat places there, ``upright`` whether each is on a row, not on a column.

    ``squares`` ``(2, 3, N)``, squared slopes of both gradients before, at and after each point; ``straight`` how much
    of the slope lies along the row or column that they are taken from.
    """

    at: NDArray[np.intp]
    upright: NDArray[np.bool_]
    squares: Map
    straight: Map


def _profiles(scale: Scale, planes: list[Map], blur: tuple[int, float], sigma_max: float) -> _Profiles:
    """Return the profiles of the edges in the first plane. All planes are written over."""
    soft, x, y, spare = planes
    every = EVERY // scale.step
    lines = _lines_of(soft.shape, every)
    _take_slopes(soft, x, y)
    x2, y2 = np.square(_along(x, every)), np.square(_along(y, every))
    slope = x2 + y2
    on = _ridges(slope, (x2 >= y2).view(np.uint8) == lines.kind)
    softer = _reblur(soft, blur, planes[_SOFTER])
    x, y = soft, spare
    _take_slopes(softer, x, y)
    at, peak = lines.places.take(on), slope.take(on)
    second = np.square(x.take(at)) + np.square(y.take(at))
    lowest, highest = scale.ratios(sigma_max)
    possible = np.flatnonzero((peak > lowest * second) & (peak < highest * second))
    on, at = on.take(possible), at.take(possible)
    near = at + lines.steps.take(on) * _BESIDE
    upright = lines.steps.take(on) == 1
    x2, y2 = np.square(x.take(near)), np.square(y.take(near))
    squares = np.empty((2, *near.shape), np.float32)
    np.add(slope.take(on + _BESIDE), TINY, out=squares[0])
    np.add(x2 + y2, TINY, out=squares[1])
    return _Profiles(at, upright, squares, np.maximum(x2[1], y2[1]) / squares[1, 1])


def _ridges(slope: Map, across: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return where on the lines the squared slope is a maximum."""
    # a maximum is where a fall begins; lines run into each other outside of what is looked at
    falls = slope[:-1] > slope[1:]
    ridge = falls[1:] > falls[:-1]
    ridge &= across[1:-1]
    ridge &= slope[1:-1] > (GRADIENT * SCHARR) ** 2
    # of two neighbours one at most is a maximum: half as many are gone through
    pairs = 2 * np.flatnonzero(ridge[: len(ridge) // 2 * 2].view(np.uint16) != 0)
    return pairs + (2 - ridge.take(pairs))


def _along(values: NDArray[Any], every: int) -> NDArray[Any]:
    """Return some rows of ``(H, W)`` and after them some columns, flat."""
    rows, columns = values[BORDER:-BORDER:every], values[:, BORDER:-BORDER:every]
    lines = np.empty(rows.size + columns.size, values.dtype)
    lines[: rows.size].reshape(rows.shape)[:] = rows
    if columns.size:
        cv2.transpose(np.ascontiguousarray(columns), dst=lines[rows.size :].reshape(columns.shape[::-1]))
    return lines


@dataclass(frozen=True)
class _Lines:
    """What is known of each place of the lines.

    ``kind`` of edges that are looked for: 1 upright ones, in rows, 0 others, in columns, 2 none, at the border;
    ``places`` flat places; ``steps`` from one of them to the next.
    """

    kind: NDArray[np.uint8]
    places: NDArray[np.intp]
    steps: NDArray[np.intp]


@lru_cache(maxsize=8)
def _lines_of(shape: tuple[int, ...], every: int) -> _Lines:
    places = _along(np.arange(shape[0] * shape[1], dtype=np.int32).reshape(shape), every).astype(np.intp)
    in_rows = np.arange(len(places)) < shape[1] * len(range(BORDER, shape[0] - BORDER, every))
    inside = np.zeros(shape, np.uint8)
    inside[BORDER:-BORDER, BORDER:-BORDER] = 1
    kind = np.where(_along(inside, every) == 1, in_rows, 2).astype(np.uint8)
    return _Lines(kind, places, np.where(in_rows, 1, shape[1]))


@lru_cache(maxsize=8)
def _places(shape: tuple[int, ...], step: int) -> NDArray[np.intp]:
    """Return the flat places of each pixel of a picture that was made smaller, flat."""
    return np.arange(shape[0] * shape[1]).reshape(shape)[::step, ::step].ravel()


@lru_cache(maxsize=4)
def _cells(shape: tuple[int, ...]) -> NDArray[np.intp]:
    """Return the flat number of the cell that each place is in, flat."""
    rows, columns = np.arange(shape[0]) // CELL, np.arange(shape[1]) // CELL
    return (rows[:, None] * (columns[-1] + 1) + columns).ravel()


def _at_peak(logs: Map) -> tuple[Map, Map]:
    """Return R where the first gradient peaks between pixels, and the variance of its profile along the axis.

    ``logs`` ``(2, 3, N)`` are logarithms of squared slopes before, at and after the pixel: a Gaussian's logarithm is a
    parabola, so three samples along a row or a column give its peak exactly.
    """
    before, middle, after = logs[0]
    bend = np.maximum(2 * middle - before - after, np.float32(1e-4))
    place = (after - before) / (2 * bend)
    place = np.minimum(np.maximum(place, np.float32(-0.6)), np.float32(0.6))
    before, middle, after = logs[0] - logs[1]
    log_ratio = middle + place / 2 * (after - before + place * (before + after - 2 * middle))
    return np.exp(log_ratio), 2 / bend


def _trusted(peak: Map, ratio: Map, width: Map, fine: int) -> tuple[Map, Map]:
    """Return the variance of the blur of edge points and their weight, 0 for profiles of other widths than the ratio's.

    The first ``fine`` points are those of the fine scale. ``peak`` are squared results of Scharr's operator, ``width``
    variances of profiles in squared pixels of the scale.
    """
    v1, more, area = np.repeat(_OF_SCALES, (fine, len(peak) - fine), axis=1)
    total = more / np.maximum(ratio - 1, np.float32(LEAST))
    width = width * area
    good = (width < WIDTH_TOLERANCE * total) & (total < 2 * WIDTH_TOLERANCE * width)
    peak = peak * np.float32(SCHARR**-2)
    weight = good * (peak - GRADIENT**2) / ((peak + GRADIENT_SOFTNESS) * np.sqrt(total))
    variance = total - v1 - np.float32(PIXEL)
    return variance, weight * _share(np.maximum(variance, 0), fine)


def _share(variance: Map, fine: int) -> Map:
    """Return the share of a point's scale in what both scales say of such an edge.

    Noise moves ridges to where the slope is too large, so estimates are off to one side, by as much as their variance:
    shares are as the inverse of its square.
    """
    odds = (variance + np.float32(FINE.v1)) / (variance + np.float32(COARSE.v1))
    # a power of 5 takes ten times as long as three products
    odds = np.square(np.square(np.square(odds)) * odds * np.float32(CLARITY))
    share: Map = np.divide(1, 1 + odds, dtype=np.float32)
    share[fine:] = 1 - share[fine:]
    return share


def _spread(guide: Map, edges: Edges, sigma_max: float) -> tuple[Map, Map]:
    """Fill cells between edges by a guided filter of numerator and weight alike: blur and confidence in [0, 1]."""
    # on both sides: a filter that follows edges would keep an edge's blur on the one where its cell lies
    away = CELL // 2 * edges.across
    cell = _cells(edges.shape).take(np.concatenate([edges.at - away, edges.at + away]))
    weights = np.stack([edges.weight * edges.variance, edges.weight])
    sums = [np.bincount(cell, both, guide.size) for both in np.concatenate([weights, weights], axis=1)]
    sources = np.stack(sums, axis=1).reshape(*guide.shape, 2).astype(np.float32)
    variance, weight = cv2.sumElems(sources)[:2]
    if weight <= 0:
        return np.zeros_like(guide), np.zeros_like(guide)
    mean = FAINT**2 * variance / weight
    filtered = _guided(guide, sources)
    spread, near = filtered[..., 0], filtered[..., 1]
    # a guided filter also extrapolates, to below 0: there the mean holds
    near = np.maximum(near, 0)
    squared = (spread * near + mean) / (near * near + FAINT**2)
    blur = np.sqrt(np.maximum(squared, 0)) / np.float32(sigma_max)
    return np.minimum(blur, 1), near / (near + HALF_SURE)


def _guided(guide: Map, sources: Map) -> Map:
    """Filter both sources ``(H, W, 2)`` along the edges of the guide (He et al. 2013)."""
    centred = guide - np.float32(cv2.mean(guide)[0])
    g: Map = np.repeat(centred[..., None], 2, axis=2)
    mean_g, mean = _box(g), _box(sources)
    scatter = np.maximum(_box(g * g) - mean_g * mean_g, 0) + np.float32(EPSILON)
    slope = np.divide(_box(g * sources) - mean_g * mean, scatter, dtype=np.float32)
    return np.asarray(_box(slope) * g + _box(np.subtract(mean, slope * mean_g, dtype=np.float32)))


def _box(values: Map) -> Map:
    side = 2 * RADIUS + 1
    return np.asarray(cv2.boxFilter(values, -1, (side, side)))

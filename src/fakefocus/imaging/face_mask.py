"""Where a face lies in a picture: 68 points of it, from five if need be, and hulls over its parts."""

from functools import lru_cache
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from fakefocus.imaging.alignment import TEMPLATE, similarity

Points = NDArray[np.float64]
_Float = TypeVar("_Float", bound=np.floating)

HULLS = ("dfl_full", "components", "extended", "facehull")
"""Kinds of hull: jaw with mouth, ridge of the nose and brows; eight parts; these with higher brows; all in one."""
REGIONS = ("mouth", "lower_face", "nose", "eyes")
"""Hulls of a part of a face, which leave its outline alone."""

_CHIN = 1.90
_JAW_HALF_WIDTH = 1.04
_JAW_TOP = -0.05
_JAW_SQUARENESS = 2.4
"""Exponent of the superellipse |x|ⁿ + |y|ⁿ = 1 whose lower half the jaw is; 2 is an ellipse."""
_MOUTH = (0.414, 1.154)
_NOSE_TIP = 0.568
"""Proportions in distances between the eyes, from the middle between them, x to the right and y down.

Corners of the mouth and tip of the nose stand where ``alignment.TEMPLATE`` has them; the others are set by eye
over faces seen from the front."""

_JAW, _BROWS, _NOSE, _EYES, _LIPS = range(17), range(17, 27), range(27, 36), range(36, 48), range(48, 68)
_FULL = ([*_JAW, *_LIPS], [*range(27, 31), 33], [*_BROWS, *_EYES])
_PARTS = (
    *([*range(9), 17], [*range(8, 17), 26]),  # both sides of the jaw
    *([2, 3, 4, 31, 36, 40, 41, 48], [12, 13, 14, 35, 45, 46, 47, 54]),  # cheeks
    *([*range(17, 22), *range(36, 42), 27, 29, 31], [*range(22, 27), *range(42, 48), 27, 29, 35]),  # eyes
    [21, 22, *_NOSE],
    [*range(31, 36), *_LIPS, 6, 7, 8, 9, 10],  # mouth and chin
)
_REGIONS = {
    "mouth": ([*_LIPS, 6, 10, 31, 35],),
    "lower_face": ([*range(3, 14), *range(31, 36), *_LIPS],),
    "nose": ([21, 22, *_NOSE],),
    "eyes": ([*range(17, 22), *range(36, 42), 29], [*range(22, 27), *range(42, 48), 29]),
}
_LIDS = ([36], [37], [37, 38], [38], [39], [42], [43], [43, 44], [44], [45])
"""Points of the eye, to be averaged, that lie below each of the ten points of the brows."""


def face_points(landmarks: NDArray[np.floating]) -> Points:
    """Return 68 points of a face in the order of iBUG (Sagonas et al., 300 Faces in-the-Wild, 2013).

    Their order: https://ibug.doc.ic.ac.uk/resources/facial-point-annotations/. Five landmarks carry a mean face,
    half by their nearest similarity and half by their nearest affine map: the one alone does not narrow a face
    that is turned away, the other alone takes a smile for a short face.

    Args:
        landmarks: ``(68, 2)``, or ``(5, 2)`` in the order of ``alignment.TEMPLATE``; x and y in pixels.

    Returns:
        ``(68, 2) float64``, x and y in pixels.

    Raises:
        ValueError: If there are other numbers of landmarks, some are not finite, or they coincide or lie on a line.
    """
    points = np.array(landmarks, dtype=np.float64)
    _check(points)
    if len(points) != len(TEMPLATE):
        return points
    homogeneous = np.column_stack([TEMPLATE, np.ones(len(TEMPLATE))])
    affine = np.linalg.lstsq(homogeneous, points, rcond=None)[0].T
    matrix = (affine + similarity(TEMPLATE, points)) / 2
    return np.asarray(mean_face() @ matrix[:, :2].T + matrix[:, 2])


def five_points(points: NDArray[_Float]) -> NDArray[_Float]:
    """Return eyes, tip of the nose and corners of the mouth, ``(5, 2)`` as in ``TEMPLATE``, of 68 points."""
    eyes = points[_EYES.start : _EYES.stop].reshape(2, 6, 2).mean(axis=1)
    return np.concatenate([eyes, points[[30, 48, 54]]])


def hulls(points: Points, kind: str) -> list[Points]:
    """Return the convex polygons, ``(N, 2)`` each, whose union is the hull of that kind.

    The kinds are those of Face X-ray (Li et al. 2020, https://arxiv.org/abs/1912.13458) as self-blending uses
    them, and `REGIONS`; which points make the parts is our own choice.

    Args:
        points: ``(68, 2)``, x and y in pixels.
        kind: One of `HULLS` or `REGIONS`.
    """
    if kind == "extended":
        points = _with_high_brows(points)
    groups = ({"dfl_full": _FULL, "facehull": ([*range(68)],)} | _REGIONS).get(kind, _PARTS)
    return [np.asarray(cv2.convexHull(points[group].astype(np.float32))[:, 0], dtype=np.float64) for group in groups]


def fill(polygons: list[Points], shape: tuple[int, int]) -> NDArray[np.float32]:
    """Draw convex polygons, in pixels, into ``(H, W) float32``: 1 inside, 0 outside; they may cross the border."""
    drawn = np.zeros(shape, np.float32)
    for polygon in polygons:
        # 4 fractional bits
        cv2.fillConvexPoly(drawn, np.round(polygon * 16).astype(np.int32), 1.0, shift=4)
    return drawn


@lru_cache(maxsize=1)
def mean_face() -> Points:
    """Return the 68 points of a mean face, ``(68, 2)``, whose `five_points` meet ``alignment.TEMPLATE``.

    Fractions of the side of a crop without margin. Drawn from simple curves: a superellipse is the jaw, arcs the
    brows, ellipses the eyes and lips.
    """
    left = _proportions()
    matrix = similarity(five_points(left), TEMPLATE)
    placed = left @ matrix[:, :2].T + matrix[:, 2]
    placed.flags.writeable = False  # one array for all callers
    return placed


def _proportions() -> Points:
    brow, ridge = _brow(), np.linspace((0.0, 0.02), (0.0, _NOSE_TIP), 4)
    nostrils = np.array([(-0.27, 0.74), (-0.14, 0.79), (0.0, 0.82), (0.14, 0.79), (0.27, 0.74)])
    eye = _ellipse((-0.5, 0.0), (0.26, 0.09), 6)
    # of the other eye the inner corner comes first
    other = (eye * (-1, 1))[[3, 2, 1, 0, 5, 4]]
    lips = _ellipse((0.0, _MOUTH[1]), (_MOUTH[0], 0.2), 12), _ellipse((0.0, _MOUTH[1]), (0.8 * _MOUTH[0], 0.05), 8)
    return np.concatenate([_jaw(), brow, brow[::-1] * (-1, 1), ridge, nostrils, eye, other, *lips])


def _jaw() -> Points:
    angle = np.linspace(np.pi, 0, 17)
    x, y = (np.sign(v) * np.abs(v) ** (2 / _JAW_SQUARENESS) for v in (np.cos(angle), np.sin(angle)))
    return np.column_stack([_JAW_HALF_WIDTH * x, _JAW_TOP + (_CHIN - _JAW_TOP) * y])


def _brow() -> Points:
    """Return the image-left brow, ``(5, 2)`` from its outer to its inner end: an arc."""
    x = np.linspace(-0.88, -0.2, 5)
    return np.column_stack([x, -0.4 + 0.9 * (x + 0.5) ** 2])


def _ellipse(centre: tuple[float, float], radii: tuple[float, float], count: int) -> Points:
    """Return points of an ellipse, ``(count, 2)``, clockwise on the screen, its image-left end first."""
    angle = np.pi + np.arange(count) * 2 * np.pi / count
    return np.array(centre) + np.column_stack([np.cos(angle), np.sin(angle)]) * radii


def _with_high_brows(points: Points) -> Points:
    """Push the brows away from the eyes by half the gap between them."""
    lids = np.stack([points[lid].mean(axis=0) for lid in _LIDS])
    pushed = points.copy()
    pushed[_BROWS] += (points[_BROWS] - lids) / 2
    return pushed


def _check(points: Points) -> None:
    if points.shape not in {(5, 2), (68, 2)}:
        msg = f"landmarks: must be of shape (5, 2) or (68, 2), got {points.shape}"
        raise ValueError(msg)
    broken = np.flatnonzero(~np.isfinite(points).all(axis=1))
    if len(broken):
        x, y = points[broken[0]]
        msg = f"landmarks: must be finite, got ({x}, {y}) for point {broken[0]}; leave out faces without landmarks"
        raise ValueError(msg)
    wide, narrow = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
    if wide < 1e-3:
        msg = f"landmarks: must differ, got {len(points)} points at ({points[0, 0]:g}, {points[0, 1]:g})"
        raise ValueError(msg)
    if narrow < 1e-3 * wide:
        msg = f"landmarks: must not lie on a line, got {len(points)} points {narrow:.2g} pixels off one"
        raise ValueError(msg)

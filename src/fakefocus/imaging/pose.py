"""Where a face looks, estimated from its five landmarks."""

from math import asin, atan2, degrees
from math import cos as cosine
from math import sin as sine
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

HEAD = np.array(
    [[-31.5, -32.5, -26.0], [31.5, -32.5, -26.0], [0.0, 0.0, 0.0], [-25.0, 36.0, -22.0], [25.0, 36.0, -22.0]]
)
"""Eyes, tip of the nose and corners of the mouth of a mean adult head in mm: x to the right of the picture, y
down, z towards the camera. Distances between pupils (63 mm) and of the mouth's corners (50 mm) after Farkas,
Anthropometry of the Head and Face, 1994."""
_FIT = np.linalg.pinv(HEAD - HEAD.mean(axis=0))
"""Landmarks to the two rows of their projection, by least squares."""


class Pose(NamedTuple):
    """Turn of a head in degrees: 0, 0, 0 looks into the camera upright.

    ``yaw`` grows as the nose moves to the right of the picture, ``pitch`` as it moves down, ``roll`` as the head
    tilts clockwise.
    """

    yaw: float
    pitch: float
    roll: float


def estimate_pose(landmarks: NDArray[np.floating]) -> Pose:
    """Fit a mean head to landmarks ``(5, 2)`` under scaled orthographic projection.

    The two rows of the projection are found by least squares and brought to the nearest scaled rotation
    (DeMenthon and Davis, Model-based object pose in 25 lines of code, 1995, https://doi.org/10.1007/BF01450852).
    Five points of a mean head tell turns of tens of degrees apart, not single degrees; a smile, which lifts the
    corners of the mouth, adds up to 25 degrees of pitch.
    """
    rows = (_FIT @ (landmarks - landmarks.mean(axis=0))).T
    left, _, right = np.linalg.svd(rows, full_matrices=False)
    (x1, x2, side), (y1, y2, down) = (left @ right).tolist()
    near = x1 * y2 - x2 * y1  # with side and down: where the tip of the nose points
    roll = atan2(y1, x1)
    cos, sin = cosine(roll), sine(roll)
    yaw, pitch = atan2(cos * side + sin * down, near), asin(min(max(cos * down - sin * side, -1.0), 1.0))
    return Pose(degrees(yaw), degrees(pitch), degrees(roll))

"""Where a face looks, estimated from its five landmarks."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

HEAD = np.array(
    [[-31.5, -32.5, -26.0], [31.5, -32.5, -26.0], [0.0, 0.0, 0.0], [-25.0, 36.0, -22.0], [25.0, 36.0, -22.0]]
)
"""Eyes, tip of the nose and corners of the mouth of a mean adult head in mm: x to the right of the picture, y
down, z towards the camera. Distances between pupils (63 mm) and of the mouth's corners (50 mm) after Farkas,
Anthropometry of the Head and Face, 1994."""


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
    centred = landmarks - landmarks.mean(axis=0)
    rows = np.linalg.lstsq(HEAD - HEAD.mean(axis=0), centred, rcond=None)[0].T
    left, _, right = np.linalg.svd(rows, full_matrices=False)
    x, y = left @ right
    rotation = np.stack([x, y, np.cross(x, y)])
    roll = np.arctan2(rotation[1, 0], rotation[0, 0])
    cos, sin = np.cos(roll), np.sin(roll)
    side, down, near = rotation[:, 2]  # where the tip of the nose points
    yaw = np.degrees(np.arctan2(cos * side + sin * down, near))
    pitch = np.degrees(np.arcsin(np.clip(cos * down - sin * side, -1, 1)))
    return Pose(float(yaw), float(pitch), float(np.degrees(roll)))

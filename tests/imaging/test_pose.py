import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakefocus.imaging.alignment import TEMPLATE
from fakefocus.imaging.pose import HEAD, estimate_pose


def _turned(yaw: float, pitch: float, roll: float) -> np.ndarray:
    (cy, cp, cr), (sy, sp, sr) = np.cos(np.radians([yaw, pitch, roll])), np.sin(np.radians([yaw, pitch, roll]))
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return HEAD @ (about_z @ about_y @ about_x).T


@given(st.floats(-60, 60), st.floats(-40, 40), st.floats(-60, 60), st.floats(0.5, 20))
def test_turn_of_a_mean_head_is_found(yaw: float, pitch: float, roll: float, size: float) -> None:
    landmarks = _turned(yaw, pitch, roll)[:, :2] * size + (300, 200)
    assert estimate_pose(landmarks) == pytest.approx((yaw, pitch, roll), abs=0.1)


def test_aligned_face_looks_into_the_camera() -> None:
    yaw, pitch, roll = estimate_pose(TEMPLATE * 256)
    assert abs(yaw) < 2
    assert abs(pitch) < 10
    assert abs(roll) < 2


def test_nose_to_the_right_is_a_positive_yaw() -> None:
    moved = TEMPLATE * 256
    moved[2] += (12, 0)
    assert estimate_pose(moved).yaw > 5

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakefocus.imaging.alignment import align_face, similarity, template_for

SCALE = st.floats(0.3, 4)
ANGLE = st.floats(-3, 3)
SHIFT = st.floats(-200, 200)


@given(SCALE, ANGLE, SHIFT, SHIFT)
def test_similarity_undoes_any_turn_scale_and_shift(scale: float, angle: float, dx: float, dy: float) -> None:
    template = template_for(256, 0.3)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = similarity(template @ turn.T + (dx, dy), template)
    moved = (template @ turn.T + (dx, dy)) @ matrix[:, :2].T + matrix[:, 2]
    assert np.abs(moved - template).max() < 1e-6


def test_margin_leaves_room_around_the_face() -> None:
    # 30 % margin: a face that filled 256 pixels now fills 256 / 1.3 = 196.9 of them
    tight, wide = template_for(256, 0.0), template_for(256, 0.3)
    assert np.ptp(wide[:, 0]) == pytest.approx(np.ptp(tight[:, 0]) / 1.3)


def test_eyes_of_a_tilted_face_come_to_stand_level() -> None:
    # a bright point at each landmark of a face turned by 30 degrees
    turn = np.array([[np.cos(0.52), -np.sin(0.52)], [np.sin(0.52), np.cos(0.52)]])
    landmarks = (template_for(100, 0.3) - 50) @ turn.T + 150
    image = np.zeros((300, 300, 3), np.uint8)
    for x, y in landmarks[:2].round().astype(int):
        image[y - 2 : y + 3, x - 2 : x + 3] = 255
    crop = align_face(image, landmarks, 256, 0.3)
    rows, columns = np.nonzero(crop[..., 0] > 128)
    left, right = columns < 128, columns > 128
    assert abs(rows[left].mean() - rows[right].mean()) < 2.5
    assert columns[left].mean() == pytest.approx(template_for(256, 0.3)[0, 0], abs=2.5)


def test_coinciding_landmarks_are_refused() -> None:
    with pytest.raises(ValueError, match="landmarks coincide"):
        similarity(np.ones((5, 2)), template_for(256, 0.3))

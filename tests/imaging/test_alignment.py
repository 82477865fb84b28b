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


def _passed(shrinking: float, cycles: float) -> float:
    """Return which share of a grating's contrast is left in a crop; ``cycles`` a pixel of it, .5 is its Nyquist."""
    side = int(300 * shrinking)
    grating = 127 + 100 * np.sin(2 * np.pi * cycles / shrinking * np.arange(side))
    image = np.broadcast_to(grating[None, :, None], (side, side, 3)).round().astype(np.uint8)
    marks = (template_for(256, 0.3) - 128) * shrinking + side / 2
    return float(align_face(np.ascontiguousarray(image), marks, 256, 0.3)[64:192, 64:192, 0].std() / (100 / np.sqrt(2)))


@pytest.mark.parametrize("shrinking", [1.7, 2.7, 4.0, 6.0])
def test_detail_finer_than_the_crop_does_not_come_back_as_a_pattern(shrinking: float) -> None:
    # without smoothing .68 to .97 of it did
    assert _passed(shrinking, 0.6) < 0.35
    assert _passed(shrinking, 0.75) < 0.3


@pytest.mark.parametrize("shrinking", [1.0, 1.7, 2.7, 4.0, 6.0])
def test_detail_that_the_crop_can_show_is_kept(shrinking: float) -> None:
    assert _passed(shrinking, 0.1) > 0.9
    assert _passed(shrinking, 0.25) > 0.7


@pytest.mark.parametrize("shrinking", [1.0, 1.4, 2.5, 5.0])
def test_shrinking_does_not_move_a_face(shrinking: float) -> None:
    # a soft spot on the nose: its centre of mass stays on the template's nose
    side, nose = int(320 * shrinking), template_for(256, 0.3)[2]
    marks = (template_for(256, 0.3) - 128) * shrinking + side / 2
    ys, xs = np.mgrid[:side, :side]
    spot = 250 * np.exp(-(((xs - marks[2, 0]) ** 2 + (ys - marks[2, 1]) ** 2) / (2 * (8 * shrinking) ** 2)))
    crop = align_face(np.repeat(spot[..., None], 3, axis=2).round().astype(np.uint8), marks, 256, 0.3)[..., 0].astype(
        float
    )
    grid = np.arange(256)
    centre = np.array([(crop.sum(axis=0) @ grid), (crop.sum(axis=1) @ grid)]) / crop.sum()
    assert np.abs(centre - nose).max() < 0.1

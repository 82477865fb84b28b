import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakefocus.imaging.alignment import (
    align_face,
    centre_of,
    crop_box,
    place_in_box,
    place_landmarks,
    sharpness,
    similarity,
    template_for,
)

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


def test_landmarks_of_a_crop_are_those_of_its_template() -> None:
    # a face that stands as in the template, twice as large and moved: all five points are met
    landmarks = template_for(100, 0.3) * 2 + (30, 50)
    assert place_landmarks(landmarks, 100, 0.3) == pytest.approx(template_for(100, 0.3))
    # one point away from there stays away by half as many pixels of the crop
    away = landmarks.copy()
    away[2] += (0, 8)
    placed = place_landmarks(away, 100, 0.3)
    assert 2 < placed[2, 1] - template_for(100, 0.3)[2, 1] < 4


def test_box_grows_by_its_margin_as_far_as_the_frame_reaches() -> None:
    # grey levels are the columns; a box of x 40 to 80 with a margin of .5 grows by 10 on each side: 30 to 90
    image = np.repeat(np.arange(100, dtype=np.uint8)[None, :, None], 100, axis=0).repeat(3, axis=2)
    inside = crop_box(image, np.array([40.0, 40.0, 80.0, 80.0]), 60, 0.5)
    assert inside.shape == (60, 60, 3)
    assert inside[0, :, 0].tolist() == list(range(30, 90))
    # x 60 to 100 would grow to 50 to 110, and ends at 100: 50 columns, each twice as wide
    edge = crop_box(image, np.array([60.0, 60.0, 100.0, 100.0]), 100, 0.5)
    assert (edge[0, 0, 0], edge[0, -1, 0]) == (50, 99)
    assert crop_box(image, np.array([-8.0, -8.0, -4.0, -4.0]), 16, 0.0).shape == (16, 16, 3)


def test_points_of_a_box_are_where_its_crop_shows_them() -> None:
    # the box grows from 40 to 80 to 30 to 90: 60 pixels on 120, each twice as wide, from (30, 30) on
    box = np.array([40.0, 40.0, 80.0, 80.0])
    placed = place_in_box(np.array([[30.0, 30.0], [60.0, 45.0], [90.0, 90.0]]), box, (100, 100), 120, 0.5)
    assert placed.tolist() == [[0, 0], [60, 30], [120, 120]]
    image = np.zeros((100, 100, 3), np.uint8)
    image[44:46, 59:61] = 255
    rows, columns = np.nonzero(crop_box(image, box, 120, 0.5)[..., 0] > 128)
    assert (columns.mean() + 0.5, rows.mean() + 0.5) == pytest.approx((60, 30))


def test_middle_of_a_picture_says_where_it_begins() -> None:
    image = np.arange(7 * 10).reshape(7, 10)
    # (10 - 4) // 2 = 3 columns and (7 - 4) // 2 = 1 row are left out before
    part, place = centre_of(image, 4)
    assert place == (3, 1)
    assert part.tolist() == image[1:5, 3:7].tolist()


def test_sharpness_falls_with_blur_and_is_zero_of_a_plain_picture() -> None:
    board = np.kron(np.indices((8, 8)).sum(axis=0) % 2, np.ones((8, 8)))
    sharp = np.repeat((board * 200)[..., None], 3, axis=2).astype(np.uint8)
    values = [sharpness(sharp), *(sharpness(cv2.GaussianBlur(sharp, (0, 0), sigma)) for sigma in (1.0, 2.0))]
    assert values == sorted(values, reverse=True)
    assert sharpness(np.full((16, 16, 3), 80, np.uint8)) == 0
    # one pixel of 10 above 0 in 5 x 5: its Laplacian is -40 and that of its four neighbours 10, their mean is 0:
    # (1600 + 4 * 100) / 25
    dot = np.zeros((5, 5, 3), np.uint8)
    dot[2, 2] = 10
    assert sharpness(dot) == pytest.approx(80)

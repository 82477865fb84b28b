"""Views of a face: those that a training allows, and none that it has never made."""

import numpy as np
import pytest
from benchmarks.defocus import faces

from examples import AUGMENTATION
from fakefocus.parameters import Augmentation
from fakefocus.training.augmentation import Augment, Sample
from fakefocus.training.views import label_preserving_views

TIGHT = Augmentation(**AUGMENTATION | {"crop": 96, "shift": 0.05})
WHOLE = Augmentation(**AUGMENTATION)
WARPED = Augmentation(**AUGMENTATION | {"shift": 0.05, "zoom": 0.1, "rotation": 15.0})


def _cut(options: Augmentation, name: str, picture: np.ndarray) -> np.ndarray:
    view = label_preserving_views(options, 256, 90)[name]
    changed = picture if view.perturb is None else view.perturb(picture, 0)
    return Augment(options, random=False).move(Sample(changed), view.plan).image


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    return faces(1)[0]


def test_plain_view_comes_first_and_nothing_is_turned() -> None:
    shifts = ["shifted up", "shifted down", "shifted left", "shifted right"]
    assert list(label_preserving_views(TIGHT, 256, 90)) == ["plain", "mirrored", *shifts, "JPEG 90"]
    # a whole crop leaves no room to shift, and was not shifted in training
    assert list(label_preserving_views(WHOLE, 256, None)) == ["plain", "mirrored"]
    zooms = ["zoomed by 0.95", "zoomed by 1.05"]
    assert list(label_preserving_views(WARPED, 256, None)) == ["plain", "mirrored", *shifts, *zooms]
    never = Augmentation(**AUGMENTATION | {"flip": 0.0})
    assert list(label_preserving_views(never, 256, None)) == ["plain"]


def test_views_are_cut_where_they_say(picture: np.ndarray) -> None:
    # the middle 96 of 256 begin at 80; 5 % of 96 are 5 pixels
    assert np.array_equal(_cut(TIGHT, "plain", picture), picture[80:176, 80:176])
    assert np.array_equal(_cut(TIGHT, "mirrored", picture), picture[80:176, 80:176][:, ::-1])
    assert np.array_equal(_cut(TIGHT, "shifted up", picture), picture[75:171, 80:176])
    assert np.array_equal(_cut(TIGHT, "shifted right", picture), picture[80:176, 85:181])


def test_warped_shift_moves_the_picture_by_whole_pixels(picture: np.ndarray) -> None:
    # 5 % of 256 are 13 pixels; what comes in is the last column again, as in training
    moved = _cut(WARPED, "shifted right", picture)
    assert np.array_equal(moved[:, 13:], picture[:, :-13])
    assert np.array_equal(moved[:, :13], np.repeat(picture[:, :1], 13, axis=1))


def test_compressed_view_is_near_the_picture_and_not_the_same(picture: np.ndarray) -> None:
    gap = np.abs(_cut(WHOLE, "JPEG 90", picture).astype(int) - picture)
    # of 8-bit pixels, not of normalised ones: a face stays a face
    assert 0 < gap.mean() < 4

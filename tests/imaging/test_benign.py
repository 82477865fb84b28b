"""Edits that make no picture fake: each keeps what is shown, and none does nothing."""

import numpy as np
import pytest
import skimage.data
from numpy.typing import NDArray

from fakefocus.imaging.benign import EDITS


@pytest.fixture(scope="module")
def face() -> NDArray[np.uint8]:
    return np.ascontiguousarray(skimage.data.astronaut()[0:200, 124:324])


@pytest.mark.parametrize("name", EDITS)
def test_edit_changes_a_picture_a_little_and_keeps_its_shape(name: str, face: NDArray[np.uint8]) -> None:
    before = face.copy()
    edited = EDITS[name].apply(face)
    assert (face == before).all()
    assert edited.shape == face.shape
    assert edited.dtype == np.uint8
    middle = np.s_[50:150, 50:150]
    change = np.abs(edited[middle].astype(int) - face[middle]).mean()
    assert (0.5 < change < 50) or name == "crop_again"
    assert np.corrcoef(edited[middle].ravel(), face[middle].ravel())[0, 1] > 0.9
    assert (edited != face).any()


@pytest.mark.parametrize("name", EDITS)
def test_edit_draws_nothing(name: str, face: NDArray[np.uint8]) -> None:
    assert (EDITS[name].apply(face) == EDITS[name].apply(face)).all()


def test_harder_compression_changes_more(face: NDArray[np.uint8]) -> None:
    errors = [np.abs(EDITS[f"h264_c{crf}"].apply(face).astype(int) - face).mean() for crf in (23, 32, 40)]
    assert errors == sorted(errors)
    assert errors[2] > 1.5 * errors[0]


def test_tighter_crop_keeps_the_middle_and_repeats_its_border(face: NDArray[np.uint8]) -> None:
    cut = EDITS["crop_again"].apply(face)
    assert (cut[35:165, 35:165] == face[35:165, 35:165]).all()
    assert (cut[:35, 35:165] == face[35, 35:165]).all()

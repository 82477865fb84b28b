"""H.264 in memory: what comes back is the picture, worse the higher the rate factor."""

import numpy as np
import pytest
import skimage.data

from fakefocus.imaging.codec import Passage, h264

FACE = np.ascontiguousarray(skimage.data.astronaut()[20:276, 96:352])
PASSAGES = [Passage(), Passage(2, (1.3, -0.4))]


def _error(image: np.ndarray, other: np.ndarray) -> float:
    return float(np.abs(image.astype(int) - other).mean())


@pytest.mark.parametrize("passage", PASSAGES)
def test_higher_rate_factor_loses_more(passage: Passage) -> None:
    errors = [_error(FACE, h264(FACE, crf, passage)) for crf in (10, 23, 32, 42)]
    assert errors == sorted(errors)
    assert errors[0] < 3
    assert errors[-1] > 2 * errors[0]


@pytest.mark.parametrize("passage", PASSAGES)
def test_picture_stands_where_it_stood(passage: Passage) -> None:
    coded = h264(FACE, 23, passage)
    here = _error(FACE[8:-8, 8:-8], coded[8:-8, 8:-8])
    beside = [_error(FACE[8:-8, 8:-8], np.roll(coded, shift, axis)[8:-8, 8:-8]) for shift in (-1, 1) for axis in (0, 1)]
    assert here < 0.8 * min(beside)


def test_predicted_frame_is_coded_otherwise_than_a_key_frame() -> None:
    key, predicted = (h264(FACE, 35, passage) for passage in PASSAGES)
    assert not np.array_equal(key, predicted)


def test_same_passage_gives_the_same_picture() -> None:
    assert np.array_equal(h264(FACE, 30, PASSAGES[1]), h264(FACE, 30, PASSAGES[1]))


@pytest.mark.parametrize("shape", [(63, 65), (16, 16), (17, 40)])
def test_odd_and_small_sides_come_back_as_they_were(shape: tuple[int, int]) -> None:
    part = np.ascontiguousarray(FACE[: shape[0], : shape[1]])
    assert h264(part, 20, PASSAGES[1]).shape == (*shape, 3)


@pytest.mark.parametrize("crf", [-1, 52, float("nan")])
def test_rate_factor_that_x264_does_not_know_is_refused(crf: float) -> None:
    with pytest.raises(ValueError, match=r"crf: must be 0 to 51"):
        h264(FACE, crf)

"""A face computed anew keeps its look and loses its finest detail."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
import skimage.data

from fakefocus.imaging import resynthesis

FACE = np.ascontiguousarray(skimage.data.astronaut()[20:276, 96:352])


def _coarse(image: np.ndarray) -> np.ndarray:
    return cv2.resize(image, (16, 16), interpolation=cv2.INTER_AREA).astype(int)


@pytest.mark.parametrize("way", resynthesis._WAYS)
def test_every_way_keeps_the_look_and_changes_the_detail(way: Callable[..., np.ndarray]) -> None:
    for seed in range(8):
        anew = way(FACE, np.random.default_rng(seed))
        assert anew.shape == FACE.shape
        assert anew.dtype == np.uint8
        # what is seen from afar is the same picture; what is seen near is not
        assert np.corrcoef(_coarse(anew).ravel(), _coarse(FACE).ravel())[0, 1] > 0.99
        assert np.abs(anew.astype(int) - FACE).mean() > 0.5


def test_enlarged_by_an_uneven_kernel_a_flat_picture_shows_a_checkerboard() -> None:
    flat = np.full((64, 64, 3), 128, np.uint8)
    enlarged = resynthesis._deconvolved(flat, np.random.default_rng(1))
    phases = [int(enlarged[20 + y : -20 : 2, 20 + x : -20 : 2].mean()) for y in (0, 1) for x in (0, 1)]
    assert len(set(phases)) > 1
    assert abs(np.mean(phases) - 128) <= 1


def test_same_state_gives_the_same_picture() -> None:
    one, again = (resynthesis.resynthesised(FACE, np.random.default_rng(4)) for _ in range(2))
    assert np.array_equal(one, again)

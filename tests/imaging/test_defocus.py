import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.extra.numpy import arrays

from fakefocus.imaging.defocus import edge_variance, guided_filter


def _squares(blur_right: float) -> np.ndarray:
    """Draw a checkerboard whose right half is blurred."""
    ys, xs = np.mgrid[:128, :256]
    board = np.where((ys // 32 + xs // 32) % 2, 200, 60).astype(np.uint8)
    right = cv2.GaussianBlur(board, (0, 0), blur_right)
    return np.repeat(np.where(xs < 128, board, right)[..., None], 3, axis=2).astype(np.uint8)


def test_map_is_higher_where_the_picture_is_blurred() -> None:
    blur = edge_variance(_squares(blur_right=2.0))
    assert blur.shape == (128, 256)
    assert blur.dtype == np.float32
    assert blur[:, 144:240].mean() > blur[:, 16:112].mean()


def test_picture_without_an_edge_gives_zeros() -> None:
    assert not edge_variance(np.full((64, 64, 3), 90, np.uint8)).any()


@settings(max_examples=25, deadline=None)
@given(arrays(np.uint8, (48, 40, 3)))
def test_map_stays_in_0_to_1(crop: np.ndarray) -> None:
    blur = edge_variance(crop)
    assert np.isfinite(blur).all()
    assert 0 <= blur.min() <= blur.max() <= 1


def test_guided_filter_keeps_a_constant_and_follows_the_guides_edge() -> None:
    guide = np.where(np.arange(64) < 32, 0.0, 200.0).astype(np.float32)[None].repeat(64, axis=0)
    constant = np.full((64, 64), 0.3, np.float32)
    assert guided_filter(guide, constant, 8, 0.01) == pytest.approx(constant, abs=1e-5)
    step = (guide > 100).astype(np.float32)
    # a plain box filter of radius 8 would give about .5 at the edge
    assert guided_filter(guide, step, 8, 0.01)[32, 31] < 0.05

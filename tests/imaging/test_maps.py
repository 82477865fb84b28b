"""Maps as a network sees them, and as they lie on disk."""

import cv2
import numpy as np
import pytest

from fakefocus.imaging.defocus import METHODS, edge_variance
from fakefocus.imaging.gradient_ratio import blur_and_confidence, gradient_ratio
from fakefocus.imaging.maps import MapMaker, from_levels, to_levels
from fakefocus.parameters import Defocus

RNG = np.random.default_rng(0)
CROP = cv2.resize(RNG.integers(0, 255, (12, 12, 3), dtype=np.uint8), (96, 96), interpolation=cv2.INTER_NEAREST)
CROP[:, 48:] = cv2.GaussianBlur(CROP, (0, 0), 3.0)[:, 48:]
"""Squares of colour, blurred in the right half."""


def _maker(method: str, channels: int, sigma_max: float = 5.0) -> MapMaker:
    return MapMaker(Defocus.model_validate({"method": method, "sigma_max": sigma_max, "store": "uint16"}), channels)


def test_stored_levels_are_steps_of_a_65535th() -> None:
    assert to_levels(np.array([0, 0.5, 1], np.float32)).tolist() == [0, 32768, 65535]  # 32767.5 is rounded to even
    assert from_levels(np.array([0, 13107, 65535], np.uint16)).tolist() == pytest.approx([0, 0.2, 1])
    values = np.linspace(0, 1, 1001, dtype=np.float32)
    assert np.abs(from_levels(to_levels(values)) - values).max() <= 0.5 / 65535 + 1e-7
    levels = np.arange(65536, dtype=np.uint16)
    np.testing.assert_array_equal(to_levels(from_levels(levels)), levels)


def test_one_map_is_the_blur_of_the_method_that_is_asked_for() -> None:
    maps = {method: _maker(method, 1)(CROP) for method in METHODS}
    for method, expected in (("gradient_ratio", gradient_ratio(CROP, 5.0)), ("edge_variance", edge_variance(CROP))):
        assert (maps[method].shape, maps[method].dtype) == ((96, 96, 1), np.float32)
        np.testing.assert_array_equal(maps[method][..., 0], expected)
    assert np.abs(maps["gradient_ratio"] - maps["edge_variance"]).max() > 0.1


def test_second_map_says_how_far_the_first_is_to_be_trusted() -> None:
    maps = _maker("gradient_ratio", 2)(CROP)
    assert maps.shape == (96, 96, 2)
    assert 0 <= maps.min() <= maps.max() <= 1
    blur, confidence = blur_and_confidence(CROP, 5.0)
    np.testing.assert_array_equal(maps, np.stack([blur, confidence], axis=2))
    # where there is no edge there is nothing to go by
    flat = _maker("gradient_ratio", 2)(np.full_like(CROP, 90))
    assert flat[..., 1].max() < maps[..., 1].min() + 0.05


def test_blur_that_stands_for_one_is_that_of_the_parameter() -> None:
    # the same blur in pixels is a smaller share of a larger maximum
    strict, lax = (_maker("gradient_ratio", 1, sigma_max)(CROP)[16:80, 60:90].mean() for sigma_max in (4.0, 8.0))
    assert lax < strict

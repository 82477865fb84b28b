"""Perturbed pictures: of 8 bits, seeded, and worse with every strength."""

from itertools import pairwise

import cv2
import numpy as np
import pytest
import skimage.data
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from fakefocus.errors import InputError
from fakefocus.imaging.perturbations import STRENGTHS, compress, perturb, perturbations

FACE = cv2.resize(skimage.data.astronaut()[0:220, 110:330], (256, 256), interpolation=cv2.INTER_AREA)
CROP = np.ascontiguousarray(FACE)


def _error(image: NDArray[np.uint8]) -> float:
    return float(np.abs(image.astype(float) - CROP).mean())


def test_jpeg_100_of_a_crop_is_the_crop() -> None:
    # of normalised pixels that were cast to 8 bits, it correlated with the picture by .02
    coded = compress(CROP, 100, np.random.default_rng(0))
    assert np.corrcoef(coded.ravel(), CROP.ravel())[0, 1] > 0.99
    assert _error(coded) < 2


def test_normalised_pixels_are_refused() -> None:
    normalised = (CROP.astype(np.float32) / 255 - 0.485) / 0.229
    with pytest.raises(InputError, match=r"needs 8-bit RGB \(H, W, 3\), got float32 .*before pixels are normalised"):
        perturb(normalised, "jpeg", 1, (3, 0))  # type: ignore[arg-type]


@pytest.mark.parametrize("name", perturbations())
def test_a_stronger_perturbation_is_further_from_the_picture(name: str) -> None:
    errors = [_error(perturb(CROP, name, strength, (3, 0))) for strength in range(STRENGTHS + 1)]
    assert errors[0] == 0
    assert all(weaker < stronger for weaker, stronger in pairwise(errors)), errors
    weakest = perturb(CROP, name, 1, (3, 0))
    assert np.corrcoef(weakest.ravel(), CROP.ravel())[0, 1] > 0.97


@pytest.mark.parametrize("name", perturbations())
@settings(max_examples=12, deadline=None)
@given(st.integers(1, STRENGTHS), st.integers(24, 70), st.integers(24, 70), st.integers(0, 99))
def test_shape_type_and_original_are_kept(name: str, strength: int, height: int, width: int, seed: int) -> None:
    image = np.ascontiguousarray(CROP[:height, :width])
    before = image.copy()
    changed = perturb(image, name, strength, (seed,))
    assert (changed.shape, changed.dtype) == (image.shape, np.uint8)
    assert np.array_equal(image, before)
    assert np.array_equal(changed, perturb(image, name, strength, (seed,)))


@pytest.mark.parametrize("name", ["noise", "blocks"])
def test_what_is_drawn_follows_the_seed_of_the_crop(name: str) -> None:
    assert not np.array_equal(perturb(CROP, name, 3, (3, 0)), perturb(CROP, name, 3, (3, 1)))


def test_jpeg_has_the_qualities_that_the_field_compares() -> None:
    assert perturbations()["jpeg"].values == (90, 75, 50, 30, 10)


def test_contrast_pulls_towards_the_mean_grey() -> None:
    # a half is 100 and a half is 200, grey: the mean is 150; at .6 the halves are 120 and 180
    image = np.full((64, 64, 3), 100, np.uint8)
    image[32:] = 200
    changed = perturb(image, "contrast", 3, (0,))
    assert np.unique(changed).tolist() == [120, 180]


def test_no_saturation_is_grey() -> None:
    grey = perturb(CROP, "saturation", 5, (0,))
    assert (grey == grey[..., :1]).all()


def test_lost_blocks_are_grey_and_a_stronger_loss_keeps_the_weaker_ones_blocks() -> None:
    few, many = (perturb(CROP, "blocks", strength, (3, 0)) for strength in (1, 2))
    lost = (few != CROP).any(axis=2)
    assert (few[lost] == 128).all()
    # 16 blocks of 8 x 8 pixels, of which some may overlap
    assert 0.5 * 16 * 64 < lost.sum() <= 16 * 64
    assert (many[lost] == 128).all()


def test_a_mistyped_perturbation_names_the_near_miss() -> None:
    with pytest.raises(InputError, match=r"unknown perturbation 'jpg', did you mean 'jpeg'\?"):
        perturb(CROP, "jpg", 1, (0,))
    with pytest.raises(InputError, match=r"jpeg: a strength is 0 \(none\) to 5, got 6"):
        perturb(CROP, "jpeg", 6, (0,))

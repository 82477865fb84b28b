import threading

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benchmarks import defocus_truth as truth
from fakefocus.imaging.gradient_ratio import blur_and_confidence, find_edges, gradient_ratio

SEED = 40


def _pixels(crop: np.ndarray) -> np.ndarray:
    """Return the blur in pixels; at 10 pixels and below nothing is cut off."""
    return 10 * gradient_ratio(crop, 10.0)


@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.0, 3.0, 4.0])
def test_blur_of_edges_is_recovered_in_pixels(sigma: float) -> None:
    blur = _pixels(truth.clean(truth.blurred(SEED, sigma)))[truth.squares(SEED).edges]
    # the goal of .12 is for the mean over all blurs; wide edges are the hardest
    assert np.abs(blur - sigma).mean() < max(0.06, 0.05 * sigma)


@pytest.mark.parametrize("damage", ["noise of 2", "JPEG 75"])
def test_blur_is_recovered_through_noise_and_compression(damage: str) -> None:
    errors = [
        np.abs(_pixels(truth.DAMAGES[damage](truth.blurred(SEED, s)))[truth.squares(SEED).edges] - s).mean()
        for s in (0.5, 1.5, 2.5, 3.5)
    ]
    assert np.mean(errors) < 0.25


def test_wide_blur_is_recovered_through_noise() -> None:
    blur = _pixels(truth.noisy(truth.blurred(SEED, 4.0)))[truth.squares(SEED).edges]
    # one pair of small blurs alone finds less than 3.6
    assert blur.mean() == pytest.approx(4.0, abs=0.25)


def test_blur_that_grows_from_left_to_right_is_followed() -> None:
    blur = _pixels(truth.clean(truth.varying(SEED, truth.ramp())))
    assert np.abs(blur - truth.ramp())[truth.squares(SEED).edges].mean() < 0.15


@settings(max_examples=20, deadline=None)
@given(turns=st.integers(0, 3), mirrored=st.booleans(), level=st.integers(-20, 20))
def test_blur_does_not_depend_on_how_a_picture_is_turned_or_lit(turns: int, mirrored: bool, level: int) -> None:
    scene = truth.clean(truth.blurred(SEED, 1.5))
    scene, edges = scene[:, :: -1 if mirrored else 1], truth.squares(SEED).edges[:, :: -1 if mirrored else 1]
    turned = np.ascontiguousarray(np.rot90(scene, turns))
    lit = (turned.astype(int) + level).clip(0, 255).astype(np.uint8)
    assert np.abs(_pixels(lit) - 1.5)[np.rot90(edges, turns)].mean() < 0.1


def test_maps_of_two_pictures_compare() -> None:
    # twice sigma_max, half the value; a stretched map would not change
    crop = truth.clean(truth.blurred(SEED, 1.0))
    assert 2 * gradient_ratio(crop, 8.0).mean() == pytest.approx(gradient_ratio(crop, 4.0).mean(), rel=0.02)
    other = truth.clean(truth.blurred(SEED, 2.0))
    assert gradient_ratio(other, 4.0).mean() == pytest.approx(2 * gradient_ratio(crop, 4.0).mean(), rel=0.1)


@settings(max_examples=25, deadline=None)
@given(arrays(np.uint8, st.tuples(st.integers(16, 50), st.integers(16, 50), st.just(3))))
def test_blur_and_confidence_stay_in_0_to_1_whatever_the_picture(crop: np.ndarray) -> None:
    for values in blur_and_confidence(crop):
        assert values.shape == crop.shape[:2]
        assert values.dtype == np.float32
        assert np.isfinite(values).all()
        assert 0 <= values.min() <= values.max() <= 1


def test_picture_without_an_edge_is_sharp_with_no_confidence() -> None:
    blur, confidence = blur_and_confidence(np.full((64, 64, 3), 90, np.uint8))
    assert not blur.any()
    assert not confidence.any()


def test_confidence_is_high_at_edges_and_none_far_from_them() -> None:
    crop = np.full((256, 256, 3), 60, np.uint8)
    crop[:, :40] = 180
    blur, confidence = blur_and_confidence(crop)
    assert confidence[:, 36:44].min() > 0.3
    # the filter reaches two windows of 24 pixels: beyond, the mean of the edges holds
    assert confidence[:, 128:].max() < 1e-3
    assert blur[:, 128:] == pytest.approx(blur[:, 36:44].mean(), abs=0.02)


def test_thin_lines_are_not_taken_for_blurred_edges() -> None:
    # both sides of a line of 3 pixels are sharp steps that disturb each other
    crop = np.full((128, 128, 3), 60, np.uint8)
    crop[:, 32:35] = crop[:, 90:] = 200
    points = find_edges(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), 5.0)[1]
    step, lines = points.at % 128 > 80, points.at % 128 < 45
    assert (points.weight[step] > 0).all()
    assert (points.sigma[step & (points.weight > 0)] < 0.3).all()
    assert (points.sigma[lines & (points.weight > 0)] < 1).all()


def test_threads_do_not_write_into_each_others_pictures() -> None:
    crops = [truth.clean(truth.blurred(SEED, s)) for s in (0.5, 3.0)]
    expected = [gradient_ratio(crop) for crop in crops]
    wrong: list[float] = []

    def work(i: int) -> None:
        wrong.extend(float(np.abs(gradient_ratio(crops[i]) - expected[i]).max()) for _ in range(30))

    threads = [threading.Thread(target=work, args=(i % 2,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(wrong) == 120
    assert max(wrong) == 0

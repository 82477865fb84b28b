from typing import Any

import cv2
import numpy as np
import pytest
import skimage.data
import torch
from torchvision import tv_tensors
from torchvision.transforms import v2

from fakefocus.parameters import Augmentation
from fakefocus.training.augmentation import Augment, Pass, Plan, Sample, affine_matrix, change, tint

STILL = {"flip": 0, "rotation": 0, "shift": 0, "zoom": 0, "brightness": 0, "contrast": 0, "hue": 0}


def _options(**changes: Any) -> Augmentation:
    return Augmentation.model_validate({"crop": 64} | STILL | changes)


def _changed(options: Augmentation, sample: Sample, seed: int = 0) -> Sample:
    augment = Augment(options, random=True)
    return augment(sample, augment.plan(seed))


def _pattern() -> Sample:
    """Return a picture and a map that show the same, so that a common warp keeps them equal."""
    pattern = np.random.default_rng(0).integers(0, 255, (64, 64, 1), dtype=np.uint8)
    return Sample(np.repeat(pattern, 3, axis=2), pattern.astype(np.float32) / 255)


def _dots() -> Sample:
    """Return five bright dots, and where they are."""
    points = np.array([[20, 24], [44, 25], [32, 36], [23, 46], [41, 47]])
    picture = np.zeros((64, 64), np.uint8)
    picture[points[:, 1], points[:, 0]] = 255
    smooth = cv2.GaussianBlur(picture.astype(np.float32) * 20, (7, 7), 1.2).clip(0, 255).astype(np.uint8)
    return Sample(np.dstack([smooth] * 3), None, points)


@pytest.mark.parametrize(
    "change", [{"flip": 1}, {"rotation": 20}, {"zoom": 0.3, "shift": 0.1}, {"crop": 32, "shift": 0.2}]
)
def test_geometry_moves_picture_and_map_together(change: dict[str, float]) -> None:
    given = _pattern()
    moved = _changed(_options(**change), given)
    # the picture is rounded to 8 bits
    assert np.allclose(moved.image[..., 0] / 255, moved.maps[..., 0], atol=0.51 / 255)
    if "crop" not in change:
        assert not np.allclose(moved.maps, given.maps, atol=1e-2)


@pytest.mark.parametrize("change", [{}, {"flip": 1}, {"rotation": 20}, {"zoom": 0.2, "flip": 1}, {"crop": 56}])
def test_landmarks_move_with_the_picture_and_keep_their_order(change: dict[str, float]) -> None:
    moved = _changed(_options(**change), _dots(), seed=1)
    for x, y in moved.landmarks.tolist():
        window = moved.image[round(y) - 2 : round(y) + 3, round(x) - 2 : round(x) + 3, 0].astype(float)
        rows, columns = np.mgrid[-2:3, -2:3]
        centre = [float((window * axis).sum() / window.sum()) for axis in (columns, rows)]
        assert np.hypot(round(x) + centre[0] - x, round(y) + centre[1] - y) < 0.35
    left_eye, right_eye, *_ = moved.landmarks[:, 0].tolist()
    assert left_eye < right_eye


@pytest.mark.parametrize(
    "change",
    [
        {"brightness": 0.5, "contrast": 0.5},
        {"damage": {"jpeg": 1, "jpeg_quality": [10, 10]}},
        {"damage": {"blur": 1, "blur_sigma": [2, 2]}},
        {"damage": {"noise": 1, "noise_sigma": [9, 9]}},
        {"damage": {"rescale": 1, "rescale_factor": [0.4, 0.4]}},
    ],
    ids=["colour", "jpeg", "blur", "noise", "rescale"],
)
def test_colour_and_damage_change_the_picture_alone_and_leave_8_bits(change: dict[str, Any]) -> None:
    given = _pattern()
    changed = _changed(_options(**change), given)
    assert np.array_equal(changed.maps, given.maps)
    assert changed.image.dtype == np.uint8
    assert np.abs(changed.image.astype(float) - given.image).mean() > 2


def test_noise_has_the_deviation_that_was_asked_for() -> None:
    grey = Sample(np.full((64, 64, 3), 128, np.uint8))
    noisy = _changed(_options(damage={"noise": 1, "noise_sigma": [6, 6]}), grey)
    assert noisy.image.std() == pytest.approx(6, rel=0.03)


def test_blur_lowers_the_deviation_of_noise_as_its_kernel_says() -> None:
    noise = Sample(np.random.default_rng(0).normal(128, 30, (64, 64, 3)).clip(0, 255).astype(np.uint8))
    soft = _changed(_options(damage={"blur": 1, "blur_sigma": [2, 2]}), noise)
    # white noise under a Gaussian of σ: deviation / (2 σ √π) = 30 / 7.09
    assert soft.image.std() == pytest.approx(30 / 7.09, rel=0.1)


def test_damage_strikes_as_often_as_asked() -> None:
    options, given = _options(damage={"noise": 0.25, "noise_sigma": [5, 5]}), _pattern()
    struck = sum(not np.array_equal(_changed(options, given, seed).image, given.image) for seed in range(400))
    # binomial with p = .25: 100 ± 8.7
    assert 70 < struck < 130


def test_evaluation_changes_nothing_but_cuts_the_middle() -> None:
    given = _pattern()
    lively = _options(flip=1, rotation=20, zoom=0.2, brightness=0.5, crop=32, shift=0.2, damage={"jpeg": 1})
    augment = Augment(lively, random=False)
    cut = augment(given, augment.plan(0))
    assert np.array_equal(cut.maps, given.maps[16:48, 16:48])
    assert np.array_equal(cut.image, given.image[16:48, 16:48])


def test_cut_larger_than_the_crop_names_the_parameter() -> None:
    with pytest.raises(ValueError, match=r"augmentation\.crop: must be at most the stored crop's 64 pixels, got 128"):
        _changed(_options(crop=128), _pattern())


def test_range_that_descends_names_the_parameter() -> None:
    with pytest.raises(ValueError, match=r"jpeg_quality: needs the smallest and the largest value.*got 90, 40"):
        _options(damage={"jpeg": 0.5, "jpeg_quality": [90, 40]})


@pytest.mark.parametrize("flip", [False, True])
def test_warp_is_torchvisions(flip: bool) -> None:
    smooth = cv2.GaussianBlur(np.random.default_rng(0).random((96, 96)).astype(np.float32), (0, 0), 3)
    picture = ((smooth - smooth.min()) / (smooth.max() - smooth.min()) * 255).astype(np.uint8)[..., None]
    points = np.array([[30.0, 40], [60, 41], [45, 52], [35, 66], [58, 65]])
    stock = v2.RandomAffine(30, (0.1, 0.1), (0.8, 1.2), interpolation=v2.InterpolationMode.BILINEAR)
    torch.manual_seed(4)
    params = stock.make_params([torch.empty(1, 96, 96)])
    options = _options(crop=96, rotation=30)
    plan = Plan(flip=flip, matrix=affine_matrix(params, 96, flip=flip))
    ours = Augment(options, random=True).move(Sample(picture, None, points), plan)
    start, marks = tv_tensors.Image(torch.from_numpy(picture[..., 0])[None]), torch.from_numpy(points)
    if flip:
        # torchvision's keypoints are on the edges of pixels, ours in their middles
        start, marks = start.flip(2), torch.stack([95 - marks[:, 0], marks[:, 1]], 1)[[1, 0, 2, 4, 3]]
    theirs = stock.transform(start, params)[0].numpy()
    keypoints = stock.transform(tv_tensors.KeyPoints(marks + 0.5, canvas_size=(96, 96)), params) - 0.5
    difference = np.abs(ours.image[24:72, 24:72, 0].astype(float) - theirs[24:72, 24:72])
    # OpenCV takes places in 32nds of a pixel
    assert difference.max() <= 3
    assert difference.mean() < 0.6
    assert np.allclose(ours.landmarks, keypoints.numpy(), atol=0.02)


def test_tint_does_what_its_factors_say() -> None:
    picture = np.zeros((8, 8, 3), np.uint8)
    picture[:, :4], picture[:, 4:] = [120, 60, 30], [40, 80, 160]

    def tinted(*factors: float) -> list[int]:
        return change(Sample(picture), Plan(tint=tint(*factors))).image[0, 0].tolist()

    assert tinted(1.5, 1, 0) == [180, 90, 45]
    # greys are .299 120 + .587 60 + .114 30 = 74.5 and 77.2, of mean 75.8: half way there
    assert tinted(1, 0.5, 0) == [98, 68, 53]
    # a third of the circle turns red into green, green into blue, blue into red
    assert tinted(1, 1, 1 / 3) == [30, 120, 60]


def test_damage_happens_at_the_smaller_size() -> None:
    image = np.ascontiguousarray(skimage.data.astronaut()[20:276, 96:352])
    options = _options(
        crop=256, damage={"rescale": 1.0, "rescale_factor": [0.25, 0.25], "noise": 1.0, "noise_sigma": [20, 20]}
    )
    augment = Augment(options, random=True)
    noisy = augment(Sample(image), augment.plan(1)).image.astype(float)
    without = augment(Sample(image), augment.plan(1)._replace(damage=(Pass(0.25, ()),))).image.astype(float)
    noise = (noisy - without).mean(axis=2)
    # noise of a picture of 64 pixels, enlarged four times: neighbours share it
    assert np.corrcoef(noise[:, :-1].ravel(), noise[:, 1:].ravel())[0, 1] > 0.8


@pytest.mark.parametrize("name", ["sharpen", "h264"])
def test_new_kinds_of_damage_change_pixels_and_repeat(name: str) -> None:
    image = np.ascontiguousarray(skimage.data.astronaut()[20:276, 96:352])
    augment = Augment(_options(crop=256, damage={name: 1.0}), random=True)
    one, again, other = (augment(Sample(image), augment.plan(seed)).image for seed in (5, 5, 6))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert 0.2 < np.abs(one.astype(int) - image).mean() < 12


def test_again_goes_through_all_of_it_twice() -> None:
    augment = Augment(_options(damage={"jpeg": 1.0, "again": 1.0}), random=True)
    plan = augment.plan(3)
    assert [len(passed.steps) for passed in plan.damage] == [1, 1]
    assert plan.damage[0].steps[0][1] != plan.damage[1].steps[0][1]


def test_turned_crop_shows_what_the_stored_one_does_beyond_the_square() -> None:
    image = np.full((320, 320, 3), 200, np.uint8)
    options = _options(crop=256, rotation=10.0, zoom=0.1)
    augment = Augment(options, random=True)
    assert all(augment.move(Sample(image), augment.plan(seed)).image.min() == 200 for seed in range(20))


def test_factor_above_one_is_refused() -> None:
    with pytest.raises(ValueError, match="rescale_factor: must be at most 1"):
        _options(damage={"rescale_factor": [0.5, 1.5]})


def test_tight_crop_repeats_its_last_pixels_and_keeps_its_middle() -> None:
    options, given = _options(tight=1.0, tight_by=(0.25, 0.25)), _pattern()
    image = _changed(options, given).image
    assert (image[16:48, 16:48] == given.image[16:48, 16:48]).all()
    assert (image[:16, 16:48] == given.image[16, 16:48]).all()
    assert (image[16:48, 48:] == given.image[16:48, 47:48]).all()
    assert (image[:16, :16] == given.image[16, 16]).all()


def test_tight_crops_are_a_share_and_differ() -> None:
    augment = Augment(_options(tight=0.3), random=True)
    ends = [augment.plan(seed).ends for seed in range(300)]
    drawn = [end for end in ends if end is not None]
    assert 0.2 < len(drawn) / len(ends) < 0.4
    assert len(set(drawn)) == len(drawn)
    assert np.array(drawn).min() >= 0.05
    assert np.array(drawn).max() <= 0.2


def test_tight_crop_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match=r"tight_by: needs the smallest and the largest share of a side, below 0.5"):
        _options(tight_by=(0.2, 0.5))


def test_weaker_damage_strikes_less_often_and_moves_nothing_else() -> None:
    augment = Augment(_options(rotation=10, damage={"noise": 0.8, "rescale": 0.5}), random=True)
    struck = {share: [augment.plan(seed, share).damage[0] for seed in range(200)] for share in (0.0, 0.5, 1.0)}
    counts = {share: sum(bool(one.steps) for one in passes) for share, passes in struck.items()}
    assert counts[0.0] == 0
    assert all(one.factor == 1 for one in struck[0.0])
    assert 60 < counts[0.5] < 100
    assert 140 < counts[1.0] < 180
    whole, none = augment.plan(1, 1.0).matrix, augment.plan(1, 0.0).matrix
    assert whole is not None
    assert none is not None
    assert (whole == none).all()

from typing import Any

import cv2
import numpy as np
import pytest
import torch

from fakefocus.parameters import Augmentation
from fakefocus.training.augmentation import Augment, Sample

STILL = {"flip": 0, "rotation": 0, "shift": 0, "zoom": 0, "brightness": 0, "contrast": 0, "hue": 0}


def _options(**changes: Any) -> Augmentation:
    return Augmentation.model_validate({"crop": 64, "img_size": 64} | STILL | changes)


def _pattern() -> Sample:
    """Return a picture and a map that show the same, so that a common warp keeps them equal."""
    pattern = torch.from_numpy(np.random.default_rng(0).integers(0, 255, (1, 64, 64), dtype=np.uint8))
    return Sample(pattern.expand(3, -1, -1).contiguous(), pattern.float() / 255)


def _dots() -> Sample:
    """Return five bright dots, and where they are."""
    points = np.array([[20, 24], [44, 25], [32, 36], [23, 46], [41, 47]])
    picture = np.zeros((64, 64), np.uint8)
    picture[points[:, 1], points[:, 0]] = 255
    smooth = cv2.GaussianBlur(picture.astype(np.float32) * 20, (7, 7), 1.2).clip(0, 255).astype(np.uint8)
    return Sample(torch.from_numpy(smooth).expand(3, -1, -1).contiguous(), None, torch.from_numpy(points).float())


@pytest.mark.parametrize(
    "change", [{"flip": 1}, {"rotation": 20}, {"zoom": 0.3, "shift": 0.1}, {"crop": 32, "shift": 0.2}]
)
def test_geometry_moves_picture_and_map_together(change: dict[str, float]) -> None:
    torch.manual_seed(0)
    given = _pattern()
    moved = Augment(_options(**change), random=True)(given)
    assert moved.maps is not None
    # the picture is rounded to 8 bits
    assert torch.allclose(moved.image[0] / 255, moved.maps[0], atol=0.51 / 255)
    if "crop" not in change:
        assert not torch.allclose(moved.maps[0], given.maps[0], atol=1e-2)


@pytest.mark.parametrize("change", [{}, {"flip": 1}, {"rotation": 20}, {"zoom": 0.2, "flip": 1}, {"crop": 56}])
def test_landmarks_move_with_the_picture_and_keep_their_order(change: dict[str, float]) -> None:
    torch.manual_seed(1)
    moved = Augment(_options(**change), random=True)(_dots())
    assert moved.landmarks is not None
    for x, y in moved.landmarks.tolist():
        window = moved.image[0, round(y) - 2 : round(y) + 3, round(x) - 2 : round(x) + 3].float()
        rows, columns = torch.meshgrid(torch.arange(5.0), torch.arange(5.0), indexing="ij")
        centre = [float((window * axis).sum() / window.sum()) - 2 for axis in (columns, rows)]
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
    torch.manual_seed(0)
    given = _pattern()
    changed = Augment(_options(**change), random=True)(given)
    assert torch.equal(changed.maps, given.maps)
    assert changed.image.dtype == torch.uint8
    assert (changed.image.float() - given.image.float()).abs().mean() > 2


def test_noise_has_the_deviation_that_was_asked_for() -> None:
    torch.manual_seed(0)
    grey = Sample(torch.full((3, 64, 64), 128, dtype=torch.uint8))
    noisy = Augment(_options(damage={"noise": 1, "noise_sigma": [6, 6]}), random=True)(grey)
    assert noisy.image.float().std() == pytest.approx(6, rel=0.03)


def test_blur_lowers_the_deviation_of_noise_as_its_kernel_says() -> None:
    torch.manual_seed(0)
    noise = Sample((128 + 30 * torch.randn(3, 64, 64)).clamp(0, 255).to(torch.uint8))
    soft = Augment(_options(damage={"blur": 1, "blur_sigma": [2, 2]}), random=True)(noise)
    # white noise under a Gaussian of σ: deviation / (2 σ √π) = 30 / 7.09
    assert soft.image.float().std() == pytest.approx(30 / 7.09, rel=0.1)


def test_damage_strikes_as_often_as_asked() -> None:
    torch.manual_seed(0)
    augment, given = Augment(_options(damage={"noise": 0.25, "noise_sigma": [5, 5]}), random=True), _pattern()
    struck = sum(not torch.equal(augment(given).image, given.image) for _ in range(400))
    # binomial with p = .25: 100 ± 8.7
    assert 70 < struck < 130


def test_evaluation_changes_nothing_but_cuts_the_middle() -> None:
    given = _pattern()
    lively = _options(flip=1, rotation=20, zoom=0.2, brightness=0.5, crop=32, shift=0.2, damage={"jpeg": 1})
    cut = Augment(lively, random=False)(given)
    assert torch.equal(cut.maps, given.maps[:, 16:48, 16:48])
    assert torch.equal(cut.image, given.image[:, 16:48, 16:48])


def test_cut_larger_than_the_crop_names_the_parameter() -> None:
    with pytest.raises(ValueError, match=r"augmentation\.crop: must be at most the stored crop's 64 pixels, got 128"):
        Augment(_options(crop=128), random=False)(_pattern())


def test_range_that_descends_names_the_parameter() -> None:
    with pytest.raises(ValueError, match=r"jpeg_quality: needs the smallest and the largest value.*got 90, 40"):
        _options(damage={"jpeg": 0.5, "jpeg_quality": [90, 40]})

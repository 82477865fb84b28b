"""Maps with gradients: the numbers of the real maps, and slopes that agree with what a small change does."""

import cv2
import numpy as np
import pytest
import torch
from benchmarks.defocus import faces

from fakefocus.imaging.defocus import edge_variance
from fakefocus.imaging.gradient_ratio import blur_and_confidence
from fakefocus.parameters import MapSpec
from fakefocus.training.differentiable_maps import differentiable_maps

RATIO = MapSpec(method="gradient_ratio", sigma_max=4.0)
VARIANCE = MapSpec(method="edge_variance", sigma_max=4.0)


def _pictures() -> list[np.ndarray]:
    """Return faces, noise, and a picture without an edge."""
    noise = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    return [*faces(3), noise, np.full((256, 256, 3), 77, np.uint8)]


def _tensor(pictures: list[np.ndarray]) -> torch.Tensor:
    return torch.from_numpy(np.stack(pictures).transpose(0, 3, 1, 2)).float() / 255


def test_values_are_those_of_the_map_that_is_made_of_a_crop() -> None:
    for picture, maps in zip(_pictures(), differentiable_maps(_tensor(_pictures()), RATIO, 2).numpy(), strict=True):
        for values, expected in zip(maps, blur_and_confidence(picture, 4.0), strict=True):
            assert np.abs(values - expected).max() < 1e-3


def test_values_of_the_published_map_are_its_own_too() -> None:
    for picture, maps in zip(_pictures(), differentiable_maps(_tensor(_pictures()), VARIANCE, 1).numpy(), strict=True):
        assert np.abs(maps[0] - edge_variance(picture)).max() < 1e-3


def test_values_are_those_of_the_crop_rounded_to_8_bits() -> None:
    crops = _tensor(faces(1))
    a_third = differentiable_maps((crops + 0.33 / 255).clamp(0, 1), RATIO, 1)
    # within a half of a grey level pixels round to what they were
    assert torch.equal(a_third, differentiable_maps(crops, RATIO, 1))


@pytest.mark.parametrize("spec", [RATIO, VARIANCE])
def test_gradients_are_numbers_everywhere_and_not_all_zero(spec: MapSpec) -> None:
    crops = _tensor(_pictures()).requires_grad_()
    differentiable_maps(crops, spec, 1).sum().backward()
    assert crops.grad is not None
    assert torch.isfinite(crops.grad).all()
    # faces and noise have edges, the flat picture has none
    assert [bool(gradient.any()) for gradient in crops.grad] == [True] * 4 + [False]


def test_gradient_says_how_the_map_changes_with_blur() -> None:
    # a step that is blurred more has the larger map: the gradient has to agree with the difference of two maps
    step = np.where(np.arange(128) < 64, 60.0, 180.0)[None, :].repeat(128, 0)
    soft, softer = (cv2.GaussianBlur(step, (0, 0), sigma) for sigma in (2.0, 2.3))

    pictures = [np.round(p)[..., None].repeat(3, 2).astype(np.uint8) for p in (soft, softer)]
    crops = _tensor(pictures)
    start = crops[:1].clone().requires_grad_()
    before = differentiable_maps(start, RATIO, 1).mean()
    before.backward()
    change = float(differentiable_maps(crops[1:], RATIO, 1).mean() - before.detach())
    assert start.grad is not None
    predicted = float((start.grad * (crops[1:] - crops[:1])).sum())
    # .3 px of blur more, of 4 px that a value of 1 stands for: about .075 more
    assert change == pytest.approx(0.075, abs=0.02)
    assert predicted == pytest.approx(change, rel=0.35)

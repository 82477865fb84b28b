import cv2
import numpy as np
import pytest
import torch
from benchmarks.defocus import faces

from fakefocus.imaging import gradient_ratio as single
from fakefocus.training.batched_maps import blur_and_confidence, gradient_ratio


def _batch() -> list[np.ndarray]:
    """Return faces, noise, a picture without an edge and one whose edges lie exactly between pixels."""
    noise = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    step = np.where(np.arange(256) < 128, 60, 180).astype(np.uint8)[None, :, None].repeat(256, 0).repeat(3, 2)
    turned = np.ascontiguousarray(step.transpose(1, 0, 2))
    return [*faces(4), noise, np.full((256, 256, 3), 77, np.uint8), step, cv2.GaussianBlur(turned, (0, 0), 2.0)]


def test_a_batch_gives_what_its_crops_give_one_by_one() -> None:
    crops = _batch()
    both = blur_and_confidence(torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2), 4.0)
    assert both.shape == (len(crops), 2, 256, 256)
    for crop, maps in zip(crops, both.numpy(), strict=True):
        for found, expected in zip(maps, single.blur_and_confidence(crop, 4.0), strict=True):
            assert np.abs(found - expected).max() < 1e-3


def test_the_blur_of_a_batch_comes_without_its_confidence_too() -> None:
    crops = torch.from_numpy(np.stack(faces(2))).permute(0, 3, 1, 2)
    blur = gradient_ratio(crops, 4.0)
    assert blur.shape == (2, 1, 256, 256)
    assert torch.equal(blur, blur_and_confidence(crops, 4.0)[:, :1])


def test_sides_that_are_no_multiple_of_a_cell_are_refused() -> None:
    with pytest.raises(ValueError, match="multiples of 8 pixels, got 30 x 32"):
        gradient_ratio(torch.zeros(1, 3, 30, 32, dtype=torch.uint8))

import cv2
import numpy as np
import pytest
import torch
from benchmarks.defocus import faces

from fakefocus.imaging.gradient_ratio import gradient_ratio
from fakefocus.training.batched_maps import gradient_ratio as batched


def _batch() -> list[np.ndarray]:
    """Return faces, noise, a picture without an edge and one whose edges lie exactly between pixels."""
    noise = np.random.default_rng(0).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    step = np.where(np.arange(256) < 128, 60, 180).astype(np.uint8)[None, :, None].repeat(256, 0).repeat(3, 2)
    turned = np.ascontiguousarray(step.transpose(1, 0, 2))
    return [*faces(4), noise, np.full((256, 256, 3), 77, np.uint8), step, cv2.GaussianBlur(turned, (0, 0), 2.0)]


def test_a_batch_gives_what_its_crops_give_one_by_one() -> None:
    crops = _batch()
    maps = batched(torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2), 4.0)
    assert maps.shape == (len(crops), 1, 256, 256)
    for crop, blur in zip(crops, maps[:, 0].numpy(), strict=True):
        assert np.abs(blur - gradient_ratio(crop, 4.0)).max() < 1e-3


def test_sides_that_are_no_multiple_of_a_cell_are_refused() -> None:
    with pytest.raises(ValueError, match="multiples of 4 pixels, got 30 x 32"):
        batched(torch.zeros(1, 3, 30, 32, dtype=torch.uint8))

import numpy as np
import pytest
import torch

from fakefocus.parameters import Augmentation
from fakefocus.training.augmentation import Augment

STILL = {"flip": 0, "rotation": 0, "shift": 0, "zoom": 0, "brightness": 0, "contrast": 0, "hue": 0}


def _options(**changes: float) -> Augmentation:
    return Augmentation(**({"crop": 64, "img_size": 64} | STILL | changes))


def _sample() -> tuple[torch.Tensor, torch.Tensor]:
    """Return a picture and a map that show the same pattern, so that a common warp keeps them equal."""
    pattern = torch.from_numpy(np.random.default_rng(0).integers(0, 255, (1, 64, 64), dtype=np.uint8))
    return pattern.expand(3, -1, -1).contiguous(), pattern.float() / 255


@pytest.mark.parametrize(
    "change", [{"flip": 1}, {"rotation": 20}, {"zoom": 0.3, "shift": 0.1}, {"crop": 32, "shift": 0.2}]
)
def test_geometry_moves_picture_and_map_together(change: dict[str, float]) -> None:
    torch.manual_seed(0)
    image, blur = _sample()
    out = Augment(_options(**change), random=True)(image, blur)
    assert torch.allclose(out[0], out[3], atol=1e-3)
    assert out.shape == (4, 64, 64)
    if "crop" not in change:
        assert not torch.allclose(out[3], blur[0], atol=1e-2)


def test_colour_changes_the_picture_alone() -> None:
    torch.manual_seed(0)
    image, blur = _sample()
    out = Augment(_options(brightness=0.5, contrast=0.5), random=True)(image, blur)
    assert torch.equal(out[3], blur[0])
    assert not torch.allclose(out[0], image[0] / 255, atol=1e-2)


def test_evaluation_changes_nothing_but_cuts_the_middle() -> None:
    image, blur = _sample()
    lively = _options(flip=1, rotation=20, zoom=0.2, brightness=0.5, crop=32, img_size=32, shift=0.2)
    out = Augment(lively, random=False)(image, blur)
    assert torch.equal(out[3], blur[0, 16:48, 16:48])
    assert torch.allclose(out[:3], image[:, 16:48, 16:48] / 255)


def test_cut_larger_than_the_crop_names_the_parameter() -> None:
    with pytest.raises(ValueError, match=r"augmentation\.crop: must be at most the stored crop's 64 pixels, got 128"):
        Augment(_options(crop=128), random=False)(*_sample())

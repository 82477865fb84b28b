"""Random changes of samples: geometry moves picture and map together, colour the picture alone."""

import torch
from torch import Tensor
from torchvision.transforms import InterpolationMode, v2

from fakefocus.parameters import Augmentation
from fakefocus.schemas import InputError


class Augment:
    """Cuts, turns and tints a sample; without ``random``, cuts its middle only."""

    def __init__(self, options: Augmentation, *, random: bool) -> None:
        """Prepare the transforms named by the parameters."""
        self._options = options
        self._random = random
        self._affine = (
            v2.RandomAffine(
                options.rotation,
                translate=(options.shift, options.shift),
                scale=(1 - options.zoom, 1 + options.zoom),
                interpolation=InterpolationMode.BILINEAR,
            )
            if random and (options.rotation or options.zoom)
            else None
        )
        self._colour = (
            v2.ColorJitter(options.brightness, options.contrast, hue=options.hue)
            if random and (options.brightness or options.contrast or options.hue)
            else None
        )

    def __call__(self, image: Tensor, blur: Tensor | None) -> Tensor:
        """Return ``(3 or 4, img_size, img_size) float32`` in [0, 1].

        Args:
            image: ``(3, H, W) uint8``.
            blur: The map, ``(1, H, W) float32`` in [0, 1], or None.
        """
        top, left = self._corner(image.shape[1], image.shape[2])
        side = self._options.crop
        image = image[:, top : top + side, left : left + side]
        if self._colour is not None:
            image = self._colour(image)
        sample = image.to(torch.float32) / 255
        if blur is not None:
            sample = torch.cat([sample, blur[:, top : top + side, left : left + side]])
        if self._random and torch.rand(()) < self._options.flip:
            sample = sample.flip(2)
        if self._affine is not None:
            sample = self._affine(sample)
        if side != self._options.img_size:
            sample = v2.functional.resize(sample, [self._options.img_size] * 2, antialias=True)
        return sample.clamp(0, 1)

    def _corner(self, height: int, width: int) -> tuple[int, int]:
        """Return where the square is cut: the middle, moved at random by up to ``shift`` of its side."""
        side = self._options.crop
        if side > min(height, width):
            msg = f"augmentation.crop: must be at most the stored crop's {min(height, width)} pixels, got {side}"
            raise InputError(msg)
        corner = []
        for room in (height - side, width - side):
            cut_moves = self._random and self._affine is None
            reach = min(round(self._options.shift * side), room // 2) if cut_moves else 0
            corner.append(room // 2 + int(torch.randint(-reach, reach + 1, ())))
        return corner[0], corner[1]

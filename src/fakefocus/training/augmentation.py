"""Random changes of samples with torchvision: geometry moves picture, map and landmarks, the rest the picture alone."""

from math import ceil
from typing import NamedTuple

import torch
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms import InterpolationMode, v2

from fakefocus.parameters import Augmentation, Damage
from fakefocus.schemas import InputError

_MIRRORED = [1, 0, 2, 4, 3]
"""Order of five landmarks after a flip: what was left in the picture is right."""


class Sample(NamedTuple):
    """A picture ``(3, H, W) uint8`` and what is known of its places.

    ``maps`` ``(K, H, W) float32`` in [0, 1]; ``landmarks`` ``(5, 2) float32``, x and y in pixels.
    """

    image: Tensor
    maps: Tensor | None = None
    landmarks: Tensor | None = None


class Augment:
    """Changes samples by chance of torch's global generator; without ``random``, cuts their middle only."""

    def __init__(self, options: Augmentation, *, random: bool) -> None:
        """Prepare the transforms named by the parameters."""
        self._options = options
        self._random = random
        self._affine = _affine(options) if random else None
        changes = [*_damage(options.damage), *_colour(options)] if random else []
        self._change = v2.Compose(changes) if changes else None

    def __call__(self, sample: Sample) -> Sample:
        """Move and change a sample; its sides become ``crop`` pixels."""
        return self.change(self.move(sample))

    def move(self, sample: Sample) -> Sample:
        """Cut, flip and turn picture, maps and landmarks alike."""
        sample = self._cut(sample)
        if self._random and torch.rand(()) < self._options.flip:
            sample = _flipped(sample)
        return sample if self._affine is None else _warped(sample, self._affine)

    def change(self, sample: Sample) -> Sample:
        """Damage and tint the picture."""
        return sample if self._change is None else sample._replace(image=self._change(sample.image))

    def _cut(self, sample: Sample) -> Sample:
        side = self._options.crop
        top, left = self._corner(*sample.image.shape[1:])
        window = (..., slice(top, top + side), slice(left, left + side))
        maps = None if sample.maps is None else sample.maps[window]
        landmarks = None if sample.landmarks is None else sample.landmarks - torch.tensor([left, top])
        return Sample(sample.image[window], maps, landmarks)

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


def _flipped(sample: Sample) -> Sample:
    maps, landmarks = sample.maps, sample.landmarks
    if landmarks is not None:
        landmarks = landmarks[_MIRRORED]
        landmarks[:, 0] = sample.image.shape[2] - 1 - landmarks[:, 0]
    return Sample(sample.image.flip(2), None if maps is None else maps.flip(2), landmarks)


def _warped(sample: Sample, affine: v2.RandomAffine) -> Sample:
    size = (sample.image.shape[1], sample.image.shape[2])
    parts = {"image": tv_tensors.Image(sample.image)}
    if sample.maps is not None:
        parts["maps"] = tv_tensors.Image(sample.maps)
    if sample.landmarks is not None:
        parts["landmarks"] = tv_tensors.KeyPoints(sample.landmarks, canvas_size=size)
    moved = {name: part.as_subclass(Tensor) for name, part in affine(parts).items()}
    maps = moved.get("maps")
    return Sample(moved["image"], None if maps is None else maps.clamp(0, 1), moved.get("landmarks"))


def _affine(options: Augmentation) -> v2.RandomAffine | None:
    if not options.rotation and not options.zoom:
        return None
    shift, zoom = options.shift, options.zoom
    return v2.RandomAffine(
        options.rotation,
        translate=(shift, shift),
        scale=(1 - zoom, 1 + zoom),
        interpolation=InterpolationMode.BILINEAR,
    )


def _colour(options: Augmentation) -> list[v2.Transform]:
    strengths = (options.brightness, options.contrast, options.hue)
    return [v2.ColorJitter(*strengths[:2], hue=options.hue)] if any(strengths) else []


def _damage(options: Damage) -> list[v2.Transform]:
    """Return what spoils pixels, in the order in which a clip suffers it: sent smaller, blurred, noisy, compressed."""
    steps = [
        (options.rescale, _Rescale(*options.rescale_factor)),
        (options.blur, v2.GaussianBlur(2 * ceil(3 * options.blur_sigma[1]) + 1, options.blur_sigma)),
        (options.noise, _Noise(*options.noise_sigma)),
        (options.jpeg, v2.JPEG(options.jpeg_quality)),
    ]
    return [v2.RandomApply([step], share) for share, step in steps if share > 0]


class _Strength(v2.Transform):
    """A transform of one strength, drawn evenly from a range."""

    def __init__(self, low: float, high: float) -> None:
        super().__init__()
        self.low, self.high = low, high

    def make_params(self, flat_inputs: list[Tensor]) -> dict[str, float]:
        return {"strength": float(torch.empty(()).uniform_(self.low, self.high))}


class _Rescale(_Strength):
    def transform(self, inpt: Tensor, params: dict[str, float]) -> Tensor:
        size = list(inpt.shape[-2:])
        smaller = [max(1, round(side * params["strength"])) for side in size]
        return v2.functional.resize(v2.functional.resize(inpt, smaller, antialias=True), size, antialias=True)


class _Noise(_Strength):
    def transform(self, inpt: Tensor, params: dict[str, float]) -> Tensor:
        noise = torch.randn(inpt.shape) * params["strength"]
        return (inpt + noise).round_().clamp_(0, 255).to(torch.uint8)

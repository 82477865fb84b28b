"""Random changes of samples: geometry moves picture, maps and landmarks together, damage and colour the picture alone.

What is drawn is torchvision's (`transforms.v2`), and so is most of the damage. One matrix then moves everything, by
OpenCV, which takes a tenth of the time of torchvision's kernels on a picture.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from math import cos, exp, log, pi, radians, sin, sqrt
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torchvision.transforms import v2

from fakefocus.errors import InputError
from fakefocus.imaging.codec import Passage, h264
from fakefocus.parameters import Augmentation, Damage

_GREY = np.array([0.299, 0.587, 0.114])
"""Shares of red, green and blue in grey (ITU-R BT.601)."""
_UNSHARP = 1.2
"""σ of the Gaussian that sharpening subtracts, pixels."""
_SHOT, _SPEED = 3, 1.5
"""Frames of a shot that H.264 encodes, and the greatest speed of the picture in it, pixels a frame, across and down."""
_LEAST_SIDE = 16
"""Pixels that a picture keeps whatever the factor."""
_MIRRORED = [1, 0, 2, 4, 3]
"""Order of five landmarks after a flip: what was left in the picture is right."""


class Sample(NamedTuple):
    """A picture ``(H, W, 3) uint8, RGB`` and what is known of its places.

    ``maps`` ``(H, W, K) float32`` in [0, 1]; ``landmarks`` ``(5, 2)``, x and y in pixels.
    """

    image: NDArray[np.uint8]
    maps: NDArray[np.float32] | None = None
    landmarks: NDArray[np.floating] | None = None


class Tint(NamedTuple):
    """Brightness and hue as a matrix of RGB, contrast about the mean grey as a factor: pixels are rounded once."""

    turn: NDArray[np.float64]
    contrast: float


class Pass(NamedTuple):
    """One way through what spoils a picture: at ``factor`` of its sides, transforms with their parameters."""

    factor: float
    steps: tuple[tuple[v2.Transform, dict[str, Any]], ...]


class Plan(NamedTuple):
    """What was drawn for a sample. To carry it out draws nothing, so that several threads may.

    ``corner`` where the square is cut, from -1 to 1 of what is allowed, down and across; ``matrix`` ``(2, 3)`` moves
    pixels, a flip included; ``damage`` what spoils them, once or twice; ``ends`` the shares of the sides, top, bottom,
    left and right, in which the frame has ended.
    """

    corner: tuple[float, float] = (0.0, 0.0)
    flip: bool = False
    matrix: NDArray[np.float64] | None = None
    damage: tuple[Pass, ...] = ()
    tint: Tint | None = None
    ends: tuple[float, float, float, float] | None = None


class Augment:
    """Draws changes and carries them out; without ``random``, cuts the middle only."""

    def __init__(self, options: Augmentation, *, random: bool) -> None:
        """Prepare the transforms named by the parameters."""
        self._options = options
        self._random = random
        self._affine = _affine(options) if random else None
        self._damage = _damage(options.damage)
        self._blank = [torch.empty((3, options.crop, options.crop), device="meta")]

    def plan(self, seed: int, strength: float = 1.0) -> Plan:
        """Draw what happens to a sample; torch's global generator, torchvision knows no other, is left as it was.

        ``strength`` in [0, 1] is a factor of the shares with which damage strikes.
        """
        if not self._random:
            return Plan()
        with _seeded(seed):
            down, across, *tint = torch.empty(5).uniform_(-1, 1).tolist()
            flip = bool(torch.rand(()) < self._options.flip)
            moved = None if self._affine is None else self._affine.make_params(self._blank)
            damage = self._draw_damage(strength)
            ends = self._draw_ends()
        matrix = None if moved is None else affine_matrix(moved, self._options.crop, flip=flip)
        return Plan((down, across), flip, matrix, damage, self._tint(*tint), ends)

    def _draw_ends(self) -> tuple[float, float, float, float] | None:
        options = self._options
        if not options.tight or torch.rand(()) >= options.tight:
            return None
        top, bottom, left, right = torch.empty(4).uniform_(*options.tight_by).tolist()
        return top, bottom, left, right

    def _draw_damage(self, strength: float) -> tuple[Pass, ...]:
        options = self._options.damage
        passes = 2 if options.again and torch.rand(()) < strength * options.again else 1
        return tuple(self._draw_pass(options, strength) for _ in range(passes) if self._damage or options.rescale)

    def _draw_pass(self, options: Damage, strength: float) -> Pass:
        factor = 1.0
        if options.rescale and torch.rand(()) < strength * options.rescale:
            low, high = map(log, options.rescale_factor)
            factor = exp(float(torch.empty(()).uniform_(low, high)))
        struck = (step for share, step in self._damage if torch.rand(()) < strength * share)
        return Pass(factor, tuple((step, step.make_params(self._blank)) for step in struck))

    def __call__(self, sample: Sample, plan: Plan) -> Sample:
        """Move and change a sample; its sides become ``crop`` pixels."""
        return change(self.move(sample, plan), plan)

    def move(self, sample: Sample, plan: Plan) -> Sample:
        """Cut, flip and turn picture, maps and landmarks alike.

        What a turn or a zoom brings in from outside of the square is what the stored crop shows there, as far as it
        reaches; then its last pixels are repeated, as they are where a frame ends.
        """
        side = self._options.crop
        top, left = self._corner(sample.image.shape[0], sample.image.shape[1], plan)
        maps = None if sample.maps is None else _moved(sample.maps, (left, top), side, plan)
        image = _moved(sample.image, (left, top), side, plan)
        return Sample(image, maps, _moved_points(sample.landmarks, (left, top), side, plan))

    def _corner(self, height: int, width: int, plan: Plan) -> tuple[int, int]:
        """Return where the square is cut: the middle, moved by up to ``shift`` of its side."""
        side = self._options.crop
        if side > min(height, width):
            msg = f"augmentation.crop: must be at most the stored crop's {min(height, width)} pixels, got {side}"
            raise InputError(msg)
        reach = 0 if plan.matrix is not None else round(self._options.shift * side)
        rooms = (height - side, width - side)
        corner = zip(middle(height, width, side), rooms, plan.corner, strict=True)
        top, left = (m + round(min(reach, r // 2) * c) for m, r, c in corner)
        return top, left

    def _tint(self, brightness: float, contrast: float, hue: float) -> Tint | None:
        """Return the change of colour for numbers from -1 to 1."""
        options = self._options
        if not any((options.brightness, options.contrast, options.hue)):
            return None
        return tint(1 + options.brightness * brightness, 1 + options.contrast * contrast, options.hue * hue)


def middle(height: int, width: int, side: int) -> tuple[int, int]:
    """Return from where on, down and across, a square of ``side`` pixels is the middle of a picture."""
    return (height - side) // 2, (width - side) // 2


def tint(brightness: float, contrast: float, hue: float) -> Tint:
    """Return a change of colour by the factors of torchvision's ColorJitter.

    Hue turns colours about the axis of greys, by a share of the circle.
    """
    turn = np.asarray(cv2.Rodrigues(np.full(3, 2 * pi * hue / sqrt(3)))[0], dtype=np.float64)
    return Tint(brightness * turn, contrast)


def change(sample: Sample, plan: Plan) -> Sample:
    """Damage and tint the picture, and repeat its last pixels where its frame has ended."""
    image = sample.image
    for damage in plan.damage:
        image = _damaged(image, damage)
    image = image if plan.tint is None else _tinted(image, plan.tint)
    return sample._replace(image=image if plan.ends is None else _ended(image, plan.ends))


def _ended(image: NDArray[np.uint8], ends: tuple[float, float, float, float]) -> NDArray[np.uint8]:
    height, width = image.shape[:2]
    top, bottom, left, right = (round(e * s) for e, s in zip(ends, (height, height, width, width), strict=True))
    inside = image[top : height - bottom, left : width - right]
    return np.pad(inside, ((top, bottom), (left, right), (0, 0)), mode="edge")


def _damaged(image: NDArray[np.uint8], damage: Pass) -> NDArray[np.uint8]:
    height, width = image.shape[:2]
    size = max(_LEAST_SIDE, round(width * damage.factor)), max(_LEAST_SIDE, round(height * damage.factor))
    smaller = damage.factor < 1
    if smaller:
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    for step, params in damage.steps:
        spoilt = step.transform(torch.from_numpy(np.ascontiguousarray(image)).permute(2, 0, 1), params)
        image = np.ascontiguousarray(spoilt.permute(1, 2, 0).numpy())
    return cv2.resize(image, (width, height), interpolation=cv2.INTER_LINEAR) if smaller else image  # type: ignore[return-value]


def affine_matrix(params: dict[str, Any], side: int, *, flip: bool = False) -> NDArray[np.float64]:
    """Return where torchvision's parameters move pixels of a square, ``(2, 3)``.

    Mirrored first, if at all, then turned clockwise and scaled about the middle, then shifted.
    """
    angle, scale, middle = radians(params["angle"]), params["scale"], (side - 1) / 2
    a, b = scale * cos(angle), scale * sin(angle)
    mirror = -1 if flip else 1
    x, y = params["translate"]
    return np.array(
        [
            [mirror * a, -b, x + middle - (mirror * a - b) * middle],
            [mirror * b, a, y + middle - (mirror * b + a) * middle],
        ]
    )


def _moved(pixels: NDArray[Any], corner: tuple[int, int], side: int, plan: Plan) -> NDArray[Any]:
    if plan.matrix is None:
        window = pixels[corner[1] : corner[1] + side, corner[0] : corner[0] + side]
        return window[:, ::-1] if plan.flip else window
    matrix = np.column_stack([plan.matrix[:, :2], plan.matrix[:, 2] - plan.matrix[:, :2] @ corner])
    warped = cv2.warpAffine(pixels, matrix, (side, side), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    # OpenCV drops the axis of a single map
    return warped.reshape(side, side, *pixels.shape[2:])


def _moved_points(
    landmarks: NDArray[np.floating] | None, corner: tuple[int, int], side: int, plan: Plan
) -> NDArray[np.floating] | None:
    if landmarks is None:
        return None
    points = landmarks - corner
    if plan.matrix is not None:
        points = points @ plan.matrix[:, :2].T + plan.matrix[:, 2]
    elif plan.flip:
        points = np.array([side - 1, 0]) + points * [-1, 1]
    return points[_MIRRORED] if plan.flip else points


def _tinted(pixels: NDArray[np.uint8], tint: Tint) -> NDArray[np.uint8]:
    pixels = np.ascontiguousarray(pixels)
    grey = _GREY @ tint.turn @ cv2.mean(pixels)[:3]
    matrix = np.empty((3, 4))
    matrix[:, :3], matrix[:, 3] = tint.contrast * tint.turn, (1 - tint.contrast) * grey
    return cv2.transform(pixels, matrix).astype(np.uint8, copy=False)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    state = torch.get_rng_state()
    torch.default_generator.manual_seed(seed)
    try:
        yield
    finally:
        torch.set_rng_state(state)


def _affine(options: Augmentation) -> v2.RandomAffine | None:
    if not options.rotation and not options.zoom:
        return None
    shift, zoom = options.shift, options.zoom
    return v2.RandomAffine(options.rotation, translate=(shift, shift), scale=(1 - zoom, 1 + zoom))


def _damage(options: Damage) -> list[tuple[float, v2.Transform]]:
    """Return what spoils pixels with its share, as a clip suffers it: blurred, sharpened, noisy, compressed."""
    steps = [
        (options.blur, _Blur(*options.blur_sigma)),
        (options.sharpen, _Sharpen(*options.sharpen_weight)),
        (options.noise, _Noise(*options.noise_sigma)),
        (options.jpeg, v2.JPEG(options.jpeg_quality)),
        (options.h264, _H264(*options.h264_crf)),
    ]
    return [(share, step) for share, step in steps if share > 0]


class _Strength(v2.Transform):
    """A transform of one strength, drawn evenly from a range."""

    def __init__(self, low: float, high: float) -> None:
        super().__init__()
        self.low, self.high = low, high

    def make_params(self, flat_inputs: list[Tensor]) -> dict[str, float]:
        return {"strength": float(torch.empty(()).uniform_(self.low, self.high))}


class _Blur(_Strength):
    """A Gaussian, by OpenCV: torchvision's takes twenty times as long on a picture of 8 bits."""

    def transform(self, inpt: Tensor, params: dict[str, float]) -> Tensor:
        image = np.ascontiguousarray(inpt.permute(1, 2, 0).numpy())
        soft = cv2.GaussianBlur(image, (0, 0), params["strength"], borderType=cv2.BORDER_REFLECT_101)
        return torch.from_numpy(np.asarray(soft)).permute(2, 0, 1)


class _Sharpen(_Strength):
    """Unsharp masking."""

    def transform(self, inpt: Tensor, params: dict[str, float]) -> Tensor:
        image = inpt.permute(1, 2, 0).numpy()
        weight = params["strength"]
        sharp = cv2.addWeighted(image, 1 + weight, cv2.GaussianBlur(image, (0, 0), _UNSHARP), -weight, 0)
        return torch.from_numpy(np.asarray(sharp)).permute(2, 0, 1)


class _H264(_Strength):
    """A constant rate factor, and how the picture moves through a shot of a few frames."""

    def make_params(self, flat_inputs: list[Tensor]) -> dict[str, float]:
        x, y = torch.empty(2).uniform_(-_SPEED, _SPEED).tolist()
        frame = int(torch.randint(_SHOT, ()))
        return super().make_params(flat_inputs) | {"frame": frame, "x": x, "y": y}

    def transform(self, inpt: Tensor, params: dict[str, float]) -> Tensor:
        passage = Passage(int(params["frame"]), (params["x"], params["y"]))
        coded = h264(inpt.permute(1, 2, 0).numpy(), params["strength"], passage)
        return torch.from_numpy(coded).permute(2, 0, 1)


class _Noise(_Strength):
    def make_params(self, flat_inputs: list[Tensor]) -> dict[str, float]:
        return super().make_params(flat_inputs) | {"seed": int(torch.randint(2**31, ()))}

    def transform(self, inpt: Tensor, params: dict[str, float]) -> Tensor:
        generator = torch.Generator().manual_seed(int(params["seed"]))
        noise = torch.randn(inpt.shape, generator=generator) * params["strength"]
        return (inpt + noise).round_().clamp_(0, 255).to(torch.uint8)

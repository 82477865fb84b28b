"""What happens to a picture on its way, in five strengths: compression, blur, noise, scaling, colours, lost blocks.

All of it is done to 8-bit pixels, as a picture suffers it, never to what a network has normalised: cast back to 8 bits,
normalised numbers wrap around, and what is left has nothing to do with the picture. The kinds are those of
DeeperForensics-1.0 (Jiang et al. 2020, https://arxiv.org/abs/2001.03024; strengths in
https://github.com/EndlessSora/DeeperForensics-1.0, folder ``perturbation``), whose weakest strength is already strong;
each list here begins below it, so that a curve shows where a detector begins to fail.
"""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from fakefocus.errors import InputError, did_you_mean
from fakefocus.extensions import PERTURBATIONS, extended

Picture = NDArray[np.uint8]
STRENGTHS = 5
"""Strengths of each perturbation, 1 the weakest; 0 leaves a picture as it is."""
_REFERENCE_SIDE = 256
"""Side in pixels of the crops that blocks are meant for; on other crops they grow and shrink with the side."""
_BLOCK, _BLOCK_GREY = 8, 128


class Perturbation(NamedTuple):
    """One kind: its title, the unit and the ``values`` of its strengths, the weakest first, and what does it.

    ``apply`` takes ``(H, W, 3) uint8, RGB``, a value and a generator of random numbers.
    """

    title: str
    unit: str
    values: tuple[float, float, float, float, float]
    apply: Callable[[Picture, float, np.random.Generator], Picture]


@cache
def perturbations() -> dict[str, Perturbation]:
    """Return all kinds by name; another package adds one by the entry point ``fakefocus.perturbations``.

    Raises:
        InputError: If a package adds something else, or a name that is taken.
    """
    return extended(PERTURBATIONS, _OURS, Perturbation, "a fakefocus.imaging.perturbations.Perturbation")


def perturb(image: Picture, name: str, strength: int, seed: tuple[int, ...]) -> Picture:
    """Return a picture after one perturbation.

    Args:
        image: ``(H, W, 3) uint8, RGB``; it is not changed.
        name: A name of `perturbations`.
        strength: 1 to `STRENGTHS`; 0 for a copy.
        seed: Of what is drawn: the same for every strength, so that a stronger one is more of the same.

    Raises:
        InputError: If there is no such perturbation or strength, or the picture is not of 8 bits.
    """
    kind = _find(name)
    if not 0 <= strength <= STRENGTHS:
        msg = f"{name}: a strength is 0 (none) to {STRENGTHS}, got {strength}"
        raise InputError(msg)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        msg = (
            f"{name}: needs 8-bit RGB (H, W, 3), got {image.dtype} {image.shape}: perturb before pixels are normalised"
        )
        raise InputError(msg)
    if strength == 0:
        return image.copy()
    return kind.apply(np.ascontiguousarray(image), kind.values[strength - 1], np.random.default_rng(seed))


def _find(name: str) -> Perturbation:
    kinds = perturbations()
    if name not in kinds:
        near = did_you_mean(name, kinds) or f", there are {', '.join(kinds)}"
        msg = f"unknown perturbation {name!r}{near}"
        raise InputError(msg)
    return kinds[name]


def compress(image: Picture, quality: float, rng: np.random.Generator) -> Picture:
    """Encode as JPEG of a quality in [1, 100] (libjpeg, 4:2:0), and decode."""
    del rng
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    encoded, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, round(quality)])
    if not encoded:
        msg = f"OpenCV could not encode a picture of {image.shape} as JPEG"
        raise InputError(msg)
    decoded = np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR))
    return _as_picture(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB))


def blur(image: Picture, sigma: float, rng: np.random.Generator) -> Picture:
    """Blur with a Gaussian of σ pixels."""
    del rng
    return _as_picture(cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101))


def add_noise(image: Picture, sigma: float, rng: np.random.Generator) -> Picture:
    """Add white Gaussian noise of σ grey levels of 255, of each colour its own."""
    return _rounded(image + sigma * rng.standard_normal(image.shape, dtype=np.float32))


def rescale(image: Picture, factor: float, rng: np.random.Generator) -> Picture:
    """Make a picture smaller by a factor of its side, averaging areas, and as large as it was, bilinearly."""
    del rng
    height, width = image.shape[:2]
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    smaller = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return _as_picture(cv2.resize(smaller, (width, height), interpolation=cv2.INTER_LINEAR))


def lower_contrast(image: Picture, factor: float, rng: np.random.Generator) -> Picture:
    """Pull all pixels towards the picture's mean grey: a factor of 1 leaves them, 0 is that grey."""
    del rng
    mean = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).mean(dtype=np.float64)
    return _rounded(mean + np.float32(factor) * (image - np.float32(mean)))


def lower_saturation(image: Picture, factor: float, rng: np.random.Generator) -> Picture:
    """Pull all colours towards the grey of their brightness: a factor of 1 leaves them, 0 is a grey picture."""
    del rng
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[..., None].astype(np.float32)
    return _rounded(grey + np.float32(factor) * (image - grey))


def drop_blocks(image: Picture, count: float, rng: np.random.Generator) -> Picture:
    """Grey out as many blocks of 8 x 8 pixels of a crop of 256; more blocks are the same ones and others."""
    height, width = image.shape[:2]
    side = max(1, round(_BLOCK * min(height, width) / _REFERENCE_SIDE))
    dropped = image.copy()
    for y, x in rng.random((round(count), 2)):
        top, left = int(y * (height - side + 1)), int(x * (width - side + 1))
        dropped[top : top + side, left : left + side] = _BLOCK_GREY
    return dropped


def _rounded(values: NDArray[np.floating]) -> Picture:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def _as_picture(values: NDArray[np.generic]) -> Picture:
    return np.asarray(values, dtype=np.uint8)


_OURS: dict[str, Perturbation] = {
    "jpeg": Perturbation("JPEG", "quality", (90, 75, 50, 30, 10), compress),
    "blur": Perturbation("Gaussian blur", "σ, pixels", (0.5, 1.0, 1.5, 2.5, 3.5), blur),
    "noise": Perturbation("Gaussian noise", "σ, grey levels", (2, 5, 10, 20, 40), add_noise),
    "rescale": Perturbation("smaller and back", "factor", (0.75, 0.5, 0.35, 0.25, 0.17), rescale),
    "contrast": Perturbation("contrast", "factor", (0.85, 0.725, 0.6, 0.475, 0.35), lower_contrast),
    "saturation": Perturbation("saturation", "factor", (0.8, 0.6, 0.4, 0.2, 0.0), lower_saturation),
    "blocks": Perturbation("lost blocks", "blocks", (16, 32, 48, 64, 80), drop_blocks),
}
"""By name. Contrast and blocks have DeeperForensics' strengths; its blur is σ 1.2 to 3.5 pixels (kernels of 7 to 21),
its saturation .4 to 0, and what it calls JPEG is a rescaling by 1/2 to 1/6."""

"""What a generator does to a face that it computes anew: fine detail is lost, and a texture of its own comes in.

Three ways, drawn evenly: smaller and back (a decoder of a low resolution), through JPEG on a grid that is not the
picture's (a latent code of few coefficients), and enlarged by a transposed convolution, whose kernel leaves a
checkerboard (Odena et al. 2016, https://distill.pub/2016/deconv-checkerboard/).
"""

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray

from fakefocus.imaging.perturbations import compress

Picture = NDArray[np.uint8]

_FACTORS = (1.6, 4.0)
"""Least and greatest factor by which sides shrink on the way."""
_QUALITIES = (12, 45)
"""Of JPEG, least and greatest."""
_UNEVENNESS = 0.12
"""Greatest change of a weight of the transposed convolution's kernel, as a share of it."""
_WAYS_BACK = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4)


def resynthesised(crop: Picture, rng: np.random.Generator) -> Picture:
    """Return a crop, ``(H, W, 3) uint8, RGB``, as if it had been computed anew; the same state of ``rng``, the same."""
    return _WAYS[rng.integers(len(_WAYS))](crop, rng)


def _smaller_and_back(crop: Picture, rng: np.random.Generator) -> Picture:
    factor, way = float(np.exp(rng.uniform(*np.log(_FACTORS)))), _WAYS_BACK[rng.integers(len(_WAYS_BACK))]
    small = cv2.resize(crop, _shrunk(crop, factor), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, crop.shape[1::-1], interpolation=way), dtype=np.uint8)


def _coded(crop: Picture, rng: np.random.Generator) -> Picture:
    factor, quality = float(rng.uniform(1.0, 2.0)), int(rng.integers(*_QUALITIES, endpoint=True))
    small = cv2.resize(crop, _shrunk(crop, factor), interpolation=cv2.INTER_AREA)
    coded = compress(np.asarray(small, dtype=np.uint8), quality, rng)
    return np.asarray(cv2.resize(coded, crop.shape[1::-1], interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


def _deconvolved(crop: Picture, rng: np.random.Generator) -> Picture:
    """Halve a crop and enlarge it by a kernel of 4 x 4 whose four phases do not weigh the same."""
    half = cv2.resize(crop, _shrunk(crop, 2.0), interpolation=cv2.INTER_AREA)
    spread = np.zeros((2 * half.shape[0], 2 * half.shape[1], 3), np.float32)
    spread[::2, ::2] = half
    even = np.outer([1, 3, 3, 1], [1, 3, 3, 1]) / 16
    kernel = even * (1 + rng.uniform(-_UNEVENNESS, _UNEVENNESS, (4, 4)))
    kernel *= 4 / kernel.sum()
    enlarged = cv2.filter2D(spread, -1, kernel, borderType=cv2.BORDER_REFLECT_101)
    rounded = np.clip(np.rint(enlarged), 0, 255).astype(np.uint8)
    return np.asarray(cv2.resize(rounded, crop.shape[1::-1], interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


def _shrunk(crop: Picture, factor: float) -> tuple[int, int]:
    height, width = crop.shape[:2]
    return max(2, round(width / factor)), max(2, round(height / factor))


_WAYS: tuple[Callable[[Picture, np.random.Generator], Picture], ...] = (_smaller_and_back, _coded, _deconvolved)

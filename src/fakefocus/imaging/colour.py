"""Colours of one picture moved to those of another."""

import cv2
import numpy as np
from numpy.typing import NDArray

_GAIN = (0.6, 1.6)
"""Least and greatest factor of a channel's contrast: more would show noise."""


def match_colour(
    image: NDArray[np.number], reference: NDArray[np.number], inside: NDArray[np.bool_], strength: float = 1.0
) -> NDArray[np.float32]:
    """Move the colours of an image within a mask to those of another.

    Mean and deviation of each Lab channel are matched, as in Reinhard et al., Color Transfer between Images, 2001
    (https://doi.org/10.1109/38.946629).

    Args:
        image: ``(H, W, 3)`` in [0, 255], RGB.
        reference: Alike.
        inside: ``(H, W)``, where both are looked at, at least one pixel.
        strength: How far colours move, in [0, 1]; 0 leaves the image as it is.
    """
    source, target = to_lab(image), to_lab(reference)
    mean_s, mean_t = source[inside].mean(axis=0), target[inside].mean(axis=0)
    gain = np.clip(target[inside].std(axis=0) / (source[inside].std(axis=0) + 1e-3), *_GAIN)
    moved = (source - mean_s) * (1 + strength * (gain - 1)) + mean_s + strength * (mean_t - mean_s)
    return from_lab(moved.astype(np.float32))


def to_lab(image: NDArray[np.number]) -> NDArray[np.float32]:
    """Return CIELAB, ``(H, W, 3) float32``, of RGB in [0, 255]."""
    scaled = np.clip(image, 0, 255) / np.float32(255)
    return np.asarray(cv2.cvtColor(scaled.astype(np.float32), cv2.COLOR_RGB2LAB))


def from_lab(lab: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return RGB, ``(H, W, 3) float32`` in [0, 255], of CIELAB."""
    return np.clip(cv2.cvtColor(lab, cv2.COLOR_LAB2RGB), 0, 1) * np.float32(255)

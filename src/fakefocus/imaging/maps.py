"""Makes the maps of a crop that a network sees beside RGB."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fakefocus.imaging.defocus import estimate_map
from fakefocus.imaging.gradient_ratio import blur_and_confidence
from fakefocus.parameters import Defocus

_LEVELS = 65535
"""Steps of a stored map between 0 and 1: floats of 16 bits, a twentieth as fine, move scores by a thousandth."""


def to_levels(values: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Return a map in [0, 1] as it is stored."""
    return np.rint(values * np.float32(_LEVELS)).astype(np.uint16)


def from_levels(levels: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Return a stored map in [0, 1]."""
    return levels.astype(np.float32) / np.float32(_LEVELS)


class MapMaker(NamedTuple):
    """Makes the ``channels`` maps of a crop: blur, or blur and confidence."""

    defocus: Defocus
    channels: int

    def __call__(self, crop: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return ``(H, W, K)`` in [0, 1] for ``(H, W, 3) uint8, RGB``."""
        if self.channels == 1:
            return estimate_map(crop, self.defocus.method, self.defocus.sigma_max)[..., None]
        return np.stack(blur_and_confidence(crop, self.defocus.sigma_max), axis=2)

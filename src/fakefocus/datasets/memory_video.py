"""One video in memory, with the very pixels that its folder would hold."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fakefocus.datasets.stored_video import FrameWriter, encode_picture

_SUFFIX, _QUALITY = ".jpg", 95
"""As the catalog stores crops: a score depends on what JPEG leaves of one."""


class MemoryVideo(FrameWriter):
    """Takes the crops of a video, and hands them out as a reader of its folder gets them."""

    def __init__(self) -> None:
        """Start empty."""
        self._held: dict[str, bytes] = {}

    def __call__(self, name: str, array: NDArray[Any]) -> None:
        """Keep a crop ``(H, W, 3) uint8, RGB``."""
        self._held[name] = encode_picture(array, _SUFFIX, _QUALITY)

    def discard(self, name: str) -> None:
        """Forget a crop."""
        del self._held[name]

    def discard_all(self) -> None:
        """Forget all of them."""
        self._held.clear()

    def rename(self, old: str, new: str) -> None:
        """Give a crop another name."""
        self._held[new] = self._held.pop(old)

    def read(self, name: str) -> NDArray[np.uint8]:
        """Return a crop, ``(H, W, 3) uint8, RGB``."""
        decoded = cv2.imdecode(np.frombuffer(self._held[name], np.uint8), cv2.IMREAD_COLOR)
        return np.asarray(cv2.cvtColor(np.asarray(decoded), cv2.COLOR_BGR2RGB), dtype=np.uint8)

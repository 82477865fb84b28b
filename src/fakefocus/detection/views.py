"""Parts of a frame at any size, cheaply: successive halves, of which the fitting one is reduced."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, log2

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]

_SMALLEST = 24


@dataclass(frozen=True)
class View:
    """A part of a frame: its halves, ``(H, W, 3) uint8`` each, and where it begins, x and y in pixels."""

    halves: Sequence[Picture]
    x: int = 0
    y: int = 0

    @property
    def limits(self) -> tuple[int, int, int, int]:
        """Where the view lies in the frame: x1, y1, x2, y2 in pixels."""
        height, width = self.halves[0].shape[:2]
        return self.x, self.y, self.x + width, self.y + height

    def cut(self, box: tuple[float, float, float, float], side: int, detail: float = 1.0) -> Picture:
        """Cut a box, x1, y1, x2, y2 in pixels of the frame, at ``side`` by ``side`` pixels.

        At least ``detail`` pixels of the half that is reduced become one, a side.
        """
        left, top, right, bottom = box
        half = self._fitting(min(right - left, bottom - top) / side / detail)
        unit = 2**half
        x1, y1 = round((left - self.x) / unit), round((top - self.y) / unit)
        x2, y2 = round((right - self.x) / unit), round((bottom - self.y) / unit)
        part = self.halves[half][y1 : max(y2, y1 + 1), x1 : max(x2, x1 + 1)]
        return cv2.resize(part, (side, side), interpolation=cv2.INTER_AREA)  # type: ignore[return-value]

    def part(self, x1: float, y1: float, x2: float, y2: float) -> "View":
        """Return the view's part within a box in pixels of the frame; its halves are those of the whole."""
        unit = 2 ** (len(self.halves) - 1)
        low = [max(floor((v - begin) / unit), 0) * unit for v, begin in ((x1, self.x), (y1, self.y))]
        high = [max(ceil((v - begin) / unit) * unit, unit) for v, begin in ((x2, self.x), (y2, self.y))]
        halves = [h[low[1] >> n : high[1] >> n, low[0] >> n : high[0] >> n] for n, h in enumerate(self.halves)]
        return View(halves, self.x + low[0], self.y + low[1])

    def level(self, scale: float, detail: float = 1.0) -> Picture:
        """Return the whole view at a scale; at least ``detail`` pixels of a half become one, a side."""
        height, width = self.halves[0].shape[:2]
        size = int(width * scale + 1), int(height * scale + 1)
        return cv2.resize(self.halves[self._fitting(1 / scale / detail)], size, interpolation=cv2.INTER_AREA)  # type: ignore[return-value]

    def _fitting(self, step: float) -> int:
        """Return the smallest half in which ``step`` pixels of the frame are still a pixel or more."""
        return min(max(floor(log2(max(step, 1e-6))), 0), len(self.halves) - 1)


def viewed(image: Picture | View) -> View:
    """Return a view of a frame ``(H, W, 3) uint8``; one that is a view already is returned as it is."""
    if isinstance(image, View):
        return image
    halves = [image]
    while min(halves[-1].shape[:2]) >= 2 * _SMALLEST:
        height, width = (side // 2 for side in halves[-1].shape[:2])
        even = halves[-1][: 2 * height, : 2 * width]
        halves.append(cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA))  # type: ignore[arg-type]
    return View(halves)

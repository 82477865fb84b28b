"""Links the faces of successive sampled frames into tracks: one person each, as far as boxes can tell."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from fakefocus.detection.boxes import Boxes, areas, box_iou, same_place

MAX_GAP = 5
"""A track that was not seen for so many sampled frames is over."""


@dataclass
class _Track:
    box: NDArray[np.float64]
    velocity: NDArray[np.float64]
    seen: int
    area: float


class TrackLinker:
    """Gives each face of each frame the number of its track.

    A face continues the track whose last box, or whose box moved on as it moved before, may be its own
    (`boxes.same_place`); among several the assignment with the largest total overlap is taken (Kuhn 1955,
    https://doi.org/10.1002/nav.3800020109).
    """

    def __init__(self) -> None:
        """Start a clip."""
        self._tracks: list[_Track] = []
        self._over = 0
        self._now = 0

    def __call__(self, boxes: Boxes, *, cut: bool = False) -> list[int]:
        """Return the track of each box ``(N, 4)`` of the next frame; behind a cut, no track goes on."""
        self._over = len(self._tracks) if cut else self._over
        self._now += 1
        alive = [n for n in range(self._over, len(self._tracks)) if self._now - self._tracks[n].seen <= MAX_GAP]
        linked = self._matches(boxes, alive)
        return [self._continued(linked.get(row), box) for row, box in enumerate(boxes)]

    @property
    def largest_first(self) -> list[int]:
        """Tracks by falling total area of their boxes: first the person whom the clip shows most."""
        return sorted(range(len(self._tracks)), key=lambda n: -self._tracks[n].area)

    def _matches(self, boxes: Boxes, alive: Sequence[int]) -> dict[int, int]:
        """Return the row of a box and its track, where there is one."""
        if not len(boxes) or not alive:
            return {}
        gain = np.stack([self._likeness(self._tracks[n], boxes) for n in alive])
        rows, columns = linear_sum_assignment(gain, maximize=True)
        return {int(c): alive[r] for r, c in zip(rows, columns, strict=True) if gain[r, c] > 0}

    def _likeness(self, track: _Track, boxes: Boxes) -> NDArray[np.float64]:
        """Return 2 + the overlap with each box that is where the track moved on to, 1 + where it was, 0 for others."""
        moved = track.box + track.velocity * (self._now - track.seen)
        expected = np.where(same_place(moved, boxes), 2 + box_iou(moved, boxes), 0)
        return np.maximum(expected, np.where(same_place(track.box, boxes), 1 + box_iou(track.box, boxes), 0))

    def _continued(self, number: int | None, box: NDArray[np.float64]) -> int:
        area = float(areas(box[None])[0])
        if number is None:
            self._tracks.append(_Track(box, np.zeros(4), self._now, area))
            return len(self._tracks) - 1
        track = self._tracks[number]
        track.velocity = (box - track.box) / (self._now - track.seen)
        track.box, track.seen, track.area = box, self._now, track.area + area
        return number

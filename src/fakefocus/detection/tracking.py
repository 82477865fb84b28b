"""Links the faces of successive sampled frames into tracks: one person each, as far as boxes can tell."""

from collections.abc import Sequence

import numpy as np
from lap import lapjv
from numpy.typing import NDArray

from fakefocus.detection.boxes import Boxes, box_iou, same_place
from fakefocus.detection.people import SIMILAR, Look, Track, distance, gather_people

_LOOK = 3.0
"""How much the same look counts, where the same place counts up to 3."""
MAX_GAP = 5
"""A track that was not seen for so many sampled frames is over."""


class TrackLinker:
    """Gives each face of each frame the number of its track.

    A face continues the track whose last box, or whose box moved on as it moved before, may be its own
    (`boxes.same_place`), and that does not look another person; among several the assignment with the largest total
    of overlap and likeness is taken (Kuhn 1955, https://doi.org/10.1002/nav.3800020109).
    """

    def __init__(self) -> None:
        """Start a clip."""
        self._tracks: list[Track] = []
        self._scene = 0
        self._now = 0

    def __call__(
        self,
        boxes: Boxes,
        scores: NDArray[np.floating] | None = None,
        looks: Sequence[Look] | None = None,
        *,
        is_cut: bool = False,
    ) -> list[int]:
        """Return the track of each face of the next frame; behind a cut, no track goes on.

        Args:
            boxes: ``(N, 4)``.
            scores: ``(N,)``, where they are known.
            looks: What each face looks like (`people.look_of`), where that is known.
            is_cut: Whether this frame begins another scene.
        """
        self._scene += is_cut
        self._now += 1
        known_scores = np.full(len(boxes), np.nan) if scores is None else scores
        known_looks = [None] * len(boxes) if looks is None else looks
        alive = [n for n, track in enumerate(self._tracks) if self._goes_on(track)]
        linked = self._matches(boxes, known_looks, alive)
        faces = zip(boxes, known_scores, known_looks, strict=True)
        return [
            self._continued(linked.get(row), box, float(score), look) for row, (box, score, look) in enumerate(faces)
        ]

    def people(self) -> list[list[int]]:
        """Return the tracks of each person, first the person of whom the clip shows most (`people.gather_people`)."""
        return gather_people(self._tracks)

    def _goes_on(self, track: Track) -> bool:
        return track.scenes[-1] == self._scene and self._now - track.frames[-1] <= MAX_GAP

    def _matches(self, boxes: Boxes, looks: Sequence[Look | None], alive: Sequence[int]) -> dict[int, int]:
        """Return the row of a box and its track, where there is one."""
        if not len(boxes) or not alive:
            return {}
        likeness = [self._likeness(self._tracks[n], boxes) for n in alive]
        gain, overlap = (np.stack(values) for values in zip(*likeness, strict=True))
        apart = np.array([[distance(self._tracks[n].last_look, look) for look in looks] for n in alive])
        # who looks another person is one, unless just where this one was expected; otherwise look and place decide
        limit = SIMILAR * (1 + overlap**2)
        gain = np.where((apart <= limit) & (gain > 0), gain + _LOOK * (1 - apart / limit), 0)
        _, boxes_of, _ = lapjv(-gain, extend_cost=True)
        return {int(c): alive[r] for r, c in enumerate(boxes_of) if c >= 0 and gain[r, c] > 0}

    def _likeness(self, track: Track, boxes: Boxes) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return 2 + the overlap with each box that is where the track moved on to, 1 + where it was, 0 for others.

        And the larger overlap, in [0, 1].
        """
        last = track.boxes[-1]
        moved = last + _velocity(track) * (self._now - track.frames[-1])
        there, here = box_iou(moved, boxes), box_iou(last, boxes)
        expected = np.where(same_place(moved, boxes), 2 + there, 0)
        return np.maximum(expected, np.where(same_place(last, boxes), 1 + here, 0)), np.maximum(there, here)

    def _continued(self, number: int | None, box: NDArray[np.float64], score: float, look: Look | None) -> int:
        if number is None:
            number = len(self._tracks)
            self._tracks.append(Track())
        track = self._tracks[number]
        track.frames.append(self._now)
        track.scenes.append(self._scene)
        track.boxes.append(box)
        track.scores.append(score)
        track.looks += [] if look is None else [look]
        return number


def _velocity(track: Track) -> NDArray[np.float64]:
    """Return by how much a track's box moved a frame of late, in pixels."""
    if len(track.boxes) < 2:
        return np.zeros(4)
    return (track.boxes[-1] - track.boxes[-2]) / (track.frames[-1] - track.frames[-2])

"""Tells which tracks of a clip are of one person: who turns away or walks fast is found again as another track.

Boxes alone cannot tell, and a network that recognises faces needs weights that are not ours to ship. What is used is
what a viewer goes by: nobody is in one frame twice, who was here a moment ago is still near, and hair, skin and
clothes stay as they are.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

from fakefocus.detection.boxes import areas, box_iou

Look = NDArray[np.float32]

_GRID = 4
_BRIGHTNESS = 0.43
"""Mean of a face's channels, of 1, in a look."""
_ALIKE, SIMILAR, _LONELY = 8.0, 10.0, 18.0
"""Distance of looks up to which two tracks are one person: whatever else; at the same place; if nobody else is there.

Of 179 portraits, one person each, one pair in a thousand is nearer than the first and one in a hundred nearer than the
second. In a street scene, sampled three times a second, four of five crops are nearer than the second to the next one
of the same person, and one in a hundred to the next one of somebody else.
"""
_STEP, _GROWTH = 0.8, 1.2
"""How many sides a face moves, and by which factor its side changes, from one sampled frame to the next."""
_SOON = 8
"""Sampled frames behind which a place says nothing any more."""
_LATELY = 3
"""Of so many faces the look is what a track looked like of late."""
_NEGLIGIBLE = 0.1
"""Share of the foremost track's weight up to which another counts as nobody."""


@dataclass
class Track:
    """The faces of one track: in which sampled frames and scenes, boxes, scores, and looks where they are known."""

    frames: list[int] = field(default_factory=list)
    scenes: list[int] = field(default_factory=list)
    boxes: list[NDArray[np.float64]] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)

    @property
    def weight(self) -> float:
        """How much the clip shows of it: the sides of its boxes, in pixels, each by the confidence in it.

        Presence counts as much as size: by area, a false box of 600 pixels in 3 frames would outweigh a face of 150
        in 28. A score counts by its eighth power, MTCNN's threshold of .9 for less than a half; without a score, 1.
        """
        confidence = np.nan_to_num(np.array(self.scores), nan=1.0) ** 8
        return float(confidence @ np.sqrt(areas(np.array(self.boxes))))

    @property
    def last_look(self) -> Look | None:
        """What it looked like of late, if that is known: the median of three, or before there are so many, the last."""
        if len(self.looks) < _LATELY:
            return self.looks[-1] if self.looks else None
        return np.asarray(np.sort(self.looks[-_LATELY:], axis=0)[_LATELY // 2])

    @property
    def look(self) -> Look | None:
        """The median of its looks, if they are known."""
        return np.median(self.looks, axis=0) if self.looks else None


def look_of(crop: NDArray[np.uint8]) -> Look:
    """Return what a person looks like from afar: CIELAB colours of 4 x 4 parts of an aligned crop, ``(16, 3)``.

    The crop is brought to one brightness at the face: somebody who walks from shade into the sun stays who they are.
    """
    small = cv2.resize(crop, (64, 64), interpolation=cv2.INTER_AREA).astype(np.float32)
    lit = np.clip(small * (_BRIGHTNESS / max(float(small[16:52, 16:48].mean()), 1.0)), 0, 1)
    lab = cv2.cvtColor(lit, cv2.COLOR_RGB2LAB)
    return np.asarray(cv2.resize(lab, (_GRID, _GRID), interpolation=cv2.INTER_AREA)).reshape(-1, 3)


def gather_people(tracks: Sequence[Track]) -> list[list[int]]:
    """Return the numbers of the tracks of each person; first the person of whom the clip shows most (`Track.weight`).

    Two tracks that share no frame are joined where they look alike, or look similar and either follow each other at
    about the same place and size, or nobody else is in the clip. Behind a cut only the look counts.
    """
    lonely = _lonely(tracks)
    people = [[number] for number in range(len(tracks))]
    for _, a, b in sorted(_pairs(tracks, lonely=lonely)):
        ours, theirs = (next(p for p in people if number in p) for number in (a, b))
        if ours is not theirs and not _together(tracks, ours, theirs):
            ours += theirs
            people.remove(theirs)
    return sorted(people, key=lambda person: -sum(tracks[number].weight for number in person))


def _pairs(tracks: Sequence[Track], *, lonely: bool) -> Iterator[tuple[float, int, int]]:
    """Yield the pairs that may be one person, with the distance of their looks in CIELAB units."""
    for a, b in combinations(range(len(tracks)), 2):
        one, other = tracks[a], tracks[b]
        if set(one.frames) & set(other.frames):
            continue
        near, same_scene = _nearest(one, other)
        apart = distance(one.look, other.look)
        if apart <= (_LONELY if lonely and same_scene else SIMILAR * (1 + near**2) if near is not None else _ALIKE):
            yield apart, a, b


def _lonely(tracks: Sequence[Track]) -> bool:
    """Say whether the clip shows one face at a time, but for some that hardly count."""
    least = _NEGLIGIBLE * max((track.weight for track in tracks), default=0.0)
    frames = [frame for track in tracks if track.weight > least for frame in track.frames]
    return len(frames) == len(set(frames))


def _together(tracks: Sequence[Track], ours: Sequence[int], theirs: Sequence[int]) -> bool:
    return any(set(tracks[a].frames) & set(tracks[b].frames) for a in ours for b in theirs)


def _nearest(one: Track, other: Track) -> tuple[float | None, bool]:
    """Return how much two tracks overlap where they come closest in time, and if no cut is between.

    The overlap is None where one cannot have moved on to the other; it is in [0, 1].
    """
    gaps = np.abs(np.subtract.outer(one.frames, other.frames))
    i, j = np.unravel_index(int(gaps.argmin()), gaps.shape)
    gap, same_scene = int(gaps[i, j]), one.scenes[i] == other.scenes[j]
    box, next_box = one.boxes[i], other.boxes[j]
    sides = np.sqrt(areas(np.array([box, next_box])))
    apart = np.abs((box[:2] + box[2:] - next_box[:2] - next_box[2:]) / 2).max()
    change = float(sides.max() / max(sides.min(), 1e-9))
    near = gap <= _SOON and apart <= _STEP * (gap + 1) * sides.max() and change <= 1.6 * _GROWTH**gap
    return float(box_iou(box, next_box[None])[0]) if same_scene and near else None, bool(same_scene)


def distance(one: Look | None, other: Look | None) -> float:
    """Return the root mean square distance of two looks in CIELAB units; where one is not known, `SIMILAR`."""
    if one is None or other is None:
        return SIMILAR
    return float(np.sqrt(((one - other) ** 2).sum(axis=1).mean()))

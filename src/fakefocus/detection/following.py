"""Follows faces through the sampled frames of a clip, looking at whole frames only where that is needed."""

from collections.abc import Sequence
from typing import Any, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from fakefocus.detection.boxes import Boxes, areas, box_iou, largest_first, same_place
from fakefocus.detection.faces import NO_FACES, Faces, bounded, plausible
from fakefocus.detection.mtcnn import Region, anywhere, neighbourhood
from fakefocus.detection.views import View, viewed

Picture = NDArray[np.uint8]

INTERVAL = 16
"""Every so many sampled frames new faces are looked for in the whole frame."""
_STILL = 0.12
"""A refined face that is farther off from where it was expected, in sides of its box, is in doubt."""
_GROWTH = 1.25
"""A refined face whose side changed by more than this factor is in doubt."""
_SAME = 0.3
"""Intersection over union from which the finds of two searches are one face."""
_HALF = 4
"""Change is looked for in the frame halved so many times."""
_CHANGE = 18.0
"""Change of a block of 3 x 3 of its pixels, in grey levels, that may be somebody new."""
_MUCH = 0.7
"""Share of the frame that changed from which on everything has been looked at."""
_CUT = 30.0
"""Mean change of a frame, in grey levels, that is a cut."""


class Detector(Protocol):
    """What finds faces: in a frame, in parts of it, and from where they were."""

    def detect(self, image: View) -> Faces:
        """Return the faces of a frame."""

    def search(self, image: View, regions: Sequence[Region], besides: Boxes) -> Faces:
        """Return the faces of parts of a frame, besides those that are known already."""

    def refine(self, image: View, boxes: Boxes) -> Faces:
        """Return those of the faces that are still about where they were."""


class FaceFollower:
    """Detects the faces of a clip's sampled frames, one after the other.

    Known faces are refined from where they moved to. Then, at once, those that are in doubt are looked for in their
    neighbourhood and new ones where something changed away from known faces, in the whole frame on every
    ``INTERVAL``-th; then the largest everywhere, if it is not found again. The whole frame is looked at most closely
    at first, after a cut, and where no face is known or found.
    """

    def __init__(self, detector: Detector, foremost: int | None = 2) -> None:
        """Start a clip.

        Args:
            detector: What finds faces.
            foremost: So many of the largest faces are looked for again where they are in doubt; None: all.
        """
        self.cut = False
        """Whether the last frame began another scene."""
        self._detector = detector
        self._foremost = foremost
        self._known = NO_FACES
        self._motion: Boxes = np.zeros((0, 4))
        self._since = INTERVAL
        self._sketch: NDArray[np.float32] | None = None

    def __call__(self, image: Picture) -> Faces:
        """Return the faces of the next frame, ``(H, W, 3) uint8, RGB``, largest first."""
        frame = viewed(image)
        changed = self._changed(frame)
        if self._since >= INTERVAL:
            changed = np.array(frame.limits, dtype=float)
        followed = len(self._known.boxes) > 0 and not self.cut
        faces = self._followed(frame, changed) if followed else NO_FACES
        if not len(faces.boxes):
            faces = self._detector.detect(frame)
        if not followed or self._since >= INTERVAL:
            self._since = 0
        faces = bounded(faces, image.shape)
        self._since += 1
        self._motion = _motion(np.zeros((0, 4)) if self.cut else self._known.boxes, faces.boxes)
        self._known = faces
        return faces

    def _followed(self, frame: View, changed: NDArray[np.float64] | None) -> Faces:
        expected = self._known.boxes + self._motion
        sure, unsure = self._refined(frame, expected)
        doubtful = [box for box in expected[: self._foremost] if not same_place(box, sure.boxes).any()]
        regions = [neighbourhood(box) for box in doubtful]
        everywhere = changed is not None and areas(changed[None])[0] > _MUCH * areas(np.array([frame.limits]))[0]
        if changed is not None:
            regions.append(Region(tuple(changed)))
        new = self._detector.search(frame, regions, sure.boxes) if regions else NO_FACES
        faces = _joined([sure, new, unsure])
        if everywhere or same_place(expected[0], faces.boxes).any():
            return faces
        return _joined([faces, self._detector.search(frame, [anywhere(expected[0], frame)], faces.boxes)])

    def _refined(self, frame: View, expected: Boxes) -> tuple[Faces, Faces]:
        """Refine faces; return those that are steady, and those that are in doubt.

        What moved on further than was expected is refined once more, from where it was found.
        """
        faces = self._detector.refine(frame, expected)
        steady = _steady(faces.boxes, expected) & plausible(faces)
        if steady.all():
            return faces, NO_FACES
        moved = _rows(faces, ~steady)
        again = self._detector.refine(frame, moved.boxes)
        settled = _steady(again.boxes, moved.boxes) & plausible(again)
        return _joined([_rows(faces, steady), _rows(again, settled)]), _rows(again, ~settled)

    def _changed(self, frame: View) -> NDArray[np.float64] | None:
        """Return the box of what changed where nobody was, if anything did; and note a cut."""
        sketch, step = _sketch(frame)
        last, self._sketch = self._sketch, sketch
        if last is None or last.shape != sketch.shape:
            self.cut = last is not None
            return None
        change = np.abs(sketch - last)
        self.cut = float(change.mean()) > _CUT
        middle = change.size // 2
        least = max(_CHANGE, 4 * float(np.partition(change, middle, axis=None)[middle]))
        for x1, y1, x2, y2 in self._known.boxes / step:
            wide, high = x2 - x1, y2 - y1
            # a body moves with its face: what is below it is not new
            change[max(int(y1 - high), 0) :, max(int(x1 - 1.5 * wide), 0) : max(int(x2 + 1.5 * wide), 0)] = 0
        ys, xs = np.nonzero(change > least)
        if not len(xs):
            return None
        x1, y1, x2, y2 = frame.limits
        margin = y2 / 8
        box = np.array([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]) * float(step)
        return np.clip(box + np.array([-margin, -margin, margin, margin]), 0, (x2, y2, x2, y2))


def _motion(before: Boxes, now: Boxes) -> Boxes:
    """Return by how much each face moved on, ``(N, 4)``, where it is known where it was."""
    motion = np.zeros_like(now)
    for row, box in enumerate(now):
        same = before[same_place(box, before)]
        if len(same):
            motion[row] = np.tile(((box[:2] + box[2:]) - (same[0, :2] + same[0, 2:])) / 2, 2)
    return motion


def _sketch(frame: View) -> tuple[NDArray[np.float32], int]:
    """Return the brightness of blocks of 3 x 3 steps, and the step in pixels: 16, less in small frames."""
    half = min(_HALF, len(frame.halves) - 1)
    return cv2.blur(frame.halves[half].astype(np.float32), (3, 3)).mean(axis=2), 2**half


def _steady(boxes: Boxes, expected: Boxes) -> NDArray[np.bool_]:
    """Say which boxes are about where one was expected, and about as large."""
    steady = np.zeros(len(boxes), dtype=bool)
    for row, box in enumerate(boxes):
        side, sides = (box[2:] - box[:2]).max(), (expected[:, 2:] - expected[:, :2]).max(axis=1)
        apart = np.abs((expected[:, :2] + expected[:, 2:] - box[:2] - box[2:]) / 2).max(axis=1)
        nearest = int(apart.argmin())
        change = side / sides[nearest]
        steady[row] = apart[nearest] <= _STILL * side and 1 / _GROWTH < change < _GROWTH
    return steady


def _rows(faces: Faces, rows: NDArray[Any]) -> Faces:
    return Faces(faces.boxes[rows], faces.scores[rows], faces.landmarks[rows])


def _joined(searches: Sequence[Faces]) -> Faces:
    """Return the faces of several searches, each once: that of the first search which found it; largest first."""
    boxes = np.concatenate([f.boxes for f in searches])
    scores, marks = np.concatenate([f.scores for f in searches]), np.concatenate([f.landmarks for f in searches])
    keep: list[int] = []
    for row, box in enumerate(boxes):
        if not (box_iou(box, boxes[keep]) > _SAME).any():
            keep.append(row)
    return _rows(Faces(boxes, scores, marks), np.array(keep, dtype=np.intp)[largest_first(boxes[keep])])

"""What a detector returns."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fakefocus.detection.boxes import areas, common_areas, largest_first


@dataclass(frozen=True)
class Faces:
    """The faces of one frame, largest first.

    ``boxes`` ``(N, 4)``: x1, y1, x2, y2 in pixels; ``scores`` ``(N,)`` in [0, 1]; ``landmarks``
    ``(N, 5, 2)``: image-left eye, image-right eye, nose, both corners of the mouth, x and y in pixels,
    not a number where a detector gives none.
    """

    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]
    landmarks: NDArray[np.float64]


NO_FACES = Faces(np.zeros((0, 4)), np.zeros(0), np.zeros((0, 5, 2)))

_BEYOND = 0.1
"""So far a box may reach beyond its frame, on each side, in sides of the frame."""
_INSIDE = 0.3
"""At least this share of a box lies in its frame."""
_OFF = 0.2
"""So far the middle of the landmarks may be from that of the box, in its sides."""
_EYES = (0.12, 0.6)
"""Between these shares of a box's side the eyes are apart, turned heads included."""


def bounded(faces: Faces, shape: tuple[int, ...]) -> Faces:
    """Return faces, largest first, cut off a little beyond their frame; without those that lie outside of it.

    MTCNN extrapolates what a frame cuts off. Followed from frame to frame, such a box grows without end.

    Args:
        faces: Those of a frame.
        shape: The frame's, height and width first.
    """
    if not len(faces.boxes):
        return faces
    frame = np.array([shape[1], shape[0]], dtype=float)
    inside = common_areas(np.array([0, 0, *frame]), faces.boxes) >= _INSIDE * areas(faces.boxes)
    boxes = np.clip(faces.boxes, np.tile(-_BEYOND * frame, 2), np.tile((1 + _BEYOND) * frame, 2))[inside]
    order = np.flatnonzero(inside)[largest_first(boxes)]
    return Faces(boxes[largest_first(boxes)], faces.scores[order], faces.landmarks[order])


def plausible(faces: Faces) -> NDArray[np.bool_]:
    """Say of which faces box and landmarks agree: the landmarks lie in the box, the eyes apart as eyes are."""
    sides = (faces.boxes[:, 2:] - faces.boxes[:, :2]).max(axis=1)
    middle = (faces.boxes[:, :2] + faces.boxes[:, 2:]) / 2
    off = np.abs(faces.landmarks.mean(axis=1) - middle).max(axis=1) / sides
    apart = np.linalg.norm(faces.landmarks[:, 0] - faces.landmarks[:, 1], axis=1) / sides
    return np.asarray((off < _OFF) & (apart > _EYES[0]) & (apart < _EYES[1]))

"""Arithmetic of boxes: x1, y1, x2, y2 in pixels."""

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float64]


def areas(boxes: Boxes) -> NDArray[np.float64]:
    """Return the area of each of ``(N, 4)`` boxes in square pixels."""
    return np.asarray((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]), dtype=float)


def common_areas(box: Boxes, boxes: Boxes) -> NDArray[np.float64]:
    """Return the area that one box ``(4,)`` shares with each of ``(N, 4)``, in square pixels."""
    sides = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    return np.asarray(np.maximum(sides[:, 0], 0.0) * np.maximum(sides[:, 1], 0.0), dtype=float)


def box_iou(box: Boxes, boxes: Boxes) -> NDArray[np.float64]:
    """Return the intersection over union of one box ``(4,)`` with each of ``(N, 4)``, in [0, 1]."""
    common = common_areas(box, boxes)
    return np.asarray(common / np.maximum(areas(box[None])[0] + areas(boxes) - common, 1e-9), dtype=float)


def squared(boxes: Boxes) -> Boxes:
    """Return squares with the boxes' centres and longer sides."""
    half = (boxes[:, 2:] - boxes[:, :2]).max(axis=1, keepdims=True) / 2
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    return np.hstack([centre - half, centre + half])


def largest_first(boxes: Boxes) -> NDArray[np.intp]:
    """Return the order of boxes by falling area."""
    return np.argsort(-areas(boxes), kind="stable")


def without_nested(boxes: Boxes, scores: NDArray[np.floating], overlap: float) -> NDArray[np.intp]:
    """Return the rows of boxes ``(N, 4)``, by falling score, without those that lie in one of higher score.

    A box lies in another when they share more than ``overlap`` of the smaller one's area.
    """
    order = np.argsort(-scores, kind="stable")
    size = areas(boxes)
    kept = []
    while len(order):
        best, order = order[0], order[1:]
        kept.append(best)
        common = common_areas(boxes[best], boxes[order])
        order = order[common <= overlap * np.minimum(size[best], size[order])]
    return np.array(kept, dtype=np.intp)


def same_place(box: Boxes, boxes: Boxes) -> NDArray[np.bool_]:
    """Say which of ``(N, 4)`` may be the face of ``box`` ``(4,)`` a moment later.

    Their centres are less than a side apart, and neither is more than 1.6 times as large as the other.
    """
    side, sides = (box[2:] - box[:2]).max(), (boxes[:, 2:] - boxes[:, :2]).max(axis=1)
    apart = np.abs((boxes[:, :2] + boxes[:, 2:] - box[:2] - box[2:]) / 2).max(axis=1)
    ratio = np.maximum(sides, side) / np.maximum(np.minimum(sides, side), 1e-9)
    return np.asarray((apart < np.maximum(sides, side) * 0.8) & (ratio < 1.6))

"""Links the faces of successive frames into tracks and finds the main one."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

MIN_OVERLAP = 0.3
"""Intersection over union from which two boxes of successive sampled frames are one person's."""


def box_iou(box: NDArray[np.floating], boxes: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the intersection over union of one box ``(4,)`` with each of ``(N, 4)``, in [0, 1]."""
    low = np.maximum(box[:2], boxes[:, :2])
    high = np.minimum(box[2:], boxes[:, 2:])
    common = np.prod(np.clip(high - low, 0, None), axis=1)
    area = np.prod(box[2:] - box[:2]) + np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) - common
    return np.asarray(common / np.maximum(area, 1e-9), dtype=float)


def link_tracks(boxes: Sequence[NDArray[np.floating]], min_overlap: float = MIN_OVERLAP) -> list[dict[int, int]]:
    """Link boxes greedily by overlap with each track's last box.

    Args:
        boxes: One ``(N, 4)`` array a frame, in pixels.
        min_overlap: Smallest intersection over union that continues a track.

    Returns:
        Tracks, each a mapping from frame position to the box's row; every box is in exactly one track.
    """
    tracks: list[dict[int, int]] = []
    last: list[NDArray[np.floating]] = []
    for position, found in enumerate(boxes):
        free = list(range(len(found)))
        for track, box in enumerate(last):
            if not free:
                break
            overlap = box_iou(box, found[free])
            best = int(np.argmax(overlap))
            if overlap[best] >= min_overlap:
                row = free.pop(best)
                tracks[track][position] = row
                last[track] = found[row]
        for row in free:
            tracks.append({position: row})
            last.append(found[row])
    return tracks


def main_track(boxes: Sequence[NDArray[np.floating]], min_overlap: float = MIN_OVERLAP) -> dict[int, int]:
    """Return the track with the largest total face area: the person whom the clip shows most.

    An empty mapping where no frame has a face.
    """
    tracks = link_tracks(boxes, min_overlap)
    return max(tracks, key=lambda track: sum(_area(boxes[p][row]) for p, row in track.items()), default={})


def _area(box: NDArray[np.floating]) -> float:
    return float((box[2] - box[0]) * (box[3] - box[1]))

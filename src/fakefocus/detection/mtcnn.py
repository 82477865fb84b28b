"""MTCNN as facenet-pytorch ships it, weights included.

Zhang et al., Joint Face Detection and Alignment Using Multitask Cascaded Convolutional Networks, 2016
(https://arxiv.org/abs/1604.02878); https://github.com/timesler/facenet-pytorch (MIT).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from facenet_pytorch import MTCNN
from numpy.typing import NDArray


@dataclass(frozen=True)
class Faces:
    """The faces of one frame, largest first.

    ``boxes`` ``(N, 4)``: x1, y1, x2, y2 in pixels; ``scores`` ``(N,)`` in [0, 1]; ``landmarks``
    ``(N, 5, 2)``: image-left eye, image-right eye, nose, both corners of the mouth, x and y in pixels.
    """

    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]
    landmarks: NDArray[np.float64]


NO_FACES = Faces(np.zeros((0, 4)), np.zeros(0), np.zeros((0, 5, 2)))


class FaceDetector:
    """Detects all faces of a batch of frames of one size."""

    def __init__(self, min_face_size: int, thresholds: tuple[float, float, float], device: str = "cpu") -> None:
        """Build the three networks; ``min_face_size`` in pixels, one threshold in [0, 1] a network."""
        self._mtcnn = MTCNN(
            keep_all=True, min_face_size=min_face_size, thresholds=list(thresholds), device=torch.device(device)
        ).eval()

    def __call__(self, frames: Sequence[NDArray[np.uint8]]) -> list[Faces]:
        """Return the faces of each frame, ``(H, W, 3) uint8, RGB``, all of one size."""
        if not frames:
            return []
        boxes, scores, landmarks = self._mtcnn.detect(np.stack(frames), landmarks=True)
        return [_faces(b, s, p) for b, s, p in zip(boxes, scores, landmarks, strict=True)]


def _faces(boxes: NDArray[np.floating] | None, scores: NDArray[np.floating], points: NDArray[np.floating]) -> Faces:
    if boxes is None:
        return NO_FACES
    box = np.asarray(boxes, dtype=float)
    order = np.argsort(-(box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1]), kind="stable")
    return Faces(box[order], np.asarray(scores, dtype=float)[order], np.asarray(points, dtype=float)[order])


@lru_cache(maxsize=1)
def detector(min_face_size: int, thresholds: tuple[float, float, float]) -> FaceDetector:
    """Return the detector of this process; the networks are built once."""
    return FaceDetector(min_face_size, thresholds)

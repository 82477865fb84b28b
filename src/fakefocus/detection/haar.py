"""The Haar cascade that OpenCV ships: a stated fallback that needs no neural network, without landmarks.

Viola and Jones, Rapid Object Detection using a Boosted Cascade of Simple Features, CVPR 2001
(https://doi.org/10.1109/CVPR.2001.990517); https://docs.opencv.org/4.x/db/d28/tutorial_cascade_classifier.html.
"""

from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from fakefocus.detection.boxes import largest_first
from fakefocus.detection.faces import NO_FACES, Faces

_CASCADE = "haarcascade_frontalface_default.xml"


class HaarDetector:
    """Detects upright frontal faces of a frame; each frame is looked at on its own."""

    def __init__(self, min_face_size: int) -> None:
        """Load the cascade; ``min_face_size`` in pixels."""
        folder = Path(cv2.data.haarcascades)  # type: ignore[attr-defined]
        self._cascade = cv2.CascadeClassifier(str(folder / _CASCADE))
        self._min_face_size = min_face_size

    def detect(self, image: NDArray[np.uint8]) -> Faces:
        """Return the faces of a frame, ``(H, W, 3) uint8, RGB``; scores and landmarks are not a number."""
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        least = (self._min_face_size, self._min_face_size)
        corners_and_sizes = self._cascade.detectMultiScale(grey, scaleFactor=1.1, minNeighbors=5, minSize=least)
        if not len(corners_and_sizes):
            return NO_FACES
        boxes = np.asarray(corners_and_sizes, dtype=float)
        boxes[:, 2:] += boxes[:, :2]
        boxes = boxes[largest_first(boxes)]
        return Faces(boxes, np.full(len(boxes), np.nan), np.full((len(boxes), 5, 2), np.nan))


@lru_cache(maxsize=1)
def haar_detector(min_face_size: int) -> HaarDetector:
    """Return the detector of this process."""
    return HaarDetector(min_face_size)

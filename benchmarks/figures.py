"""People to put into clips: synthetic ones, or those of a folder of portraits."""

from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
from facenet_pytorch import MTCNN
from numpy.typing import NDArray
from PIL import Image

from fakefocus.sources.demo.people import make_person

_FACE = (240.0, 205.0)
"""The middle of the face on a synthetic person's canvas, x and y in pixels."""
_EYE_DISTANCE = 64.0
"""That of a synthetic person, in pixels of the canvas."""


@dataclass(frozen=True)
class Figure:
    """A person: ``image`` ``(H, W, 3) float32`` in [0, 255], RGB, and ``alpha`` ``(H, W) float32`` in [0, 1].

    ``face`` is where its face is, x and y in pixels; ``unit`` how many times as large as a synthetic person's.
    """

    image: NDArray[np.float32]
    alpha: NDArray[np.float32]
    face: NDArray[np.float64]
    unit: float = 1.0

    def from_behind(self) -> "Figure":
        """Return the figure with a head that shows no face: features are smeared until none is left."""
        side = 150 * self.unit
        ys, xs = np.mgrid[: self.image.shape[0], : self.image.shape[1]]
        apart = ((xs - self.face[0]) / (0.62 * side)) ** 2 + ((ys - self.face[1]) / (0.75 * side)) ** 2
        head = np.clip(3 * (1.2 - apart), 0, 1).astype(np.float32)[..., None]
        smeared = cv2.GaussianBlur(self.image, (0, 0), 0.35 * side) * 0.6
        return replace(self, image=self.image + (smeared - self.image) * head)


@lru_cache(maxsize=8)
def cast(seed: int, person: int, portraits: Path | None, *, whole: bool) -> Figure:
    """Return a synthetic person, or one of the portraits; ``whole`` with the background of their photograph."""
    if portraits is None:
        made = make_person(seed, person)
        return Figure(made.image, np.ones_like(made.alpha) if whole else made.alpha, np.array(_FACE))
    files = sorted(portraits.glob("*.jpg"))
    image = np.asarray(Image.open(files[(person * 9) % len(files)]).convert("RGB"))
    box, marks = _face(image)
    alpha = np.ones(image.shape[:2], np.float32) if whole else _cut_out(image, box)
    unit = float(np.linalg.norm(marks[1] - marks[0])) / _EYE_DISTANCE
    return Figure(image.astype(np.float32), alpha, (box[:2] + box[2:]) / 2, unit)


def _face(image: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the box of the largest face, as the reference finds it, and its landmarks."""
    boxes, _, marks = MTCNN(min_face_size=60).detect(image, landmarks=True)
    return np.asarray(boxes[0], dtype=float), np.asarray(marks[0], dtype=float)


def _cut_out(image: NDArray[np.uint8], box: NDArray[np.float64]) -> NDArray[np.float32]:
    """Tell a person from the background by GrabCut (Rother et al. 2004, https://doi.org/10.1145/1015706.1015720)."""
    height, width = image.shape[:2]
    side = float((box[2:] - box[:2]).max())
    x, y = (box[:2] + box[2:]) / 2
    mask = np.full((height, width), cv2.GC_BGD, np.uint8)
    cv2.ellipse(mask, (round(x), round(y - 0.1 * side)), (round(0.85 * side), round(1.05 * side)), 0, 0, 360, 3, -1)
    cv2.rectangle(mask, (round(x - 1.6 * side), round(y + 0.75 * side)), (round(x + 1.6 * side), height), 3, -1)
    cv2.ellipse(mask, (round(x), round(y)), (round(0.35 * side), round(0.55 * side)), 0, 0, 360, 1, -1)
    cv2.grabCut(image[..., ::-1].copy(), mask, None, np.zeros((1, 65)), np.zeros((1, 65)), 3, cv2.GC_INIT_WITH_MASK)  # type: ignore[call-overload]
    inside = np.isin(mask, (cv2.GC_FGD, cv2.GC_PR_FGD)).astype(np.float32)
    return cv2.GaussianBlur(inside, (0, 0), 1.5).astype(np.float32)

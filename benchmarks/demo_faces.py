"""Aligned faces of the two public-domain portraits and of synthetic people, with landmarks that are known."""

import numpy as np
from numpy.typing import NDArray

from fakefocus.imaging.alignment import align_face, similarity, template_for
from fakefocus.sources.demo.people import make_person
from fakefocus.sources.demo.portraits import LANDMARKS, load_portraits

SIDE = 256
MARGIN = 0.3
_EYES = (("eye_r_outer", "eye_r_inner"), ("eye_l_outer", "eye_l_inner"))

Picture = NDArray[np.uint8]
Face = tuple[Picture, NDArray[np.float64]]
"""An aligned crop, ``(256, 256, 3) uint8, RGB``, and its five landmarks, ``(5, 2)`` in pixels of it."""


def faces(people: int) -> list[Face]:
    """Return the aligned portraits and so many synthetic people, as preprocessing would cut them out."""
    aligned = [_aligned(p.image, p.landmarks) for p in load_portraits()]
    made = (make_person(11, i) for i in range(people))
    return aligned + [_aligned(np.asarray(p.image).round().astype(np.uint8), p.landmarks) for p in made]


def _aligned(image: Picture, landmarks: NDArray[np.float64]) -> Face:
    five = demo_landmarks(landmarks)
    matrix = similarity(five, template_for(SIDE, MARGIN))
    return align_face(image, five, SIDE, MARGIN), five @ matrix[:, :2].T + matrix[:, 2]


def demo_landmarks(landmarks: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the five landmarks, ``(5, 2)``, of the 35 of a demo portrait or person."""
    eyes = [np.mean([landmarks[LANDMARKS.index(name)] for name in eye], axis=0) for eye in _EYES]
    return np.array(eyes + [landmarks[LANDMARKS.index(name)] for name in ("nose_tip", "mouth_r", "mouth_l")])

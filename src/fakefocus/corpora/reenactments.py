"""Two ways to change what a face does and leave whose face it is.

They imitate the traces of a family of manipulations, not a product:

- ``MouthReenactment``: the lower face is warped so that the mouth opens and closes otherwise, and drawn anew there
  (Face2Face in Rössler et al., FaceForensics++, 2019, https://arxiv.org/abs/1901.08971);
- ``MouthTexture``: mouth and chin are replaced by a smooth, sharpened rendering without the camera's noise
  (NeuralTextures, same paper).
"""

from collections.abc import Callable, Sequence
from itertools import count

import cv2
import numpy as np

from fakefocus.sources.demo.people import CANVAS, Image, Person, Points, inner_face
from fakefocus.sources.demo.portraits import LANDMARKS
from fakefocus.sources.demo.scene import Layer, Paint, Place, Scene

_MOUTH = ("mouth_r", "lip_top", "mouth_l", "lip_bottom")
_LOWER = ("jaw_2", "jaw_3", "chin", "jaw_5", "jaw_6", "ala_l", "nose_base", "ala_r")
_STEPS = 5
"""Renderings between a closed and an open mouth, of which each frame takes the nearest."""


def mouth_reenactment(target: Person, source: Person, scene: Scene, rng: np.random.Generator) -> Paint:
    """Move the mouth to the source's shape and beyond, to and fro, over a soft border."""
    mask = _mask(target.landmarks, _LOWER, grow=float(rng.uniform(1.0, 1.1)), feather=float(rng.uniform(2.5, 5.0)))
    shapes = [_spoken(target.landmarks, source.landmarks, opening) for opening in np.linspace(-0.4, 1.0, _STEPS)]
    faces = [cv2.GaussianBlur(inner_face(target, shape), (0, 0), 0.6 + 0.5 * scene.focus) for shape in shapes]
    layers = [Layer(np.asarray(face, dtype=np.float32), mask) for face in faces]
    rate, start = float(rng.uniform(0.08, 0.25)), float(rng.uniform(0, 2 * np.pi))
    own_noise = 0.6 * scene.noise
    passed = count()

    def paint(frame: Image, place: Place, rng: np.random.Generator) -> tuple[Image, Image]:
        opening = 0.5 + 0.5 * np.sin(start + 2 * np.pi * rate * next(passed))
        moved = place(layers[round(opening * (_STEPS - 1))])
        grain = rng.standard_normal((*frame.shape[:2], 1), dtype=np.float32) * np.float32(own_noise)
        return _over(frame, moved.image + grain, moved.alpha)

    return paint


def mouth_texture(target: Person, source: Person, scene: Scene, rng: np.random.Generator) -> Paint:
    """Replace mouth and chin by a rendering whose fine detail was smoothed away and whose edges were sharpened."""
    del source
    mask = _mask(
        target.landmarks, (*_MOUTH, "chin"), grow=float(rng.uniform(1.5, 1.8)), feather=float(rng.uniform(3, 6))
    )
    smooth = cv2.bilateralFilter(target.image.astype(np.float32), 7, float(rng.uniform(14, 26)), 3)
    soft = cv2.GaussianBlur(smooth, (0, 0), 1.6)
    rendered = cv2.GaussianBlur(smooth + float(rng.uniform(0.4, 0.9)) * (smooth - soft), (0, 0), 0.5 * scene.focus)
    layer = Layer(np.asarray(rendered, dtype=np.float32), mask)

    def paint(frame: Image, place: Place, rng: np.random.Generator) -> tuple[Image, Image]:
        x, y = rng.normal(0, 0.35, 2)
        moved = place(layer, (float(x), float(y)))
        return _over(frame, moved.image, moved.alpha)

    return paint


METHODS: dict[str, Callable[[Person, Person, Scene, np.random.Generator], Paint]] = {
    "MouthReenactment": mouth_reenactment,
    "MouthTexture": mouth_texture,
}


def _spoken(own: Points, other: Points, opening: float) -> Points:
    """Return landmarks with the mouth between one's own and the other's shape, its lower lip and chin lowered."""
    shape = own.copy()
    rows = _rows(_MOUTH)
    middle, theirs = own[rows].mean(axis=0), other[rows].mean(axis=0)
    shape[rows] = middle + 0.5 * (own[rows] - middle) + 0.5 * (other[rows] - theirs)
    reach = 0.16 * np.ptp(own[_rows(("eye_r_outer", "eye_l_outer"))][:, 0])
    shape[_rows(("lip_bottom",))] += (0, opening * reach)
    shape[_rows(("chin", "jaw_3", "jaw_5"))] += (0, 0.5 * opening * reach)
    return shape


def _mask(landmarks: Points, names: Sequence[str], grow: float, feather: float) -> Image:
    points = landmarks[_rows(names)]
    middle = points.mean(axis=0)
    hull = cv2.convexHull(np.round(middle + grow * (points - middle)).astype(np.int32))
    mask = np.zeros(CANVAS, np.float32)
    cv2.fillConvexPoly(mask, hull, 1.0)
    return cv2.GaussianBlur(mask, (0, 0), feather).astype(np.float32)


def _over(frame: Image, over: Image, alpha: Image) -> tuple[Image, Image]:
    return frame + (over - frame) * alpha[..., None], alpha


def _rows(names: Sequence[str]) -> list[int]:
    return [LANDMARKS.index(name) for name in names]

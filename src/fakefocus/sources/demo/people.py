"""People on a canvas: morphs of the two portraits with their own shape, tone, light and texture, or a portrait's."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import RBFInterpolator

from fakefocus.imaging.alignment import similarity
from fakefocus.imaging.colour import from_lab, match_colour, to_lab
from fakefocus.sources.demo.portraits import LANDMARKS, Portrait, load_portraits

CANVAS = (400, 480)
"""Height and width of a person's canvas in pixels; the face stands in its upper middle."""
_EYE_DISTANCE = 64.0
_EYES_AT = (240.0, 175.0)
_INNER = [LANDMARKS.index(n) for n in ("jaw_1", "jaw_2", "jaw_3", "chin", "jaw_5", "jaw_6", "jaw_7")] + [
    LANDMARKS.index(n) for n in ("brow_l_outer", "brow_l_mid", "brow_r_mid", "brow_r_outer")
]

Image = NDArray[np.float32]
Points = NDArray[np.float64]


@dataclass(frozen=True)
class Person:
    """One person on a canvas of ``CANVAS``.

    ``image`` ``(H, W, 3) float32`` in [0, 255], RGB; ``alpha`` ``(H, W) float32`` in [0, 1];
    ``landmarks`` ``(35, 2)`` on the canvas. Its inner face is that of ``portraits``, mixed by ``weights``; ``detail``
    is the deviation of fine texture in grey levels, drawn with ``detail_seed``.
    """

    image: Image
    alpha: Image
    landmarks: Points
    portraits: tuple[Portrait, ...]
    weights: tuple[np.float32, ...] = (np.float32(1),)
    detail: float = 0.0
    detail_seed: int = 0


def draw_traits(seed: int, index: int) -> dict[str, Any]:
    """Draw what makes person ``index`` of the corpus of ``seed``: the same numbers every time."""
    rng = np.random.default_rng([seed, index, 1])
    return {
        "mirror": bool(rng.integers(2)),
        "outer": int(rng.integers(2)),
        "shape": float(rng.uniform(0, 1)),
        "texture": float(rng.beta(0.7, 0.7)),
        "modes": rng.normal(0, 1, 9).tolist(),
        "tone": rng.normal(0, (10, 4, 6)).tolist(),
        "cloth_hue": int(rng.integers(0, 180)),
        "light": [float(rng.uniform(-0.22, 0.22)), float(rng.uniform(-0.12, 0.12))],
        "detail": float(rng.uniform(4.0, 7.0)),
        "detail_seed": int(rng.integers(2**31)),
    }


@lru_cache(maxsize=4)
def make_person(seed: int, index: int) -> Person:
    """Make person ``index`` of the corpus of ``seed``."""
    traits = draw_traits(seed, index)
    parents = [p.mirrored() if traits["mirror"] else p for p in load_portraits()]
    landmarks = _shape(parents, traits)
    image, alpha = _warp(parents[traits["outer"]], landmarks, with_outline=True)
    texture = np.float32(traits["texture"])
    weights = (1 - texture, texture)
    face = _mixed(parents, weights, landmarks)
    mask = face_mask(landmarks, grow=1.12, feather=11.0)
    image = _mix(image, match_colour(face, image, mask > 0.5), mask)
    dressed = _dress(image, landmarks, traits)
    return Person(dressed, alpha, landmarks, tuple(parents), weights, traits["detail"], traits["detail_seed"])


def person_of(picture: NDArray[np.uint8], five: Points) -> Person:
    """Return the person whom a portrait shows; its background moves with them.

    Args:
        picture: ``(H, W, 3) uint8, RGB``.
        five: Eyes, tip of the nose and corners of the mouth, ``(5, 2)`` pixels, what is left in the picture first.
    """
    height, width = picture.shape[:2]
    frame = np.array([(0, 0), (width - 1, 0), (width - 1, height - 1), (0, height - 1)], dtype=float)
    sides = np.linspace(frame, np.roll(frame, -1, axis=0), 16, endpoint=False)
    outline = sides.transpose(1, 0, 2).reshape(-1, 2)
    portrait = Portrait(picture, np.ones((height, width), np.float32), landmarks_of(five), outline)
    landmarks = _normalised(portrait.landmarks)
    image, _ = _warp(portrait, landmarks, with_outline=True)
    return Person(image, np.ones(CANVAS, np.float32), landmarks, (portrait,))


def landmarks_of(five: Points) -> Points:
    """Return 35 landmarks, ``(35, 2)``, of the mean face of both portraits laid onto five.

    Half by the nearest similarity and half by the nearest affine map, as in `fakefocus.imaging.face_mask.face_points`.
    """
    faces = [_normalised(p.landmarks) for portrait in load_portraits() for p in (portrait, portrait.mirrored())]
    mean = np.mean(faces, axis=0)
    nose, right, left = (mean[LANDMARKS.index(name)] for name in ("nose_tip", "mouth_r", "mouth_l"))
    anchors = np.array([*_eyes(mean), nose, right, left])
    affine = np.linalg.lstsq(np.column_stack([anchors, np.ones(5)]), five, rcond=None)[0].T
    matrix = (affine + similarity(anchors, five)) / 2
    return np.asarray(mean @ matrix[:, :2].T + matrix[:, 2])


def inner_face(person: Person, landmarks: Points) -> Image:
    """Return a person's facial texture laid onto ``landmarks`` (their own, or another person's)."""
    return _mixed(person.portraits, person.weights, landmarks)


def _mixed(portraits: Sequence[Portrait], weights: Sequence[np.float32], landmarks: Points) -> Image:
    warped = [_warp(portrait, landmarks, with_outline=False)[0] for portrait in portraits]
    return np.sum([weight * face for weight, face in zip(weights, warped, strict=True)], axis=0, dtype=np.float32)


def face_mask(landmarks: Points, grow: float = 1.0, feather: float = 4.0) -> Image:
    """Return the inner face, brows to chin: ``(H, W) float32`` in [0, 1], with a soft border in pixels."""
    points = landmarks[_INNER]
    centre = points.mean(axis=0)
    hull = cv2.convexHull(np.round(centre + grow * (points - centre)).astype(np.int32))
    mask = np.zeros(CANVAS, np.float32)
    cv2.fillConvexPoly(mask, hull, 1.0)
    return cv2.GaussianBlur(mask, (0, 0), feather).astype(np.float32)


def _shape(parents: list[Portrait], traits: dict[str, Any]) -> Points:
    """Blend the parents' shapes and vary face width, jaw, eyes, brows, nose, mouth and forehead."""
    both = [_normalised(p.landmarks) for p in parents]
    points = (1 - traits["shape"]) * both[0] + traits["shape"] * both[1]
    rows = {name: i for i, name in enumerate(LANDMARKS)}
    modes = np.clip(traits["modes"], -1.8, 1.8)

    def move(prefixes: tuple[str, ...], scale_x: float = 0.0, scale_y: float = 0.0, dy: float = 0.0) -> None:
        chosen = [i for name, i in rows.items() if name.startswith(prefixes)]
        centre = points[chosen].mean(axis=0)
        points[chosen] += (points[chosen] - centre) * (scale_x, scale_y) + (0, dy)

    move(("jaw", "hair"), scale_x=0.05 * modes[0])
    move(("jaw_2", "jaw_3", "jaw_5", "jaw_6"), scale_x=0.06 * modes[1])
    move(("chin",), dy=4.0 * modes[2])
    move(("eye_r", "eye_l"), scale_x=0.035 * modes[3])
    move(("eye_r",), scale_x=0.07 * modes[4], scale_y=0.14 * modes[4])
    move(("eye_l",), scale_x=0.07 * modes[4], scale_y=0.14 * modes[4])
    move(("brow",), dy=2.2 * modes[5])
    move(("nose", "ala"), scale_x=0.12 * modes[6], scale_y=0.05 * modes[6])
    move(("mouth", "lip"), scale_x=0.10 * modes[7], dy=2.0 * modes[2])
    move(("lip",), scale_y=0.18 * modes[8])
    return points


def _eyes(points: Points) -> tuple[Points, Points]:
    rows = [[LANDMARKS.index(f"eye_{side}_{part}") for part in ("outer", "inner")] for side in "rl"]
    return points[rows[0]].mean(axis=0), points[rows[1]].mean(axis=0)


def _to_canvas(points: Points) -> tuple[Points, Points]:
    """Return the similarity (2x2 matrix, shift) that puts the eyes of ``points`` on the canvas."""
    right, left = _eyes(points)
    dx, dy = left - right
    turn = np.array([[dx, dy], [-dy, dx]]) * _EYE_DISTANCE / (dx * dx + dy * dy)
    return turn, np.array(_EYES_AT) - turn @ ((right + left) / 2)


def _normalised(points: Points) -> Points:
    turn, shift = _to_canvas(points)
    return points @ turn.T + shift


def _warp(portrait: Portrait, landmarks: Points, *, with_outline: bool) -> tuple[Image, Image]:
    """Lay a portrait onto ``landmarks`` by a thin-plate spline (Bookstein 1989)."""
    turn, shift = _to_canvas(portrait.landmarks)
    outline = portrait.outline @ turn.T + shift
    ours, theirs = [landmarks, outline[::2]], [portrait.landmarks, portrait.outline[::2]]
    if not with_outline:
        ours, theirs = [landmarks, outline[::8]], [portrait.landmarks, portrait.outline[::8]]
    spline = RBFInterpolator(np.concatenate(ours), np.concatenate(theirs), kernel="thin_plate_spline", smoothing=1.0)
    height, width = CANVAS
    step = 10
    grid = np.stack(np.meshgrid(np.arange(0, width + 1, step), np.arange(0, height + 1, step)), axis=-1)
    coarse = spline(grid.reshape(-1, 2).astype(float)).reshape(*grid.shape).astype(np.float32)
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32) / step
    map_x, map_y = cv2.split(cv2.remap(coarse, xs, ys, cv2.INTER_LINEAR))
    image = cv2.remap(portrait.image, map_x, map_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    alpha = cv2.remap(portrait.alpha, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return image.astype(np.float32), alpha.astype(np.float32)


def _dress(image: Image, landmarks: Points, traits: dict[str, Any]) -> Image:
    """Give a person skin tone, clothes, light from one side and fine texture of their own."""
    height, width = CANVAS
    ys, xs = np.mgrid[0:height, 0:width].astype(np.float32)
    lab = to_lab(image) + np.array(traits["tone"], np.float32)
    image = from_lab(lab)
    chin = landmarks[LANDMARKS.index("chin")]
    hsv = cv2.cvtColor(np.clip(image, 0, 255).astype(np.uint8), cv2.COLOR_RGB2HSV)
    hsv[..., 0] = (hsv[..., 0].astype(int) + traits["cloth_hue"]) % 180
    dressed = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB).astype(np.float32)
    collar = chin[1] + 22 + 70 * np.exp(-(((xs - chin[0]) / 42) ** 2))
    below = 1 / (1 + np.exp(-(ys - collar) / 3))
    image = _mix(image, dressed, below.astype(np.float32))
    side, top = traits["light"]
    light = 1 + side * (xs - chin[0]) / 90 + top * (ys - 190) / 120
    rng = np.random.default_rng(traits["detail_seed"])
    pores = rng.normal(0, 1, CANVAS).astype(np.float32)
    pores = cv2.GaussianBlur(pores, (0, 0), 0.6) - cv2.GaussianBlur(pores, (0, 0), 2.2)
    texture = traits["detail"] * pores / pores.std()
    return np.clip(image * np.clip(light, 0.65, 1.3)[..., None] + texture[..., None], 0, 255).astype(np.float32)


def _mix(base: Image, over: Image, alpha: Image) -> Image:
    return base + (over - base) * alpha[..., None]

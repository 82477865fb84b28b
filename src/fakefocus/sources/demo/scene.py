"""A scene: one person before a background, a camera with motion, depth of field and sensor noise."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from fakefocus.sources.demo.people import CANVAS, Image, Person

FRAME = (360, 480)
"""Height and width of the corpus' frames in pixels."""


@dataclass(frozen=True)
class Scene:
    """What stays the same while a clip is recorded.

    ``focus`` is the blur of the person (Gaussian deviation in pixels; the background has its own);
    ``noise`` the deviation of the sensor in grey levels; ``poses`` ``(T, 5)``: shift x and
    y in pixels, scale, roll in radians, yaw as a shift of the nearest point in pixels.
    """

    background: Image
    focus: float
    noise: float
    poses: NDArray[np.float64]
    seed: int


@dataclass(frozen=True)
class Layer:
    """Something that moves with the person: ``(H, W, 3)`` in [0, 255] and its alpha in [0, 1]."""

    image: Image
    alpha: Image


Place = Callable[..., Layer]
"""Moves a layer, with an extra shift in pixels if given, from the canvas to where the person is."""

Paint = Callable[[Image, Place, np.random.Generator], tuple[Image, Image]]
"""Changes a frame in [0, 255]; returns it and the mask of what it changed, in [0, 1]."""


def make_scene(seed: int, index: int, frames: int) -> Scene:
    """Draw the scene in which person ``index`` of the corpus of ``seed`` is recorded."""
    rng = np.random.default_rng([seed, index, 2])
    blur = float(rng.uniform(1.5, 5.0))
    background = cv2.GaussianBlur(_background(rng), (0, 0), blur).astype(np.float32)
    return Scene(
        background=background,
        focus=float(rng.uniform(0.45, 1.1)),
        noise=float(rng.uniform(2.0, 4.5)),
        poses=_poses(rng, frames),
        seed=int(rng.integers(2**31)),
    )


def record(scene: Scene, person: Person) -> Iterator[tuple[Image, Place]]:
    """Yield frame by frame ``(H, W, 3) float32`` in [0, 255], and how to move a layer with the person.

    A fake is painted onto these frames, so that it differs from the clip that it was made from only
    where it was manipulated.
    """
    body = Layer(cv2.GaussianBlur(person.image, (0, 0), scene.focus).astype(np.float32), person.alpha)
    depth = _depth(person)
    tiles = _noise_tiles(scene)
    flicker = np.random.default_rng([scene.seed, 1])
    shifts = np.random.default_rng([scene.seed, 2])
    for pose in scene.poses:

        def place(layer: Layer, shift: tuple[float, float] = (0, 0), pose: NDArray[Any] = pose) -> Layer:
            return _place(layer, pose, depth, shift)

        placed = place(body)
        frame = _backdrop(scene.background, pose)
        frame += (placed.image - frame) * placed.alpha[..., None]
        frame *= np.float32(1 + flicker.normal(0, 0.006))
        frame += _noise(tiles, shifts)
        yield frame, place


def develop(frame: Image) -> NDArray[np.uint8]:
    """Round a frame in [0, 255] to 8 bits, as a camera does before it compresses."""
    return np.clip(np.rint(frame), 0, 255).astype(np.uint8)


def _background(rng: np.random.Generator) -> Image:
    """Paint a wall or landscape of gradients, boxes and lights, larger than a frame."""
    height, width = FRAME[0] + 80, FRAME[1] + 80
    corners = rng.uniform(30, 215, (3, 4, 3)).astype(np.float32)
    image = cv2.resize(corners, (width, height), interpolation=cv2.INTER_CUBIC)
    for _ in range(int(rng.integers(4, 14))):
        x, y = int(rng.integers(0, width)), int(rng.integers(0, height))
        colour = tuple(float(c) for c in rng.uniform(10, 245, 3))
        if rng.random() < 0.6:
            size = (x + int(rng.integers(10, 120)), y + int(rng.integers(10, 200)))
            cv2.rectangle(image, (x, y), size, colour, -1)
        else:
            cv2.circle(image, (x, y), int(rng.integers(4, 30)), colour, -1)
    grain = cv2.resize(rng.normal(0, 9, (height // 3, width // 3, 1)).astype(np.float32), (width, height))
    return np.clip(image + grain[..., None], 0, 255).astype(np.float32)


def _poses(rng: np.random.Generator, frames: int) -> NDArray[np.float64]:
    """Let person and camera sway: three slow sines a degree of freedom, and hand tremor."""
    t = np.arange(frames) / 25.0
    amplitude = np.array([9.0, 5.0, 0.02, 0.035, 3.0])
    poses = np.zeros((frames, 5))
    for k in range(5):
        for _ in range(3):
            poses[:, k] += np.sin(2 * np.pi * rng.uniform(0.15, 0.9) * t + rng.uniform(0, 2 * np.pi)) / 3
        poses[:, k] += rng.normal(0, 0.02, frames)
    poses *= amplitude
    poses += np.array([rng.uniform(-22, 22), rng.uniform(-6, 8), rng.uniform(0.92, 1.1), rng.uniform(-0.08, 0.08), 0])
    return poses


def _depth(person: Person) -> Image:
    """Return how near each point of the head is: 1 at the nose, 0 at the outline and below the chin."""
    ys, xs = np.mgrid[0 : CANVAS[0], 0 : CANVAS[1]].astype(np.float32)
    face = person.landmarks[:9]
    centre, radius = face.mean(axis=0) + np.array([0, -20]), np.ptp(face[:, 0]) * 0.75
    distance = ((xs - centre[0]) / radius) ** 2 + ((ys - centre[1]) / (1.35 * radius)) ** 2
    return np.sqrt(np.clip(1 - distance, 0, 1)).astype(np.float32)


def _place(layer: Layer, pose: NDArray[Any], depth: Image, shift: tuple[float, float]) -> Layer:
    """Move a layer from the canvas to the frame: similarity, then the parallax of a turning head."""
    dx, dy, scale, roll, yaw = pose
    cos, sin = np.cos(-roll) / scale, np.sin(-roll) / scale
    centre_frame = np.array([FRAME[1] / 2 + dx + shift[0], FRAME[0] / 2 + 8 + dy + shift[1]])
    turn = np.array([[cos, -sin], [sin, cos]])
    offset = np.array([CANVAS[1] / 2, 195.0]) - turn @ centre_frame
    ys, xs = np.mgrid[0 : FRAME[0], 0 : FRAME[1]].astype(np.float32)
    map_x = np.float32(turn[0, 0]) * xs + np.float32(turn[0, 1]) * ys + np.float32(offset[0])
    map_y = np.float32(turn[1, 0]) * xs + np.float32(turn[1, 1]) * ys + np.float32(offset[1])
    near = cv2.remap(depth, map_x, map_y, cv2.INTER_LINEAR)
    map_x -= np.float32(yaw) * near
    image = cv2.remap(layer.image, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    alpha = cv2.remap(layer.alpha, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    return Layer(image.astype(np.float32), alpha.astype(np.float32))


def _backdrop(background: Image, pose: NDArray[Any]) -> Image:
    """Cut the frame out of the background, moving less than the person since it is farther away."""
    shift = np.array([[1, 0, 40 - 0.3 * pose[0]], [0, 1, 40 - 0.3 * pose[1]]], dtype=np.float32)
    size = (FRAME[1], FRAME[0])
    return cv2.warpAffine(background, shift, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP).astype(np.float32)


def _noise_tiles(scene: Scene) -> NDArray[np.float32]:
    """Draw one large tile of sensor noise, luminance and less of colour, to be cut at random places."""
    rng = np.random.default_rng([scene.seed, 0])
    size = (FRAME[0] + 64, FRAME[1] + 64)
    luminance = rng.standard_normal((*size, 1), dtype=np.float32)
    colour = rng.standard_normal((*size, 3), dtype=np.float32)
    return np.asarray(scene.noise * (0.9 * luminance + 0.45 * colour), dtype=np.float32)


def _noise(tiles: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    y, x = rng.integers(0, 64, 2)
    window = tiles[y : y + FRAME[0], x : x + FRAME[1]]
    return window[:: 1 - 2 * int(rng.integers(2)), :: 1 - 2 * int(rng.integers(2))]

"""Clips to measure with: synthetic people before a background, at 720p and 1080p, made once and kept.

The people are those of the demo corpus, morphs of two public-domain portraits. Four scenes a size: a talking
head, three people with a cut, somebody who walks through, and a small face that turns its head on one side.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from fakefocus.parameters import Preprocessing
from fakefocus.sources.demo.people import make_person

CLIPS = Path(__file__).resolve().parents[1] / "data/01_raw/benchmark"
EVERY = 10
THRESHOLDS = (0.6, 0.7, 0.9)
OPTIONS = Preprocessing.model_validate(
    {
        "region": "face",
        "sampling": {"method": "every", "every": EVERY, "frames": 32, "min_frames": 1, "max_frames": None},
        "detection": {"detector": "mtcnn", "precision": "bf16", "min_face_size": 60, "thresholds": THRESHOLDS},
        "faces_per_video": 1,
        "alignment": "landmarks",
        "size": 256,
        "margin": 0.3,
    }
)
SIZES = {"720p": (1280, 720), "1080p": (1920, 1080)}
FRAMES = 250
RATE = 25
_SEED = 11
_FACE = (240.0, 205.0)
"""The middle of the face on a person's canvas, x and y in pixels."""

Pose = Callable[[float], tuple[float, float, float, float]]
"""Second to x and y of the face in shares of the frame, scale of the canvas at 720p, roll in radians."""


@dataclass(frozen=True)
class Actor:
    """Who is in the picture, how they move, and from when to when in seconds."""

    person: int
    pose: Pose
    start: float = 0.0
    stop: float = 1e9


def _sway(x: float, y: float, scale: float, roll: float = 0.06, phase: float = 0.0) -> Pose:
    def pose(t: float) -> tuple[float, float, float, float]:
        return (
            x + 0.02 * np.sin(0.9 * t + phase),
            y + 0.015 * np.sin(1.7 * t + 2 * phase),
            scale * (1 + 0.04 * np.sin(0.6 * t + phase)),
            roll * np.sin(1.1 * t + phase),
        )

    return pose


def _walk(y: float, scale: float, speed: float) -> Pose:
    return lambda t: (-0.15 + speed * t, y + 0.01 * np.sin(9 * t), scale * (1 + 0.03 * t), 0.03 * np.sin(9 * t))


SCENES: dict[str, tuple[Actor, ...]] = {
    "talking_head": (Actor(0, _sway(0.5, 0.42, 2.0)),),
    "three_and_a_cut": (
        Actor(1, _sway(0.25, 0.4, 1.3), stop=5),
        Actor(2, _sway(0.72, 0.45, 1.0, phase=1), stop=5),
        Actor(3, _sway(0.6, 0.45, 1.7, phase=2), start=5),
    ),
    "walking_through": (Actor(4, _sway(0.8, 0.4, 0.55)), Actor(5, _walk(0.45, 1.1, 0.14), start=1)),
    "small_and_tilted": (Actor(6, _sway(0.4, 0.5, 0.62, roll=0.5)),),
}


def make_clips(folder: Path, size: str) -> list[Path]:
    """Return the clips of a size of ``SIZES``, written first where they are not there yet."""
    paths = [folder / size / f"{name}.mp4" for name in SCENES]
    for path, actors in zip(paths, SCENES.values(), strict=True):
        if not path.is_file():
            _write(path, _frames(actors, *SIZES[size]), *SIZES[size])
    return paths


def _frames(actors: tuple[Actor, ...], width: int, height: int) -> Iterator[NDArray[np.uint8]]:
    rng = np.random.default_rng(_SEED)
    backgrounds = [_background(rng, width, height) for _ in range(2)]
    cut = min((a.stop for a in actors), default=1e9)
    for index in range(FRAMES):
        t = index / RATE
        pan = np.float32([[1, 0, 20 * np.sin(0.4 * t)], [0, 1, 8 * np.sin(0.7 * t)]])
        frame = cv2.warpAffine(backgrounds[t >= cut], pan, (width, height), borderMode=cv2.BORDER_REFLECT)
        for actor in actors:
            if actor.start <= t < actor.stop:
                _place(frame, actor, t)
        noise = cv2.resize(rng.normal(0, 3, (height // 2, width // 2, 3)).astype(np.float32), (width, height))
        yield np.clip(frame + noise, 0, 255).astype(np.uint8)


def _background(rng: np.random.Generator, width: int, height: int) -> NDArray[np.float32]:
    """Paint noise of all scales, as natural pictures have (power falls with the square of the frequency)."""
    image = np.zeros((height, width, 3), np.float32)
    for k in range(1, 8):
        grid = rng.normal(0, 90 / 1.6**k, (2**k + 1, 2**k * 16 // 9 + 1, 3)).astype(np.float32)
        image += cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
    grey = image.mean(axis=2, keepdims=True)
    return np.clip(grey + 0.3 * (image - grey) + 110, 0, 255)


def _place(frame: NDArray[np.float32], actor: Actor, t: float) -> None:
    person = make_person(_SEED, actor.person)
    x, y, scale, roll = actor.pose(t)
    height, width = frame.shape[:2]
    scale *= height / 720
    cos, sin = scale * np.cos(roll), scale * np.sin(roll)
    turn = np.array([[cos, -sin], [sin, cos]])
    matrix = np.column_stack([turn, np.array([x * width, y * height]) - turn @ np.array(_FACE)])
    size, border = (width, height), cv2.BORDER_REPLICATE
    image = cv2.warpAffine(person.image, matrix, size, flags=cv2.INTER_CUBIC, borderMode=border)
    alpha = cv2.warpAffine(person.alpha, matrix, size)[..., None]
    frame += (image - frame) * alpha


def _write(path: Path, frames: Iterator[NDArray[np.uint8]], width: int, height: int) -> None:
    """Write with x264's default recipe at crf 23, as FaceForensics++'s c23."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".part.mp4")
    with av.open(str(aside), "w") as container:
        stream: Any = container.add_stream("libx264", rate=Fraction(RATE), options={"crf": "23"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    aside.rename(path)

"""Clips to measure with, made once and kept: four easy scenes a size, and the kinds on which real clips go wrong.

The people are those of the demo corpus, morphs of two public-domain portraits. Where a folder of portraits is named
(``python -m benchmarks --portraits FOLDER``), the scenes of `HARD` show those people, one a file.
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

from benchmarks.figures import Figure, cast
from fakefocus.parameters import Preprocessing

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
RATE = 25
_SEED = 11
_BY_PORTRAITS = "_portraits"

Picture = NDArray[np.float32]
Pose = Callable[[float], tuple[float, float, float, float]]
"""Second to x and y of the face in shares of the frame, scale of the figure at 720 lines, roll in radians."""


@dataclass(frozen=True)
class Actor:
    """Who is in the picture, how they move, and from when to when in seconds.

    ``photograph``: the whole picture is shown, not the person before another background. ``blur`` is the deviation of
    a Gaussian in shares of the face's side, ``contrast`` 1 is that of the picture. ``away``: from when to when no face
    can be seen, as they turn their back.
    """

    person: int
    pose: Pose
    start: float = 0.0
    stop: float = 1e9
    photograph: bool = False
    blur: float = 0.0
    contrast: float = 1.0
    away: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Scene:
    """Actors before a background; size in pixels, x264's ``crf``, ``shake`` of the hand in shares of the width."""

    actors: tuple[Actor, ...]
    width: int
    height: int
    crf: int = 23
    seconds: float = 10.0
    shake: float = 0.0
    light: float = 1.0


def _sway(x: float, y: float, scale: float, roll: float = 0.06, phase: float = 0.0, by: float = 1.0) -> Pose:
    def pose(t: float) -> tuple[float, float, float, float]:
        return (
            x + 0.02 * by * np.sin(0.9 * t + phase),
            y + 0.015 * by * np.sin(1.7 * t + 2 * phase),
            scale * (1 + 0.04 * by * np.sin(0.6 * t + phase)),
            roll * np.sin(1.1 * t + phase),
        )

    return pose


def _walk(y: float, scale: float, speed: float) -> Pose:
    return lambda t: (-0.15 + speed * t, y + 0.01 * np.sin(9 * t), scale * (1 + 0.03 * t), 0.03 * np.sin(9 * t))


def _toward(seconds: float, near: float) -> Pose:
    """Walk toward the camera, from the end of a corridor: the face grows as one over the distance."""
    far = 0.45

    def pose(t: float) -> tuple[float, float, float, float]:
        scale = far / (1 - (1 - far / near) * min(t / seconds, 1))
        return 0.5 + 0.12 * np.sin(0.8 * t), 0.36 + 0.015 * np.sin(9 * t), scale, 0.04 * np.sin(4.5 * t)

    return pose


def _pacing(scale: float) -> Pose:
    """Walk to and fro along a corridor, more than a face's width between two sampled frames."""

    def pose(t: float) -> tuple[float, float, float, float]:
        return (
            0.5 + 0.38 * np.sin(0.8 * t),
            0.4 + 0.02 * np.sin(9 * t),
            scale * (1 + 0.3 * np.cos(0.4 * t)),
            0.05 * np.sin(9 * t),
        )

    return pose


EASY: dict[str, tuple[Actor, ...]] = {
    "talking_head": (Actor(0, _sway(0.5, 0.42, 2.0)),),
    "three_and_a_cut": (
        Actor(1, _sway(0.25, 0.4, 1.3), stop=5),
        Actor(2, _sway(0.72, 0.45, 1.0, phase=1), stop=5),
        Actor(3, _sway(0.6, 0.45, 1.7, phase=2), start=5),
    ),
    "walking_through": (Actor(4, _sway(0.8, 0.4, 0.55)), Actor(5, _walk(0.45, 1.1, 0.14), start=1)),
    "small_and_tilted": (Actor(6, _sway(0.4, 0.5, 0.62, roll=0.5)),),
}


def _easy(width: int, height: int, crf: int = 23) -> dict[str, Scene]:
    return {name: Scene(actors, width, height, crf) for name, actors in EASY.items()}


def _tight(side: int, person: int, scale: float, by: float, crf: int) -> Scene:
    """Show a photograph cropped to its face, which fills the frame or more than that, as others cut their clips."""
    actor = Actor(person, _sway(0.5, 0.5, scale, roll=0.1, phase=person, by=by), photograph=True)
    return Scene((actor,), side, side, crf, seconds=8)


def _shadow(person: int, start: float, stop: float) -> Actor:
    """Be a pattern like a face, out of focus and faint, as a curtain or a shadow may be."""
    return Actor(person, _sway(0.75, 0.5, 3.6, roll=0), start, stop, blur=0.03, contrast=0.5)


HARD: dict[str, dict[str, Scene]] = {
    "tight": {
        "filling_256": _tight(256, 10, 2.8, 1.5, 23),
        "larger_than_256": _tight(256, 11, 3.5, 2.0, 23),
        "hard_256": _tight(256, 12, 3.0, 2.0, 40),
        "filling_320": _tight(320, 13, 3.0, 1.5, 23),
        "larger_than_320": _tight(320, 14, 3.7, 1.5, 40),
        "filling_400": _tight(400, 15, 2.4, 3.0, 23),
        "larger_than_400": _tight(400, 16, 3.5, 3.0, 23),
        "hard_400": _tight(400, 17, 3.0, 3.0, 40),
        "beyond_320": _tight(320, 18, 4.6, 1.5, 23),
    },
    "phone": {
        "walk_toward": Scene((Actor(20, _toward(9, 3.0)),), 1280, 720, shake=0.01),
        "walk_toward_upright": Scene((Actor(21, _toward(9, 1.6)),), 720, 1280, 28, shake=0.015, light=0.6),
        "corridor": Scene(
            (Actor(22, _pacing(0.9), away=((3.0, 5.4), (7.0, 8.0))),), 1280, 720, 28, shake=0.01, light=0.7
        ),
        "corridor_1080p": Scene((Actor(23, _pacing(0.8), away=((4.0, 5.0),)),), 1920, 1080, shake=0.01),
        "two_in_a_corridor": Scene(
            (Actor(24, _pacing(0.9), stop=6), Actor(25, _sway(0.2, 0.45, 1.2), start=4)), 1280, 720, shake=0.01
        ),
        "held_close": Scene((Actor(26, _sway(0.5, 0.5, 3.6, by=2.5)),), 1280, 720, 28, shake=0.03, light=0.6),
    },
    "impostor": {
        f"shadow_{i}": Scene(
            (_shadow(30 + i, 2.0 + i, 4.0 + i), Actor(40 + i, _sway(0.25, 0.45, 1.0))), 1280, 720, crf, light=0.8
        )
        for i, crf in enumerate((23, 28, 34))
    },
    "c40": _easy(1280, 720, 40)
    | {f"portrait_{i}": Scene((Actor(50 + i, _sway(0.5, 0.45, 1.5)),), 1280, 720, 40) for i in range(3)},
}
SIZES = {"720p": (1280, 720), "1080p": (1920, 1080)}
SCENES = {size: _easy(*pixels) for size, pixels in SIZES.items()} | HARD


def make_clips(folder: Path, kind: str, portraits: Path | None = None) -> list[Path]:
    """Return the clips of a kind of ``SCENES``, written first where they are not there yet.

    Args:
        folder: Where they are kept.
        kind: A key of ``SCENES``.
        portraits: A folder of JPEG portraits, one person each, for the scenes of ``HARD``; None: synthetic people.
    """
    shown = portraits if kind in HARD else None
    place = folder / (f"{kind}{_BY_PORTRAITS}" if shown else kind)
    paths = [place / f"{name}.mp4" for name in SCENES[kind]]
    for path, scene in zip(paths, SCENES[kind].values(), strict=True):
        if not path.is_file():
            _write(path, _frames(scene, shown), scene)
    return paths


def shows_a_back(path: Path, frame: int) -> bool:
    """Say whether all who are in a frame of a clip of `make_clips` turn their back: what looks like a face is none."""
    scene = SCENES.get(path.parent.name.removesuffix(_BY_PORTRAITS), {}).get(path.stem)
    second = frame / RATE
    actors = [] if scene is None else [a for a in scene.actors if a.start <= second < a.stop]
    return bool(actors) and all(any(start <= second < stop for start, stop in a.away) for a in actors)


def _frames(scene: Scene, portraits: Path | None) -> Iterator[NDArray[np.uint8]]:
    rng = np.random.default_rng(_SEED)
    width, height = scene.width, scene.height
    backgrounds = [_background(rng, width, height) for _ in range(2)]
    figures = [cast(_SEED, actor.person, portraits, whole=actor.photograph) for actor in scene.actors]
    cut_at = min((a.stop for a in scene.actors if a.start == 0), default=1e9)
    for index in range(round(scene.seconds * RATE)):
        t = index / RATE
        pan = np.float32([[1, 0, 20 * np.sin(0.4 * t)], [0, 1, 8 * np.sin(0.7 * t)]])
        frame = cv2.warpAffine(backgrounds[t >= cut_at], pan, (width, height), borderMode=cv2.BORDER_REFLECT)
        for actor, figure in zip(scene.actors, figures, strict=True):
            if actor.start <= t < actor.stop:
                _place(frame, actor, figure, t)
        frame = _shaken(frame, scene, t)
        noise = cv2.resize(rng.normal(0, 3, (height // 2, width // 2, 3)).astype(np.float32), (width, height))
        yield np.clip(frame * scene.light + noise, 0, 255).astype(np.uint8)


def _shaken(frame: Picture, scene: Scene, t: float) -> Picture:
    """Move and turn the frame as a hand does, by sines that do not repeat within a clip."""
    if not scene.shake:
        return frame
    by = scene.shake * scene.width
    x, y = by * (np.sin(7.1 * t) + 0.5 * np.sin(17.3 * t)), by * (np.sin(5.9 * t + 1) + 0.5 * np.sin(15.1 * t))
    turn = cv2.getRotationMatrix2D((scene.width / 2, scene.height / 2), 60 * scene.shake * np.sin(3.3 * t), 1.0)
    turn[:, 2] += x, y
    return cv2.warpAffine(frame, turn, (scene.width, scene.height), borderMode=cv2.BORDER_REFLECT)


def _background(rng: np.random.Generator, width: int, height: int) -> Picture:
    """Paint noise of all scales, as natural pictures have (power falls with the square of the frequency)."""
    image = np.zeros((height, width, 3), np.float32)
    for k in range(1, 8):
        grid = rng.normal(0, 90 / 1.6**k, (2**k + 1, 2**k * 16 // 9 + 1, 3)).astype(np.float32)
        image += cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
    grey = image.mean(axis=2, keepdims=True)
    return np.clip(grey + 0.3 * (image - grey) + 110, 0, 255)


def _place(frame: Picture, actor: Actor, figure: Figure, t: float) -> None:
    x, y, scale, roll = actor.pose(t)
    height, width = frame.shape[:2]
    scale *= min(height, width) / 720 / figure.unit
    cos, sin = scale * np.cos(roll), scale * np.sin(roll)
    turn = np.array([[cos, -sin], [sin, cos]])
    matrix = np.column_stack([turn, np.array([x * width, y * height]) - turn @ figure.face])
    shown = figure.from_behind() if any(start <= t < stop for start, stop in actor.away) else figure
    size, border = (width, height), cv2.BORDER_REPLICATE
    image = cv2.warpAffine(shown.image, matrix, size, flags=cv2.INTER_CUBIC, borderMode=border)
    alpha = cv2.warpAffine(shown.alpha, matrix, size, borderMode=border if actor.photograph else cv2.BORDER_CONSTANT)
    if actor.blur:
        sigma = actor.blur * figure.unit * scale * 150
        image, alpha = (cv2.GaussianBlur(x, (0, 0), sigma) for x in (image, alpha))
    frame += (image - frame) * (actor.contrast * alpha)[..., None]


def _write(path: Path, frames: Iterator[NDArray[np.uint8]], scene: Scene) -> None:
    """Write with x264's default recipe; crf 23 and 40 are FaceForensics++'s c23 and c40."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".part.mp4")
    with av.open(str(aside), "w") as container:
        stream: Any = container.add_stream("libx264", rate=Fraction(RATE), options={"crf": str(scene.crf)})
        stream.width, stream.height, stream.pix_fmt = scene.width, scene.height, "yuv420p"
        for frame in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        container.mux(stream.encode(None))
    aside.rename(path)

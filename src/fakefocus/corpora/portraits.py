"""A corpus of short clips from portraits of real people, one picture a person, in the published FaceForensics++ layout.

Each person is recorded in a scene of the demo corpus: they sway before the camera, which has a focus, noise and a
codec. People of the training side have real clips alone, hardly compressed: a detector learns from them by pseudo-
fakes. They have a second one, a shot of the picture itself, larger and with its own background. Of the others there are
real clips and fakes by five small programs (`fakefocus.sources.demo.swaps.METHODS` and
`fakefocus.corpora.reenactments.METHODS`), each at three compressions. Pairs of a side swap faces, so that no person is
on two sides. What is measured on these fakes is measured on small programs of ours: they stand in for families of
manipulations, and say nothing of a product.
"""

import csv
import json
import logging
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from fakefocus.corpora.reenactments import METHODS as REENACTMENTS
from fakefocus.errors import InputError
from fakefocus.imaging.frames import read_frames
from fakefocus.imaging.media import MediaError
from fakefocus.sources.demo.corpus import write_clip
from fakefocus.sources.demo.people import Person, person_of
from fakefocus.sources.demo.scene import develop, make_scene, record
from fakefocus.sources.demo.swaps import METHODS as SWAPS

_log = logging.getLogger(__name__)

COMPRESSIONS = {"c0": "10", "c23": "23", "c40": "40"}
"""Constant rate factors of x264 by the published names; c0 is hardly compressed, not lossless."""
PROGRAMS = SWAPS | REENACTMENTS
_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})
_MOST = 1000
"""People, as the layout has names of three digits."""
_LEAST_PAIRS = 2
_MIN_FACE = 60
_THRESHOLDS = (0.6, 0.7, 0.9)
_SHOT_SIDE = 640
"""Longest side of a shot of a picture, in pixels: larger pictures are made smaller."""


class Sitter(NamedTuple):
    """Somebody: a number, the picture and five landmarks in it, pixels."""

    number: int
    picture: Path
    landmarks: list[list[float]]


def make_corpus(
    portraits: str | None, frames: int, seed: int, val: int, test: int
) -> dict[str, Callable[[Path], None]]:
    """Plan the corpus: a name and a function that writes its files below a root, for each person.

    Args:
        portraits: A folder of pictures, nested or not; in each the largest face is looked at.
        frames: Frames a clip, at 25 frames a second.
        seed: The same seed and pictures give the same files.
        val: People of the validation side, even.
        test: People of the test side, even.

    Raises:
        InputError: If there is no such folder, a side is not of pairs, or too few pictures show a face.
    """
    if portraits is None or not Path(portraits).expanduser().is_dir():
        got = "none" if portraits is None else portraits
        msg = f"raw_media: needs a folder of portraits, got {got}: name yours with --params=data_root=<folder>"
        raise InputError(msg)
    for name, count in (("val", val), ("test", test)):
        if count < 2 * _LEAST_PAIRS or count % 2:
            msg = f"raw_media.maker_args.{name}: must be even and at least {2 * _LEAST_PAIRS}, got {count}"
            raise InputError(msg)
    sitters, without = _find_sitters(Path(portraits).expanduser())
    if len(sitters) < val + test + 2:
        msg = (
            f"raw_media: {len(sitters)} pictures below {portraits} show a face: {val + test} people are for validation "
            "and test, and training needs some too: give more, or set raw_media.maker_args.val and test lower"
        )
        raise InputError(msg)
    sides = _sides(sitters, val, test, seed)
    jobs: dict[str, Callable[[Path], None]] = {
        f"{person:03d}": partial(_write_real, sitter=sitters[person], frames=frames, seed=seed)
        for person in sides["train"]
    }
    for person, partner in [*_both_ways(sides["val"]), *_both_ways(sides["test"])]:
        target, source = sitters[person], sitters[partner]
        jobs[f"{person:03d}"] = partial(_write_pair, sitter=target, partner=source, frames=frames, seed=seed)
    jobs["lists"] = partial(_write_lists, sides=sides, sitters=sitters, without=without)
    return jobs


def _find_sitters(folder: Path) -> tuple[list[Sitter], list[Path]]:
    """Return everybody whose picture shows a face, and the pictures that show none."""
    from fakefocus.detection.mtcnn import FaceDetector

    pictures = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES)
    detector = FaceDetector(_MIN_FACE, _THRESHOLDS, "f32")
    sitters: list[Sitter] = []
    without: list[Path] = []
    for path in pictures:
        try:
            image = next(read_frames(path)).image
            faces = None if image is None else detector.detect(image)
        except MediaError:
            faces = None
        if faces is None or not len(faces.boxes):
            without.append(path)
        else:
            sitters.append(Sitter(len(sitters), path, np.round(faces.landmarks[0], 2).tolist()))
    if without:
        _log.warning("%d of %d portraits show no face and are left out: portraits.csv", len(without), len(pictures))
    if len(sitters) > _MOST:
        _log.warning("%d people: the first %d are taken, as the layout names no more", len(sitters), _MOST)
    return sitters[:_MOST], without


def _sides(sitters: Sequence[Sitter], val: int, test: int, seed: int) -> dict[str, list[int]]:
    """Deal people to sides; those of a side who look the same way follow each other, so that pairs fit."""
    order = np.random.default_rng([seed, 0]).permutation(len(sitters)).tolist()
    sides = {"test": order[:test], "val": order[test : test + val], "train": order[test + val :]}
    return {side: sorted(people, key=lambda person: _turn(sitters[person])) for side, people in sides.items()}


def _turn(sitter: Sitter) -> float:
    """Return how far a head is turned: the nose's way from the middle of the eyes, in distances between them."""
    left, right, nose = np.array(sitter.landmarks)[:3]
    return float((nose - (left + right) / 2) @ (right - left) / np.sum((right - left) ** 2))


def _both_ways(people: Sequence[int]) -> list[tuple[int, int]]:
    pairs = list(zip(people[::2], people[1::2], strict=True))
    return pairs + [(second, first) for first, second in pairs]


def _write_real(root: Path, *, sitter: Sitter, frames: int, seed: int) -> None:
    """Write a person's clip in a scene and a shot of their picture, hardly compressed."""
    person, name = _person(sitter), f"{sitter.number:03d}"
    scene = make_scene(seed, sitter.number, frames)
    clip = [develop(frame) for frame, _ in record(scene, person)]
    _write(root / "original_sequences/youtube", name, clip, ("c0",))
    shot = list(_film(_picture(sitter), frames, np.random.default_rng([seed, sitter.number, 4])))
    _write(root / "original_sequences/pictures", name, shot, ("c0",))


def _write_pair(root: Path, *, sitter: Sitter, partner: Sitter, frames: int, seed: int) -> None:
    """Write a person's clips, and one fake a program in which the partner's face, or theirs, is put onto them."""
    target, source = _person(sitter), _person(partner)
    scene = make_scene(seed, sitter.number, frames)
    rngs = {name: np.random.default_rng([seed, sitter.number, 3, i]) for i, name in enumerate(PROGRAMS)}
    paints = {name: program(target, source, scene, rngs[name]) for name, program in PROGRAMS.items()}
    original: list[NDArray[np.uint8]] = []
    fakes: dict[str, list[NDArray[np.uint8]]] = {name: [] for name in PROGRAMS}
    for frame, place in record(scene, target):
        original.append(develop(frame))
        for name, paint in paints.items():
            fakes[name].append(develop(paint(frame, place, rngs[name])[0]))
    _write(root / "original_sequences/youtube", f"{sitter.number:03d}", original, tuple(COMPRESSIONS))
    for name, clip in fakes.items():
        stem = f"{sitter.number:03d}_{partner.number:03d}"
        _write(root / "manipulated_sequences" / name, stem, clip, tuple(COMPRESSIONS))


def _film(picture: NDArray[np.uint8], frames: int, rng: np.random.Generator) -> Iterator[NDArray[np.uint8]]:
    """Yield frames, even in sides, of a hand-held shot of a picture: a camera with a focus and noise."""
    shrink = min(1.0, _SHOT_SIDE / max(picture.shape[:2]))
    height, width = (2 * round(side * shrink / 2) for side in picture.shape[:2])
    small = cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)
    focus, noise = float(rng.uniform(0.3, 0.9)), float(rng.uniform(0.5, 3.5))
    seen = cv2.GaussianBlur(small.astype(np.float32), (0, 0), focus)
    phases, rates = rng.uniform(0, 2 * np.pi, 3), rng.uniform(0.2, 0.8, 3) * 2 * np.pi / 25
    for number in range(frames):
        across, down, turn = np.sin(phases + rates * number)
        # a little nearer than the picture is wide: what the shot sees never ends
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), float(1.2 * turn), 1.07)
        matrix[:, 2] += (0.012 * width * across, 0.012 * height * down)
        moved = cv2.warpAffine(seen, matrix, (width, height), borderMode=cv2.BORDER_REFLECT_101)
        yield develop(moved + np.float32(noise) * rng.standard_normal(moved.shape, dtype=np.float32))


def _person(sitter: Sitter) -> Person:
    return person_of(_picture(sitter), np.array(sitter.landmarks))


def _picture(sitter: Sitter) -> NDArray[np.uint8]:
    image = next(read_frames(sitter.picture)).image
    if image is None:
        msg = f"{sitter.picture}: cannot be read any more"
        raise InputError(msg)
    return image


def _write(folder: Path, stem: str, clip: Sequence[NDArray[np.uint8]], compressions: Sequence[str]) -> None:
    for compression in compressions:
        write_clip(folder / compression / "videos" / f"{stem}.mp4", clip, COMPRESSIONS[compression])


def _write_lists(
    root: Path, *, sides: dict[str, list[int]], sitters: Sequence[Sitter], without: Sequence[Path]
) -> None:
    """Write the published lists of pairs, and which picture is whom."""
    for side, people in sides.items():
        names = [f"{person:03d}" for person in people]
        alone = [[name] for name in names]
        pairs = alone if side == "train" else [list(pair) for pair in zip(names[::2], names[1::2], strict=True)]
        (root / f"{side}.json").write_text(json.dumps(pairs), encoding="utf-8")
    side_of = {person: side for side, people in sides.items() for person in people}
    with (root / "portraits.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(("sequence", "side", "picture"))
        table.writerows((f"{s.number:03d}", side_of[s.number], s.picture.name) for s in sitters)
        table.writerows(("", "left out: shows no face", picture.name) for picture in without)

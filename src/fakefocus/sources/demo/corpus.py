"""Writes the demo corpus in the published FaceForensics++ layout.

``original_sequences/youtube/<compression>/videos/NNN.mp4``,
``manipulated_sequences/<method>/<compression>/videos/<target>_<source>.mp4``, masks beside them and
``train.json``, ``val.json``, ``test.json`` with the pairs (Rössler et al. 2019,
https://github.com/ondyari/FaceForensics). The corpus shows that the machinery works; it says
nothing about real deepfakes.
"""

import json
from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from fakefocus.errors import InputError
from fakefocus.sources.demo.people import make_person
from fakefocus.sources.demo.scene import develop, make_scene, record
from fakefocus.sources.demo.swaps import METHODS

RATE = 25
_CRF = {"c23": "23", "c40": "40"}
"""Constant rate factors of x264, by the published names of compressions."""
_MASK_CRF = "30"
_X264 = {"preset": "veryfast", "x264-params": "mbtree=0"}
"""Without macroblock trees: with them, the same frames gave 6 different files in 16 trials of the encoder."""


def make_corpus(people: int, frames: int, seed: int, compression: str = "c23") -> dict[str, Callable[[Path], None]]:
    """Plan the corpus: a name and a function that writes its files below a root, for each person.

    Args:
        people: Number of synthetic people, even: they swap faces in pairs.
        frames: Frames a clip, at 25 frames a second.
        seed: The same seed gives the same files.
        compression: Of all clips, c23 or c40 as published: x264 with a constant rate factor of 23 or 40.

    Raises:
        InputError: If people are not in pairs, a clip has no frame or nobody knows the compression.
    """
    if people < 2 or people % 2:
        msg = f"raw_media.maker_args.people: must be even and at least 2, got {people}: faces are swapped in pairs"
        raise InputError(msg)
    if frames < 1:
        msg = f"raw_media.maker_args.frames: must be at least 1, got {frames}"
        raise InputError(msg)
    if compression not in _CRF:
        msg = f"raw_media.maker_args.compression: must be one of {', '.join(_CRF)}, got {compression}"
        raise InputError(msg)
    write = partial(_write_person, people=people, frames=frames, seed=seed, compression=compression)
    jobs: dict[str, Callable[[Path], None]] = {f"{i:03d}": partial(write, index=i) for i in range(people)}
    jobs["splits"] = partial(_write_splits, people=people, seed=seed)
    return jobs


def _partner(index: int, people: int, seed: int) -> int:
    order = np.random.default_rng([seed, 0]).permutation(people)
    place = int(np.flatnonzero(order == index)[0])
    return int(order[place ^ 1])


def _write_person(root: Path, *, index: int, people: int, frames: int, seed: int, compression: str) -> None:
    """Write a person's clip and one fake a method in which their partner's face replaces theirs."""
    source_index = _partner(index, people, seed)
    target, source = make_person(seed, index), make_person(seed, source_index)
    scene = make_scene(seed, index, frames)
    rngs = {method: np.random.default_rng([seed, index, 3, i]) for i, method in enumerate(METHODS)}
    paints = {method: swap(target, source, scene, rngs[method]) for method, swap in METHODS.items()}
    original: list[NDArray[np.uint8]] = []
    fakes: dict[str, list[NDArray[np.uint8]]] = {method: [] for method in METHODS}
    masks: dict[str, list[NDArray[np.uint8]]] = {method: [] for method in METHODS}
    for frame, place in record(scene, target):
        original.append(develop(frame))
        for method, paint in paints.items():
            fake, mask = paint(frame, place, rngs[method])
            fakes[method].append(develop(fake))
            masks[method].append(develop(mask[..., None] * np.full(3, 255, np.float32)))
    videos, crf = f"{compression}/videos", _CRF[compression]
    write_clip(root / "original_sequences/youtube" / videos / f"{index:03d}.mp4", original, crf)
    for method in METHODS:
        folder, name = root / "manipulated_sequences" / method, f"{index:03d}_{source_index:03d}.mp4"
        write_clip(folder / videos / name, fakes[method], crf)
        write_clip(folder / "masks/videos" / name, masks[method], _MASK_CRF)


def _write_splits(root: Path, *, people: int, seed: int) -> None:
    """Write the pairs as train.json, val.json and test.json: 70, 15 and 15 per cent, as published."""
    order = np.random.default_rng([seed, 0]).permutation(people)
    pairs = [[f"{a:03d}", f"{b:03d}"] for a, b in zip(order[::2], order[1::2], strict=True)]
    ends = np.round(np.array([0, 0.7, 0.85, 1]) * len(pairs)).astype(int)
    for name, (start, stop) in zip(("train", "val", "test"), pairwise(ends), strict=True):
        (root / f"{name}.json").write_text(json.dumps(pairs[start:stop]), encoding="utf-8")


def write_clip(path: Path, frames: Iterable[NDArray[np.uint8]], crf: str, rate: int = RATE) -> None:
    """Write frames, ``(H, W, 3) uint8, RGB`` with even sides, as H.264 in MP4 (x264, one thread)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream: Any = None
        for frame in frames:
            if stream is None:
                stream = container.add_stream("libx264", rate=Fraction(rate), options=_X264 | {"crf": crf})
                stream.height, stream.width = frame.shape[:2]
                stream.pix_fmt = "yuv420p"
                stream.codec_context.thread_count = 1
            container.mux(stream.encode(av.VideoFrame.from_ndarray(frame, format="rgb24")))
        if stream is None:
            msg = f"{path.name}: a clip needs at least one frame"
            raise InputError(msg)
        container.mux(stream.encode(None))

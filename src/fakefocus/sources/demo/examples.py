"""Two clips to try a detector on: a person of the demo, and the same clip with another's face."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fakefocus.sources.demo.corpus import write_clip
from fakefocus.sources.demo.people import make_person
from fakefocus.sources.demo.scene import develop, make_scene, record
from fakefocus.sources.demo.swaps import METHODS

_SEED, _TARGET, _SOURCE = 7, 0, 1
_FRAMES = 75
_CRF = "23"


def write_example(path: Path, method: str | None = None) -> None:
    """Write a clip of three seconds: as it was recorded, or manipulated by a method of the demo.

    Args:
        path: The file to write, ``.mp4``.
        method: A key of `fakefocus.sources.demo.swaps.METHODS`, or None.
    """
    write_clip(path, _frames(method), _CRF)


def _frames(method: str | None) -> Iterator[NDArray[np.uint8]]:
    target, source = make_person(_SEED, _TARGET), make_person(_SEED, _SOURCE)
    scene, rng = make_scene(_SEED, _TARGET, _FRAMES), np.random.default_rng([_SEED, _TARGET])
    paint = None if method is None else METHODS[method](target, source, scene, rng)
    for frame, place in record(scene, target):
        yield develop(frame if paint is None else paint(frame, place, rng)[0])

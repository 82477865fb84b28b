"""Who was altered in a fake that shows several people: its mask tells, or the real clip that it was made from."""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from fakefocus.imaging.frames import Frame, read_frames
from fakefocus.imaging.media import MediaError, PassingMediaError

_log = logging.getLogger(__name__)

BRIGHT = 64
"""Grey level above which a mask says «altered»: it is black and white, but for what compression makes of it."""
_BLOCK = 8
"""Side of blocks, in pixels, whose means are compared with those of the original: compression changes them little."""
_CHANGE = 6.0
"""Difference of a block's mean, in grey levels of its most different channel, that is more than compression makes."""
_INNER = 0.6
"""So much of a box's sides is looked at, in its middle: the face without what surrounds it."""


@dataclass(frozen=True)
class Evidence:
    """A clip beside a fake, frame by frame: its ``mask``, bright where it was altered, or the ``original``.

    ``content`` tells one file's content from another's.
    """

    kind: Literal["mask", "original"]
    path: Path
    content: str


class AlteredParts:
    """Says of successive frames of a fake where they were altered."""

    def __init__(self, evidence: Evidence, wanted: Callable[[], Sequence[int]]) -> None:
        """Read the same frames of the evidence; ``wanted`` is asked for their numbers when the first is needed."""
        self._evidence = evidence
        self._wanted = wanted
        self._frames: Iterator[Frame] | None = None
        self._next: Frame | None = None

    def __call__(self, index: int, image: NDArray[np.uint8]) -> NDArray[np.bool_] | None:
        """Return the blocks of frame ``index`` that were altered, ``(h, w)``; None where the evidence does not tell.

        It does not where it ends earlier, does not decode, or is an original of another size.

        Raises:
            PassingMediaError: If it cannot be read now, but may be later.
        """
        shown = self._shown(index)
        if shown is None:
            return None
        if self._evidence.kind == "mask":
            return np.asarray(_blocks(shown).max(axis=2) > BRIGHT)
        if shown.shape != image.shape:
            return None
        return np.asarray(np.abs(_blocks(shown) - _blocks(image)).max(axis=2) > _CHANGE)

    def _shown(self, index: int) -> NDArray[np.uint8] | None:
        try:
            if self._frames is None:
                self._frames = read_frames(self._evidence.path, lambda n: [i for i in self._wanted() if i < n])
                self._next = next(self._frames, None)
            while self._next is not None and self._next.index < index:
                self._next = next(self._frames, None)
        except PassingMediaError as error:
            msg = f"{self._evidence.path.name}, the {self._evidence.kind} of this fake: {error}"
            raise PassingMediaError(msg) from error
        except MediaError as error:
            _log.warning(
                "%s, the %s of a fake: %s: it is not known who was altered",
                self._evidence.path,
                self._evidence.kind,
                error,
            )
            self._next, self._frames = None, iter(())
        return self._next.image if self._next is not None and self._next.index == index else None


def altered_share(box: NDArray[np.floating], altered: NDArray[np.bool_], frame: tuple[int, int]) -> float | None:
    """Return which share of a face was altered, in [0, 1]; None where it lies outside of the frame.

    Args:
        box: ``(4,)``, x1, y1, x2, y2 in pixels of the frame; its middle is looked at.
        altered: ``(h, w)``, blocks of the whole frame.
        frame: Its width and height in pixels.
    """
    scale = np.tile(np.array(altered.shape[1::-1]) / frame, 2)
    middle, half = (box[:2] + box[2:]) / 2, (box[2:] - box[:2]) / 2 * _INNER
    x1, y1, x2, y2 = np.round(np.concatenate([middle - half, middle + half]) * scale).astype(int)
    part = altered[max(y1, 0) : max(y2, y1 + 1, 0), max(x1, 0) : max(x2, x1 + 1, 0)]
    return float(part.mean()) if part.size else None


def _blocks(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the means of blocks, ``(h, w, 3)``."""
    size = max(image.shape[1] // _BLOCK, 1), max(image.shape[0] // _BLOCK, 1)
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.float32)

"""Encodes a clip or a picture again, as those do who share it: H.264 at a constant rate factor, smaller, in a chain.

A detector meets media that platforms have encoded again, so that robustness is measured on files: detection and
cropping come after it. That platforms can be stood in for by a size and a rate factor is shown by Montibeller et al.
2025 (https://arxiv.org/abs/2508.08765), who estimate both for each platform and resolution. The steps below are
round numbers of that kind, not estimates for a platform of today: they change, and are not published.

Of a still picture the same is done in JPEG. That a quality stands for a rate factor is a convention: 75 for CRF 23,
40 for CRF 40 and 25 for CRF 50, as is usual where compression levels of FaceForensics++ are imitated on pictures.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from fakefocus.imaging.frames import Frame, frame_rate, read_frames
from fakefocus.imaging.media import MediaError

_X264 = {"preset": "medium", "profile": "main", "x264-params": "mbtree=0"}
"""Without macroblock trees the same frames give the same file."""

_NOTHING = "no frame decodes: there is nothing to encode again"


@dataclass(frozen=True)
class Step:
    """One encoding.

    Attributes:
        crf: x264's constant rate factor, 0 (lossless) to 51.
        quality: Of JPEG, 1 to 100, for still pictures.
        scale: Factor of both sides.
        longest: Pixels that the longer side may have; None for no limit. ``shortest`` likewise of the shorter one.
        rate: Frames a second that a clip may have; None for no limit. Frames beyond it are left out.
    """

    crf: int
    quality: int
    scale: float = 1.0
    longest: int | None = None
    shortest: int | None = None
    rate: int | None = None

    def size(self, width: int, height: int, *, even: bool = True) -> tuple[int, int]:
        """Return width and height after the step, never larger; ``even``, as H.264 in 4:2:0 needs them."""
        factor = min(1.0, self.scale)
        if self.longest is not None:
            factor = min(factor, self.longest / max(width, height))
        if self.shortest is not None:
            factor = min(factor, self.shortest / min(width, height))
        if not even:
            return max(1, round(width * factor)), max(1, round(height * factor))
        sides = [max(2, 2 * int(side * factor / 2 + 0.25)) for side in (width, height)]
        return sides[0], sides[1]


@dataclass(frozen=True)
class Condition:
    """What happens to a file: a title, and encodings one after the other."""

    title: str
    steps: tuple[Step, ...]


CONDITIONS: dict[str, Condition] = {
    "crf23": Condition("CRF 23", (Step(23, 75),)),
    "crf40": Condition("CRF 40", (Step(40, 40),)),
    "crf50": Condition("CRF 50", (Step(50, 25),)),
    "half_size": Condition("half size", (Step(23, 75, scale=0.5),)),
    "shared": Condition(
        "shared twice", (Step(30, 70, longest=848, rate=30), Step(28, 75, longest=1280, shortest=720, rate=30))
    ),
}
"""By name. FaceForensics++ has CRF 23 and 40 (Rössler et al. 2019, https://arxiv.org/abs/1901.08971). Shared twice: a
messenger (at most 848 pixels wide), then a platform (at most 720p), each at 30 frames a second at most."""


def reencode(path: Path, target: Path, steps: Sequence[Step], kind: str) -> None:
    """Write a file that went through all steps, one after the other, each on what the one before wrote.

    Sound is left out; frames that do not decode are, too.

    Args:
        path: The clip, picture or folder; it is only read.
        target: What is written, its suffix that of `suffix_of`.
        steps: The encodings, at least one.
        kind: ``video``, ``image``, or ``frames``: a folder of pictures, each of which is encoded on its own.

    Raises:
        MediaError: If the file cannot be read, or no frame of it decodes.
    """
    write = _WRITERS[kind]
    with TemporaryDirectory(prefix="reencoding-", dir=target.parent) as folder:
        source = path
        for number, step in enumerate(steps):
            last = number == len(steps) - 1
            written = target if last else Path(folder) / f"{number}{target.suffix}"
            write(source, written, step)
            source = written


def suffix_of(kind: str) -> str:
    """Return the suffix of what `reencode` writes; a folder has none."""
    return {"image": ".jpg", "video": ".mp4", "frames": ""}[kind]


def _write_picture(path: Path, target: Path, step: Step) -> None:
    frame = next(read_frames(path))
    if frame.image is None:
        raise MediaError(frame.reason)
    _write_jpeg(frame.image, target, step)


def _write_folder(path: Path, target: Path, step: Step) -> None:
    """Write the pictures that decode under their numbers: what was between them, no codec of clips can know."""
    target.mkdir()
    for frame in read_frames(path):
        if frame.image is not None:
            _write_jpeg(frame.image, target / f"{frame.index:06d}.jpg", step)
    if not any(target.iterdir()):
        raise MediaError(_NOTHING)


def _write_jpeg(image: NDArray[np.uint8], target: Path, step: Step) -> None:
    resized = cv2.cvtColor(_resized(image, step, even=False), cv2.COLOR_RGB2BGR)
    encoded, data = cv2.imencode(".jpg", resized, [cv2.IMWRITE_JPEG_QUALITY, step.quality])
    if not encoded:
        msg = f"OpenCV could not encode a picture of {resized.shape} as JPEG"
        raise MediaError(msg)
    target.write_bytes(data.tobytes())


def _write_clip(path: Path, target: Path, step: Step) -> None:
    """Encode frame by frame, in one thread: clips run side by side, a process each."""
    rate = frame_rate(path)
    kept = rate if step.rate is None else min(rate, Fraction(step.rate))
    stream: Any = None
    with av.open(str(target), "w") as container:
        for image in _at_rate(read_frames(path), rate, kept):
            resized = _resized(image, step)
            if stream is None:
                stream = container.add_stream("libx264", rate=kept, options=_X264 | {"crf": str(step.crf)})
                stream.height, stream.width = resized.shape[:2]
                stream.pix_fmt = "yuv420p"
                stream.codec_context.thread_count = 1
            container.mux(stream.encode(av.VideoFrame.from_ndarray(resized, format="rgb24")))
        if stream is not None:
            container.mux(stream.encode(None))
    if stream is None:
        target.unlink(missing_ok=True)
        raise MediaError(_NOTHING)


def _at_rate(frames: Iterator[Frame], rate: Fraction, kept: Fraction) -> Iterator[NDArray[np.uint8]]:
    """Yield the pictures of a clip at a lower rate: the first frame of each interval."""
    interval = -1
    for frame in frames:
        now = int(frame.index * kept / rate)
        if frame.image is not None and now > interval:
            interval = now
            yield frame.image


def _resized(image: NDArray[np.uint8], step: Step, *, even: bool = True) -> NDArray[np.uint8]:
    height, width = image.shape[:2]
    size = step.size(width, height, even=even)
    if size == (width, height):
        return np.ascontiguousarray(image)
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


_WRITERS: dict[str, Callable[[Path, Path, Step], None]] = {
    "video": _write_clip,
    "image": _write_picture,
    "frames": _write_folder,
}

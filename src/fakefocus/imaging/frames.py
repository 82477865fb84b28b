"""Decodes clips, images and folders of images, only as far as is asked for, and says why one cannot be used."""

import hashlib
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fakefocus.imaging.media import MediaError, PassingMediaError, check_size, readable
from fakefocus.imaging.packets import (
    Packet,
    decoded_frames,
    first_frame,
    frames_of,
    opened,
    packets_of,
    picture_stream,
    upright,
)
from fakefocus.imaging.pictures import digest_folder, first_picture, is_image, pictures_in, read_image

Choose = Callable[[int], Sequence[int]]
"""Number of frames of a clip to the numbers of those that are wanted, rising."""


@dataclass(frozen=True)
class Probe:
    """What a file is: size in pixels, frames a second, number of frames, seconds, codec, bytes and hash.

    ``kind`` is video, image or frames: a folder of pictures, of which rate and duration are not known (0).
    """

    kind: str
    width: int
    height: int
    rate: float
    frames: int
    duration: float
    codec: str
    rotation: int
    bytes: int
    sha256: str


@dataclass(frozen=True)
class Frame:
    """One frame: its number in the clip, its time in seconds, ``(H, W, 3) uint8, RGB``, upright.

    A picture of a folder has the number that it is named by, and the time 0.

    A frame that does not decode has no image, but a reason.
    """

    index: int
    time: float
    image: NDArray[np.uint8] | None
    reason: str = ""


def probe(path: Path) -> Probe:
    """Read what a clip, an image or a folder of images is.

    Every packet of a clip is looked at and one frame decoded; an image is decoded; of a folder every picture is read
    and one decoded.

    Raises:
        MediaError: If the file cannot be read, is empty, no media, has no picture, is cut off or does not decode;
            a `PassingMediaError` if that may pass.
    """
    with readable(path):
        if path.is_dir():
            return _probe_folder(path)
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            msg = "not a regular file"
            raise MediaError(msg)
        if status.st_size == 0:
            msg = "empty file (0 bytes)"
            raise MediaError(msg)
        digest = _digest(path)
        if is_image(path):
            height, width = read_image(path).shape[:2]
            codec = path.suffix.lower().lstrip(".")
            return Probe("image", width, height, 0.0, 1, 0.0, codec, 0, status.st_size, digest)
        return _probe_video(path, status.st_size, digest)


def hash_of(path: Path) -> str:
    """Return the SHA-256 of a file, or of a folder of pictures, as `probe` does.

    Raises:
        MediaError: If it cannot be read.
    """
    with readable(path):
        return digest_folder(list(pictures_in(path).values())) if path.is_dir() else _digest(path)


def read_frames(path: Path, choose: Choose = range) -> Iterator[Frame]:
    """Decode the chosen frames of a clip; an image is a clip of one frame, a folder of images one of as many.

    What no chosen frame depends on is not decoded: groups of pictures without a chosen frame, what comes behind
    the last one in its group, and, where the codec tells them, single frames that no other refers to. A frame
    that fails to decode comes without an image, with its reason, and the rest goes on.

    Args:
        path: The file, or the folder.
        choose: Is given the number of frames in the clip and returns the numbers of those wanted, rising; of a folder,
            the places in the row of its pictures.

    Raises:
        MediaError: If the file cannot be opened (any more).
    """
    with readable(path):
        if is_image(path):
            yield from (Frame(0, 0.0, read_image(path)) for _ in choose(1))
            return
        if path.is_dir():
            yield from _read_folder(path, choose)
            return
        with opened(path) as container:
            packets, base = packets_of(container), float(picture_stream(container).time_base or 0)
        # an edit list hides packets that later ones lean on
        visible = [p for p in packets if not p.hidden]
        shown = sorted(p.pts for p in visible if p.pts is not None)
        wanted = sorted(choose(len(visible)))
        if len(set(shown)) < len(visible):
            yield from _read_in_turn(path, wanted)
        else:
            yield from _read_by_time(path, packets, shown, wanted, base)


def frame_rate(path: Path) -> Fraction:
    """Return the mean frames a second of a clip; 25 where it does not tell.

    Raises:
        MediaError: If the file cannot be opened (any more), or has no picture.
    """
    with readable(path), opened(path) as container:
        return Fraction(picture_stream(container).average_rate or 25)


def picture_bytes(path: Path) -> int:
    """Return how many bytes of a clip are pictures, without sound.

    Raises:
        MediaError: If the file cannot be opened (any more), or has no picture.
    """
    with readable(path), opened(path) as container:
        return sum(packet.size for packet in container.demux(picture_stream(container)))


def _read_folder(folder: Path, choose: Choose) -> Iterator[Frame]:
    pictures = list(pictures_in(folder).items())
    for index, path in (pictures[place] for place in sorted(choose(len(pictures)))):
        try:
            with readable(path):
                frame = Frame(index, 0.0, read_image(path))
        except PassingMediaError:
            raise
        except MediaError as error:
            frame = Frame(index, 0.0, None, f"does not decode: {error}")
        yield frame


def _probe_folder(folder: Path) -> Probe:
    pictures = list(pictures_in(folder).values())
    if not pictures:
        msg = "not a regular file, and no picture is in the folder"
        raise MediaError(msg)
    digest, size = digest_folder(pictures), sum(path.stat().st_size for path in pictures)
    first = first_picture(pictures)
    codec = pictures[0].suffix.lower().lstrip(".")
    return Probe("frames", first.shape[1], first.shape[0], 0.0, len(pictures), 0.0, codec, 0, size, digest)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_by_time(
    path: Path, packets: Sequence[Packet], shown: Sequence[int], wanted: Sequence[int], base: float
) -> Iterator[Frame]:
    """Decode what the wanted frames depend on, and know them by their time stamps."""
    missing = {shown[i]: i for i in wanted}
    errors: list[str] = []
    with opened(path) as container:
        for decoded in decoded_frames(container, packets, set(missing), errors):
            index = missing.pop(decoded.pts, None)
            if index is not None:
                yield Frame(index, (decoded.pts - shown[0]) * base, upright(decoded))
    yield from (_failed(index, (pts - shown[0]) * base, errors) for pts, index in missing.items())


def _read_in_turn(path: Path, wanted: Sequence[int]) -> Iterator[Frame]:
    """Decode everything and count, where the file does not tell when its frames are shown."""
    errors: list[str] = []
    missing = set(wanted)
    with opened(path) as container:
        stream = picture_stream(container)
        stream.codec_context.thread_count = 1
        frames = (f for packet in container.demux(stream) for f in frames_of(stream.codec_context, packet, errors))
        for index, decoded in enumerate(frames):
            if index in missing:
                missing.discard(index)
                yield Frame(index, float(decoded.time or 0.0), upright(decoded))
    yield from (_failed(index, 0.0, errors) for index in sorted(missing))


def _failed(index: int, time: float, errors: Sequence[str]) -> Frame:
    return Frame(index, time, None, f"does not decode: {errors[0] if errors else 'the decoder gave nothing'}")


def _probe_video(path: Path, size: int, digest: str) -> Probe:
    with opened(path) as container:
        if container.format.name.endswith("_pipe") or container.format.name == "image2":
            msg = f"wrong container: an image ({container.format.name}) in a file named {path.suffix}"
            raise MediaError(msg)
        stream = picture_stream(container)
        codec = stream.codec_context
        check_size(codec.width, codec.height)
        declared, rate = stream.frames, float(stream.average_rate or 0)
        packets = packets_of(container)
        _check_packets(len(packets), declared)
        visible = [p for p in packets if not p.hidden]
        times = [p.pts for p in visible if p.pts is not None]
        span = (max(times) - min(times)) * float(stream.time_base or 0) if times else (len(visible) - 1) / (rate or 25)
    first = first_frame(path)
    turn = round(first.rotation) % 360
    width, height = (first.height, first.width) if turn in (90, 270) else (first.width, first.height)
    duration = span + (1 / rate if rate else 0.0)
    return Probe("video", width, height, rate, len(visible), duration, codec.name, turn, size, digest)


def _check_packets(present: int, declared: int) -> None:
    if not present:
        msg = "zero frames: the video stream is empty"
        raise MediaError(msg)
    if present < declared:
        msg = f"truncated: {present} of {declared} frames are in the file"
        raise MediaError(msg)

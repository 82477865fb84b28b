"""Decodes clips and images, and says in one sentence why a file cannot be used."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

VIDEO_SUFFIXES = frozenset({".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv"})
IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})


class MediaError(ValueError):
    """A file that cannot be used; its text is the reason that ``rejected_media`` shows."""


@dataclass(frozen=True)
class Probe:
    """What a file is: size in pixels, frames a second, number of frames, seconds, codec, bytes and hash."""

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
    """One decoded frame: its number in the clip, its time in seconds, ``(H, W, 3) uint8, RGB``, upright."""

    index: int
    time: float
    image: NDArray[np.uint8]


def probe(path: Path) -> Probe:
    """Read what a clip or image is; every packet is looked at, one frame is decoded.

    Raises:
        MediaError: If the file is empty, no media, has no picture, is cut off or does not decode.
    """
    size = path.stat().st_size
    if size == 0:
        msg = "empty file (0 bytes)"
        raise MediaError(msg)
    digest = _sha256(path)
    if path.suffix.lower() in IMAGE_SUFFIXES:
        height, width = _read_image(path).shape[:2]
        return Probe("image", width, height, 0.0, 1, 0.0, path.suffix.lower().lstrip("."), 0, size, digest)
    return _probe_video(path, size, digest)


def read_frames(path: Path, every: int = 1, max_frames: int | None = None) -> Iterator[Frame]:
    """Decode every ``every``-th frame of a clip, at most ``max_frames``; an image is a clip of one frame.

    Raises:
        MediaError: If the file stops decoding half-way or cannot be opened.
    """
    if path.suffix.lower() in IMAGE_SUFFIXES:
        yield Frame(0, 0.0, _read_image(path))
        return
    taken = 0
    try:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            for index, decoded in enumerate(container.decode(stream)):
                if index % every:
                    continue
                turned = np.rot90(decoded.to_ndarray(format="rgb24"), round(decoded.rotation / 90) % 4)
                yield Frame(index, float(decoded.time or 0.0), np.ascontiguousarray(turned))
                taken += 1
                if max_frames is not None and taken >= max_frames:
                    return
    except av.error.FFmpegError as error:
        msg = f"does not decode after {taken} sampled frames: {error.strerror}"
        raise MediaError(msg) from error


def _probe_video(path: Path, size: int, digest: str) -> Probe:
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                kinds = ", ".join(sorted({s.type for s in container.streams})) or "nothing"
                msg = f"no video stream: the file holds {kinds} only"
                raise MediaError(msg)
            stream = container.streams.video[0]
            declared, codec = stream.frames, stream.codec_context.name
            rate = float(stream.average_rate or 0)
            packets = sum(1 for packet in container.demux(stream) if packet.size)
            if declared and packets < declared:
                msg = f"truncated: {packets} of {declared} frames are in the file"
                raise MediaError(msg)
            container.seek(0)
            first = next(container.decode(stream), None)
            if first is None:
                msg = "no frame decodes"
                raise MediaError(msg)
            turn = round(first.rotation) % 360
            width, height = (first.height, first.width) if turn in (90, 270) else (first.width, first.height)
            return Probe(
                "video", width, height, rate, packets, packets / rate if rate else 0.0, codec, turn, size, digest
            )
    except av.error.FFmpegError as error:
        raise MediaError(_why_unreadable(path, error)) from error


def _why_unreadable(path: Path, error: av.error.FFmpegError) -> str:
    with path.open("rb") as file:
        head = file.read(12)
    if head[4:8] == b"ftyp":
        return "truncated MP4: its index (moov) is missing; the copy or the download was cut off"
    return f"not a media file that FFmpeg can read: {error.strerror}"


def _read_image(path: Path) -> NDArray[np.uint8]:
    decoded = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    if decoded is None:
        msg = "not an image that OpenCV can read"
        raise MediaError(msg)
    return cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

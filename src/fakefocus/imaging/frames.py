"""Decodes clips, images and folders of images, only as far as is asked for, and says why one cannot be used."""

import errno
import hashlib
import os
import re
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from av.stream import Disposition
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

VIDEO_SUFFIXES = frozenset({".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv"})
IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
MAX_PIXELS = 2**26
"""A picture of more pixels than this (8192 x 8192) is taken for a broken or hostile header."""

_PASSING = frozenset({errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ENETUNREACH, errno.EHOSTDOWN})
"""What the system says of a disk or a network that fails, not of the file."""

_NUMBER = re.compile(r"(\d+)$")
"""A picture of a folder has its number at the end of its name."""

_SKIPPABLE = frozenset({"h264", "hevc"})
"""Codecs whose decoders leave out frames that no other refers to, when told to."""

Choose = Callable[[int], Sequence[int]]
"""Number of frames of a clip to the numbers of those that are wanted, rising."""


class MediaError(ValueError):
    """A file that cannot be used; its text is the reason that ``rejected_media`` shows."""


class PassingMediaError(MediaError):
    """A file that cannot be read now, but may be later: it is gone, or the disk or the network failed."""


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


@dataclass(frozen=True)
class _Packet:
    """Where a packet stands in the file, when its frame is shown, if it is, and whether decoding can begin with it."""

    number: int
    pts: int | None
    key: bool
    hidden: bool = False


def probe(path: Path) -> Probe:
    """Read what a clip, an image or a folder of images is.

    Every packet of a clip is looked at and one frame decoded; an image is decoded; of a folder every picture is read
    and one decoded.

    Raises:
        MediaError: If the file cannot be read, is empty, no media, has no picture, is cut off or does not decode;
            a `PassingMediaError` if that may pass.
    """
    with _readable(path):
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
        if _is_image(path):
            height, width = _read_image(path).shape[:2]
            codec = path.suffix.lower().lstrip(".")
            return Probe("image", width, height, 0.0, 1, 0.0, codec, 0, status.st_size, digest)
        return _probe_video(path, status.st_size, digest)


def hash_of(path: Path) -> str:
    """Return the SHA-256 of a file, or of a folder of pictures, as `probe` does.

    Raises:
        MediaError: If it cannot be read.
    """
    with _readable(path):
        return _digest_folder(list(pictures_in(path).values())) if path.is_dir() else _digest(path)


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
    with _readable(path):
        if _is_image(path):
            yield from (Frame(0, 0.0, _read_image(path)) for _ in choose(1))
            return
        if path.is_dir():
            yield from _read_folder(path, choose)
            return
        with _opened(path) as container:
            packets, base = _packets(container), float(_pictures(container).time_base or 0)
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
    with _readable(path), _opened(path) as container:
        return Fraction(_pictures(container).average_rate or 25)


def picture_bytes(path: Path) -> int:
    """Return how many bytes of a clip are pictures, without sound.

    Raises:
        MediaError: If the file cannot be opened (any more), or has no picture.
    """
    with _readable(path), _opened(path) as container:
        return sum(packet.size for packet in container.demux(_pictures(container)))


def pictures_in(folder: Path) -> dict[int, Path]:
    """Return the pictures in a folder by the number at the end of their names, rising: ``9.png`` before ``010.png``.

    Other files and hidden ones are passed over.

    Raises:
        MediaError: If a picture has no number, or two have the same.
    """
    names = sorted(e.name for e in os.scandir(folder) if _is_image(Path(e.name)) and not e.name.startswith("."))
    pictures: dict[int, Path] = {}
    for name in names:
        number = _NUMBER.search(Path(name).stem)
        if number is None:
            msg = f"a folder of frames, and the name of {name} does not end in its number"
            raise MediaError(msg)
        if (index := int(number.group(1))) in pictures:
            msg = f"a folder of frames, and {pictures[index].name} and {name} both are number {index}"
            raise MediaError(msg)
        pictures[index] = folder / name
    return dict(sorted(pictures.items()))


def _read_folder(folder: Path, choose: Choose) -> Iterator[Frame]:
    pictures = list(pictures_in(folder).items())
    for index, path in (pictures[place] for place in sorted(choose(len(pictures)))):
        try:
            with _readable(path):
                frame = Frame(index, 0.0, _read_image(path))
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
    digest, size = _digest_folder(pictures), sum(path.stat().st_size for path in pictures)
    first = _first_picture(pictures)
    codec = pictures[0].suffix.lower().lstrip(".")
    return Probe("frames", first.shape[1], first.shape[0], 0.0, len(pictures), 0.0, codec, 0, size, digest)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _digest_folder(pictures: Sequence[Path]) -> str:
    digest = hashlib.sha256()
    for path in pictures:
        content = path.read_bytes()
        digest.update(f"{path.name}\0{len(content)}\0".encode("utf-8", "surrogateescape") + content)
    return digest.hexdigest()


def _first_picture(pictures: Sequence[Path]) -> NDArray[np.uint8]:
    """Return the first picture that decodes."""
    errors = []
    for path in pictures:
        try:
            return _read_image(path)
        except MediaError as error:
            errors.append(str(error))
    msg = f"none of {len(pictures)} pictures decodes: {errors[0]}"
    raise MediaError(msg)


def _read_by_time(
    path: Path, packets: Sequence[_Packet], shown: Sequence[int], wanted: Sequence[int], base: float
) -> Iterator[Frame]:
    """Decode what the wanted frames depend on, and know them by their time stamps."""
    missing = {shown[i]: i for i in wanted}
    errors: list[str] = []
    with _opened(path) as container:
        for decoded in _decoded(container, packets, set(missing), errors):
            index = missing.pop(decoded.pts, None)
            if index is not None:
                yield Frame(index, (decoded.pts - shown[0]) * base, _upright(decoded))
    yield from (_failed(index, (pts - shown[0]) * base, errors) for pts, index in missing.items())


def _read_in_turn(path: Path, wanted: Sequence[int]) -> Iterator[Frame]:
    """Decode everything and count, where the file does not tell when its frames are shown."""
    errors: list[str] = []
    missing = set(wanted)
    with _opened(path) as container:
        stream = _pictures(container)
        stream.codec_context.thread_count = 1
        frames = (f for packet in container.demux(stream) for f in _sent(stream.codec_context, packet, errors))
        for index, decoded in enumerate(frames):
            if index in missing:
                missing.discard(index)
                yield Frame(index, float(decoded.time or 0.0), _upright(decoded))
    yield from (_failed(index, 0.0, errors) for index in sorted(missing))


def _failed(index: int, time: float, errors: Sequence[str]) -> Frame:
    return Frame(index, time, None, f"does not decode: {errors[0] if errors else 'the decoder gave nothing'}")


def _decoded(
    container: av.container.InputContainer, packets: Sequence[_Packet], wanted: set[int], errors: list[str]
) -> Iterator[av.VideoFrame]:
    """Yield the wanted frames, and perhaps others, in the order of the decoder; collect its errors."""
    stream = _pictures(container)
    codec = stream.codec_context
    codec.thread_count = 1  # clips run side by side, a process each
    skips = codec.name in _SKIPPABLE
    needed = needed_packets(packets, wanted)
    begun = False
    for number, packet in enumerate(p for p in container.demux(stream) if p.size):
        if number not in needed:
            continue
        if begun and number - 1 not in needed:
            yield from _sent(codec, None, errors)
            codec.flush_buffers()
        begun = True
        if skips:
            codec.skip_frame = "DEFAULT" if packet.pts in wanted else "NONREF"
        yield from _sent(codec, packet, errors)
    yield from _sent(codec, None, errors)


def needed_packets(packets: Sequence[_Packet], wanted: set[int]) -> set[int]:
    """Return the numbers of the packets that the wanted frames depend on.

    A group begins with a key packet. Frames shown before their group's key frame lean on the group before.
    """
    groups: list[list[_Packet]] = []
    for packet in packets:
        if packet.key or not groups:
            groups.append([])
        groups[-1].append(packet)
    needed: set[int] = set()
    whole = False  # the group behind this one leans on it
    for group in reversed(groups):
        last = max((i for i, p in enumerate(group) if p.pts in wanted), default=-1)
        last = len(group) - 1 if whole else last
        needed.update(p.number for p in group[: last + 1])
        whole = any(p.pts in wanted and _time(p) < _time(group[0]) for p in group)
    return needed


def _time(packet: _Packet) -> int:
    return -1 if packet.pts is None else packet.pts


def _sent(codec: av.codec.context.CodecContext, packet: av.Packet | None, errors: list[str]) -> Iterator[av.VideoFrame]:
    try:
        yield from (frame for frame in codec.decode(packet) if not frame.is_corrupt)
    except av.error.FFmpegError as error:
        errors.append(error.strerror)


def _pictures(container: av.container.InputContainer) -> av.VideoStream:
    """Return the stream that players show: cover pictures of music are video streams too."""
    stream = container.streams.best("video")
    if stream is None or stream.disposition & Disposition.attached_pic:
        kinds = ", ".join(sorted({s.type for s in container.streams if s is not stream})) or "nothing"
        msg = f"no video stream: the file holds {kinds} only"
        raise MediaError(msg)
    # a stream whose codec FFmpeg does not know, or whose header is damaged, has no decoder
    if stream.codec_context is None:
        msg = "no decoder for its video stream: the codec is unknown or the header is damaged"
        raise MediaError(msg)
    return stream


def _opened(path: Path) -> av.container.InputContainer:
    """Open a clip; what its metadata hold in no known encoding is replaced."""
    return av.open(str(path), metadata_errors="replace")


def _packets(container: av.container.InputContainer) -> list[_Packet]:
    """List the packets of the first video stream as they lie in the file."""
    stream = _pictures(container)
    return [
        _Packet(n, p.pts, p.is_keyframe, p.is_discard)
        for n, p in enumerate(q for q in container.demux(stream) if q.size)
    ]


def _upright(frame: av.VideoFrame) -> NDArray[np.uint8]:
    """Return a decoded frame as RGB, turned as its file says; of an interlaced one, the first field at full height."""
    image = frame.to_ndarray(format="rgb24")
    if frame.interlaced_frame:
        field = image[::2]
        image = cv2.resize(field, image.shape[1::-1], interpolation=cv2.INTER_LINEAR).astype(np.uint8, copy=False)
    return np.ascontiguousarray(np.rot90(image, round(frame.rotation / 90) % 4))


def _probe_video(path: Path, size: int, digest: str) -> Probe:
    with _opened(path) as container:
        if container.format.name.endswith("_pipe") or container.format.name == "image2":
            msg = f"wrong container: an image ({container.format.name}) in a file named {path.suffix}"
            raise MediaError(msg)
        stream = _pictures(container)
        codec = stream.codec_context
        _check_size(codec.width, codec.height)
        declared, rate = stream.frames, float(stream.average_rate or 0)
        packets = _packets(container)
        _check_packets(len(packets), declared)
        visible = [p for p in packets if not p.hidden]
        times = [p.pts for p in visible if p.pts is not None]
        span = (max(times) - min(times)) * float(stream.time_base or 0) if times else (len(visible) - 1) / (rate or 25)
    first = _first_frame(path)
    turn = round(first.rotation) % 360
    width, height = (first.height, first.width) if turn in (90, 270) else (first.width, first.height)
    duration = span + (1 / rate if rate else 0.0)
    return Probe("video", width, height, rate, len(visible), duration, codec.name, turn, size, digest)


def _first_frame(path: Path) -> av.VideoFrame:
    errors: list[str] = []
    with _opened(path) as container:
        stream = _pictures(container)
        for packet in container.demux(stream):
            for frame in _sent(stream.codec_context, packet, errors):
                return frame
    msg = f"no frame decodes{': ' + errors[0] if errors else ''}"
    raise MediaError(msg)


def _check_packets(present: int, declared: int) -> None:
    if not present:
        msg = "zero frames: the video stream is empty"
        raise MediaError(msg)
    if present < declared:
        msg = f"truncated: {present} of {declared} frames are in the file"
        raise MediaError(msg)


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        msg = f"absurd size in its header: {width} x {height}, more than {MAX_PIXELS} pixels"
        raise MediaError(msg)


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in IMAGE_SUFFIXES


def _read_image(path: Path) -> NDArray[np.uint8]:
    """Decode an image to ``(H, W, 3) uint8, RGB``, turned as its EXIF data say."""
    try:
        with Image.open(path) as image:
            _check_size(*image.size)
            return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    except UnidentifiedImageError as error:
        msg = "not an image that Pillow can read"
        raise MediaError(msg) from error
    except Image.DecompressionBombError as error:
        msg = f"absurd size in its header: {error}"
        raise MediaError(msg) from error
    except (OSError, SyntaxError, ValueError) as error:
        if isinstance(error, (MediaError, FileNotFoundError, PermissionError)):
            raise
        if isinstance(error, OSError) and error.errno in _PASSING:
            raise
        msg = f"image does not decode: {error}"
        raise MediaError(msg) from error


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn what a file system, FFmpeg or Pillow say of a file into a reason."""
    try:
        yield
    except MediaError:
        raise
    except FileNotFoundError as error:
        gone = f"dangling link: it points to {path.readlink()}" if path.is_symlink() else "no such file (any more)"
        raise PassingMediaError(gone) from error
    except PermissionError as error:
        msg = "no permission to read it"
        raise PassingMediaError(msg) from error
    except IsADirectoryError as error:
        msg = "not a regular file"
        raise MediaError(msg) from error
    except av.error.FFmpegError as error:
        raise _unreadable(path, error) from error
    except OSError as error:
        msg = f"cannot be read: {error.strerror or error}"
        raise PassingMediaError(msg) from error
    except MemoryError as error:
        msg = "cannot be read: memory ran out"
        raise PassingMediaError(msg) from error
    except Exception as error:
        # decoders fail in ways of their own on damaged files; whatever a file does, it is set aside with its reason
        msg = f"damaged: {type(error).__name__}: {str(error)[:200]}"
        raise MediaError(msg) from error


def _unreadable(path: Path, error: Any) -> MediaError:  # noqa: ANN401 (FFmpegError has no stub)
    """Return the reason for what FFmpeg says; a failing disk or network may pass."""
    if error.errno in _PASSING:
        return PassingMediaError(f"cannot be read: {error.strerror}")
    with path.open("rb") as file:
        head = file.read(12)
    if head[4:8] == b"ftyp":
        return MediaError("truncated MP4: its index (moov) is missing; the copy or the download was cut off")
    return MediaError(f"not a media file that FFmpeg can read: {error.strerror}")

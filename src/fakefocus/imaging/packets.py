"""Packets of clips: which ones a frame depends on, and what decoding them gives."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from av.stream import Disposition
from numpy.typing import NDArray

from fakefocus.imaging.media import MediaError

_SKIPPABLE = frozenset({"h264", "hevc"})
"""Codecs whose decoders leave out frames that no other refers to, when told to."""


@dataclass(frozen=True)
class Packet:
    """Where a packet stands in the file, when its frame is shown, if it is, and whether decoding can begin with it."""

    number: int
    pts: int | None
    key: bool
    hidden: bool = False


def decoded_frames(
    container: av.container.InputContainer, packets: Sequence[Packet], wanted: set[int], errors: list[str]
) -> Iterator[av.VideoFrame]:
    """Yield the wanted frames, and perhaps others, in the order of the decoder; collect its errors."""
    stream = picture_stream(container)
    codec = stream.codec_context
    codec.thread_count = 1  # clips run side by side, a process each
    skips = codec.name in _SKIPPABLE
    needed = needed_packets(packets, wanted)
    begun = False
    for number, packet in enumerate(p for p in container.demux(stream) if p.size):
        if number not in needed:
            continue
        if begun and number - 1 not in needed:
            yield from frames_of(codec, None, errors)
            codec.flush_buffers()
        begun = True
        if skips:
            codec.skip_frame = "DEFAULT" if packet.pts in wanted else "NONREF"
        yield from frames_of(codec, packet, errors)
    yield from frames_of(codec, None, errors)


def needed_packets(packets: Sequence[Packet], wanted: set[int]) -> set[int]:
    """Return the numbers of the packets that the wanted frames depend on.

    A group begins with a key packet. Frames shown before their group's key frame lean on the group before.
    """
    groups: list[list[Packet]] = []
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


def _time(packet: Packet) -> int:
    return -1 if packet.pts is None else packet.pts


def frames_of(
    codec: av.codec.context.CodecContext, packet: av.Packet | None, errors: list[str]
) -> Iterator[av.VideoFrame]:
    """Send a packet to the decoder and yield the sound frames that come; None asks for those it holds back.

    What the decoder says against the packet goes to ``errors``.
    """
    try:
        yield from (frame for frame in codec.decode(packet) if not frame.is_corrupt)
    except av.error.FFmpegError as error:
        errors.append(error.strerror)


def picture_stream(container: av.container.InputContainer) -> av.VideoStream:
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


def opened(path: Path) -> av.container.InputContainer:
    """Open a clip; what its metadata hold in no known encoding is replaced."""
    return av.open(str(path), metadata_errors="replace")


def packets_of(container: av.container.InputContainer) -> list[Packet]:
    """List the packets of the first video stream as they lie in the file."""
    stream = picture_stream(container)
    return [
        Packet(n, p.pts, p.is_keyframe, p.is_discard)
        for n, p in enumerate(q for q in container.demux(stream) if q.size)
    ]


def upright(frame: av.VideoFrame) -> NDArray[np.uint8]:
    """Return a decoded frame as RGB, turned as its file says; of an interlaced one, the first field at full height."""
    image = frame.to_ndarray(format="rgb24")
    if frame.interlaced_frame:
        field = image[::2]
        image = cv2.resize(field, image.shape[1::-1], interpolation=cv2.INTER_LINEAR).astype(np.uint8, copy=False)
    return np.ascontiguousarray(np.rot90(image, round(frame.rotation / 90) % 4))


def first_frame(path: Path) -> av.VideoFrame:
    """Return the first frame that decodes.

    Raises:
        MediaError: If none does.
    """
    errors: list[str] = []
    with opened(path) as container:
        stream = picture_stream(container)
        for packet in container.demux(stream):
            for frame in frames_of(stream.codec_context, packet, errors):
                return frame
    msg = f"no frame decodes{': ' + errors[0] if errors else ''}"
    raise MediaError(msg)

"""What H.264 makes of a picture in the middle of a short shot: encoded by x264 and decoded, in memory.

A frame of a clip is seldom coded on its own: most of it is predicted from the frame before, moved, and what prediction
leaves is quantised. So a few frames are encoded in which the picture passes by, and the wanted one is taken.
"""

from fractions import Fraction
from typing import NamedTuple

import av
import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]

CRF = (0, 51)
"""Least and greatest constant rate factor of x264: 0 loses nothing but colour resolution."""
_X264 = {"preset": "veryfast", "tune": "zerolatency"}
_NO_CUTS = "keyint=250:scenecut=0:mbtree=0"
_RATE = Fraction(1, 25)


class Passage(NamedTuple):
    """How a picture passes by: by ``velocity`` pixels (x, y) a frame, and it is frame ``frame``, 0 the key frame."""

    frame: int = 0
    velocity: tuple[float, float] = (0.0, 0.0)


def h264(image: Picture, crf: float, passage: Passage | None = None) -> Picture:
    """Encode a picture as a frame of a clip (x264, 4:2:0), and decode it.

    Args:
        image: ``(H, W, 3) uint8, RGB``; an odd side is made even by repeating its last line, and cut again.
        crf: Constant rate factor, in `CRF`.
        passage: The frames before it; None for a key frame.

    Returns:
        ``(H, W, 3) uint8, RGB``.

    Raises:
        ValueError: If ``crf`` is out of its range.
    """
    if not CRF[0] <= crf <= CRF[1]:
        msg = f"crf: must be {CRF[0]} to {CRF[1]}, got {crf}"
        raise ValueError(msg)
    height, width = image.shape[:2]
    even = np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    encoder, decoder = _encoder(even.shape[1], even.shape[0], crf), _decoder()
    packets = [packet for frame in _shot(even, passage or Passage()) for packet in encoder.encode(frame)]
    frames = [frame for packet in [*packets, *encoder.encode(None), None] for frame in decoder.decode(packet)]
    return np.ascontiguousarray(frames[-1].to_ndarray(format="rgb24")[:height, :width])


def _shot(image: Picture, passage: Passage) -> list[av.VideoFrame]:
    """Return the frames up to the one that is the picture itself."""
    frames = []
    for number in range(passage.frame + 1):
        behind = number - passage.frame
        x, y = behind * passage.velocity[0], behind * passage.velocity[1]
        moved = cv2.warpAffine(
            image, np.array([[1, 0, x], [0, 1, y]]), image.shape[1::-1], borderMode=cv2.BORDER_REFLECT_101
        )
        frame = av.VideoFrame.from_ndarray(np.asarray(image if behind == 0 else moved), format="rgb24")
        frame.pts = number
        frames.append(frame)
    return frames


def _encoder(width: int, height: int, crf: float) -> av.VideoCodecContext:
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = width, height, "yuv420p", _RATE
    encoder.options = _X264 | {"crf": str(crf), "x264-params": _NO_CUTS}
    encoder.thread_count = 1
    return encoder


def _decoder() -> av.VideoCodecContext:
    decoder = av.CodecContext.create("h264", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.thread_count = 1
    return decoder

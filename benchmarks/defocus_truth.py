"""Pictures whose blur is known: edges and portraits rendered with pixel integration, and what happens to them later.

σ is everywhere the standard deviation, in pixels, of the Gaussian that the optics would leave on an ideal
sensor. What a sensor adds by integrating light over its square pixels (a variance of 1/12 pixel²) is rendered
too, and is no part of σ: an estimate has to subtract it.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from fakefocus.sources.demo.portraits import load_portraits

Picture = NDArray[np.uint8]
Levels = NDArray[np.float32]

SIDE = 256
FINE = 8
"""Samples along a side of a pixel."""
SIGMAS = (0.5, 0.75, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0)
_CORNER = 14.0
"""Edges count where the next corner is farther than that, in pixels: a corner is not a step edge."""


@dataclass(frozen=True)
class Scene:
    """Rotated squares: ``fine`` ``(8 H, 8 W) float32`` grey levels; ``edges`` ``(H, W) bool``, pixels on an edge."""

    fine: Levels
    edges: NDArray[np.bool_]


@lru_cache(maxsize=8)
def squares(seed: int) -> Scene:
    """Draw four squares of 64 to 76 pixels, each turned and with a contrast of its own, on a plain ground."""
    rng = np.random.default_rng([5, seed])
    ground = float(rng.uniform(70, 180))
    fine = np.full((SIDE * FINE, SIDE * FINE), ground, np.float32)
    edges = np.zeros((SIDE, SIDE), bool)
    for x, y in ((64, 64), (192, 64), (64, 192), (192, 192)):
        centre, side = np.array([x, y]) + rng.uniform(-6, 6, 2), rng.uniform(64, 76)
        angle = rng.uniform(0, np.pi / 2)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        corners = centre + side / 2 * np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) @ turn.T
        step = rng.uniform(25, 70) * (1 if rng.random() < 0.5 else -1)
        # subpixel p has its middle at (p + .5) / FINE - .5 pixels; 4 fractional bits
        points = np.round(((corners + 0.5) * FINE - 0.5) * 16).astype(np.int32)
        cv2.fillPoly(fine, [points], ground + float(step), shift=4)
        edges |= _near_sides((np.mgrid[:SIDE, :SIDE][::-1].transpose(1, 2, 0) - centre) @ turn, side / 2)
    return Scene(fine, edges)


def _near_sides(place: NDArray[np.float64], half: float) -> NDArray[np.bool_]:
    """Pixels within .71 of a side of a square about the origin, and far enough from its corners."""
    x, y = np.abs(place[..., 0]), np.abs(place[..., 1])
    return (np.abs(np.maximum(x, y) - half) < 0.71) & (np.minimum(x, y) < half - _CORNER)


@lru_cache(maxsize=64)
def blurred(seed: int, sigma: float) -> Levels:
    """Render the squares ``(H, W) float32`` through optics of a known blur, pixels integrated."""
    return integrated(_gaussian(squares(seed).fine, sigma * FINE), FINE)


def integrated(fine: Levels, factor: int) -> Levels:
    """Sum up what falls into each pixel."""
    return np.asarray(cv2.resize(fine, None, fx=1 / factor, fy=1 / factor, interpolation=cv2.INTER_AREA))


def _gaussian(levels: Levels, sigma: float) -> Levels:
    side = 2 * int(np.ceil(4.5 * sigma)) + 1
    return np.asarray(cv2.GaussianBlur(levels, (side, side), sigma, borderType=cv2.BORDER_REFLECT))


def varying(seed: int, sigma: Levels) -> Levels:
    """Render the squares with a blur that differs from pixel to pixel: ``(H, W)`` pixels, .5 to 4."""
    grid = np.arange(0.5, 4.01, 0.25)
    stack = np.stack([blurred(seed, float(s)) for s in grid])
    low = np.clip(((sigma - 0.5) / 0.25).astype(int), 0, len(grid) - 2)
    share = (sigma - grid[low]) / 0.25
    rows, columns = np.mgrid[:SIDE, :SIDE]
    return ((1 - share) * stack[low, rows, columns] + share * stack[low + 1, rows, columns]).astype(np.float32)


def ramp() -> Levels:
    """Blur that grows from left to right, .5 to 4 pixels."""
    return np.tile(np.linspace(0.5, 4.0, SIDE, dtype=np.float32), (SIDE, 1))


def split() -> Levels:
    """Sharp on the left, blurred on the right: .8 and 3 pixels."""
    return np.tile(np.where(np.arange(SIDE) < SIDE // 2, 0.8, 3.0).astype(np.float32), (SIDE, 1))


@lru_cache(maxsize=2)
def portraits() -> tuple[Levels, ...]:
    """The two portraits in grey, ``(3 H, 3 W) float32``: three samples a pixel, sharp after integration."""
    collins, hopper = (cv2.cvtColor(p.image, cv2.COLOR_RGB2GRAY).astype(np.float32) for p in load_portraits())
    return collins[:432, :432], hopper[20:452, 60:492]


def portrait(which: int, sigma: float) -> Levels:
    """Render a portrait of 144 pixels a side through optics of a known blur."""
    return integrated(_gaussian(portraits()[which], 3 * sigma), 3)


def clean(levels: Levels) -> Picture:
    """Round grey levels: ``(H, W, 3) uint8``."""
    return np.repeat(rounded(levels)[..., None], 3, axis=2)


def rounded(levels: Levels) -> Picture:
    """Round to what 8 bits hold."""
    return np.clip(np.round(levels), 0, 255).astype(np.uint8)


def noisy(levels: Levels) -> Picture:
    """Add Gaussian noise of 2 grey levels, the same in all channels."""
    return clean(levels + np.random.default_rng(17).normal(0, 2, levels.shape).astype(np.float32))


def jpeg(levels: Levels) -> Picture:
    """Write and read a JPEG of quality 75."""
    _, data = cv2.imencode(".jpg", clean(levels), [cv2.IMWRITE_JPEG_QUALITY, 75])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), dtype=np.uint8)


def h264(levels: Levels) -> Picture:
    """Write and read the second of three H.264 frames (x264, crf 23) of a picture that stands still."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "23"})
        stream.height, stream.width = levels.shape
        stream.pix_fmt = "yuv420p"
        for _ in range(3):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(clean(levels), format="rgb24")))
        container.mux(stream.encode(None))
    file.seek(0)
    with av.open(file) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)][1]


DAMAGES: dict[str, Callable[[Levels], Picture]] = {
    "no noise": clean,
    "noise of 2": noisy,
    "JPEG 75": jpeg,
    "H.264 crf 23": h264,
}

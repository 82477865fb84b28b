"""How long a self-blended pair takes, and what pairs look like.

``python -m benchmarks.blending`` prints the time and draws ``docs/images/self_blended.png``; with a path it also
writes a sheet of 64 pseudo-fakes there, each with its mask in the corner. Faces are synthetic people and the two
public-domain portraits.
"""

import statistics
import sys
import time
import timeit
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.demo_faces import Face, faces
from benchmarks.extraction import one_core
from benchmarks.results import Result
from fakefocus.imaging.blending import Blending, blend_with_itself
from fakefocus.imaging.face_mask import HULLS, face_points, fill, hulls

FIGURE = Path(__file__).resolve().parents[1] / "docs/images/self_blended.png"
_GOAL = 5.0
"""Milliseconds a pair."""

Picture = NDArray[np.uint8]


def measure() -> Iterator[Result]:
    """Yield the time of a pair beside that of the same steps written straightforwardly."""
    some = faces(8)
    with one_core():
        ours, plainly = (_milliseconds(blend, some) for blend in (blend_with_itself, plain))
    more = {"pairs a second": round(1000 / ours)}
    yield Result("self_blending", ours, plainly, ours / plainly, "ms a pair", f"≤ {_GOAL:g} ms", ours <= _GOAL, more)


def _milliseconds(blend: Callable[..., Any], some: list[Face], number: int = 10) -> float:
    """Return the median over faces of the best mean of ten pairs, in milliseconds of the processor.

    The goal is an absolute time: what other programs take of the core must not count.
    """
    rng = np.random.default_rng(0)
    best = [
        min(timeit.repeat(lambda face=face: blend(*face, rng), timer=time.process_time, number=number, repeat=7))
        for face in some
    ]
    return 1000 * statistics.median(best) / number


def plain(crop: Picture, landmarks: NDArray[np.floating], rng: np.random.Generator) -> tuple[Picture, Picture, Any]:
    """Make a pair by the same steps in the most obvious way: whole pictures, full resolution, float64."""
    shape, strength = crop.shape[:2], Blending()
    points = face_points(landmarks)
    sides = np.ptp(points, axis=0)
    mask = fill(hulls(points, str(rng.choice(HULLS))), shape).astype(np.float64)
    source, target = crop.astype(np.float64), _plainly_altered(crop.astype(np.float64), rng)
    if rng.random() < 0.5:
        source, target = target, source
    scale, shift = rng.uniform(0.95, 1 / 0.95, 2), rng.uniform(-1, 1, 2) * strength.shift * sides
    move = np.column_stack([np.diag(scale), (1 - scale) * (points.min(axis=0) + sides / 2) + shift])
    source = cv2.warpAffine(source, move, shape[::-1], borderMode=cv2.BORDER_REFLECT_101)
    mask = _plainly_bent(cv2.warpAffine(mask, move, shape[::-1]), rng, strength)
    mask = _plainly_softened(mask, rng) * rng.choice(strength.ratios)
    fake = mask[..., None] * source + (1 - mask[..., None]) * target
    return np.round(target).astype(np.uint8), np.round(fake).clip(0, 255).astype(np.uint8), mask


def _plainly_altered(levels: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    if rng.random() < 0.3:
        levels = (levels + rng.uniform(-20, 20, 3)).clip(0, 255)
    hsv = cv2.cvtColor((levels / 255).astype(np.float32), cv2.COLOR_RGB2HSV)
    hsv += rng.uniform(-1, 1, 3).astype(np.float32) * np.float32([3, 0.03, 0.01])
    levels = cv2.cvtColor(hsv.clip(0, [360, 1, 1]).astype(np.float32), cv2.COLOR_HSV2RGB) * 255.0
    levels = (levels * rng.uniform(0.9, 1.1) + rng.uniform(-25.5, 25.5)).clip(0, 255).astype(np.float64)
    if rng.random() < 0.5:
        size = levels.shape[1::-1]
        factor = int(rng.choice((2, 4)))
        few = (size[0] // factor, size[1] // factor)
        return cv2.resize(cv2.resize(levels, few, interpolation=cv2.INTER_NEAREST), size)
    share, lightness = rng.uniform(0.2, 0.5), rng.uniform(0.5, 1)
    kernel = np.full((3, 3), -1.0)
    kernel[1, 1] = 8 + lightness
    return ((1 - share) * levels + share * cv2.filter2D(levels, -1, kernel)).clip(0, 255)


def _plainly_bent(mask: NDArray[np.float64], rng: np.random.Generator, strength: Blending) -> NDArray[np.float64]:
    sigma = strength.bend_width * mask.shape[0]
    field = []
    for side in mask.shape[::-1]:
        smooth = cv2.GaussianBlur(rng.uniform(-1, 1, mask.shape), (0, 0), sigma)
        field.append(strength.bend * side * smooth / smooth.std())
    y, x = np.mgrid[: mask.shape[0], : mask.shape[1]]
    return cv2.remap(mask, (x + field[0]).astype(np.float32), (y + field[1]).astype(np.float32), cv2.INTER_LINEAR)


def _plainly_softened(mask: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.float64]:
    width, height = (int(side) for side in rng.integers(192, 257, 2))
    size = mask.shape[::-1]
    mask = cv2.resize(mask, (width, height))
    first, second = (2 * int(radius) + 1 for radius in rng.integers(2, 13, 2))
    mask = cv2.GaussianBlur(mask, (first, first), 0)
    mask = np.where(mask < mask.max() * (1 - 1e-9), 0, mask)
    mask = cv2.GaussianBlur(mask, (second, second), rng.uniform(5, 45))
    return cv2.resize(mask / mask.max(), size)


def sheet(count: int = 64, seed: int = 0) -> Picture:
    """Return eight columns of pseudo-fakes of 192 pixels, each with its mask in the corner."""
    some, rng = faces(count // 2), np.random.default_rng(seed)
    cells = []
    for i in range(count):
        _, fake, mask = blend_with_itself(*some[i % len(some)], rng)
        cell = cv2.resize(fake, (192, 192), interpolation=cv2.INTER_AREA)
        cell[:48, :48] = cv2.resize(mask * 255, (48, 48)).astype(np.uint8)[..., None]
        cells.append(cell)
    return np.asarray(np.vstack([np.hstack(cells[i : i + 8]) for i in range(0, count, 8)]))


def draw(path: Path) -> None:
    """Draw real faces, pseudo-fakes with each kind of hull, their masks and differences, with captions."""
    from matplotlib.figure import Figure

    some, rng = faces(4), np.random.default_rng(7)
    figure = Figure(figsize=(8, 5.6), layout="constrained")
    panels = figure.subplots(4, 6)
    for column, (face, ratio) in enumerate(zip(some, (1, 1, 1, 1, 0.5, 0.5), strict=True)):
        kind = HULLS[column % len(HULLS)]
        target, fake, mask = blend_with_itself(*face, rng, Blending(hulls=(kind,), ratios=(ratio,)))
        change = (4.0 * np.abs(fake.astype(int) - target)).clip(0, 255).astype(np.uint8)
        for axis, shown in zip(panels[:, column], (target, fake, mask, change), strict=True):
            axis.imshow(shown, cmap="gray", vmin=0, vmax=1)
        panels[0, column].set_title(f"{kind}\nratio {ratio:g}", fontsize=9)
    for axis in panels.flat:
        axis.set_xticks([])
        axis.set_yticks([])
    for axis, caption in zip(panels[:, 0], ("real", "pseudo-fake", "mask", "difference x 4"), strict=True):
        axis.set_ylabel(caption, fontsize=9)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=90)


def main() -> None:
    """Print the time, draw the figure and write the sheet to the path that was given."""
    for result in measure():
        print(result)
    draw(FIGURE)
    if len(sys.argv) > 1:
        cv2.imwrite(sys.argv[1], cv2.cvtColor(sheet(), cv2.COLOR_RGB2BGR))


if __name__ == "__main__":
    main()

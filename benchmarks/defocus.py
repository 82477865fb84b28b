"""How well a known blur is recovered, how long a map takes and how it is best stored.

``python -m benchmarks.defocus [data]`` prints the tables and draws ``docs/images/defocus.png``; with the folder
``data`` of a project in which the demo corpus was prepared, also whether maps differ inside swapped faces.
Scenes are those of `defocus_truth`, whose text says what σ means; the estimator was designed on the seeds 0 to 2
and is measured on others.
"""

import json
import statistics
import sys
import tempfile
import timeit
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import spearmanr

from benchmarks import defocus_truth as truth
from benchmarks.extraction import one_core
from benchmarks.results import Result
from fakefocus.datasets.stored_video import FrameWriter, VideoFolder
from fakefocus.imaging.alignment import similarity, template_for
from fakefocus.imaging.defocus import METHODS, edge_variance, estimate_map
from fakefocus.imaging.frames import read_frames
from fakefocus.imaging.gradient_ratio import find_edges, gradient_ratio
from fakefocus.imaging.maps import to_levels
from fakefocus.metrics.scores import auc
from fakefocus.sources.demo.people import make_person

SEEDS = (10, 11, 12, 13)
SIGMA_MAX = 5.0
FIGURE = Path(__file__).resolve().parents[1] / "docs/images/defocus.png"
_GOALS = {"no noise": 0.12, "noise of 2": 0.25, "JPEG 75": 0.25}
_SPEED_GOAL = 0.71
Picture = NDArray[np.uint8]


def measure() -> Iterator[Result]:
    """Yield the results of the default method: its time and its error."""
    yield speed()
    yield error(summary(recovery()))


def speed() -> Result:
    """Compare a map by the default method with one by edge_variance, propagation included, on one core."""
    crops = faces()
    with one_core():
        theirs, ours = (_milliseconds(method, crops) for method in (edge_variance, gradient_ratio))
    ratio, goal = ours / theirs, f"≤ {_SPEED_GOAL}"
    return Result("defocus_default", ours, theirs, ratio, "ms a crop", goal, ratio <= _SPEED_GOAL)


def error(table: pd.DataFrame) -> Result:
    """Compare the mean absolute errors at edges with their goals; the ratio is that of the worst."""
    errors = table.loc[list(_GOALS), "map error"]
    worst = max(_GOALS, key=lambda name: float(errors[name]) / _GOALS[name])
    ours, goal = float(errors[worst]), _GOALS[worst]
    more = {str(name): round(float(value), 3) for name, value in table["map error"].items()}
    return Result("defocus_error_px", ours, goal, ours / goal, f"px, {worst}", "≤ 1", ours <= goal, more)


def faces(count: int = 8) -> list[Picture]:
    """Return crops of synthetic people as a clip shows them: ``(256, 256, 3) uint8`` each, with noise."""
    rng = np.random.default_rng(3)
    people = [np.asarray(make_person(11, i).image, dtype=np.float32)[77:333, 112:368] for i in range(count)]
    return [truth.rounded(face + rng.normal(0, 2, face.shape)) for face in people]


def _milliseconds(method: Callable[[Picture], Any], crops: list[Picture], number: int = 10) -> float:
    """Return the median over crops of the best time."""
    best = [min(timeit.repeat(lambda crop=crop: method(crop), number=number, repeat=15)) for crop in crops]
    return 1000 * statistics.median(best) / number


def recovery(seeds: tuple[int, ...] = SEEDS) -> pd.DataFrame:
    """Return a row for each picture of uniform blur and damage: errors in pixels at edges, and rank values."""
    rows: list[dict[str, Any]] = []
    for damage, spoil in truth.DAMAGES.items():
        for seed in seeds:
            edges = truth.squares(seed).edges
            rows += [
                {"damage": damage, "sigma": s} | at_edges(spoil, truth.blurred(seed, s), edges) for s in truth.SIGMAS
            ]
    return pd.DataFrame(rows)


def at_edges(
    spoil: Callable[[truth.Levels], Picture], levels: truth.Levels, edges: NDArray[np.bool_]
) -> dict[str, Any]:
    """Return what the estimators say on the pixels of edges: ``map`` and ``points`` in pixels, ``variance`` in [0, 1].

    ``map`` is the finished map, ``points`` the edge points before propagation. edge_variance sees more contrast:
    in most of the pictures as they are, its Canny finds no edge.
    """
    picture = spoil(levels)
    points = find_edges(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), SIGMA_MAX)[1]
    return {
        "map": SIGMA_MAX * gradient_ratio(picture, SIGMA_MAX)[edges],
        "points": points.sigma[edges.ravel()[points.at] & (points.weight > 0)],
        "variance": edge_variance(spoil(stronger(levels)))[edges],
    }


def stronger(levels: truth.Levels) -> truth.Levels:
    """Return a scene of squares with as much contrast as 8 bits hold."""
    return np.asarray(127 + 1.8 * (levels - np.median(levels)), dtype=np.float32)


def summary(measured: pd.DataFrame) -> pd.DataFrame:
    """Return a row for each damage: mean absolute errors in pixels, each σ with equal weight, and rank correlations."""
    rows = {}
    for damage, of_damage in measured.groupby("damage", sort=False):
        blur = np.concatenate([np.full(len(m), s) for s, m in zip(of_damage["sigma"], of_damage["map"], strict=True)])
        rows[damage] = {
            **{f"{n} error": _mean_error(of_damage, n) for n in ("map", "points")},
            **{
                n: _rank(blur, np.concatenate(list(of_damage[c])))
                for n, c in (("rank", "map"), ("rank ev", "variance"))
            },
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def _mean_error(measured: pd.DataFrame, column: str) -> float:
    errors = [np.abs(v - s).mean() for s, v in zip(measured["sigma"], measured[column], strict=True) if len(v)]
    return float(np.mean(errors))


def _rank(blur: NDArray[np.float64], values: NDArray[np.float64]) -> float:
    return float(spearmanr(blur, values).statistic)


def varying_errors(seeds: tuple[int, ...] = SEEDS) -> pd.DataFrame:
    """Return the mean absolute error in pixels at edges where blur differs within the picture."""
    kinds = {"ramp .5 to 4": truth.ramp(), ".8 beside 3": truth.split()}
    rows = {}
    for damage, spoil in truth.DAMAGES.items():
        rows[damage] = {
            name: float(
                np.mean([_error_of(spoil(truth.varying(s, blur)), blur, truth.squares(s).edges) for s in seeds])
            )
            for name, blur in kinds.items()
        }
    return pd.DataFrame.from_dict(rows, orient="index")


def _error_of(picture: Picture, blur: NDArray[np.float32], edges: NDArray[np.bool_]) -> float:
    return float(np.abs(SIGMA_MAX * gradient_ratio(picture, SIGMA_MAX) - blur)[edges].mean())


def portrait_blur() -> pd.DataFrame:
    """Return the mean of the map at the edges of the portraits, in pixels, for each σ that they were blurred by.

    A portrait has edges of its own width, and lines, so it shows that estimates follow the blur, not an error.
    """
    rows = {}
    for which, name in enumerate(("Collins", "Hopper")):
        sharp = truth.portrait(which, 0.01)
        strong = cv2.magnitude(*(cv2.Sobel(sharp, cv2.CV_32F, *axis, scale=1 / 8) for axis in ((1, 0), (0, 1)))) > 12
        maps = {s: gradient_ratio(truth.clean(truth.portrait(which, s)), SIGMA_MAX) for s in truth.SIGMAS}
        rows[name] = {s: float(SIGMA_MAX * blur[strong].mean()) for s, blur in maps.items()}
    return pd.DataFrame.from_dict(rows, orient="index")


def storage() -> pd.DataFrame:
    """Return KiB, milliseconds to read and largest error in units of 1/512, for each way to store a map."""
    crops = faces()
    maps = [gradient_ratio(crop, SIGMA_MAX) for crop in crops]
    rows = {"none": {"KiB": 0.0, "ms": _milliseconds(gradient_ratio, crops), "error x 512": 0.0}}
    stores = (("uint16", ".npy", to_levels), ("png16", ".png", np.asarray), ("float32", ".npy", np.asarray))
    for store, suffix, kept in stores:
        with tempfile.TemporaryDirectory() as folder:
            for i, blur in enumerate(maps):
                FrameWriter(Path(folder), suffix)(f"{i}", kept(blur))
            video = VideoFolder(Path(folder), suffix, "")
            sizes = [file.stat().st_size / 1024 for file in Path(folder).iterdir()]
            errors = [np.abs(video.read(f"{i}") - blur).max() for i, blur in enumerate(maps)]
            spent = timeit.repeat(lambda video=video: [video.read(n) for n in video.names], number=3, repeat=10)
        each = 1000 * min(spent) / 3 / len(maps)
        rows[store] = {"KiB": float(np.mean(sizes)), "ms": each, "error x 512": 512 * float(np.max(errors))}
    return pd.DataFrame.from_dict(rows, orient="index")


def contrast(data: Path) -> pd.DataFrame:
    """Return how well the map's contrast alone, inside less outside the swapped mask, tells fakes from reals.

    AUC over the training videos of the demo corpus, for each way to swap and to estimate; below .5 swapped faces are
    the sharper ones. A fake and its original
    show the same motion, so both are looked at through the fake's mask. Descriptive: nothing is chosen by it.
    """
    raw, crops = data / "01_raw/demo", data / "03_primary/demo/face_crops"
    pairs = json.loads((raw / "train.json").read_text())
    rows = []
    for folder in sorted((raw / "manipulated_sequences").iterdir()):
        for target, source in [pair for a, b in pairs for pair in ((a, b), (b, a))]:
            masks = folder / f"masks/videos/{target}_{source}.mp4"
            fake = crops / f"fake/demo-{folder.name}-c23-{target}_{source}"
            for label, video in enumerate((crops / f"real/demo-youtube-c23-{target}", fake)):
                rows.append({"swap": folder.name, "label": label} | _contrasts(video, masks))
    table = pd.DataFrame(rows)
    aucs = {swap: {m: auc(t["label"], t[m]) for m in METHODS} for swap, t in table.groupby("swap")}
    return pd.DataFrame.from_dict(aucs, orient="index")


def _contrasts(video: Path, masks: Path, every: int = 4) -> dict[str, float]:
    """Return the mean contrast of every fourth crop of a video for each method, in units of the map."""
    rows = [r for r in json.loads((video / "about.json").read_text())["rows"] if r["found"]][::every]
    frames = {f.index: f.image for f in read_frames(masks, lambda n: range(n))}
    aucs: dict[str, list[float]] = {method: [] for method in METHODS}
    for row in rows:
        crop = VideoFolder(video, ".jpg", "").read(row["crop"])
        matrix = similarity(np.array(json.loads(row["landmarks"])), template_for(256, 0.3))
        inside = cv2.warpAffine(frames[row["frame"]][..., 0], matrix, (256, 256)) > 127
        near = cv2.dilate(inside.astype(np.uint8), np.ones((9, 9))) > 0
        inside = cv2.erode(inside.astype(np.uint8), np.ones((9, 9))) > 0
        for method in METHODS:
            blur = estimate_map(crop, method, SIGMA_MAX)
            aucs[method].append(float(blur[inside].mean() - blur[~near].mean()))
    return {method: float(np.mean(values)) for method, values in aucs.items()}


def draw(measured: pd.DataFrame, path: Path) -> None:
    """Draw recovered against true σ, and maps of a picture whose blur grows from left to right."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9.2, 5.6), layout="constrained")
    above, below = figure.subfigures(2, 1, height_ratios=(1.25, 1))
    panels = above.subplots(1, 4, sharex=True, sharey=True)
    for axis, (damage, of_damage) in zip(panels, measured.groupby("damage", sort=False), strict=True):
        middle = [np.median(np.concatenate(list(r["map"]))) for _, r in of_damage.groupby("sigma")]
        low, high = (
            [np.quantile(np.concatenate(list(r["map"])), q) for _, r in of_damage.groupby("sigma")]
            for q in (0.05, 0.95)
        )
        axis.plot([0, 4.5], [0, 4.5], ":", color="#1f2937", linewidth=1)
        axis.fill_between(truth.SIGMAS, low, high, color="#0b6e99", alpha=0.25, linewidth=0)
        axis.plot(truth.SIGMAS, middle, "o-", color="#0b6e99", markersize=4)
        axis.set_title(f"{damage}\nmean error {_mean_error(of_damage, 'map'):.2f} px", fontsize=9)
        axis.set_xlabel("true σ, pixels", fontsize=9)
        axis.set_aspect("equal")
        axis.grid(color="#d9dee5", linewidth=0.6)
    panels[0].set_ylabel("recovered σ at edges, pixels\n(median, 5 to 95 %)", fontsize=9)
    picture = truth.clean(stronger(truth.varying(SEEDS[0], truth.ramp())))
    shown = below.subplots(1, 4)
    shown[0].imshow(picture)
    blur = shown[1].imshow(truth.ramp(), vmin=0, vmax=SIGMA_MAX)
    shown[2].imshow(SIGMA_MAX * gradient_ratio(picture, SIGMA_MAX), vmin=0, vmax=SIGMA_MAX)
    shown[3].imshow(edge_variance(picture), vmin=0, vmax=1)
    for axis, title in zip(shown, ("picture", "true σ", "gradient_ratio", "edge_variance (no unit)"), strict=True):
        axis.set_title(title, fontsize=9)
        axis.set_axis_off()
    below.colorbar(blur, ax=shown, fraction=0.02, pad=0.01).set_label("σ, pixels", fontsize=9)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)


def main() -> None:
    """Print all tables and draw the figure."""
    measured = recovery()
    draw(measured, FIGURE)
    tables = {
        "σ recovered at edges": summary(measured),
        "σ that differs": varying_errors(),
        "portraits, by σ": portrait_blur(),
    }
    print(speed())
    with one_core():
        tables["storage"] = storage()
    if len(sys.argv) > 1:
        tables["demo corpus, AUC of the contrast"] = contrast(Path(sys.argv[1]))
    for name, table in tables.items():
        print(f"\n{name}\n{table.round(3).to_string()}")


if __name__ == "__main__":
    main()

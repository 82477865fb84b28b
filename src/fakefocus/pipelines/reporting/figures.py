"""Figures of the report: one palette, labelled axes, legible at the width of a page."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray
from scipy.stats import binomtest

from fakefocus.metrics.coverage import with_missing
from fakefocus.metrics.scores import auc, risk_coverage_curve, roc_curve
from fakefocus.plotting import CONTROL, FAKE, HELD_OUT, INK, REAL, WIDTH, draw_interval, plain, style

_LOTS = 10
"""Into so many lots of like score videos are put, where each has eight at least."""


class Judged(NamedTuple):
    """A detector as figures show it: its name, its colour, whether it is a negative control, and its summary."""

    name: str
    colour: str
    control: bool
    summary: dict[str, Any]

    @property
    def line(self) -> dict[str, Any]:
        """How its curves are drawn: those of controls are dashed and pale."""
        return {
            "linestyle": "--" if self.control else "-",
            "alpha": 0.55 if self.control else 1.0,
            "color": self.colour,
        }

    @property
    def videos(self) -> pd.DataFrame:
        """The test videos that are judged, under the policy for those without a score."""
        return self._under(self.summary["coverage"]["missing"])

    @property
    def scored(self) -> pd.DataFrame:
        """The test videos that have a score of its own, whatever the policy for others."""
        return self._under("exclude")

    @property
    def history(self) -> pd.DataFrame:
        """Its metrics by epoch; one that was not trained has none."""
        return pd.DataFrame(self.summary["history"], columns=["epoch", "train.loss", "val.loss", "val.video_auc"])

    @property
    def held_out(self) -> list[str]:
        """The methods that it was not trained on."""
        by_method = self.summary["metrics"]["by_method"]
        return [method for method, metrics in by_method.items() if metrics["held_out"]]

    def _under(self, policy: str) -> pd.DataFrame:
        return with_missing(pd.DataFrame(self.summary["videos"]).astype({"score": float}), policy)


def sample_sheet(
    rows: list[tuple[str, int, NDArray[np.uint8], NDArray[np.float32]]], sigma_max: float | None
) -> Figure:
    """Draw one column a face: the crop above, its defocus map below, with a colour bar.

    ``sigma_max`` in pixels is what a map's 1 stands for, None for maps without a unit.
    """
    figure = Figure(figsize=(WIDTH, 3.35), layout="constrained")
    axes = figure.subplots(2, len(rows), squeeze=False)
    shown: Any = None
    top = sigma_max or 1.0
    for column, (title, label, crop, blur) in enumerate(rows):
        axes[0, column].imshow(crop)
        axes[0, column].set_title(plain(title), fontsize=9, color=FAKE if label else REAL)
        shown = axes[1, column].imshow(blur * top, vmin=0, vmax=top, cmap="viridis")
    for axis in axes.flat:
        axis.set_xticks([])
        axis.set_yticks([])
    axes[0, 0].set_ylabel("crop", color=INK)
    axes[1, 0].set_ylabel("defocus map", color=INK)
    bar = figure.colorbar(shown, ax=axes.ravel().tolist(), fraction=0.02, pad=0.01)
    bar.set_label("blur σ, pixels" if sigma_max else "0 sharp to 1 blurred", fontsize=8)
    bar.ax.tick_params(labelsize=8)
    return figure


def detector_overview(history: pd.DataFrame, scores: pd.DataFrame, held_out: list[str]) -> Figure:
    """Draw one detector: its losses, its validation AUC by epoch, and its ROC on test videos."""
    figure = Figure(figsize=(WIDTH, 3.0), layout="constrained")
    losses, progress, roc = figure.subplots(1, 3)
    epochs = history["epoch"] + 1
    losses.plot(epochs, history["train.loss"], color=INK, label="training")
    losses.plot(epochs, history["val.loss"], color=REAL, label="validation")
    progress.plot(epochs, history["val.video_auc"], color=REAL)
    progress.set_ylim(0, 1.02)
    for axis in (losses, progress):
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    for label, colour, is_held_out in (("trained on", FAKE, False), ("not trained on", HELD_OUT, True)):
        chosen = scores[(scores["label"] == 0) | (scores["method"].isin(held_out) == is_held_out)]
        if chosen["label"].nunique() == 2:
            text = f"{label}: {auc(chosen['label'], chosen['score']):.3f}"
            roc.plot(*roc_curve(chosen["label"], chosen["score"]), color=colour, label=text)
    roc.plot([0, 1], [0, 1], ":", color=INK, linewidth=0.8)
    style(losses, "epoch", "loss")
    style(progress, "epoch", "validation AUC, videos")
    style(roc, "reals called fake (share)", "fakes called fake (share)")
    losses.legend(frameon=False, fontsize=8)
    if len(roc.lines) > 1:
        roc.legend(frameon=False, fontsize=8, title="test AUC", title_fontsize=8, loc="lower right")
    return figure


def training_curves(detectors: Sequence[Judged]) -> Figure:
    """Draw training loss and validation video AUC by epoch; controls in pale dashes."""
    figure = Figure(figsize=(WIDTH, 3.4 + _legend_height(detectors)), layout="constrained")
    left, right = figure.subplots(1, 2)
    for detector in detectors:
        history = detector.history
        if history.empty:
            continue
        epochs = history["epoch"] + 1
        left.plot(epochs, history["train.loss"], label=detector.name, **detector.line)
        right.plot(epochs, history["val.video_auc"], **detector.line)
    right.axhline(0.5, color=INK, linewidth=0.8, linestyle=":")
    style(left, "epoch", "training loss")
    style(right, "epoch", "validation AUC, videos")
    right.set_ylim(0, 1.02)
    for axis in (left, right):
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    return figure


def roc_figure(detectors: Sequence[Judged]) -> Figure:
    """Draw the ROC of test videos: methods that each detector was trained on, and others, side by side."""
    panels = {"methods trained on": False, "methods not trained on": True}
    drawn = {title: [d for d in detectors if _has_curve(d, is_held_out)] for title, is_held_out in panels.items()}
    titles = [title for title, who in drawn.items() if who] or ["methods trained on"]
    # a legend of many detectors does not fit beside their curves
    tallest = max(len(who) for who in drawn.values())
    figure = Figure(figsize=(WIDTH, 4.3 + 0.17 * max(0, tallest - 4)), layout="constrained")
    for axis, title in zip(figure.subplots(1, len(titles), squeeze=False)[0], titles, strict=True):
        axis.plot([0, 1], [0, 1], ":", color=INK, linewidth=0.8)
        for detector in drawn[title]:
            chosen = _with_methods(detector, panels[title])
            text = f"{detector.name}: {auc(chosen['label'], chosen['score']):.3f}"
            axis.plot(*roc_curve(chosen["label"], chosen["score"]), label=text, **detector.line)
        style(axis, "reals called fake (share)", "fakes called fake (share)")
        axis.set_title(title, fontsize=10, color=INK)
        axis.set_aspect("equal")
        if drawn[title]:
            place = {"loc": "lower right"} if tallest <= 4 else {"loc": "upper center", "bbox_to_anchor": (0.5, -0.14)}
            axis.legend(frameon=False, fontsize=8, title="AUC", title_fontsize=8, **place)
    return figure


def score_distributions(detectors: Sequence[Judged]) -> Figure:
    """Draw every test video's score, one row a method, one panel a detector, with the detector's threshold."""
    shown = [detector for detector in detectors if not detector.control] or list(detectors)
    methods = ["", *sorted({m for d in shown for m in d.videos["method"]} - {""})]
    columns = min(3, len(shown))
    lines = -(-len(shown) // columns)
    figure = Figure(figsize=(WIDTH, lines * (0.9 + 0.55 * len(methods))), layout="constrained")
    panels = figure.subplots(lines, columns, sharey=True, squeeze=False).ravel()
    rng = np.random.default_rng(0)
    for axis in panels[len(shown) :]:
        axis.set_axis_off()
    for axis, detector in zip(panels, shown, strict=False):
        table = detector.videos
        for row, method in enumerate(methods):
            values = table.loc[table["method"] == method, "score"].to_numpy()
            height = row + rng.uniform(-0.22, 0.22, len(values))
            axis.scatter(values, height, s=14, alpha=0.7, linewidth=0, color=FAKE if method else REAL)
            if len(values):
                axis.plot([np.median(values)] * 2, [row - 0.33, row + 0.33], color=INK, linewidth=1.5)
        axis.axvline(detector.summary["metrics"]["threshold"], color=INK, linewidth=0.8, linestyle=":")
        style(axis, "score of a video (probability of fake)", "")
        axis.set_title(detector.name, fontsize=10, color=INK)
        axis.set_xlim(-0.02, 1.02)
    panels[0].set_yticks(range(len(methods)), [plain(m) or "real" for m in methods])
    panels[0].invert_yaxis()
    return figure


def risk_figure(detectors: Sequence[Judged]) -> Figure:
    """Draw the error rate of test videos by how many are decided, the least certain refused first."""
    figure = Figure(figsize=(WIDTH, 3.2 + _legend_height(detectors)), layout="constrained")
    axis = figure.subplots()
    for detector in detectors:
        table = detector.videos
        threshold = detector.summary["metrics"]["threshold"]
        curve = risk_coverage_curve(table["label"], table["score"], threshold)
        axis.plot(*curve, label=detector.name, drawstyle="steps-post", **detector.line)
    style(axis, "share of test videos that are decided", "wrong decisions (share)")
    axis.set_xlim(0, 1.02)
    axis.set_ylim(0, None)
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    return figure


def reliability_figure(detectors: Sequence[Judged]) -> Figure:
    """Draw the share of fakes among test videos of like score, a panel a detector, with Wilson's 95 % intervals."""
    shown = [detector for detector in detectors if not detector.control] or list(detectors)
    columns = min(3, len(shown))
    lines = -(-len(shown) // columns)
    figure = Figure(figsize=(WIDTH, 3.1 * lines), layout="constrained")
    panels = figure.subplots(lines, columns, squeeze=False).ravel()
    for axis in panels[len(shown) :]:
        axis.set_axis_off()
    for axis, detector in zip(panels, shown, strict=False):
        table = detector.videos.sort_values("score")
        axis.plot([0, 1], [0, 1], ":", color=INK, linewidth=0.8)
        lots = [lot for lot in np.array_split(np.arange(len(table)), min(_LOTS, max(1, len(table) // 8))) if len(lot)]
        for lot in lots:
            rows = table.iloc[lot]
            fakes = binomtest(int(rows["label"].sum()), len(rows))
            ends = fakes.proportion_ci(method="wilson")
            axis.plot([rows["score"].mean()] * 2, [ends.low, ends.high], color=detector.colour, linewidth=1)
            axis.plot(rows["score"].mean(), fakes.statistic, "o", color=detector.colour, markersize=4.5)
        axis.set_title(detector.name, fontsize=10, color=INK)
        axis.set_xlim(-0.03, 1.03)
        axis.set_ylim(-0.03, 1.03)
        style(axis, "mean score of videos of like score", "of these fake (share)")
        axis.set_aspect("equal")
    return figure


def defocus_figure(videos: pd.DataFrame, sigma_max: float | None) -> Figure:
    """Draw the mean of each video's maps and their deviation within a face, a row a method.

    Args:
        videos: ``label``, ``method``, ``mean`` and ``std`` of each.
        sigma_max: What a map's 1 stands for in pixels, None for maps without a unit.
    """
    methods = ["", *sorted(set(videos["method"]) - {""})]
    figure = Figure(figsize=(WIDTH, 1.1 + 0.5 * len(methods)), layout="constrained")
    top, unit = sigma_max or 1.0, "blur σ, pixels" if sigma_max else "0 sharp to 1 blurred"
    names = {"mean": f"mean of a face, {unit}", "std": f"deviation within a face, {unit}"}
    rng = np.random.default_rng(0)
    for axis, (column, title) in zip(figure.subplots(1, 2, sharey=True), names.items(), strict=True):
        for row, method in enumerate(methods):
            values = videos.loc[videos["method"] == method, column].to_numpy() * top
            colour = FAKE if method else REAL
            axis.scatter(values, row + rng.uniform(-0.25, 0.25, len(values)), s=9, alpha=0.5, linewidth=0, color=colour)
            axis.plot([np.median(values)] * 2, [row - 0.36, row + 0.36], color=INK, linewidth=1.6)
            both = videos[videos["method"].isin(("", method))]
            if method and both["label"].nunique() == 2:
                text = f"AUC {auc(both['label'], both[column]):.2f}"
                axis.text(1.0, row, text, transform=axis.get_yaxis_transform(), fontsize=8, ha="right", va="center")
        style(axis, title, "")
        axis.margins(x=0.16)
    axis.set_yticks(range(len(methods)), [plain(method) or "real" for method in methods])
    axis.invert_yaxis()
    return figure


def interval_figure(detectors: Sequence[Judged]) -> Figure:
    """Draw the test video AUC of each detector with its interval: methods trained on, each method, others."""
    rows = [(detector, *row) for detector in detectors for row in _interval_rows(detector)]
    figure = Figure(figsize=(WIDTH, 0.8 + 0.3 * max(1, len(rows))), layout="constrained")
    axis = figure.subplots()
    for y, (detector, _, metrics, is_held_out) in enumerate(rows):
        colour = CONTROL if detector.control else HELD_OUT if is_held_out else detector.colour
        _draw_auc(axis, y, metrics, colour)
    axis.axvline(0.5, color=INK, linewidth=0.8, linestyle=":")
    axis.set_yticks(range(len(rows)), [plain(f"{detector.name}: {label}") for detector, label, _, _ in rows])
    axis.set_xlim(0, 1.02)
    axis.set_ylim(max(1, len(rows)) - 0.4, -0.6)
    style(axis, "test AUC of videos, with its interval", "")
    return figure


def _draw_auc(axis: Axes, y: int, metrics: dict[str, Any], colour: str) -> None:
    """Draw an AUC with its interval, or hollow with the words why there is none."""
    metric, why = metrics["auc"], metrics["no_interval"]
    draw_interval(axis, y, metric, colour)
    side, gap = ("right", -0.02) if metric["value"] > 0.5 else ("left", 0.02)
    words = axis.text(metric["value"] + gap, y, why.replace(" (", "\n("), ha=side, va="center", fontsize=7, color=INK)
    words.set_bbox({"color": "white", "pad": 0.5})


def _has_curve(detector: Judged, held_out: bool) -> bool:
    return _with_methods(detector, held_out)["label"].nunique() == 2


def _with_methods(detector: Judged, held_out: bool) -> pd.DataFrame:
    """Return the test videos of reals, and of the methods that a detector was trained on, or of the others."""
    table = detector.videos
    return table[(table["label"] == 0) | (table["method"].isin(detector.held_out) == held_out)]


def _legend_height(detectors: Sequence[Judged]) -> float:
    return 0.18 * -(-len(detectors) // 3)


def _interval_rows(detector: Judged) -> list[tuple[str, dict[str, Any], bool]]:
    metrics = detector.summary["metrics"]
    rows = [("methods trained on", metrics["video"], False)]
    if detector.control:
        rows += [("methods not trained on", metrics["held_out"], True)] if "held_out" in metrics else []
    else:
        rows += [
            (method + (" (not trained on)" if m["held_out"] else ""), m, bool(m["held_out"]))
            for method, m in metrics["by_method"].items()
        ]
    return [row for row in rows if row[1]["auc"]["value"] is not None]

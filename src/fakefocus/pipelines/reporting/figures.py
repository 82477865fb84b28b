"""Figures of the report: one palette, labelled axes, legible at the width of a page."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from fakefocus.metrics.scores import auc, roc_curve

INK, GRID = "#1f2937", "#d9dee5"
COLOURS = {"scade_net": "#0b6e99", "multistream": "#b4540a"}
REAL, FAKE, HELD_OUT, CONTROL = "#2f7d4f", "#a3263b", "#6b4fa0", "#8a94a0"
NAMES = {"scade_net": "SCADE-Net", "multistream": "Multi-stream"}
WIDTH = 9.2
"""Width of every figure in inches."""


def display_name(detector: str) -> str:
    """Return a detector's name as people write it; a control's is marked."""
    family = detector.removesuffix("_control")
    return NAMES[family] + (", shuffled labels" if detector.endswith("_control") else "")


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
        axes[0, column].set_title(title, fontsize=9, color=FAKE if label else REAL)
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
    for label, colour, held in (("seen methods", FAKE, False), ("held-out method", HELD_OUT, True)):
        chosen = scores[(scores["label"] == 0) | (scores["method"].isin(held_out) == held)]
        if chosen["label"].nunique() == 2:
            text = f"{label}: {auc(chosen['label'], chosen['score']):.3f}"
            roc.plot(*roc_curve(chosen["label"], chosen["score"]), color=colour, label=text)
    roc.plot([0, 1], [0, 1], ":", color=INK, linewidth=0.8)
    _style(losses, "epoch", "loss")
    _style(progress, "epoch", "validation AUC, videos")
    _style(roc, "reals called fake (share)", "fakes called fake (share)")
    losses.legend(frameon=False, fontsize=8)
    if len(roc.lines) > 1:
        roc.legend(frameon=False, fontsize=8, title="test AUC", title_fontsize=8, loc="lower right")
    return figure


def training_curves(histories: dict[str, pd.DataFrame]) -> Figure:
    """Draw training loss and validation video AUC by epoch; controls in grey dashes."""
    figure = Figure(figsize=(WIDTH, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, history in histories.items():
        colour, line = COLOURS[name.removesuffix("_control")], "--" if name.endswith("_control") else "-"
        alpha = 0.55 if name.endswith("_control") else 1.0
        epochs = history["epoch"] + 1
        left.plot(epochs, history["train.loss"], line, color=colour, alpha=alpha, label=display_name(name))
        right.plot(epochs, history["val.video_auc"], line, color=colour, alpha=alpha)
    right.axhline(0.5, color=INK, linewidth=0.8, linestyle=":")
    _style(left, "epoch", "training loss")
    _style(right, "epoch", "validation AUC, videos")
    right.set_ylim(0, 1.02)
    for axis in (left, right):
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    left.legend(frameon=False, fontsize=8)
    return figure


def roc_figure(scores: dict[str, pd.DataFrame], held_out: list[str]) -> Figure:
    """Draw the ROC of test videos, seen and held-out methods side by side."""
    figure = Figure(figsize=(WIDTH, 4.3), layout="constrained")
    titles = {"methods seen in training": True} | ({"held-out method": False} if held_out else {})
    panels = figure.subplots(1, len(titles), squeeze=False)[0]
    for axis, (title, seen) in zip(panels, titles.items(), strict=True):
        axis.plot([0, 1], [0, 1], ":", color=INK, linewidth=0.8)
        for name, table in scores.items():
            chosen = table[(table["label"] == 0) | (table["method"].isin(held_out) != seen)]
            if chosen["label"].nunique() < 2:
                continue
            alarm, hit = roc_curve(chosen["label"], chosen["score"])
            control = name.endswith("_control")
            text = f"{display_name(name)}: {auc(chosen['label'], chosen['score']):.3f}"
            line, alpha = ("--", 0.55) if control else ("-", 1.0)
            axis.plot(alarm, hit, line, color=COLOURS[name.removesuffix("_control")], alpha=alpha, label=text)
        _style(axis, "reals called fake (share)", "fakes called fake (share)")
        axis.set_title(title, fontsize=10, color=INK)
        axis.set_aspect("equal")
        if axis.get_legend_handles_labels()[0]:
            axis.legend(frameon=False, fontsize=8, title="AUC", title_fontsize=8, loc="lower right")
    return figure


def score_distributions(scores: dict[str, pd.DataFrame], thresholds: dict[str, float]) -> Figure:
    """Draw every test video's score, one row a method, one panel a detector, with the detector's threshold."""
    methods = ["", *sorted({m for t in scores.values() for m in t["method"]} - {""})]
    figure = Figure(figsize=(WIDTH, 0.9 + 0.55 * len(methods)), layout="constrained")
    panels = figure.subplots(1, len(scores), sharey=True, squeeze=False)[0]
    rng = np.random.default_rng(0)
    for axis, (name, table) in zip(panels, scores.items(), strict=True):
        for row, method in enumerate(methods):
            values = table.loc[table["method"] == method, "score"].to_numpy()
            height = row + rng.uniform(-0.22, 0.22, len(values))
            axis.scatter(values, height, s=14, alpha=0.7, linewidth=0, color=FAKE if method else REAL)
            if len(values):
                axis.plot([np.median(values)] * 2, [row - 0.33, row + 0.33], color=INK, linewidth=1.5)
        axis.axvline(thresholds[name], color=INK, linewidth=0.8, linestyle=":")
        _style(axis, "score of a video (probability of fake)", "")
        axis.set_title(display_name(name), fontsize=10, color=INK)
        axis.set_xlim(-0.02, 1.02)
    panels[0].set_yticks(range(len(methods)), [m or "real" for m in methods])
    panels[0].invert_yaxis()
    return figure


def interval_figure(metrics: dict[str, dict[str, Any]]) -> Figure:
    """Draw the test video AUC of each detector with its interval: seen methods, each method, held out."""
    rows = [(n, label, m, held) for n, judged in metrics.items() for label, m, held in _interval_rows(n, judged)]
    figure = Figure(figsize=(WIDTH, 0.8 + 0.3 * len(rows)), layout="constrained")
    axis = figure.subplots()
    for y, (name, _, metric, held) in enumerate(rows):
        control = name.endswith("_control")
        colour = CONTROL if control else HELD_OUT if held else COLOURS[name]
        axis.plot([metric["low"], metric["high"]], [y, y], color=colour, linewidth=2.5, solid_capstyle="butt")
        axis.plot(metric["value"], y, "o", color=colour, markersize=6)
    axis.axvline(0.5, color=INK, linewidth=0.8, linestyle=":")
    axis.set_yticks(range(len(rows)), [f"{display_name(n)}: {label}" for n, label, _, _ in rows])
    axis.set_xlim(0, 1.02)
    axis.invert_yaxis()
    _style(axis, "test AUC of videos, with its interval", "")
    return figure


def _interval_rows(name: str, judged: dict[str, Any]) -> list[tuple[str, dict[str, float], bool]]:
    rows = [("seen methods", judged["video"]["auc"], False)]
    if not name.endswith("_control"):
        rows += [
            (method + (" (held out)" if m["held_out"] else ""), m["auc"], bool(m["held_out"]))
            for method, m in judged["by_method"].items()
        ]
    return [row for row in rows if row[1]["value"] is not None and row[1]["low"] is not None]


def _style(axis: Axes, x: str, y: str) -> None:
    axis.set_xlabel(x, fontsize=9, color=INK)
    axis.set_ylabel(y, fontsize=9, color=INK)
    axis.tick_params(labelsize=8, colors=INK)
    axis.grid(color=GRID, linewidth=0.6)
    axis.set_axisbelow(True)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)

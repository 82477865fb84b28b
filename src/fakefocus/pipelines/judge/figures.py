"""Figures of the judgement: a ranking with intervals, and detectors by methods."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fakefocus.pipelines.judge.words import least_share, method_names, percent
from fakefocus.plotting import CONTROL, FAKE, INK, WIDTH, draw_interval, style

_ACCENT = "#0b6e99"
_LONGEST = 26
_MAP = "RdBu"


def ranking(detectors: dict[str, dict[str, Any]], min_coverage: float) -> Figure:
    """Draw AUCs with intervals, the best on top; a hollow point has no interval, red is too low a coverage."""
    figure = Figure(figsize=(WIDTH, 1.1 + 0.27 * len(detectors)), layout="constrained")
    axis = figure.subplots()
    defined = {name: d for name, d in detectors.items() if d["metrics"]["auc"]["value"] is not None}
    for place, (name, detector) in enumerate(detectors.items()):
        share, of = least_share(detector)
        colour = FAKE if share < min_coverage else _ACCENT
        if name in defined:
            draw_interval(axis, place, detector["metrics"]["auc"], colour)
        text = f"{percent(share)}{of} scored" if name in defined else f"undefined, {percent(share)}{of} scored"
        axis.text(1.02, place, text, transform=axis.get_yaxis_transform(), va="center", fontsize=8, color=colour)
    axis.axvline(0.5, color=INK, linewidth=0.8, linestyle=":")
    axis.set_yticks(range(len(detectors)), [_short(name) for name in detectors])
    axis.set_ylim(len(detectors) - 0.4, -0.6)
    lows = [d["metrics"]["auc"]["low"] or d["metrics"]["auc"]["value"] for d in defined.values()]
    axis.set_xlim(min([0.45, *(low - 0.03 for low in lows)]), 1.005)
    style(axis, "AUC (0.5: chance, 1: perfect)", "")
    return figure


def methods(detectors: dict[str, dict[str, Any]], most: int) -> Figure:
    """Draw AUCs of detectors (rows) by methods (columns, the hardest first): all as a strip, the hardest with names."""
    names = method_names(detectors)
    if not names:
        return _nothing("no column says how fakes were made")
    values = np.array([[_auc(d, method) for method in names] for d in detectors.values()], dtype=float)
    many = len(names) > most
    height = 0.24 * len(detectors)
    heights = [max(1.0, 0.13 * len(detectors)), height] if many else [height]
    figure = Figure(figsize=(WIDTH, sum(heights) + 1.9 + 0.7 * many), layout="constrained")
    axes = figure.subplots(len(heights), 1, squeeze=False, height_ratios=heights)[:, 0]
    if many:
        _strip(axes[0], values, list(detectors))
        axes[0].set_title(f"all {len(names)} methods, the hardest on the left", fontsize=9, color=INK, loc="left")
        axes[1].set_title(f"the {most} hardest", fontsize=9, color=INK, loc="left")
    shown = _named(axes[-1], values[:, :most], list(detectors), names[:most])
    bar = figure.colorbar(shown, ax=list(axes), shrink=0.6, pad=0.01)
    bar.set_label("AUC against all reals", fontsize=8, color=INK)
    bar.ax.tick_params(labelsize=7, colors=INK)
    return figure


def _strip(axis: Axes, values: NDArray[np.float64], detectors: list[str]) -> None:
    axis.imshow(values, cmap=_colours(), vmin=0, vmax=1, aspect="auto", interpolation="nearest")
    axis.set_yticks(range(len(detectors)), [_short(name) for name in detectors])
    axis.tick_params(labelsize=min(7.0, 130 / len(detectors)), colors=INK, length=0)
    axis.set_xticks([])


def _named(axis: Axes, values: NDArray[np.float64], detectors: list[str], names: list[str]) -> Any:  # noqa: ANN401
    """Draw cells with their values; grey is undefined."""
    shown = axis.imshow(values, cmap=_colours(), vmin=0, vmax=1, aspect="auto", interpolation="nearest")
    axis.set_yticks(range(len(detectors)), [_short(name) for name in detectors])
    axis.set_xticks(
        range(len(names)), [_short(name) for name in names], rotation=55, ha="right", rotation_mode="anchor"
    )
    axis.tick_params(labelsize=7.5, colors=INK, length=0)
    for row, column in np.argwhere(~np.isnan(values)):
        cell = values[row, column]
        colour = "white" if abs(cell - 0.5) > 0.33 else INK
        text = f"{cell:.2f}".removeprefix("0")
        axis.text(column, row, text, ha="center", va="center", fontsize=6.5, color=colour)
    return shown


def _colours() -> Any:  # noqa: ANN401 (matplotlib has no types here)
    from matplotlib import colormaps

    return colormaps[_MAP].with_extremes(bad=CONTROL)


def _auc(detector: dict[str, Any], method: str) -> float:
    metrics = detector["by_method"].get(method)
    return float("nan") if metrics is None or metrics["auc"]["value"] is None else metrics["auc"]["value"]


def _short(name: str) -> str:
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def _nothing(text: str) -> Figure:
    figure = Figure(figsize=(WIDTH, 0.8))
    figure.text(0.5, 0.5, text, ha="center", va="center", color=INK, fontsize=9)
    return figure

"""The figure of the ablation: differences with intervals, single seeds, and what was published."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fakefocus.plotting import FAKE, INK, WIDTH, style

_PANELS = {"video.auc": "methods trained on", "held_out.auc": "held-out methods"}


def differences(results: Sequence[dict[str, Any]]) -> Figure:
    """Draw a row of two panels a result: differences in AUC, in points, on methods trained on and on others."""
    heights = [len(result["variants"]) + 1.5 for result in results]
    figure = Figure(figsize=(WIDTH, 0.9 + 0.32 * sum(heights)), layout="constrained")
    axes = figure.subplots(len(results), 2, squeeze=False, gridspec_kw={"height_ratios": heights})
    for row, result in zip(axes, results, strict=True):
        for axis, (measure, title) in zip(row, _PANELS.items(), strict=True):
            _panel(axis, result, measure)
            way = "trained again" if result["kind"] == "retrained" else "streams switched off"
            axis.set_title(f"{result['detector']}, {way}: {title}", fontsize=9, color=INK, loc="left")
        row[0].set_yticks(range(len(result["variants"])), [v["title"] for v in result["variants"]], fontsize=8)
        row[1].set_yticks(range(len(result["variants"])), [])
    _legend(figure)
    return figure


def _panel(axis: Axes, result: dict[str, Any], measure: str) -> None:
    axis.axvline(0, color=INK, linewidth=0.8)
    for place, variant in enumerate(result["variants"]):
        _measured(axis, place, variant["measured"][measure], result["colour"])
        for claim in variant["claims"]:
            if claim["measure"] == measure:
                ends = [100 * claim["low"], 100 * claim["high"]]
                axis.plot(ends, [place - 0.22] * 2, "D-", color=FAKE, markersize=4, linewidth=1.2)
    style(axis, "difference in AUC of videos, points", "")
    axis.grid(visible=False, axis="y")
    axis.set_ylim(len(result["variants"]) - 0.4, -0.6)


def _measured(axis: Axes, place: int, cell: dict[str, Any], colour: str) -> None:
    if cell["difference"] is None:
        axis.annotate("undefined", (0, place), fontsize=8, color=INK, va="center")
        return
    if cell["low"] is not None:
        axis.plot([100 * cell["low"], 100 * cell["high"]], [place] * 2, color=colour, linewidth=2)
    axis.plot(100 * cell["difference"], place, "o", color=colour, markersize=6)
    if len(cell["values"]) > 1:
        seeds = [100 * value for value in cell["values"]]
        axis.plot(seeds, [place + 0.22] * len(seeds), "o", color=colour, markersize=3.5, fillstyle="none")


def _legend(figure: Figure) -> None:
    kinds = (
        ("o", "full", 6, INK, "measured, mean"),
        ("o", "none", 3.5, INK, "each seed"),
        ("D", "full", 4, FAKE, "published"),
    )
    axis = figure.axes[0]
    handles = [
        axis.plot([], [], marker, fillstyle=fill, markersize=size, color=colour, label=label)[0]
        for marker, fill, size, colour, label in kinds
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False, fontsize=8)

"""The figure of the coadaptation: likeness of streams against the AUC on other methods, and shares of attention."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fakefocus.plotting import INK, OTHER_COLOURS, WIDTH, style

_MARKERS = ("o", "s", "^", "D", "v", "P")


def likeness(results: Sequence[dict[str, Any]]) -> Figure:
    """Draw a row of three panels a family."""
    figure = Figure(figsize=(WIDTH, 0.5 + 3.1 * len(results)), layout="constrained")
    axes = figure.subplots(len(results), 3, squeeze=False)
    for (cosine, cka, shares), result in zip(axes, results, strict=True):
        _scatter(cosine, result, "cosine", "mean absolute cosine of tokens")
        _scatter(cka, result, "cka", "linear CKA of tokens")
        _shares(shares, result)
        shares.set_title(f"{result['detector']}: bars are means over seeds", fontsize=8, color=INK, loc="right")
    handles, labels = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=4, frameon=False, fontsize=8)
    return figure


def _scatter(axis: Axes, result: dict[str, Any], name: str, label: str) -> None:
    for variant, colour, marker in zip(result["variants"], OTHER_COLOURS, _MARKERS, strict=False):
        runs = [run for run in variant["runs"] if run[name] is not None and run["held_out_auc"] is not None]
        places = ([run[name] for run in runs], [run["held_out_auc"] for run in runs])
        axis.plot(*places, marker, color=colour, markersize=6, alpha=0.85, label=variant["title"])
    rank = result["correlations"][f"{name} and held_out_auc"]
    if rank["value"] is not None:
        text = f"rank correlation {rank['value']:.2f} [{rank['low']:.2f}, {rank['high']:.2f}], n = {rank['n']}"
        axis.set_title(text, fontsize=8, color=INK, loc="right")
    style(axis, label, "AUC, videos of held-out methods")


def _shares(axis: Axes, result: dict[str, Any]) -> None:
    streams = list(result["variants"][0]["runs"][0]["shares"])
    width = 0.8 / len(result["variants"])
    for number, (variant, colour) in enumerate(zip(result["variants"], OTHER_COLOURS, strict=False)):
        shares = np.array([[run["shares"][stream] for stream in streams] for run in variant["runs"]])
        places = np.arange(len(streams)) + (number - (len(result["variants"]) - 1) / 2) * width
        axis.bar(places, shares.mean(axis=0), width, color=colour, alpha=0.85)
        for row in shares:
            axis.plot(places, row, ".", color=INK, markersize=3)
    axis.set_xticks(range(len(streams)), streams)
    axis.axhline(1 / len(streams), color=INK, linewidth=0.8, linestyle=":")
    style(axis, "stream", "share of attention")
    axis.grid(visible=False, axis="x")

"""The figure of trainings that leave out a method."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fakefocus.plotting import INK, WIDTH, family_colour, style


def draw_pairs(results: Sequence[dict[str, Any]]) -> Figure:
    """Draw a panel a detector and in it a pair of rows a left-out method: AUC on it with it, and without it."""
    pairs = [[row for row in result["rows"] if row["method"] == row["left_out"]] for result in results]
    most = max(len(rows) for rows in pairs)
    figure = Figure(figsize=(WIDTH, 1.2 + 0.55 * most), layout="constrained")
    axes = figure.subplots(1, len(results), squeeze=False)[0]
    for place, (axis, result, rows) in enumerate(zip(axes, results, pairs, strict=True)):
        colour = family_colour(result["family"], place)
        for y, row in enumerate(rows):
            _draw(axis, y - 0.15, row["with"]["auc"], colour, colour)
            _draw(axis, y + 0.15, row["without"]["auc"], colour, "white")
        axis.set_yticks(range(len(rows)), [row["left_out"] for row in rows])
        axis.set_ylim(most - 0.4, -0.6)
        axis.set_xlim(0, 1.02)
        axis.axvline(0.5, color=INK, linewidth=0.8, linestyle=":")
        axis.set_title(result["detector"], fontsize=10, color=INK)
        style(axis, "AUC on that method, with its interval", "")
    handles = [
        axes[0].plot([], [], "o", color=INK, markerfacecolor=face, label=text)[0]
        for face, text in ((INK, "trained with the method"), ("white", "trained without it"))
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False, fontsize=8)
    return figure


def _draw(axis: Axes, y: float, metric: dict[str, Any], colour: str, face: str) -> None:
    if metric["value"] is None:
        axis.text(0.5, y, "undefined", fontsize=7, va="center", ha="center", color=INK)
        return
    if metric["low"] is not None:
        line = "-" if face == colour else ":"
        axis.plot([metric["low"], metric["high"]], [y, y], line, color=colour, linewidth=2.2, solid_capstyle="butt")
    axis.plot(metric["value"], y, "o", color=colour, markersize=6, markerfacecolor=face)

"""The figure of a suite."""

from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fakefocus.plotting import FAKE, INK, REAL, WIDTH, draw_interval, family_colour, style

_TOGETHER = {"mean": "D", "pooled": "s", "lowest": "v"}
"""What is said of all sets together, and its marker."""


def draw_suite(result: dict[str, Any]) -> Figure:
    """Draw a block a detector: left AUCs with intervals, set by set, mean and pooled; right errors by set."""
    detectors = result["detectors"]
    rows = sum(len(one["sets"]) + 3 for one in detectors) + len(detectors)
    figure = Figure(figsize=(WIDTH, 1.1 + 0.27 * rows), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=(1.25, 1))
    labels: list[tuple[float, str]] = []
    y = 0.0
    for place, one in enumerate(detectors):
        colour = family_colour(one["family"], place)
        title = f"{one['name']}, trained on {one['experiment']}"
        left.text(0, y, title, fontsize=9, color=colour, fontweight="bold", va="center")
        for of_set in one["sets"]:
            y += 1
            labels.append((y, of_set["experiment"] + (" (own)" if of_set["own"] else "")))
            _draw_metric(left, y, of_set["auc"], colour, "o")
            _draw_errors(right, y, of_set)
        for name, marker in _TOGETHER.items():
            y += 1
            labels.append((y, name if name != "lowest" else "lowest across sets"))
            _draw_metric(left, y, one[name], INK, marker)
        y += 1.6
    left.set_yticks([height for height, _ in labels], [text for _, text in labels])
    left.set_ylim(y - 0.6, -0.8)
    style(left, "AUC of videos, with its interval", "")
    style(right, "share of videos that are mistaken", "")
    left.axvline(0.5, color=INK, linewidth=0.8, linestyle=":")
    for axis in (left, right):
        axis.set_xlim(-0.02, 1.02)
    _legend(right, figure)
    return figure


def _draw_metric(axis: Axes, y: float, metric: dict[str, Any], colour: str, marker: str) -> None:
    """Draw a value with its interval, or that it is undefined."""
    if metric["value"] is None:
        axis.text(0.5, y, "undefined", fontsize=7, va="center", ha="center", color=INK)
        return
    draw_interval(axis, y, metric, colour, marker=marker)


def _draw_errors(axis: Axes, y: float, of_set: dict[str, Any]) -> None:
    for name, colour, shift in (("false_alarm", REAL, -0.16), ("miss", FAKE, 0.16)):
        _draw_metric(axis, y + shift, of_set["transferred"][name], colour, "o")
        if of_set["adapted"][name] is not None:
            axis.plot(of_set["adapted"][name], y + shift, "o", color=colour, markersize=7, markerfacecolor="none")


def _legend(axis: Axes, figure: Figure) -> None:
    words = (
        ("o", REAL, REAL, "reals called fake"),
        ("o", FAKE, FAKE, "fakes called real"),
        ("o", INK, "none", "at a threshold adapted to the set"),
    )
    handles = [
        axis.plot([], [], marker, color=colour, markerfacecolor=face, label=text)[0]
        for marker, colour, face, text in words
    ]
    figure.legend(handles=handles, loc="outside lower right", ncols=3, frameon=False, fontsize=8)

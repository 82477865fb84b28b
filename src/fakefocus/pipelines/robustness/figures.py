"""The figure of the protocol: AUC and false alarms by strength."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fakefocus.imaging.perturbations import perturbations
from fakefocus.plotting import INK, WIDTH, family_colour, style

_COLUMNS = 4


def robustness_figure(results: Sequence[dict[str, Any]]) -> Figure:
    """Draw a panel for files encoded again and one a perturbation; a colour a detector."""
    lines = -(-(1 + len(perturbations())) // _COLUMNS)
    figure = Figure(figsize=(WIDTH, 2.6 * lines + 0.4), layout="constrained")
    panels = figure.subplots(lines, _COLUMNS, sharey=True, squeeze=False).ravel()
    conditions = [row["title"] for row in results[0]["media"]]
    media = [(result, result["clean"]["media"], result["media"]) for result in results]
    _panel(panels[0], media, conditions, "files encoded again", "", joined=False)
    for axis, (name, kind) in zip(panels[1:], perturbations().items(), strict=False):
        chosen = [
            (result, result["clean"]["crops"], [row for row in result["crops"] if row["perturbation"] == name])
            for result in results
        ]
        _panel(axis, chosen, [f"{value:g}" for value in kind.values], kind.title, kind.unit)
    for axis in panels[1 + len(perturbations()) :]:
        axis.set_axis_off()
    for axis in panels[::_COLUMNS]:
        axis.set_ylabel("AUC (dots),\nreals called fake (crosses)", fontsize=9, color=INK)
    handles, labels = panels[1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(results) * 2, frameon=False, fontsize=8)
    return figure


def _panel(
    axis: Axes,
    rows: Sequence[tuple[dict[str, Any], dict[str, Any], list[dict[str, Any]]]],
    ticks: list[str],
    title: str,
    unit: str,
    *,
    joined: bool = True,
) -> None:
    """Draw the curves of all detectors, the clean value first; what has no order is not ``joined`` by lines."""
    places = np.arange(len(ticks) + 1)
    axis.axhline(0.5, color=INK, linewidth=0.8, linestyle=":")
    for number, (result, clean, changed) in enumerate(rows):
        colour, shift = family_colour(result["family"], number), 0.12 * (number - (len(rows) - 1) / 2)
        aucs = [clean, *(row["auc"] for row in changed)]
        values, low, high = (_numbers([auc[end] for auc in aucs]) for end in ("value", "low", "high"))
        errors = np.abs(np.vstack([values - low, high - values]))
        name = result["detector"]
        solid, dotted = ("-", ":") if joined else ("none", "none")
        axis.errorbar(places + shift, values, errors, fmt="o", ms=3.5, lw=1.3, ls=solid, color=colour, label=name)
        alarms = [changed[0]["reals"]["called_fake_before"], *(row["reals"]["called_fake"] for row in changed)]
        text = f"{name}: reals called fake"
        axis.plot(places + shift, _numbers(alarms), "x", ms=3.5, lw=1.3, ls=dotted, color=colour, label=text)
    style(axis, unit, "")
    axis.set_title(title, fontsize=9, color=INK)
    axis.set_xticks(places, ["clean", *ticks])
    axis.set_ylim(-0.03, 1.03)
    slanted = max(map(len, ticks)) > 5
    axis.tick_params("x", labelsize=7, labelrotation=40 if slanted else 0)


def _numbers(values: Sequence[float | None]) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values], dtype=float)

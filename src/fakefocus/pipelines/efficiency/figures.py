"""The figure of costs."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fakefocus.plotting import INK, WIDTH, family_colour, style

_LINES = {"cpu": "-", "cuda": "--"}


def draw_costs(results: Sequence[dict[str, Any]]) -> Figure:
    """Draw parameters, operations, and the time a crop takes by batch, a line a detector and device."""
    figure = Figure(figsize=(WIDTH, 3.4), layout="constrained")
    parameters, operations, times = figure.subplots(1, 3, width_ratios=(1, 1, 1.25))
    colours = [family_colour(result["family"], place) for place, result in enumerate(results)]
    _draw_counts(parameters, results, "parameters", colours)
    _draw_counts(operations, results, "macs_with_fft", colours)
    style(parameters, "parameters", "")
    style(operations, "MACs a crop, FFT counted", "")
    operations.set_yticklabels([])
    for result, colour in zip(results, colours, strict=True):
        _draw_times(times, result, colour)
    batches = sorted({row["batch"] for result in results for row in result["measured"]})
    times.set_xscale("log", base=2)
    times.set_ylim(bottom=0)
    times.set_xticks(batches, [str(batch) for batch in batches])
    style(times, "crops a batch", "milliseconds a crop")
    times.legend(frameon=False, fontsize=8)
    return figure


def _draw_counts(axis: Axes, results: Sequence[dict[str, Any]], name: str, colours: Sequence[str]) -> None:
    """Draw this detector's number filled, and hollow that of the published sizes, joined by a line."""
    values = [[result[which][name] for which in ("counted", "published") if result[which]] for result in results]
    for place, (pair, colour) in enumerate(zip(values, colours, strict=True)):
        axis.plot(pair, [place] * len(pair), ":", color=colour, linewidth=1.2)
        axis.plot(pair[-1], place, "o", color=colour, markersize=8, markerfacecolor="white")
        axis.plot(pair[0], place, "o", color=colour, markersize=6)
        axis.text(pair[0], place - 0.14, f"{pair[0]:,.0f}", fontsize=7, color=INK, ha="center", va="bottom")
        if pair[-1] != pair[0]:
            text = f"published sizes\n{pair[-1]:,.0f}"
            axis.text(pair[-1], place + 0.16, text, fontsize=7, color=INK, ha="center", va="top")
    axis.set_xscale("log")
    everything = [value for pair in values for value in pair]
    axis.set_xlim(min(everything) / 6, max(everything) * 6)
    axis.set_yticks(range(len(results)), [result["detector"] for result in results])
    axis.set_ylim(len(results) - 0.4, -0.6)


def _draw_times(axis: Axes, result: dict[str, Any], colour: str) -> None:
    for device in dict.fromkeys(row["device"] for row in result["measured"]):
        rows = [row for row in result["measured"] if row["device"] == device]
        batches = [row["batch"] for row in rows]
        middle = [row["p50_ms"] / row["batch"] for row in rows]
        above = [row["p95_ms"] / row["batch"] - value for row, value in zip(rows, middle, strict=True)]
        axis.errorbar(
            batches,
            middle,
            yerr=[[0.0] * len(rows), above],
            fmt=f"o{_LINES.get(device, ':')}",
            color=colour,
            markersize=5,
            capsize=3,
            label=f"{result['detector']}, {device}",
        )

"""The figure of costs."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fakefocus.models import families
from fakefocus.plotting import INK, OTHER_COLOURS, WIDTH, style

_LINES = {"cpu": "-", "cuda": "--"}


def draw_costs(results: Sequence[dict[str, Any]]) -> Figure:
    """Draw parameters and operations as bars, and time a crop by batch, a line a detector and device."""
    figure = Figure(figsize=(WIDTH, 3.4), layout="constrained")
    parameters, operations, times = figure.subplots(1, 3, width_ratios=(1, 1, 1.25))
    colours = [_colour(result["family"], place) for place, result in enumerate(results)]
    _draw_bars(parameters, results, "parameters", colours)
    _draw_bars(operations, results, "macs_with_fft", colours)
    style(parameters, "parameters", "")
    style(operations, "MACs a crop, FFT counted", "")
    operations.set_yticklabels([])
    for result, colour in zip(results, colours, strict=True):
        _draw_times(times, result, colour)
    batches = sorted({row["batch"] for result in results for row in result["measured"]})
    times.set_xscale("log", base=2)
    times.set_yscale("log")
    times.set_xticks(batches, [str(batch) for batch in batches])
    style(times, "crops a batch", "milliseconds a crop")
    times.legend(frameon=False, fontsize=8)
    return figure


def _colour(family: str, place: int) -> str:
    declared = families().get(family)
    return declared.colour if declared else OTHER_COLOURS[place % len(OTHER_COLOURS)]


def _draw_bars(axis: Axes, results: Sequence[dict[str, Any]], name: str, colours: Sequence[str]) -> None:
    """Draw this detector's number filled, and hollow that of the published sizes where it is another."""
    labels = []
    for place, (result, colour) in enumerate(zip(results, colours, strict=True)):
        labels.append(result["detector"])
        published = (result["published"] or result["counted"])[name]
        own = result["counted"][name]
        axis.barh(place, published, color="none", edgecolor=colour, height=0.5, linestyle=":")
        axis.barh(place, own, color=colour, height=0.5)
        axis.text(own, place - 0.36, f"{own:,.0f}", fontsize=7, color=INK, ha="right")
        if published != own:
            axis.text(published, place + 0.42, f"published sizes {published:,.0f}", fontsize=7, color=INK, ha="right")
    axis.set_xscale("log")
    axis.set_yticks(range(len(labels)), labels)
    axis.set_ylim(len(labels) - 0.4, -0.6)


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

"""How figures look, whoever draws them: one palette, labelled axes, legible at the width of a page."""

from collections.abc import Mapping
from typing import Any

from matplotlib.axes import Axes

from fakefocus.models import families

INK, GRID = "#1f2937", "#d9dee5"
REAL, FAKE, HELD_OUT, CONTROL = "#2f7d4f", "#a3263b", "#6b4fa0", "#8a94a0"
OTHER_COLOURS = ("#475569", "#9f1239", "#115e59", "#6d28d9", "#854d0e")
"""Of what has no colour of its own: families that are not installed here, and parts of one detector."""
FORGERIES = ("#a3263b", "#d97706", "#2563a8", "#6b4fa0", "#0f766e", "#7c5c3b", "#db5f9a", "#475569")
"""Colours of methods of forgery, told apart side by side."""
MINUS = "\N{MINUS SIGN}"
WIDTH = 9.2
"""Width of every figure in inches."""


def family_colour(family: str, place: int = 0) -> str:
    """Return a family's colour; of one that is not installed here, the one of its ``place`` among others."""
    declared = families().get(family)
    return declared.colour if declared else OTHER_COLOURS[place % len(OTHER_COLOURS)]


def draw_interval(
    axis: Axes, y: float, metric: Mapping[str, Any], colour: str, of: str = "value", marker: str = "o"
) -> None:
    """Draw a value (what ``of`` names) with its interval, from ``low`` to ``high``; hollow where it has none."""
    hollow = metric["low"] is None
    if not hollow:
        axis.plot([metric["low"], metric["high"]], [y, y], color=colour, linewidth=2.3, solid_capstyle="butt")
    axis.plot(metric[of], y, marker, color=colour, markersize=5.5, markerfacecolor="white" if hollow else colour)


def plain(text: str) -> str:
    """Return a name that comes from data as matplotlib shows it: a dollar sign begins no formula."""
    return text.replace("$", r"\$")


def style(axis: Axes, x: str, y: str) -> None:
    """Label an axis (quantity and unit) and draw it as all others are."""
    axis.set_xlabel(x, fontsize=9, color=INK)
    axis.set_ylabel(y, fontsize=9, color=INK)
    axis.tick_params(labelsize=8, colors=INK)
    axis.grid(color=GRID, linewidth=0.6)
    axis.set_axisbelow(True)
    for side in ("top", "right"):
        axis.spines[side].set_visible(False)


def laid_out(figure: Any, height: int) -> Any:  # noqa: ANN401 (plotly takes a second to import)
    """Give plotly's figure the look of the page; ``height`` in pixels."""
    return figure.update_layout(
        template="plotly_white", height=height, margin={"l": 10, "r": 10, "t": 40, "b": 40}, font={"color": INK}
    )

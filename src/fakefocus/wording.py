"""Numbers as reports, cards, tables and logs write them: one way for all, «undefined» where there is none."""

import html
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

UNDEFINED = "undefined"


def number(value: float | None, digits: int = 3, *, signed: bool = False) -> str:
    """Return ``0.931``; with its sign ``+0.031``."""
    return UNDEFINED if value is None else f"{value:{'+' if signed else ''}.{digits}f}"


def percent(share: float | None, digits: int = 0) -> str:
    """Return a share of 1 as ``93 %``."""
    return UNDEFINED if share is None else f"{100 * share:.{digits}f} %"


def bounds(metric: Mapping[str, Any], *, signed: bool = False) -> str:
    """Return an interval (``low`` and ``high``) as ``[0.880, 0.940]``; empty where there is none."""
    if metric["low"] is None:
        return ""
    return f"[{number(metric['low'], signed=signed)}, {number(metric['high'], signed=signed)}]"


def interval(metric: Mapping[str, Any], of: str = "value", *, signed: bool = False) -> str:
    """Return what ``of`` names and its interval: ``0.912 [0.880, 0.940]``."""
    if metric[of] is None:
        return UNDEFINED
    return f"{number(metric[of], signed=signed)} {bounds(metric, signed=signed)}".strip()


def difference(comparison: Mapping[str, Any]) -> str:
    """Return a difference and its interval, with their signs: ``+0.031 [-0.004, +0.066]``."""
    return interval(comparison, "difference", signed=True)


def markdown_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of Markdown; see `markdown_text`."""
    head, *body = [" | ".join(markdown_text(cell) for cell in line) for line in (columns, *rows)]
    return "\n".join(f"| {line} |" for line in (head, " | ".join(["---"] * len(columns)), *body))


def markdown_text(text: str) -> str:
    """Return a text from data as Markdown shows it: no tag, no column, no line of its own."""
    escaped = html.escape(" ".join(text.split()), quote=False)
    return escaped.replace("\\", "&#92;").replace("|", "&#124;")


def spread(values: Sequence[float | None]) -> str:
    """Return mean and sample deviation, ``0.912 ± 0.013``; the value alone if it is one, undefined if one is."""
    defined = [value for value in values if value is not None]
    if not defined or len(defined) < len(values):
        return UNDEFINED
    return number(float(np.mean(defined))) + (
        f" ± {number(float(np.std(defined, ddof=1)))}" if len(defined) > 1 else ""
    )

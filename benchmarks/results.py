"""What a benchmark found: a ratio of two figures of one run, and whether it reaches its goal."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Column, Table

LATEST = Path(__file__).with_name("latest.json")


@dataclass(frozen=True)
class Result:
    """``ratio`` is what the goal is about; ``more`` says what else was found."""

    name: str
    ours: float
    reference: float
    ratio: float
    unit: str
    goal: str
    met: bool
    more: dict[str, Any] = field(default_factory=dict)


def publish(results: Iterable[Result]) -> bool:
    """Print results as they come, then a table beside the stored ratios, and write ``latest.json``.

    Returns:
        Whether every goal is met.
    """
    console, stored = Console(), _stored_ratios()
    rows = []
    for r in results:
        rows.append(r)
        further = "".join(f", {name} {value}" for name, value in r.more.items())
        figures = f"{r.ours:.2f} and {r.reference:.2f} {r.unit}, ratio {r.ratio:.2f}"
        console.print(f"{r.name}: {figures}{further}", style="dim", highlight=False)
    LATEST.write_text(
        json.dumps([asdict(result) for result in rows], indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
    )
    numbers = (Column(name, justify="right", no_wrap=True) for name in ("ours", "reference", "ratio", "stored", "goal"))
    table = Table(Column("benchmark", no_wrap=True), *numbers, Column("met", no_wrap=True), box=SIMPLE)
    for r in rows:
        ours, reference, ratio = (f"{value:.2f}" for value in (r.ours, r.reference, r.ratio))
        before = f"{stored[r.name]:.2f}" if r.name in stored else "none"
        table.add_row(r.name, ours, reference, ratio, before, r.goal, "yes" if r.met else "[red]no[/red]")
    console.print(table)
    return all(r.met for r in rows)


def _stored_ratios() -> dict[str, float]:
    """Return the ratios of the last stored run by name."""
    return {row["name"]: row["ratio"] for row in json.loads(LATEST.read_text())} if LATEST.is_file() else {}

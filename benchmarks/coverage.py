"""How often do intervals over groups contain the truth? ``python -m benchmarks.coverage`` (a quarter of an hour).

Simulates test sides of few groups, and prints, for each way to make a 95 % interval, the lowest and the highest share
of simulated intervals that contain the true value; writes ``benchmarks/coverage.json``.

A clip's score is the sum of an effect that all clips of its group share, one that its reals or its fakes share, and one
of its own; all normal, with variances that add up to 1; fakes are higher by a constant. The true AUC is that of a real
and a fake of two different groups: what a detector is worth on people whom it has not met. The AUC of a sample has
pairs within a group besides, a share of about one in as many as there are groups; where the group's own effect cancels
in them, it is too high by a little (.012 at most with 8 groups).
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import track
from rich.table import Table
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

from benchmarks import interval_methods as methods
from benchmarks.interval_methods import Array, Trials
from fakefocus.metrics.intervals import jackknife_variance, wilson

LATEST = Path(__file__).with_name("coverage.json")
SEED, TRIALS = 3, 2000
AUCS = (0.5, 0.7, 0.9, 0.98)
GROUPS = (8, 16, 32, 100)
CORRELATIONS = ((0.0, 0.0), (0.3, 0.0), (0.6, 0.0), (0.0, 0.3), (0.0, 0.6), (0.3, 0.3))
"""Shares of variance that all clips of a group have in common, and that its reals or its fakes have."""
STEPS = np.array([-0.75, -0.25, 0.25, 0.75])
"""Between these, around the middle of both classes, saturated scores have one value, and beyond them too."""


@dataclass(frozen=True)
class Design:
    """Reals and fakes of each group; repeated until there are groups enough."""

    name: str
    reals: tuple[int, ...]
    fakes: tuple[int, ...]
    groups: tuple[int, ...] = GROUPS
    saturated: bool = False


DESIGNS = (
    Design("2 real, 4 fake a group", (2,), (4,)),
    Design("the same, five scores", (2,), (4,), saturated=True),
    Design("1 real, 1 fake a group", (1,), (1,)),
    Design("the same, five scores only", (1,), (1,), saturated=True),
    Design("10 real, 10 fake a group", (10,), (10,), (8, 16, 32)),
    Design("unequal, 3 to 24 a group", (1, 1, 2, 4, 8, 2, 1, 3), (2, 4, 4, 16, 8, 1, 1, 6)),
    Design("half of one class only", (2, 2, 0, 2), (4, 0, 4, 4)),
    Design("no group of both classes", (3, 0), (0, 6), (16, 32, 100)),
)
FEW = tuple(
    Design(f"few: {design.name}", design.reals, design.fakes, groups)
    for design, groups in zip(
        (DESIGNS[0], DESIGNS[2], DESIGNS[5], DESIGNS[7]),
        ((3, 4, 5, 6, 7), (3, 4, 5, 6, 7), (4, 5, 6, 7, 8), (6, 8, 10, 12, 14)),
        strict=True,
    )
)


def measure() -> pd.DataFrame:
    """Return a row a design, number of groups, true AUC, metric and method: coverage, its range, and the mean width."""
    cells = [(design, groups, auc) for design in (*DESIGNS, *FEW) for groups in design.groups for auc in AUCS]
    rows = [row for cell in track(cells, "simulating") for row in _cell(*cell)]
    keys = ["design", "groups", "auc", "metric", "method"]
    by_cell = pd.DataFrame(rows).groupby(keys, sort=False)
    return by_cell.agg(
        lowest=("coverage", "min"), highest=("coverage", "max"), mean=("coverage", "mean"), width=("width", "mean")
    ).reset_index()


def _cell(design: Design, groups: int, auc: float) -> Iterator[dict[str, Any]]:
    for shared, own in CORRELATIONS:
        rng = np.random.default_rng([SEED, groups, round(100 * auc), round(10 * shared), round(10 * own)])
        trials, gap = simulate(rng, design, groups, auc, shared, own)
        intervals: dict[tuple[str, str], tuple[methods.Bounds, float]] = {
            ("auc", name): (bounds, auc) for name, bounds in methods.closed_forms(trials).items()
        }
        if design == DESIGNS[0]:
            intervals |= {("auc", name): (bounds, auc) for name, bounds in methods.bootstraps(trials, rng).items()}
        if design in (DESIGNS[0], DESIGNS[5]):
            intervals |= other_metrics(trials, gap)
        for (metric, method), ((low, high), truth) in intervals.items():
            inside = (low <= truth + 1e-12) & (truth <= high + 1e-12)
            row = {"design": design.name, "groups": groups, "auc": auc, "metric": metric, "method": method}
            yield row | {"coverage": inside.mean(), "width": (np.minimum(high, 1) - np.maximum(low, 0)).mean()}


def simulate(
    rng: np.random.Generator, design: Design, groups: int, auc: float, shared: float, own: float, trials: int = TRIALS
) -> tuple[Trials, float]:
    """Return simulated test sides of a true AUC, and by how much fakes are higher."""
    reals, fakes = (np.resize(sizes, groups) for sizes in (design.reals, design.fakes))
    gap = saturated_gap(auc) if design.saturated else np.sqrt(2) * ndtri(auc)
    of_group = rng.normal(0, np.sqrt(shared), (trials, groups))
    parts = []
    for sizes, mean in ((reals, 0.0), (fakes, gap)):
        level = mean + of_group + rng.normal(0, np.sqrt(own), (trials, groups))
        noise = rng.normal(0, np.sqrt(1 - shared - own), (trials, sizes.sum()))
        parts.append(np.repeat(level, sizes, axis=1) + noise)
    if design.saturated:
        parts = [np.digitize(part, gap / 2 + STEPS).astype(float) for part in parts]
    return Trials(_wins(*parts, reals, fakes), reals, fakes, np.hstack(parts)), float(gap)


def saturated_gap(auc: float) -> float:
    """Return by how much fakes are higher where scores have five values."""

    def excess(gap: float) -> float:
        edges = np.concatenate([[-np.inf], gap / 2 + STEPS, [np.inf]])
        real, fake = np.diff(ndtr(edges)), np.diff(ndtr(edges - gap))
        return float((fake * (np.cumsum(real) - real / 2)).sum() - auc)

    return float(brentq(excess, 0.0, 20.0)) if auc > 0.5 else 0.0


def _wins(real: Array, fake: Array, reals: NDArray[np.int64], fakes: NDArray[np.int64]) -> Array:
    of_real, of_fake = (np.repeat(np.eye(len(n), dtype=np.float32), n, axis=0) for n in (reals, fakes))
    wins = np.empty((len(real), len(reals), len(reals)))
    for trial in range(len(real)):
        right = (np.sign(fake[trial] - real[trial][:, None]) + 1).astype(np.float32) / 2
        wins[trial] = of_real.T @ right @ of_fake
    return wins


def other_metrics(trials: Trials, gap: float) -> dict[tuple[str, str], tuple[methods.Bounds, float]]:
    """Return intervals of the other metrics by two methods, and the truths of a test side without end.

    Decisions are made halfway between both classes.
    """
    split, clips = int(trials.reals.sum()), trials.scores.shape[1]
    groups = np.arange(len(trials.reals))
    member = np.concatenate([np.repeat(groups, trials.reals), np.repeat(groups, trials.fakes)])
    kept = np.vstack([np.ones(clips), member != groups[:, None]])
    fake = np.arange(clips) >= split
    values = np.stack([_weighted(scores, fake, kept, gap / 2) for scores in trials.scores])
    intervals = {}
    for place, (name, truth) in enumerate(truths(gap, 1 - split / clips).items()):
        value, variance = values[:, place, 0], jackknife_variance(values[:, place, 1:])
        logit = methods.on_logit(value, np.sqrt(variance), trials.student)
        chosen = wilson(value, variance, trials.effective, clips, methods.LEVEL)
        intervals |= {(name, "jackknife-t, logit"): (logit, truth), (name, "chosen"): (chosen, truth)}
    return intervals


def truths(gap: float, share: float) -> dict[str, float]:
    """Return the metrics of infinitely many clips, a ``share`` of them fake."""
    cuts = np.linspace(-9, gap + 9, 20001)
    hit, alarm = ndtr(gap - cuts), ndtr(-cuts)
    precision = share * hit / (share * hit + (1 - share) * alarm)
    right = float(ndtr(gap / 2))
    return {
        "ap": float(-np.trapezoid(precision, hit)),
        "eer": 1 - right,
        "accuracy": right,
        "f1": 2 * share * right / (share + share * right + (1 - share) * (1 - right)),
    }


def _weighted(scores: Array, fake: NDArray[np.bool_], kept: Array, threshold: float) -> Array:
    """Return AP, EER, accuracy and F1 of one trial's distinct scores, for each row of clips ``kept``."""
    order = np.argsort(-scores)
    hits, alarms = (np.cumsum(kept[:, order] * mask[order], axis=1) for mask in (fake, ~fake))
    hits_at_all, called = hits[:, -1:], hits + alarms
    precision = hits / np.maximum(called, 1)
    ap = (np.diff(hits, axis=1, prepend=0) * precision).sum(1) / hits_at_all[:, 0]
    above = kept * (scores >= threshold)
    right = (above * fake).sum(1)
    accuracy = (right + (kept * (scores < threshold) * ~fake).sum(1)) / kept.sum(1)
    f1 = 2 * right / (hits_at_all[:, 0] + above.sum(1))
    return np.stack([ap, _equal_error(hits / hits_at_all, alarms / alarms[:, -1:]), accuracy, f1])


def _equal_error(hit: Array, alarm: Array) -> Array:
    zero = np.zeros((len(hit), 1))
    hit, alarm = np.hstack([zero, hit]), np.hstack([zero, alarm])
    gap, rows = 1 - hit - alarm, np.arange(len(hit))
    after = np.argmax(gap <= 0, axis=1)
    share = gap[rows, after - 1] / (gap[rows, after - 1] - gap[rows, after])
    return np.asarray(alarm[rows, after - 1] + share * (alarm[rows, after] - alarm[rows, after - 1]))


def tables(rates: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield a title and a table each: lowest to highest coverage in percent, over all correlations."""
    shown = rates.assign(
        cell=[f"{100 * low:.0f}-{100 * high:.0f}" for low, high in rates[["lowest", "highest"]].values]
    )
    typical = DESIGNS[0].name
    auc, other = shown[shown["metric"] == "auc"], shown[shown["metric"] != "auc"]
    columns = ["groups", "auc"]
    yield f"AUC, {typical}", _pivot(auc[auc["design"] == typical], "method", columns, "cell")
    chosen = auc[auc["method"] == "chosen"]
    is_few = chosen["design"].str.startswith("few")
    yield "AUC, chosen method", _pivot(chosen[~is_few], "design", columns, "cell")
    yield "AUC, chosen method, few groups", _pivot(chosen[is_few], "design", columns, "cell")
    for design, rows in other.groupby("design", sort=False):
        rows = rows.assign(row=rows["metric"] + ", " + rows["method"])
        yield f"other metrics, {design}", _pivot(rows, "row", columns, "cell")
    rows = auc[auc["design"] == typical].assign(cell=lambda t: t["width"].map("{:.3f}".format))
    yield f"mean width of the AUC's interval, {typical}", _pivot(rows, "method", columns, "cell")


def _pivot(rows: pd.DataFrame, index: str, columns: list[str], values: str) -> pd.DataFrame:
    table = rows.pivot_table(index=index, columns=columns, values=values, aggfunc="first", sort=False)
    return table.fillna("").sort_index(axis=1)


def publish(rates: pd.DataFrame, show: Callable[[Table], None]) -> None:
    """Show the tables and write the figures."""
    for title, rows in tables(rates):
        for groups in rows.columns.unique("groups"):
            part = rows[groups][(rows[groups] != "").any(axis=1)]
            table = Table(f"{groups} groups; true AUC", *map(str, part.columns), title=title, box=SIMPLE)
            for name, row in part.iterrows():
                table.add_row(str(name), *row)
            show(table)
    lines = ",\n".join(json.dumps(row) for row in rates.round(4).values.tolist())
    head = {"seed": SEED, "trials": TRIALS, "draws": methods.DRAWS, "columns": list(rates.columns)}
    LATEST.write_text(f'{json.dumps(head)[:-1]}, "rows": [\n{lines}\n]}}\n', encoding="utf-8")


def main() -> None:
    """Simulate, print and write."""
    publish(measure(), Console(width=110).print)


if __name__ == "__main__":
    main()

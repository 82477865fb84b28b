"""How long it takes to judge 15,000 scores: ``python -m benchmarks.judging``.

All metrics under 1,000 draws of groups, on one core, against a loop over scikit-learn that draws rows and calls its
functions; and the fakes of 400 generators, each against all reals, with their intervals.
"""

import time
from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray
from sklearn import metrics as sk

from benchmarks.results import Result
from fakefocus.metrics.scores import by_category, summary
from fakefocus.metrics.weighted import METRICS, measure

ROWS, DRAWS, GENERATORS, SEED = 15_000, 1_000, 400, 3
LOOP_DRAWS = 20
"""Draws of the reference that are measured; the others take as long."""


def scores() -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64], NDArray[np.str_]]:
    """Return labels, probabilities, groups of one to five rows, and generators of a synthetic table."""
    rng = np.random.default_rng(SEED)
    labels = rng.integers(0, 2, ROWS)
    values = 1 / (1 + np.exp(-(rng.normal(size=ROWS) + 1.5 * labels - 0.75)))
    groups = np.repeat(np.arange(ROWS), rng.integers(1, 6, ROWS))[:ROWS]
    return labels, values, groups, rng.integers(0, GENERATORS, ROWS).astype(str)


def measure_judging() -> Iterator[Result]:
    """Yield the ratio to scikit-learn, with what an evaluation waits for."""
    labels, values, groups, generators = scores()
    count = int(groups.max()) + 1
    weights = np.random.default_rng(SEED).multinomial(count, np.full(count, 1 / count), DRAWS)
    ours = _seconds(lambda: measure(labels, values, groups, weights, threshold=0.5))
    loop = _seconds(lambda: _loop(labels, values, groups)) * DRAWS / LOOP_DRAWS
    options = {"threshold": 0.5, "confidence": 0.95}
    one = _seconds(lambda: summary(labels, values, groups, **options))
    many = _seconds(lambda: by_category(labels, values, groups, generators, **options))
    met = loop / ours >= 20 and ours <= 2 and many <= 20
    more = {
        "metrics": len(METRICS),
        "a detector with intervals, s": round(one, 2),
        f"{GENERATORS} generators with intervals, s": round(many, 1),
    }
    yield Result(
        "judge_15000", ours, loop, loop / ours, f"s, {DRAWS} draws", "≥ 20, in ≤ 2 s, generators in ≤ 20 s", met, more
    )


def _loop(labels: NDArray[np.int64], values: NDArray[np.float64], groups: NDArray[np.int64]) -> None:
    """Draw groups, put their rows together, and ask scikit-learn for what it has of our metrics."""
    rng = np.random.default_rng(SEED)
    names = np.unique(groups)
    starts, ends = np.searchsorted(groups, names), np.searchsorted(groups, names, side="right")
    for _ in range(LOOP_DRAWS):
        drawn = rng.integers(0, len(names), len(names))
        rows = np.concatenate([np.arange(a, b) for a, b in zip(starts[drawn], ends[drawn], strict=True)])
        y, s = labels[rows], values[rows]
        called = s >= 0.5
        sk.roc_auc_score(y, s)
        sk.roc_auc_score(y, s, max_fpr=0.1)
        sk.average_precision_score(y, s)
        sk.roc_curve(y, s)
        for function in (
            sk.accuracy_score,
            sk.balanced_accuracy_score,
            sk.precision_score,
            sk.recall_score,
            sk.f1_score,
        ):
            function(y, called)
        sk.brier_score_loss(y, s)
        sk.log_loss(y, s)


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    for result in measure_judging():
        print(
            f"{result.name}: {result.ours:.2f} and {result.reference:.2f} {result.unit}, {result.ratio:.0f}-fold",
            result.more,
        )

"""Differences between two ways of training, each trained with the same seeds and judged on the same samples.

Two things vary: the seed of a training, and the people who happen to be on the test side. The variance of the mean
difference is the sum of both parts: that of the differences between seeds over their number, and the group jackknife
(Tukey 1958, https://doi.org/10.1214/aoms/1177706647) of the difference, averaged over seeds, with one group of people
left out of both detectors each time. What seeds and people do together is in both parts: the sum errs on the wide side.
Degrees of freedom are Satterthwaite's (1946, https://doi.org/10.2307/3002019), with as many groups as those of unequal
size are worth; with three seeds they are few. It gives p-values and works for any metric;
`fakefocus.metrics.comparison.hierarchical_interval` is a bootstrap of the AUC.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr, stdtrit

from fakefocus.metrics.intervals import (
    MOST_LOTS,
    Metric,
    effective_groups,
    jackknife_variance,
    lots_of,
    why_no_interval,
)

METHOD = "Student's t, variance between seeds and group jackknife of the paired difference"


def difference_over_seeds(
    metric: Metric,
    labels: ArrayLike,
    changed: Sequence[ArrayLike],
    unchanged: Sequence[ArrayLike],
    groups: ArrayLike,
    confidence: float,
) -> dict[str, Any]:
    """Return how much a metric of changed detectors is above that of unchanged ones, seed by seed and in the mean.

    Args:
        metric: Takes labels and scores.
        labels: ``(N,)``, 0 real or 1 fake.
        changed: Scores ``(N,)`` of a seed each; with one seed alone the interval is about that one detector.
        unchanged: Scores of the same samples by the unchanged detector, trained with the same seeds in the same order.
        groups: ``(N,)`` identity groups.
        confidence: Coverage of the interval, .95 for 95 %.

    Returns:
        ``{"difference", "low", "high", "p", "values": […], "deviation", "no_interval"}``. ``p`` is two-sided, that the
        difference is 0; ``deviation`` is that of a sample. Where a class is missing, groups are too few or nothing
        varies, ``low``, ``high`` and ``p`` are None and ``no_interval`` says why.
    """
    y, g = np.asarray(labels, dtype=np.int64), np.asarray(groups)
    pairs = [(np.asarray(a, dtype=float), np.asarray(b, dtype=float)) for a, b in zip(changed, unchanged, strict=True)]
    values = _values(metric, y, pairs, np.ones(len(y), dtype=bool))
    undefined = bool(np.isnan(values).any())
    result: dict[str, Any] = {
        "difference": None if undefined else float(values.mean()),
        "low": None,
        "high": None,
        "p": None,
        "values": [None if np.isnan(value) else float(value) for value in values],
        "deviation": None if undefined or len(values) < 2 else float(values.std(ddof=1)),
        "no_interval": why_no_interval(y, g),
    }
    if result["no_interval"]:
        return result
    between = float(values.var(ddof=1)) / len(values) if len(values) > 1 else 0.0
    lots = lots_of(y, g)
    without = [_values(metric, y, pairs, lots != lot).mean() for lot in range(lots.max() + 1)]
    people = float(jackknife_variance(np.array(without)))
    if not between + people:
        return result | {"no_interval": "no interval, nothing varies"}
    worth = min(effective_groups(y, g), MOST_LOTS)
    freedom = _freedom(between, len(values) - 1, people, worth - 1)
    return result | _interval(float(values.mean()), between + people, freedom, confidence)


def _values(
    metric: Metric,
    labels: NDArray[np.int64],
    pairs: Sequence[tuple[NDArray[np.float64], NDArray[np.float64]]],
    kept: NDArray[np.bool_],
) -> NDArray[np.float64]:
    y = labels[kept]
    return np.array([metric(y, first[kept]) - metric(y, second[kept]) for first, second in pairs])


def _freedom(between: float, seeds: int, people: float, groups: float) -> float:
    parts = [variance**2 / count for variance, count in ((between, seeds), (people, groups)) if variance]
    return (between + people) ** 2 / sum(parts)


def _interval(value: float, variance: float, freedom: float, confidence: float) -> dict[str, float]:
    error = variance**0.5
    half = float(stdtrit(freedom, (1 + confidence) / 2)) * error
    p = float(2 * stdtr(freedom, -abs(value) / error))
    return {"low": max(-1.0, value - half), "high": min(1.0, value + half), "p": p}

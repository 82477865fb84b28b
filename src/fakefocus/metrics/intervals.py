"""Intervals of metrics in [0, 1] over identity groups: a group jackknife in Wilson's form, with Student's t.

Clips of one person are not independent, so that whole groups are what varies: the variance of a metric is that of the
metric without one group each time (Tukey 1958, https://doi.org/10.1214/aoms/1177706647). It is turned into an effective
number of independent decisions, and that into Wilson's interval, which stays in [0, 1], as for proportions of clustered
samples (Franco, Little, Louis & Slud 2019, https://pmc.ncbi.nlm.nih.gov/articles/PMC6690503). Student's t stands for
the normal quantile, since the variance comes from few groups.

Groups of unequal size count as fewer (Kish 1965: the squared sum of sizes over the sum of squares), and what counts is
the class with fewer of them. Assumptions: groups are independent of each other and drawn alike; the detector is given,
its training is not part of what varies. ``benchmarks/coverage.py`` measures how often the truth is inside.
"""

from collections.abc import Callable
from typing import Any, TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

METHOD = "group jackknife, Wilson's form with Student's t"
MIN_GROUPS = 5
"""Effective groups of each class below which there is no interval: the bound on what a group is worth would make it,
not the scores; with four, of 2 reals and 4 fakes each, it would be .6 wide at a true AUC of .7."""
MOST_LOTS = 100
"""Beyond so many groups, several are left out together."""
_DECISIONS = 4
"""A group without an error is worth at most so many independent decisions, however many clips it has."""

_LEAST = 1e-9
"""Decisions of a metric at 0 or 1 whose variance is not 0: its interval is nearly all of [0, 1]."""

Metric = Callable[[NDArray[np.int64], NDArray[np.float64]], float]


class Interval(TypedDict):
    """Both ends, in [0, 1]."""

    low: float
    high: float


def effective_groups(labels: ArrayLike, groups: ArrayLike, classes: tuple[int, ...] = (0, 1)) -> float:
    """Return how many groups of equal size those of the class with fewer are worth; 0 where a class is missing."""
    y, g = np.asarray(labels), np.asarray(groups)
    sizes = [np.unique(g[y == label], return_counts=True)[1] for label in classes]
    return float(min(n.sum() ** 2 / max(1, (n**2).sum()) for n in sizes))


def why_no_interval(labels: ArrayLike, groups: ArrayLike) -> str:
    """Return in words why there is no interval; empty where there is one."""
    y, g = np.asarray(labels), np.asarray(groups)
    effective, count = effective_groups(y, g), min(len(np.unique(g[y == label])) for label in (0, 1))
    if not count:
        return "no interval, a class is missing"
    if effective >= MIN_GROUPS:
        return ""
    # rounded down: 4.96 must not read as enough
    worth = f"{count}" if effective == count else f"{count} of unequal size, worth {np.floor(10 * effective) / 10:g}"
    return f"too few groups for an interval ({worth}; at least {MIN_GROUPS} of each class)"


def group_interval(
    metric: Metric, labels: ArrayLike, scores: ArrayLike, groups: ArrayLike, confidence: float
) -> Interval | None:
    """Return the interval of a metric in [0, 1]; None where effective groups are fewer than `MIN_GROUPS`.

    Args:
        metric: Takes labels and scores.
        labels: ``(N,)``, 0 real or 1 fake.
        scores: ``(N,)``.
        groups: ``(N,)`` identity groups.
        confidence: Share of intervals that should contain the truth, .95 for 95 %.
    """
    y, s, g = np.asarray(labels, dtype=np.int64), np.asarray(scores, dtype=float), np.asarray(groups)
    count = effective_groups(y, g)
    if count < MIN_GROUPS:
        return None
    lots = lots_of(y, g)
    without = np.array([metric(y[lots != lot], s[lots != lot]) for lot in range(lots.max() + 1)])
    low, high = wilson(metric(y, s), jackknife_variance(without), count, len(y), confidence)
    return {"low": float(low), "high": float(high)}


def jackknife_variance(without: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the variance of a metric from its values without one group each, ``(…, groups)``."""
    count = without.shape[-1]
    return np.asarray((count - 1) * without.var(axis=-1))


def wilson(
    value: ArrayLike, variance: ArrayLike, groups: float, clips: int, confidence: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return Wilson's interval for as many decisions as explain ``variance``, at most what ``groups`` can be worth.

    A sample that is separated shows no variance, which does not say that there is none. A group is therefore worth four
    decisions at most, and no more than there are clips; the more groups' worth of errors there are, the better they
    show their variance, and the less it is bounded.

    Args:
        value: The metric in [0, 1], of any shape.
        variance: Its variance, of the same shape.
        groups: Effective number of groups, above 1.
        clips: Number of samples.
        confidence: Coverage, .95 for 95 %.
    """
    value, variance = np.asarray(value, dtype=float), np.asarray(variance, dtype=float)
    spread = value * (1 - value)
    most = min(_DECISIONS * groups, clips) * (1 + groups * spread)
    decisions = np.divide(spread, variance, out=np.array(most), where=variance * most > spread)
    weight = student_quantile(groups, confidence) ** 2 / np.maximum(decisions, _LEAST)
    centre, half = value + weight / 2, np.sqrt(weight * spread + weight**2 / 4)
    # the estimate is inside, whatever is rounded
    low = np.clip((centre - half) / (1 + weight), 0.0, value)
    high = np.clip((centre + half) / (1 + weight), value, 1.0)
    return np.asarray(low), np.asarray(high)


def student(
    value: ArrayLike, variance: ArrayLike, groups: float, confidence: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return Student's interval around a value that has no bounds, such as a difference.

    Args:
        value: Of any shape; ``variance`` of the same.
        variance: Its variance.
        groups: Effective number of groups, above 1.
        confidence: Coverage, .95 for 95 %.
    """
    centre = np.asarray(value, dtype=float)
    half = student_quantile(groups, confidence) * np.sqrt(np.asarray(variance, dtype=float))
    return np.asarray(centre - half), np.asarray(centre + half)


def student_quantile(groups: float, confidence: float) -> float:
    """Return how many deviations Student's t of so many groups reaches to either side."""
    return float(stdtrit(min(groups, MOST_LOTS) - 1, (1 + confidence) / 2))


def lots_of(labels: NDArray[np.int64], groups: NDArray[Any]) -> NDArray[np.int64]:
    """Return a number from 0 for each sample: its group, or one of a hundred lots of groups.

    Groups of the class that fewer groups have are dealt out to the lots first: no lot has all of them. The order of the
    samples does not matter.
    """
    names, member = np.unique(groups, return_inverse=True)
    by_class = [np.bincount(member[labels == label], minlength=len(names)) for label in (0, 1)]
    rare = min(by_class, key=np.count_nonzero)
    rank = np.empty(len(names), dtype=np.int64)
    rank[np.argsort(-rare, kind="stable")] = np.arange(len(names))
    return np.asarray(rank[member] % MOST_LOTS)


def leave_out(lots: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the weights of all lots, and below them those without one lot each: ``(1 + L, L)``."""
    count = int(lots.max()) + 1
    return np.vstack([np.ones(count), 1 - np.eye(count)])

"""Metrics of scores in [0, 1] against labels 0 real and 1 fake, with intervals over identity groups."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fakefocus.metrics.intervals import Metric, group_interval, why_no_interval


def roc_curve(labels: ArrayLike, scores: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return false alarm and hit rates in [0, 1] from (0, 0) to (1, 1), one point a distinct score.

    Raises:
        ValueError: If one class is missing.
    """
    hits, alarms = _counts(np.asarray(labels), np.asarray(scores, dtype=float))
    if not hits[-1] or not alarms[-1]:
        msg = f"a ROC curve needs both classes, got {alarms[-1]:.0f} real and {hits[-1]:.0f} fake"
        raise ValueError(msg)
    return np.append(0.0, alarms / alarms[-1]), np.append(0.0, hits / hits[-1])


def auc(labels: ArrayLike, scores: ArrayLike) -> float:
    """Return the area under the ROC curve; NaN where one class is missing (undefined, not 0)."""
    if not _has_both(labels):
        return float("nan")
    alarm, hit = roc_curve(labels, scores)
    return float(np.trapezoid(hit, alarm))


def average_precision(labels: ArrayLike, scores: ArrayLike) -> float:
    """Return the average precision of the class fake; NaN where one class is missing."""
    if not _has_both(labels):
        return float("nan")
    hits, alarms = _counts(np.asarray(labels), np.asarray(scores, dtype=float))
    return float(np.sum(np.diff(hits, prepend=0.0) / hits[-1] * hits / (hits + alarms)))


def equal_error_rate(labels: ArrayLike, scores: ArrayLike) -> float:
    """Return the rate at which as many reals pass for fakes as fakes for reals, in [0, 1].

    Read off the straight lines between the points of the ROC curve; NaN where one class is missing.
    """
    if not _has_both(labels):
        return float("nan")
    alarm, hit = roc_curve(labels, scores)
    gap = 1 - hit - alarm
    after = int(np.argmax(gap <= 0))
    share = gap[after - 1] / (gap[after - 1] - gap[after])
    return float(alarm[after - 1] + share * (alarm[after] - alarm[after - 1]))


def equal_error_threshold(labels: ArrayLike, scores: ArrayLike) -> float:
    """Return the threshold at which reals and fakes are mistaken about equally often.

    It lies halfway between the two scores around the crossing of both rates; NaN where one class is missing.
    """
    if not _has_both(labels):
        return float("nan")
    alarm, hit = roc_curve(labels, scores)
    distinct = np.unique(np.asarray(scores, dtype=float))[::-1]
    # the point before a distinct score calls only what is above it
    nearest = int(np.argmin(np.abs(1 - hit - alarm)))
    above = distinct[nearest - 1] if nearest > 0 else 1.0
    below = distinct[nearest] if nearest < len(distinct) else 0.0
    return float((above + below) / 2)


def accuracy(labels: ArrayLike, scores: ArrayLike, threshold: float) -> float:
    """Return the share of right decisions at ``threshold``; NaN for no samples."""
    if not len(np.asarray(labels)):
        return float("nan")
    return float(np.mean((np.asarray(scores) >= threshold) == (np.asarray(labels) == 1)))


def f1(labels: ArrayLike, scores: ArrayLike, threshold: float) -> float:
    """Return F1 of the class fake at ``threshold``; 0 where no fake is found."""
    y, called = np.asarray(labels) == 1, np.asarray(scores) >= threshold
    return float(2 * np.sum(y & called) / max(1, np.sum(y) + np.sum(called)))


def summary(
    labels: ArrayLike, scores: ArrayLike, groups: ArrayLike, *, threshold: float, confidence: float
) -> dict[str, Any]:
    """Return all metrics with their intervals, and the counts behind them.

    Args:
        labels: ``(N,)``, 0 real or 1 fake.
        scores: ``(N,)`` in [0, 1].
        groups: ``(N,)`` identity groups; clips of one person are not independent, whole groups are what varies.
        threshold: Score from which a sample is called fake.
        confidence: Coverage of the intervals, .95 for 95 %; see `fakefocus.metrics.intervals` for how they are made.

    Returns:
        ``{"auc": {"value", "low", "high"}, "ap": …, "eer": …, "accuracy": …, "f1": …, "real": n, "fake": n,
        "groups": n, "no_interval": ""}``; an undefined value is None. Without intervals ``low`` and ``high`` are None,
        and ``no_interval`` says why: a class is missing, or groups are too few.
    """
    y, s, g = np.asarray(labels, dtype=np.int64), np.asarray(scores, dtype=float), np.asarray(groups)
    measures: Mapping[str, Metric] = {
        "auc": auc,
        "ap": average_precision,
        "eer": equal_error_rate,
        "accuracy": lambda a, b: accuracy(a, b, threshold),
        "f1": lambda a, b: f1(a, b, threshold),
    }
    result: dict[str, Any] = {
        name: {"value": _number(measure(y, s)), "low": None, "high": None}
        | (group_interval(measure, y, s, g, confidence) or {})
        for name, measure in measures.items()
    }
    counts = {"real": int((y == 0).sum()), "fake": int((y == 1).sum()), "groups": len(np.unique(g))}
    return result | counts | {"no_interval": why_no_interval(y, g)}


def _has_both(labels: ArrayLike) -> bool:
    return len(set(np.asarray(labels).tolist())) == 2


def _counts(labels: NDArray[Any], scores: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how many fakes and how many reals score at least each distinct score, from the highest down."""
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0, True)
    hits = np.cumsum(labels[order] == 1)[last]
    return hits.astype(float), (np.flatnonzero(last) + 1 - hits).astype(float)


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)

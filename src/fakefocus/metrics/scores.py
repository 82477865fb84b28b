"""Metrics of scores in [0, 1] against labels 0 real and 1 fake, with intervals over identity groups."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fakefocus.metrics.intervals import (
    MIN_GROUPS,
    effective_groups,
    jackknife_variance,
    leave_out,
    lots_of,
    student,
    why_no_interval,
    wilson,
)
from fakefocus.metrics.weighted import ALARM_RATES, CALIBRATION, all_metrics, measure


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


def risk_coverage_curve(
    labels: ArrayLike, scores: ArrayLike, threshold: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return coverages in (0, 1] and the error rates of the rows that are kept, those far from ``threshold`` first.

    Both are empty where there is no row.
    """
    y, s = np.asarray(labels), np.asarray(scores, dtype=float)
    if not len(y):
        return np.empty(0), np.empty(0)
    distance = np.abs(s - threshold)
    order = np.argsort(-distance, kind="stable")
    last = np.append(np.diff(distance[order]) != 0, True)
    kept = np.arange(1, len(y) + 1)
    wrong = np.cumsum(((s >= threshold) != (y == 1))[order])
    return kept[last] / len(y), (wrong / kept)[last]


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
    labels: ArrayLike,
    scores: ArrayLike,
    groups: ArrayLike,
    *,
    threshold: float,
    confidence: float,
    probabilities: bool = True,
    draw_rates: bool = True,
    only: tuple[str, ...] | None = None,
) -> dict[str, Any]:
    """Return all metrics with their intervals, and the counts behind them.

    Args:
        labels: ``(N,)``, 0 real or 1 fake.
        scores: ``(N,)``, higher for fakes.
        groups: ``(N,)`` identity groups; clips of one person are not independent, whole groups are what varies.
        threshold: Score from which a sample is called fake.
        confidence: Coverage of the intervals, .95 for 95 %; see `fakefocus.metrics.intervals` for how they are made.
        probabilities: Whether scores are probabilities of fake in [0, 1]; otherwise calibration is undefined.
        draw_rates: Whether the share of fakes found at a rate of false alarms gets an interval, from a bootstrap over
            groups: a jackknife does not know the variance of what a single real decides.
        only: Names of `fakefocus.metrics.weighted.all_metrics`, by default all of them.

    Returns:
        By each name of ``only`` ``{"value", "low", "high"}``; and ``real``, ``fake``,
        ``groups``: how many; ``no_interval``: "", or why metrics of both classes have none. An undefined value is
        None: a class is missing, there are fewer reals than a rate of false alarms needs, or nothing is called fake.
        ``low`` and ``high`` are None without an interval: groups are too few, or the metric has none (``ece`` is too
        high in any small sample, so that no interval around it would cover; a rate of false alarms needs reals of
        2.5 groups above its threshold).
    """
    y, s = np.asarray(labels, dtype=np.int64), np.asarray(scores, dtype=float)
    g = np.unique(np.asarray(groups), return_inverse=True)[1]
    counts = {"real": int((y == 0).sum()), "fake": int((y == 1).sum()), "groups": len(np.unique(g))}
    only = all_metrics() if only is None else only
    values = _with_lots_left_out(y, s, g, threshold, tuple(n for n in only if probabilities or n not in CALIBRATION))
    asked: tuple[tuple[int, ...], ...] = ((0, 1), (0,), (1,))
    effective = {classes: effective_groups(y, g, classes) for classes in asked}
    result: dict[str, Any] = {
        name: _judged(name, values.get(name), effective[_CLASSES.get(name, (0, 1))], len(y), confidence)
        for name in only
    }
    rates = {name: rate for name, rate in ALARM_RATES.items() if name in only}
    for name, rate in rates.items():
        if counts["real"] * rate < 1 - 1e-9:
            result[name] = dict(_UNDEFINED)
    defined = [name for name in rates if result[name]["value"] is not None]
    drawn = [name for name in defined if effective[(0,)] * rates[name] >= _ALARMED_GROUPS]
    if draw_rates and drawn and effective[(0, 1)] >= MIN_GROUPS:
        for name, bounds in _rate_intervals(y, s, g, tuple(drawn), confidence).items():
            value = result[name]["value"]
            # the estimate is inside, whatever was drawn
            result[name] |= {"low": min(bounds["low"], value), "high": max(bounds["high"], value)}
    return result | counts | {"no_interval": why_no_interval(y, g)}


def by_category(
    labels: ArrayLike,
    scores: ArrayLike,
    groups: ArrayLike,
    categories: ArrayLike,
    *,
    threshold: float,
    confidence: float,
    probabilities: bool = True,
    only: tuple[str, ...] | None = None,
) -> dict[str, dict[str, Any]]:
    """Return `summary` of the fakes of each category against all reals, by the category's name.

    Args:
        labels: ``(N,)``, 0 real or 1 fake.
        scores: ``(N,)``, higher for fakes.
        groups: ``(N,)`` identity groups.
        categories: ``(N,)`` text, of fakes their method or generator; what it is of reals does not matter.
        threshold: As of `summary`, and so are ``confidence``, ``probabilities`` and ``only``.
        confidence: See there.
        probabilities: See there.
        only: See there; of hundreds of categories, few metrics take a third of the time.
    """
    y, s = np.asarray(labels, dtype=np.int64), np.asarray(scores, dtype=float)
    g = np.unique(np.asarray(groups), return_inverse=True)[1]
    names, member = np.unique(np.asarray(categories).astype(str)[y == 1], return_inverse=True)
    real, fake = np.flatnonzero(y == 0), np.flatnonzero(y == 1)
    options: dict[str, Any] = {"threshold": threshold, "confidence": confidence, "probabilities": probabilities}
    options["only"] = only
    rows = {str(name): np.concatenate([real, fake[member == place]]) for place, name in enumerate(names)}
    # hundreds of bootstraps would take minutes
    return {
        name: summary(y[chosen], s[chosen], g[chosen], draw_rates=False, **options) for name, chosen in rows.items()
    }


_UNDEFINED: dict[str, float | None] = {"value": None, "low": None, "high": None}
_ALARMED_GROUPS = 2.5
_DRAWS = 400
_CLASSES: Mapping[str, tuple[int, ...]] = {"specificity": (0,), "recall": (1,)}
"""Of which class a metric is, where not of both."""


def _with_lots_left_out(
    labels: NDArray[np.int64],
    scores: NDArray[np.float64],
    groups: NDArray[np.int64],
    threshold: float,
    only: tuple[str, ...],
) -> dict[str, NDArray[np.float64]]:
    """Return metrics of all rows, and after it those without one lot of groups each."""
    if not len(labels):
        return {}
    lots = lots_of(labels, groups)
    return measure(labels, scores, lots, leave_out(lots), threshold=threshold, only=only)


def _rate_intervals(
    labels: NDArray[np.int64],
    scores: NDArray[np.float64],
    groups: NDArray[np.int64],
    names: tuple[str, ...],
    confidence: float,
) -> dict[str, dict[str, float]]:
    """Return percentiles of a bootstrap over groups, in a hundred lots where they are more."""
    lots = lots_of(labels, groups)
    count = int(lots.max()) + 1
    weights = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), _DRAWS)
    tail = (1 - confidence) / 2
    drawn = measure(labels, scores, lots, weights, threshold=0.0, only=names)
    ends = {name: np.nanquantile(values, [tail, 1 - tail]) for name, values in drawn.items()}
    return {name: {"low": float(low), "high": float(high)} for name, (low, high) in ends.items()}


def _judged(
    name: str, values: NDArray[np.float64] | None, effective: float, rows: int, confidence: float
) -> dict[str, float | None]:
    """Return a value with its interval, from the value of all rows and those without one lot each."""
    if values is None or np.isnan(values[0]):
        return dict(_UNDEFINED)
    value, without = float(values[0]), values[1:]
    if effective < MIN_GROUPS or name == "ece" or name in ALARM_RATES or np.isnan(without).any():
        return {"value": value, "low": None, "high": None}
    variance = jackknife_variance(without)
    bounds = student if name == "log_loss" else partial(wilson, clips=rows)
    low, high = bounds(value, variance, groups=effective, confidence=confidence)
    return {"value": value, "low": max(0.0, float(low)), "high": float(high)}


def _has_both(labels: ArrayLike) -> bool:
    return len(set(np.asarray(labels).tolist())) == 2


def _counts(labels: NDArray[Any], scores: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return how many fakes and how many reals score at least each distinct score, from the highest down."""
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0, True)
    hits = np.cumsum(labels[order] == 1)[last]
    return hits.astype(float), (np.flatnonzero(last) + 1 - hits).astype(float)

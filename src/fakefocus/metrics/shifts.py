"""What a change of the input does to the scores of samples of one class, with intervals over identity groups."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fakefocus.metrics.intervals import MIN_GROUPS, effective_groups, jackknife_variance, student

METHOD = "group jackknife with Student's t"


def score_shift(
    before: ArrayLike, after: ArrayLike, groups: ArrayLike, *, threshold: float, confidence: float
) -> dict[str, Any]:
    """Return how scores of the same samples moved, and how many more of them reach a threshold.

    Args:
        before: ``(N,)`` scores in [0, 1].
        after: ``(N,)`` of the same samples, changed.
        groups: ``(N,)`` identity groups.
        threshold: Score from which a sample is called fake.
        confidence: Coverage of the intervals, .95 for 95 %.

    Returns:
        ``{"samples": n, "groups": n, "change": {"value", "low", "high"}, "called_fake_before": share,
        "called_fake": share, "called_fake_change": {"value", "low", "high"}}``: mean change of the score, and of the
        share that is called fake, both in [-1, 1]. Values are None without samples; ends are None where groups of
        equal size are worth fewer than `MIN_GROUPS`, or where all of them changed alike, which shows no spread.
    """
    first, second, g = np.asarray(before, dtype=float), np.asarray(after, dtype=float), np.asarray(groups)
    called = [(scores >= threshold).astype(float) for scores in (first, second)]
    return {
        "samples": len(first),
        "groups": len(np.unique(g)),
        "change": mean_interval(second - first, g, confidence),
        "called_fake_before": _mean(called[0]),
        "called_fake": _mean(called[1]),
        "called_fake_change": mean_interval(called[1] - called[0], g, confidence),
    }


def mean_interval(values: ArrayLike, groups: ArrayLike, confidence: float) -> dict[str, float | None]:
    """Return a mean and its interval; whole groups are what varies (Tukey's jackknife, Student's t).

    Student's t is that of as many groups as those of unequal size are worth (`effective_groups`).
    """
    v, g = np.asarray(values, dtype=float), np.asarray(groups)
    mean, count = _mean(v), effective_groups(np.zeros(len(v)), g, classes=(0,))
    if mean is None or count < MIN_GROUPS:
        return {"value": mean, "low": None, "high": None}
    _, member, sizes = np.unique(g, return_inverse=True, return_counts=True)
    without = (v.sum() - np.bincount(member, weights=v)) / (len(v) - sizes)
    low, high = student(mean, jackknife_variance(without), count, confidence)
    if high - low < np.finfo(float).eps:
        return {"value": mean, "low": None, "high": None}
    return {"value": mean, "low": float(low), "high": float(high)}


def _mean(values: NDArray[np.float64]) -> float | None:
    return float(values.mean()) if len(values) else None

"""One detector on several data sets: errors at one threshold, the mean of AUCs, and the AUC of all sets together.

An AUC of one data set compares scores within it. A detector that gives all of a second set higher scores keeps both
AUCs, and no threshold serves both; the AUC of all scores on one scale falls, and the gap between the mean and it tells
by how much (arXiv 2606.19184, 2026).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from fakefocus.metrics.intervals import (
    MOST_BLOCKS,
    blocks,
    effective_groups,
    jackknife_variance,
    why_no_interval,
    wilson,
)
from fakefocus.metrics.scores import auc


class Scored(NamedTuple):
    """A data set as a detector scored it: ``(N,)`` labels 0 or 1, scores in [0, 1], and identity groups."""

    labels: NDArray[np.int64]
    scores: NDArray[np.float64]
    groups: NDArray[Any]


def false_alarm_rate(labels: NDArray[np.int64], scores: NDArray[np.float64], threshold: float) -> float:
    """Return the share of reals that score at least ``threshold``; NaN for none."""
    reals = scores[labels == 0]
    return float(np.mean(reals >= threshold)) if len(reals) else float("nan")


def miss_rate(labels: NDArray[np.int64], scores: NDArray[np.float64], threshold: float) -> float:
    """Return the share of fakes that score less than ``threshold``; NaN for none."""
    fakes = scores[labels == 1]
    return float(np.mean(fakes < threshold)) if len(fakes) else float("nan")


def cross_aucs(sets: Sequence[Scored]) -> list[list[float]]:
    """Return the AUC of the reals of one set (row) against the fakes of another (column).

    The diagonal holds the AUCs of the sets; where scores are shifted, one side of it is lower than the other.
    """
    return [[_reals_against_fakes(reals, fakes) for fakes in sets] for reals in sets]


def pool(sets: Sequence[Scored], confidence: float) -> dict[str, Any]:
    """Return the mean of the AUCs of ``sets``, the AUC of all of them on one scale, and the gap between both.

    Groups are of one set each, and what varies: the variance of each quantity is the sum over sets of that of the group
    jackknife within the set (Jones 1974, https://doi.org/10.1093/biomet/61.2.343), and mean,
    pooled AUC and gap come from the same draws. Mean and pooled AUC get intervals in Wilson's form, as single AUCs; the
    gap, which may have either sign, one of Student's t, with Satterthwaite's degrees of freedom
    (https://doi.org/10.2307/3002019).

    Args:
        sets: Each with both classes.
        confidence: Coverage, .95 for 95 %.

    Returns:
        ``{"mean": {"value", "low", "high"}, "pooled": …, "gap": …, "no_interval": ""}``; without intervals both ends
        are None, and ``no_interval`` says why.

    Raises:
        ValueError: If a set lacks a class.
    """
    if any(len(np.unique(one.labels)) < 2 for one in sets):
        msg = "a mean of AUCs needs both classes in each data set"
        raise ValueError(msg)
    values = _quantities(sets)
    names = ("mean", "pooled", "gap")
    reasons = [reason for one in sets if (reason := why_no_interval(one.labels, one.groups))]
    if reasons:
        return {n: _interval(v, None) for n, v in zip(names, values, strict=True)} | {"no_interval": reasons[0]}
    parts = np.stack([jackknife_variance(_without_each_group(sets, place)) for place in range(len(sets))])
    groups = np.array([min(effective_groups(one.labels, one.groups), MOST_BLOCKS) for one in sets])
    clips = sum(len(one.labels) for one in sets)
    result: dict[str, Any] = {}
    for place, name in enumerate(names[:2]):
        worth = _degrees_of_freedom(parts[:, place], groups) + 1
        low, high = wilson(values[place], parts[:, place].sum(), worth, clips, confidence)
        result[name] = _interval(values[place], (float(low), float(high)))
    return result | {"gap": _gap(values[2], parts[:, 2], groups, confidence), "no_interval": ""}


def _gap(value: float, parts: NDArray[np.float64], groups: NDArray[np.float64], confidence: float) -> dict[str, Any]:
    """Return the gap with its interval; none where leaving out any group changes nothing: it is not exact then."""
    if not parts.sum() > 0:
        return _interval(value, None)
    half = stdtrit(_degrees_of_freedom(parts, groups), (1 + confidence) / 2) * np.sqrt(parts.sum())
    return _interval(value, (float(value - half), float(value + half)))


def _quantities(sets: Sequence[Scored]) -> NDArray[np.float64]:
    """Return mean, pooled AUC and gap, ``(3,)``."""
    mean = float(np.mean([auc(one.labels, one.scores) for one in sets]))
    return _with_gap(mean, _pooled(sets))


def _with_gap(mean: float, pooled: float) -> NDArray[np.float64]:
    return np.array([mean, pooled, mean - pooled])


def _pooled(sets: Sequence[Scored]) -> float:
    return auc(np.concatenate([one.labels for one in sets]), np.concatenate([one.scores for one in sets]))


def _without_each_group(sets: Sequence[Scored], place: int) -> NDArray[np.float64]:
    """Return mean, pooled AUC and gap without each group of one set: ``(3, groups)``."""
    member = blocks(sets[place].labels, sets[place].groups)
    own = [auc(one.labels, one.scores) for one in sets]
    columns = []
    for left_out in range(member.max() + 1):
        smaller = Scored(*(np.asarray(values)[member != left_out] for values in sets[place]))
        aucs = [*own[:place], auc(smaller.labels, smaller.scores), *own[place + 1 :]]
        columns.append(_with_gap(float(np.mean(aucs)), _pooled([*sets[:place], smaller, *sets[place + 1 :]])))
    return np.stack(columns, axis=1)


def _degrees_of_freedom(parts: NDArray[np.float64], groups: NDArray[np.float64]) -> float:
    """Return Satterthwaite's degrees of freedom of a sum of variances; those of the smallest set if all are zero."""
    total = parts.sum()
    if not total > 0:
        return float(groups.min() - 1)
    return float(total**2 / (parts**2 / (groups - 1)).sum())


def _reals_against_fakes(reals: Scored, fakes: Scored) -> float:
    one, other = reals.scores[reals.labels == 0], fakes.scores[fakes.labels == 1]
    return auc(np.repeat([0, 1], [len(one), len(other)]), np.concatenate([one, other]))


def _interval(value: float, ends: tuple[float, float] | None) -> dict[str, float | None]:
    low, high = ends if ends is not None else (None, None)
    return {"value": float(value), "low": low, "high": high}

"""One detector on several data sets: the mean of their AUCs, and the AUC of all sets together.

An AUC of one data set compares scores within it. A detector that gives all of a second set higher scores keeps both
AUCs, and no threshold serves both; the AUC of all scores on one scale falls, and the gap between the mean and it tells
by how much (arXiv 2606.19184, 2026).
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fakefocus.metrics.intervals import (
    MOST_LOTS,
    effective_groups,
    group_interval,
    jackknife_variance,
    leave_out,
    lots_of,
    student,
    why_no_interval,
    wilson,
)
from fakefocus.metrics.scores import auc
from fakefocus.metrics.weighted import measure

_NAMES = ("mean", "pooled", "gap")


class Scored(NamedTuple):
    """A data set as a detector scored it: ``(N,)`` labels 0 or 1, scores in [0, 1], and identity groups."""

    labels: NDArray[np.int64]
    scores: NDArray[np.float64]
    groups: NDArray[Any]


def cross_aucs(sets: Sequence[Scored], confidence: float) -> list[list[dict[str, float | None]]]:
    """Return the AUC of the reals of one set (row) against the fakes of another (column).

    The diagonal holds the AUCs of the sets. Where all scores of a set are shifted, one side of the diagonal is lower
    and the other higher, and in the pooled AUC both may cancel: the lowest shows the shift. Each is ``{"value", "low",
    "high"}``, without interval where groups are too few.
    """
    return [[_reals_against_fakes(reals, fakes, confidence) for fakes in sets] for reals in sets]


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
    values, without = _with_lots_left_out(sets)
    reasons = [reason for one in sets if (reason := why_no_interval(one.labels, one.groups))]
    if reasons:
        return {name: _interval(value) for name, value in zip(_NAMES, values, strict=True)} | {
            "no_interval": reasons[0]
        }
    parts = np.stack([jackknife_variance(of_set) for of_set in without])
    groups = np.array([min(effective_groups(one.labels, one.groups), MOST_LOTS) for one in sets])
    clips = sum(len(one.labels) for one in sets)
    result: dict[str, Any] = {}
    for place, name in enumerate(_NAMES):
        value, of_sets = values[place], parts[:, place]
        worth = _degrees_of_freedom(of_sets, groups) + 1
        if name != "gap":
            ends = wilson(value, of_sets.sum(), worth, clips, confidence)
        else:
            ends = student(value, of_sets.sum(), worth, confidence)
        # a gap that no left-out group changes is not exact: its interval is unknown
        unknown = name == "gap" and not of_sets.sum() > 0
        result[name] = _interval(value) if unknown else _interval(value, *ends)
    return result | {"no_interval": ""}


def _with_lots_left_out(sets: Sequence[Scored]) -> tuple[NDArray[np.float64], list[NDArray[np.float64]]]:
    """Return mean, pooled AUC and gap ``(3,)``, and for each set ``(3, L)`` those without one of its lots each."""
    lots = [lots_of(one.labels, one.groups) for one in sets]
    own = [_aucs(one, its_lots) for one, its_lots in zip(sets, lots, strict=True)]
    starts = np.cumsum([0, *(int(its_lots.max()) + 1 for its_lots in lots)])
    together = Scored(*(np.concatenate(column) for column in zip(*sets, strict=True)))
    pooled = _aucs(together, np.concatenate([n + start for n, start in zip(lots, starts[:-1], strict=True)]))
    mean = float(np.mean([aucs[0] for aucs in own]))
    without = []
    for aucs, start, stop in zip(own, starts[:-1], starts[1:], strict=True):
        means = mean + (aucs[1:] - aucs[0]) / len(sets)
        all_on_one_scale = pooled[1 + start : 1 + stop]
        without.append(np.stack([means, all_on_one_scale, means - all_on_one_scale]))
    return np.array([mean, pooled[0], mean - pooled[0]]), without


def _aucs(scored: Scored, lots: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the AUC of all rows, and after it those without one lot each."""
    return measure(scored.labels, scored.scores, lots, leave_out(lots), threshold=0.0, only=("auc",))["auc"]


def _degrees_of_freedom(parts: NDArray[np.float64], groups: NDArray[np.float64]) -> float:
    """Return Satterthwaite's degrees of freedom of a sum of variances; those of the smallest set if all are zero."""
    total = parts.sum()
    if not total > 0:
        return float(groups.min() - 1)
    return float(total**2 / (parts**2 / (groups - 1)).sum())


def _reals_against_fakes(reals: Scored, fakes: Scored, confidence: float) -> dict[str, float | None]:
    parts = [[column[one.labels == label] for column in one] for label, one in enumerate((reals, fakes))]
    both = Scored(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    ends = group_interval(auc, *both, confidence) or {"low": None, "high": None}
    return _interval(auc(both.labels, both.scores), ends["low"], ends["high"])


def _interval(value: float, low: Any = None, high: Any = None) -> dict[str, float | None]:  # noqa: ANN401
    ends = {name: None if end is None else float(end) for name, end in (("low", low), ("high", high))}
    return {"value": float(value), **ends}

"""Every metric of one set of scores under many weightings of its rows: sorted once, counted with weights.

A weighting says how often each unit (an identity group, or a lot of them) counts: 0 leaves it out, 2 draws it twice.
Jackknives and bootstraps of `fakefocus.metrics.intervals` and `fakefocus.metrics.comparison` are weightings.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from fakefocus.metrics.extended import extended_metrics, values_of

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

ALARM_RATES: Mapping[str, float] = {"tpr_at_5": 0.05, "tpr_at_1": 0.01, "tpr_at_01": 0.001}
"""Rates of reals called fake at which the rate of fakes called fake is read, by the name of the metric."""
PARTIAL = 0.1
"""The partial AUC is over false alarm rates up to this one."""
BINS = 15
"""Bins of equal width for the expected calibration error."""
_CELLS = 100_000
"""So many weights are worked on at once."""

RANKING = ("auc", "ap", "eer", "partial_auc", *ALARM_RATES)
"""What the order of scores decides."""
DECISIONS = ("accuracy", "balanced_accuracy", "specificity", "recall", "precision", "f1", "aurc")
"""What a threshold decides."""
CALIBRATION = ("brier", "ece", "log_loss")
"""What asks whether a score is a probability."""
METRICS = (*RANKING, *DECISIONS, *CALIBRATION)


def all_metrics() -> tuple[str, ...]:
    """Return the names of `METRICS`, and of those that other packages add."""
    return (*METRICS, *extended_metrics())


def measure(
    labels: ArrayLike,
    scores: ArrayLike,
    units: ArrayLike,
    weights: ArrayLike,
    *,
    threshold: float,
    only: tuple[str, ...] = METRICS,
) -> dict[str, Floats]:
    """Return metrics under each weighting; NaN where one is undefined.

    Args:
        labels: ``(N,)``, 0 real or 1 fake.
        scores: ``(N,)``; in [0, 1] where calibration is asked for.
        units: ``(N,)`` whole numbers from 0: which weight is a row's.
        weights: ``(D, U)``, at least 0.
        threshold: Score from which a row is called fake.
        only: Names of `all_metrics`.

    Returns:
        By name ``(D,)``: ``auc``; ``ap``: average precision of fakes; ``eer``: on the straight lines between points of
        the ROC curve; ``partial_auc``: over false alarm rates up to .1, rescaled so that chance is .5 and 1 is perfect
        (McClish 1989, https://doi.org/10.1177/0272989X8900900307); ``tpr_at_5``, ``_1``, ``_01``: share of fakes that a
        threshold finds which calls at most 5, 1 or .1 % of reals fake; ``specificity`` and ``recall``: share of right
        decisions among reals and among fakes, their mean ``balanced_accuracy``; ``precision``, ``f1``; ``aurc``: mean
        error rate over coverages where rows nearest to the threshold are refused first (Geifman & El-Yaniv 2017,
        https://arxiv.org/abs/1705.08500); ``brier``; ``ece``: over 15 bins of equal width, the last with 1 in it
        (Naeini et al. 2015); ``log_loss`` in nats.
    """
    draws = np.atleast_2d(np.asarray(weights, dtype=float))
    y, s, u = np.asarray(labels, dtype=np.int64), np.asarray(scores, dtype=float), np.asarray(units, dtype=np.int64)
    rows = Rows(y, s, u, draws.shape[1], threshold)
    chunk = max(1, _CELLS // max(1, len(rows.labels)))
    with np.errstate(divide="ignore", invalid="ignore"):
        parts = [rows.measure(draws[start : start + chunk], only) for start in range(0, len(draws), chunk)]
    return {name: np.concatenate([part[name] for part in parts]) for name in only}


@dataclass(frozen=True)
class Rows:
    """Rows in the orders that metrics need: by score, and by distance from the threshold."""

    labels: Ints
    scores: Floats
    units: Ints
    unit_count: int
    threshold: float

    def measure(self, weights: Floats, only: tuple[str, ...]) -> dict[str, Floats]:
        """Return the metrics named ``only`` under each of ``weights``, ``(D, U)``."""
        values: dict[str, Floats] = {}
        if set(only) & set(RANKING):
            values |= _ranking(*self._curve(weights), only)
        if set(only) & {*DECISIONS, *CALIBRATION}:
            values |= _decisions(weights @ self._outcomes)
        if "aurc" in only:
            values["aurc"] = self._risk(weights)
        if set(only) & set(CALIBRATION):
            values |= self._calibration(weights)
        for name in set(only) - set(METRICS):
            values[name] = values_of(name, self.labels, self.scores, weights[:, self.units], self.threshold)
        return {name: values[name] for name in only}

    @cached_property
    def _by_score(self) -> tuple[Ints, Ints, Ints, Ints, Ints]:
        """Return units of reals and of fakes, from the highest score down, and how many reach each score of a fake.

        The last three are ``(K,)`` for the distinct scores of fakes: reals above, reals from it on, fakes from it on.
        """
        order = np.argsort(-self.scores, kind="stable")
        is_fake = self.labels[order] == 1
        real, fake = order[~is_fake], order[is_fake]
        ends = np.flatnonzero(np.append(np.diff(self.scores[fake]) != 0, True)) if len(fake) else np.empty(0, np.int64)
        falling, at = -self.scores[real], -self.scores[fake][ends]
        above, from_on = np.searchsorted(falling, at, "left"), np.searchsorted(falling, at, "right")
        return self.units[real], self.units[fake], above, from_on, ends + 1

    def _curve(self, weights: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats]:
        """Return at each distinct score of a fake ``(D, K)``: hits, reals above, reals from it on; and the totals."""
        real, fake, above, from_on, ends = self._by_score
        alarms, hits = _summed(weights, real), _summed(weights, fake)
        before = _at(alarms, above)
        # no real has the score of a fake: both corners are one
        after = before if (above == from_on).all() else _at(alarms, from_on)
        return _at(hits, ends), before, after, hits[:, -1], alarms[:, -1]

    @cached_property
    def _outcomes(self) -> Floats:
        """Return ``(U, 4)``: reals and fakes of each unit, and those of both that are called fake."""
        called = self.scores >= self.threshold
        fake = self.labels == 1
        return self._by_unit(np.stack([~fake, fake, ~fake & called, fake & called], axis=1))

    @cached_property
    def _by_distance(self) -> tuple[Ints, Floats, Ints]:
        """Return units and errors of rows from the farthest from the threshold on, and where distances change."""
        distance = np.abs(self.scores - self.threshold)
        order = np.argsort(-distance, kind="stable")
        wrong = (self.scores >= self.threshold) != (self.labels == 1)
        ends = np.flatnonzero(np.append(np.diff(distance[order]) != 0, True)) if len(order) else np.empty(0, np.int64)
        return self.units[order], wrong[order].astype(float), ends + 1

    def _risk(self, weights: Floats) -> Floats:
        units, wrong, ends = self._by_distance
        rows = weights[:, units]
        kept = _at(_running(rows), ends)
        errors = _at(_running(np.multiply(rows, wrong, out=rows)), ends)
        step = kept - _shifted(kept)
        # where nothing is kept yet, nothing is at risk
        step *= np.divide(errors, kept, out=np.zeros_like(errors), where=kept > 0)
        return np.asarray(step.sum(axis=1) / kept[:, -1]) if len(units) else np.full(len(weights), np.nan)

    @cached_property
    def _probabilities(self) -> Floats:
        """Return ``(U, 2 + 3 BINS)``: squared error and log loss of each unit; of each bin rows, scores and fakes."""
        tiny = np.finfo(float).eps
        likely = np.clip(np.where(self.labels == 1, self.scores, 1 - self.scores), tiny, 1 - tiny)
        place = np.clip((self.scores * BINS).astype(np.int64), 0, BINS - 1)
        in_bin = np.eye(BINS)[place]
        parts = [in_bin, in_bin * self.scores[:, None], in_bin * self.labels[:, None]]
        return self._by_unit(np.column_stack([(self.scores - self.labels) ** 2, -np.log(likely), *parts]))

    def _by_unit(self, values: NDArray[np.generic]) -> Floats:
        """Return the sums of the rows of ``values`` by unit: ``(U, K)``."""
        columns = np.asarray(values, dtype=float).T
        return np.stack([np.bincount(self.units, column, self.unit_count) for column in columns], axis=1)

    def _calibration(self, weights: Floats) -> dict[str, Floats]:
        sums = weights @ self._probabilities
        count, score, fake = (sums[:, 2 + start * BINS : 2 + (start + 1) * BINS] for start in range(3))
        total = count.sum(axis=1)
        return {
            "brier": sums[:, 0] / total,
            "ece": np.abs(score - fake).sum(axis=1) / total,
            "log_loss": sums[:, 1] / total,
        }


def _ranking(
    hits: Floats, above: Floats, from_on: Floats, fakes: Floats, reals: Floats, only: tuple[str, ...]
) -> dict[str, Floats]:
    """Return what the order decides, from the corners of ROC curves: each distinct score of a fake has two."""
    step = hits - _shifted(hits)
    beaten = above if above is from_on else (above + from_on) / 2
    values = {"auc": 1 - np.einsum("dk,dk->d", step, beaten) / (fakes * reals)}
    if "ap" in only:
        # a weight of 0 may leave nothing at a score
        called = hits + from_on
        precision = np.divide(hits, called, out=called, where=called > 0)
        values["ap"] = np.einsum("dk,dk->d", step, precision) / np.where(reals > 0, fakes, np.nan)
    hit, before = hits / fakes[:, None], above / reals[:, None]
    after = before if above is from_on else from_on / reals[:, None]
    if "eer" in only:
        values["eer"] = _equal_error(hit, before, after)
    if "partial_auc" in only:
        values["partial_auc"] = _partial_auc(hit, before, after)
    for name in set(only) & set(ALARM_RATES):
        values[name] = _hit_rate(hit, after, ALARM_RATES[name])
    return values


def _equal_error(hit: Floats, before: Floats, after: Floats) -> Floats:
    """Return where a ROC curve meets the falling diagonal: on a level between two scores of fakes, or on a slope."""
    if not hit.shape[1]:
        return np.full(len(hit), np.nan)
    draws = np.arange(len(hit))
    crossed = _first(hit.shape, lambda column: hit[draws, column] + after[draws, column] >= 1 - 1e-12)
    start = np.where(crossed > 0, hit[draws, crossed - 1], 0.0)
    low, high = before[draws, crossed], after[draws, crossed]
    gap, rise = 1 - start - low, hit[draws, crossed] - start + high - low
    share = np.divide(gap, rise, out=np.zeros_like(gap), where=rise > 0)
    rate = np.where(gap <= 0, 1 - start, low + share * (high - low))
    # a weighting that leaves nothing of a class
    return np.where(np.isnan(hit[:, -1] + after[:, -1]), np.nan, rate)


def _partial_auc(hit: Floats, before: Floats, after: Floats) -> Floats:
    """Return the area over false alarm rates up to `PARTIAL`, rescaled to .5 for chance and 1 for perfect."""
    if not hit.shape[1]:
        return np.full(len(hit), np.nan)
    # beyond these columns no curve has a corner at so low a rate
    columns = 1 + int((np.fmin.reduce(before, axis=0) < PARTIAL).sum())
    hit, before, after = hit[:, :columns], before[:, :columns], after[:, :columns]
    start, left, right = _shifted(hit), np.minimum(before, PARTIAL), np.minimum(after, PARTIAL)
    level = start * (left - _shifted(right))
    width = after - before
    share = np.divide(right - left, width, out=np.zeros_like(width), where=width > 0)
    slope = (right - left) * (start + (hit - start) * share / 2)
    area = (level + slope).sum(axis=1) + hit[:, -1] * (PARTIAL - right[:, -1])
    chance = PARTIAL**2 / 2
    return np.asarray(0.5 * (1 + (area - chance) / (PARTIAL - chance)))


def _hit_rate(hit: Floats, after: Floats, alarm_rate: float) -> Floats:
    """Return the share of fakes that the lowest threshold finds which calls at most ``alarm_rate`` of reals fake."""
    if not hit.shape[1]:
        return np.full(len(hit), np.nan)
    draws = np.arange(len(hit))
    beyond = _first(hit.shape, lambda column: ~(after[draws, column] <= alarm_rate + 1e-12), or_none=True)
    best = np.where(beyond > 0, hit[draws, beyond - 1], 0.0)
    return np.where(np.isnan(hit[:, -1] + after[:, -1]), np.nan, best)


def _first(shape: tuple[int, ...], holds: Callable[[Ints], NDArray[np.bool_]], *, or_none: bool = False) -> Ints:
    """Return for each row the first column from which on something holds, by bisection.

    Where it never holds: the last column, or with ``or_none`` the number of columns.
    """
    low = np.zeros(shape[0], dtype=np.int64)
    high = np.full(shape[0], shape[1] if or_none else shape[1] - 1)
    while (low < high).any():
        middle = (low + high) // 2
        reached = holds(np.minimum(middle, shape[1] - 1))
        high = np.where((low < high) & reached, middle, high)
        low = np.where((low < high) & ~reached, middle + 1, low)
    return low


def _shifted(values: Floats) -> Floats:
    """Return columns moved on by one, the first 0."""
    moved = np.zeros_like(values)
    moved[:, 1:] = values[:, :-1]
    return moved


def _decisions(sums: Floats) -> dict[str, Floats]:
    """Return what a threshold decides, from reals, fakes, false alarms and hits, ``(D, 4)``."""
    reals, fakes, alarms, hits = sums.T
    specificity, recall = 1 - alarms / reals, hits / fakes
    return {
        "accuracy": (reals - alarms + hits) / (reals + fakes),
        "balanced_accuracy": (specificity + recall) / 2,
        "specificity": specificity,
        "recall": recall,
        "precision": hits / (hits + alarms),
        "f1": 2 * hits / (hits + alarms + fakes),
    }


def _summed(weights: Floats, units: Ints) -> Floats:
    """Return sums of weights over the first 0, 1, … rows: ``(D, N + 1)``."""
    return _running(weights[:, units])


def _running(values: Floats) -> Floats:
    """Return sums over the first 0, 1, … columns: ``(D, N + 1)``."""
    sums = np.zeros((len(values), values.shape[1] + 1))
    np.cumsum(values, axis=1, out=sums[:, 1:])
    return sums


def _at(sums: Floats, columns: Ints) -> Floats:
    """Return some columns; all but the first as they lie."""
    whole = len(columns) == sums.shape[1] - 1 and bool((columns == np.arange(1, sums.shape[1])).all())
    return sums[:, 1:] if whole else sums[:, columns]

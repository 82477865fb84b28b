"""Whether one detector is better than another: on the same rows, with whole groups left out or drawn for both alike."""

from collections.abc import Collection, Sequence
from typing import TypedDict

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr
from scipy.stats import rankdata

from fakefocus.metrics.intervals import (
    MIN_GROUPS,
    MOST_LOTS,
    effective_groups,
    jackknife_variance,
    leave_out,
    lots_of,
    student,
)
from fakefocus.metrics.weighted import measure

PAIRED = "joint group jackknife with Student's t"
INDEPENDENT = "DeLong"
DRAWS = 1000


class Comparison(TypedDict):
    """The AUC of the second detector minus that of the first, its interval, and the p-value of no difference.

    All are None where a class is missing, and all but the difference where groups are too few. Without an interval is
    also a difference that no group changes, as nothing can be said of its error, unless both order all rows alike.
    ``method`` says which variance it is.
    """

    difference: float | None
    low: float | None
    high: float | None
    p: float | None
    method: str


def compare_auc(
    labels: ArrayLike, first: ArrayLike, second: ArrayLike, groups: ArrayLike, confidence: float
) -> Comparison:
    """Compare the AUCs of two detectors on the rows that both have scored: the second's less the first's.

    Where each row is a group of its own: DeLong, DeLong & Clarke-Pearson 1988 (https://doi.org/10.2307/2531595). Else
    each group is left out of both AUCs at once, and the variance is that of their difference.

    Args:
        labels: ``(N,)``, 0 real or 1 fake.
        first: ``(N,)`` scores of one detector, NaN where it has none.
        second: ``(N,)`` scores of the other.
        groups: ``(N,)`` identity groups.
        confidence: Coverage of the interval, .95 for 95 %.
    """
    a, b = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    shared = ~(np.isnan(a) | np.isnan(b))
    y, a, b = np.asarray(labels, dtype=np.int64)[shared], a[shared], b[shared]
    g = np.unique(np.asarray(groups)[shared], return_inverse=True)[1]
    if len(np.unique(y)) < 2:
        return {"difference": None, "low": None, "high": None, "p": None, "method": PAIRED}
    independent = len(np.unique(g)) == len(g)
    method = INDEPENDENT if independent else PAIRED
    difference, variance = _delong(y, a, b) if independent else _jackknife(y, a, b, g)
    count = effective_groups(y, g)
    if count < MIN_GROUPS:
        return {"difference": difference, "low": None, "high": None, "p": None, "method": method}
    alike = bool((rankdata(a) == rankdata(b)).all())
    ends = (0.0, 0.0) if alike else _interval(difference, variance, count, confidence)
    p = _p_value(difference, variance, count)
    return {"difference": difference, "low": ends[0], "high": ends[1], "p": p, "method": method}


def compare_videos(
    first: pd.DataFrame, second: pd.DataFrame, left_out: Collection[str], confidence: float
) -> tuple[Comparison, int]:
    """Compare the AUCs of two detectors on the videos that both scored; return how many those are, too.

    Args:
        first: ``video_id``, ``label``, ``method``, ``group`` and ``score`` of one detector's videos, NaN without one.
        second: ``video_id`` and ``score`` of the other's.
        left_out: Methods whose fakes are not compared, as one of both was not trained on them; unless there are no
            others.
        confidence: Coverage of the interval, .95 for 95 %.
    """
    scored = [videos.dropna(subset="score") for videos in (first, second)]
    shared = scored[0].merge(scored[1][["video_id", "score"]], on="video_id", suffixes=("", "_second"))
    own = shared[~shared["method"].isin(set(left_out))]
    table = own if (own["label"] == 1).any() else shared
    result = compare_auc(table["label"], table["score"], table["score_second"], table["group"], confidence)
    return result, len(table)


def compare_false_alarms(
    called: ArrayLike, inside: ArrayLike, groups: ArrayLike, confidence: float
) -> dict[str, float | None]:
    """Return by how much more often some real videos are called fake than the other real videos.

    Args:
        called: ``(N,) bool``: which real videos are called fake.
        inside: ``(N,) bool``: which of them are asked about.
        groups: ``(N,)`` identity groups, left out of both rates at once.
        confidence: Coverage of the interval, .95 for 95 %.

    Returns:
        ``difference`` in [-1, 1], ``low``, ``high`` and ``p``; None where one of both has no video, and all but the
        difference where one has too few groups. Where no group changes the difference, it has no interval.
    """
    alarm, chosen = np.asarray(called, dtype=float), np.asarray(inside, dtype=np.int64)
    g = np.unique(np.asarray(groups), return_inverse=True)[1]
    if len(np.unique(chosen)) < 2:
        return {"difference": None, "low": None, "high": None, "p": None}
    lots = lots_of(chosen, g)
    parts = [
        np.bincount(lots, values, lots.max() + 1)
        for values in (chosen, chosen * alarm, 1 - chosen, alarm - chosen * alarm)
    ]
    asked, hit, others, other_hit = (leave_out(lots) @ np.stack(parts, axis=1)).T
    with np.errstate(invalid="ignore"):
        differences = hit / asked - other_hit / others
    count, difference = effective_groups(chosen, g), float(differences[0])
    if count < MIN_GROUPS:
        return {"difference": difference, "low": None, "high": None, "p": None}
    variance = float(jackknife_variance(differences[1:]))
    low, high = _interval(difference, variance, count, confidence)
    return {"difference": difference, "low": low, "high": high, "p": _p_value(difference, variance, count)}


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Return p-values that stay valid for a whole table (Holm 1979, https://www.jstor.org/stable/4615733).

    None stays None and does not count.
    """
    tested = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (p, place) in enumerate(tested):
        largest = max(largest, min(1.0, p * (len(tested) - rank)))
        adjusted[place] = largest
    return adjusted


def hierarchical_interval(
    labels: ArrayLike,
    scores: ArrayLike,
    groups: ArrayLike,
    confidence: float,
    minus: ArrayLike | None = None,
    draws: int = DRAWS,
    seed: int = 0,
) -> dict[str, float | None]:
    """Return the mean AUC over seeds with an interval in which both seeds and groups vary.

    A bootstrap in two stages: seeds are drawn with replacement, then groups, the same for all seeds; percentiles of the
    mean AUC. With three seeds, which is usual, percentiles are too narrow: 3 draws of 3 agree in one trial of nine. The
    spread between seeds is widened by S / (S - 1), as a sample variance is (Davison & Hinkley 1997, section 3.8).
    Still, three seeds that differ a lot give too narrow an interval (85 instead of 95 % where they differ by as much as
    people do): `over_seeds.difference_over_seeds` has Student's t for differences.

    Args:
        labels: ``(N,)``, 0 real or 1 fake.
        scores: ``(S, N)``, a row a seed.
        groups: ``(N,)`` identity groups.
        confidence: Coverage aimed at, .95 for 95 %.
        minus: ``(S, N)`` scores of another detector with the same seeds: of both, the difference is taken.
        draws: Number of draws.
        seed: Of the draws.

    Returns:
        ``value``; ``low`` and ``high``, None where effective groups are fewer than `MIN_GROUPS` or seeds fewer than 2.
    """
    y, g = np.asarray(labels, dtype=np.int64), np.unique(np.asarray(groups), return_inverse=True)[1]
    ours = np.atleast_2d(np.asarray(scores, dtype=float))
    if not len(y):
        return {"value": None, "low": None, "high": None}
    rng = np.random.default_rng(seed)
    count = int(g.max()) + 1
    weights = np.vstack([np.ones(count), rng.multinomial(count, np.full(count, 1 / count), draws)])
    values = _aucs(y, ours, g, weights)
    if minus is not None:
        values = values - _aucs(y, np.atleast_2d(np.asarray(minus, dtype=float)), g, weights)
    value = float(values[:, 0].mean())
    if len(ours) < 2 or effective_groups(y, g) < MIN_GROUPS:
        return {"value": None if np.isnan(value) else value, "low": None, "high": None}
    picked = rng.integers(0, len(ours), (draws, len(ours)))
    drawn = values[:, 1:].T
    centre = drawn.mean(axis=1)
    widened = np.sqrt(len(ours) / (len(ours) - 1))
    means = centre + widened * (np.take_along_axis(drawn, picked, axis=1).mean(axis=1) - centre)
    tail = (1 - confidence) / 2
    low, high = np.nanquantile(means, [tail, 1 - tail])
    return {"value": value, "low": float(min(low, value)), "high": float(max(high, value))}


def _aucs(
    labels: NDArray[np.int64], scores: NDArray[np.float64], groups: NDArray[np.int64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the AUC of each row of scores under each weighting: ``(S, D)``."""
    return np.stack([measure(labels, row, groups, weights, threshold=0.0, only=("auc",))["auc"] for row in scores])


def _jackknife(
    labels: NDArray[np.int64], first: NDArray[np.float64], second: NDArray[np.float64], groups: NDArray[np.int64]
) -> tuple[float, float]:
    lots = lots_of(labels, groups)
    before, after = _aucs(labels, np.stack([first, second]), lots, leave_out(lots))
    differences = after - before
    return float(differences[0]), float(jackknife_variance(differences[1:]))


def _delong(labels: NDArray[np.int64], first: NDArray[np.float64], second: NDArray[np.float64]) -> tuple[float, float]:
    """Return a difference of AUCs and its variance from midranks (Sun & Xu 2014, https://doi.org/10.1109/LSP.2014.2337313)."""
    real, fake = labels == 0, labels == 1
    placements = [_placements(scores[real], scores[fake]) for scores in (first, second)]
    of_real, of_fake = (placements[1][part] - placements[0][part] for part in (0, 1))
    variance = sum(np.var(part, ddof=1) / len(part) if len(part) > 1 else np.nan for part in (of_real, of_fake))
    return float(of_fake.mean()), float(variance)


def _placements(
    real: NDArray[np.float64], fake: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return which share of fakes each real is below, and which share of reals each fake is above."""
    both = rankdata(np.concatenate([real, fake]))
    below = 1 - (both[: len(real)] - rankdata(real)) / len(fake)
    above = (both[len(real) :] - rankdata(fake)) / len(real)
    return below, above


def _interval(
    difference: float, variance: float, groups: float, confidence: float
) -> tuple[float | None, float | None]:
    """Return Student's interval of a difference in [-1, 1]; none where it does not vary."""
    if not variance > 0:
        return None, None
    low, high = student(difference, variance, groups, confidence)
    return max(-1.0, float(low)), min(1.0, float(high))


def _p_value(difference: float, variance: float, groups: float) -> float:
    """Return how often so large a difference would be seen without one; 1 where both order all pairs alike.

    Differences that no left-out group changes show no variance: p is at least that of a sign test in which every group
    speaks for one detector.
    """
    if difference == 0:
        return 1.0
    deviation = np.sqrt(variance)
    statistic = abs(difference) / deviation if deviation > 0 else np.inf
    return max(float(2 * stdtr(min(groups, MOST_LOTS) - 1, -statistic)), 2 ** (1 - groups))

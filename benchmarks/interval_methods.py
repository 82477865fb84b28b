"""Intervals of the AUC that ``benchmarks/coverage.py`` compares, for many simulated test sides at once.

All work on ``wins``, ``(trials, groups, groups)``: how many pairs of a real of the one group and a fake of the other
are in the right order, a tie counting one half; ``reals`` and ``fakes`` are the numbers of clips of each group.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, ndtr, ndtri, stdtrit

from fakefocus.metrics.intervals import jackknife_variance, wilson

Array = NDArray[np.float64]
Bounds = tuple[Array, Array]
LEVEL, DRAWS = 0.95, 999
TAIL = (1 - LEVEL) / 2
_EDGE = 1e-9


@dataclass(frozen=True)
class Trials:
    """Simulated test sides of one design."""

    wins: Array
    reals: NDArray[np.int64]
    fakes: NDArray[np.int64]
    scores: Array
    """``(trials, clips)``, the reals first."""

    @cached_property
    def pairs(self) -> int:
        """Pairs of a real and a fake."""
        return int(self.reals.sum() * self.fakes.sum())

    @cached_property
    def auc(self) -> Array:
        """The AUC of each trial."""
        return np.asarray(self.wins.sum((1, 2)) / self.pairs)

    @cached_property
    def without(self) -> Array:
        """The AUC without one group each, ``(trials, groups)``."""
        own = np.einsum("tgg->tg", self.wins)
        kept = (self.reals.sum() - self.reals) * (self.fakes.sum() - self.fakes)
        return np.asarray((self.wins.sum((1, 2))[:, None] - self.wins.sum(2) - self.wins.sum(1) + own) / kept)

    @cached_property
    def variance(self) -> Array:
        """The jackknife's variance of the AUC."""
        return jackknife_variance(self.without)

    @cached_property
    def effective(self) -> float:
        """Effective number of groups, of the class with fewer (Kish)."""
        return float(min(n.sum() ** 2 / (n**2).sum() for n in (self.reals, self.fakes)))

    @cached_property
    def student(self) -> float:
        """Student's t at as many degrees of freedom as effective groups allow."""
        return float(stdtrit(self.effective - 1, 1 - TAIL))


def bootstraps(trials: Trials, rng: np.random.Generator) -> dict[str, Bounds]:
    """Return percentile, BCa (Efron 1987) and bootstrap-t intervals over groups, from the same draws."""
    groups = len(trials.reals)
    weights = rng.multinomial(groups, np.full(groups, 1 / groups), DRAWS).astype(float)
    pairs = (weights @ trials.reals) * (weights @ trials.fakes)
    weights, pairs = weights[pairs > 0], pairs[pairs > 0]
    drawn, errors = np.empty((2, len(trials.auc), len(weights)))
    for trial, wins in enumerate(trials.wins):
        drawn[trial], errors[trial] = _drawn(wins, weights, pairs, trials)
    low, high = np.quantile(drawn, (TAIL, 1 - TAIL), axis=1)
    return {
        "percentile bootstrap": (low, high),
        "BCa bootstrap": _bca(trials, drawn),
        "bootstrap-t": _bootstrap_t(trials, drawn, errors),
    }


def _drawn(wins: Array, weights: Array, pairs: Array, trials: Trials) -> Bounds:
    """Return the AUC of every draw and its standard error (Obuchowski)."""
    by_fake, by_real = weights @ wins, weights @ wins.T
    auc = (by_fake * weights).sum(1) / pairs
    fakes, reals = (weights @ trials.fakes)[:, None], (weights @ trials.reals)[:, None]
    share = by_fake + by_real - auc[:, None] * (trials.fakes * reals + trials.reals * fakes)
    groups = len(trials.reals)
    return auc, np.sqrt(groups / (groups - 1) * (weights * share**2).sum(1)) / pairs


def _bca(trials: Trials, drawn: Array) -> Bounds:
    below = (drawn < trials.auc[:, None]).mean(1) + (drawn == trials.auc[:, None]).mean(1) / 2
    bias = ndtri(np.clip(below, 1 / DRAWS, 1 - 1 / DRAWS))
    gaps = trials.without.mean(1, keepdims=True) - trials.without
    spread = np.maximum((gaps**2).sum(1), _EDGE**2)
    acceleration = (gaps**3).sum(1) / (6 * spread**1.5)
    ordered, rows = np.sort(drawn, axis=1), np.arange(len(drawn))

    def at(tail: float) -> Array:
        shifted = bias + ndtri(tail)
        place = ndtr(bias + shifted / (1 - acceleration * shifted)) * drawn.shape[1]
        return np.asarray(ordered[rows, np.clip(place.astype(int), 0, drawn.shape[1] - 1)])

    return at(TAIL), at(1 - TAIL)


def _bootstrap_t(trials: Trials, drawn: Array, errors: Array) -> Bounds:
    """Return the studentised bootstrap; draws without an error to divide by are left out."""
    ratio = np.where(errors > _EDGE, (drawn - trials.auc[:, None]) / np.maximum(errors, _EDGE), np.nan)
    ratio[np.isnan(ratio).all(axis=1)] = 0.0
    first, last = np.nanquantile(ratio, (TAIL, 1 - TAIL), axis=1)
    error = obuchowski_error(trials)
    return trials.auc - last * error, trials.auc - first * error


def obuchowski_error(trials: Trials) -> Array:
    """Return the standard error of clustered AUCs (Obuchowski 1997, https://doi.org/10.2307/2533958)."""
    share = trials.wins.sum(2) + trials.wins.sum(1)
    expected = trials.reals * trials.fakes.sum() + trials.fakes * trials.reals.sum()
    share = share - trials.auc[:, None] * expected
    groups = len(trials.reals)
    return np.asarray(np.sqrt(groups / (groups - 1) * (share**2).sum(1)) / trials.pairs)


def on_logit(auc: Array, error: Array, quantile: float) -> Bounds:
    """Return the interval on the logit scale; that of 0 and 1 has no width."""
    inner = np.clip(auc, _EDGE, 1 - _EDGE)
    half = quantile * error / (inner * (1 - inner))
    return expit(logit(inner) - half), expit(logit(inner) + half)


def hanley_mcneil(auc: Array, reals: float, fakes: float) -> Array:
    """Return the variance of independent clips (Hanley & McNeil 1982, https://doi.org/10.1148/radiology.143.1.7063747)."""
    q1, q2 = auc / (2 - auc), 2 * auc**2 / (1 + auc)
    return np.asarray((auc * (1 - auc) + (fakes - 1) * (q1 - auc**2) + (reals - 1) * (q2 - auc**2)) / (reals * fakes))


def newcombe(auc: Array, effect: Array, reals: float, fakes: float, quantile: float) -> Bounds:
    """Return Newcombe's method 5 (2006, https://doi.org/10.1002/sim.2324): the variance is that of the bound itself.

    ``effect`` multiplies the variance of independent clips.
    """

    def solve(outside: float) -> Array:
        inner, outer = auc.copy(), np.full_like(auc, outside)
        for _ in range(40):
            middle = (inner + outer) / 2
            within = np.abs(auc - middle) <= quantile * np.sqrt(effect * hanley_mcneil(middle, reals, fakes))
            inner, outer = np.where(within, middle, inner), np.where(within, outer, middle)
        return inner

    return solve(0.0), solve(1.0)


def delong(trials: Trials) -> Bounds:
    """Return the interval that takes clips for independent (DeLong et al. 1988, https://doi.org/10.2307/2531595)."""
    split = trials.reals.sum()
    reals, fakes = trials.scores[:, :split], trials.scores[:, split:]
    parts = [np.empty(n.shape) for n in (reals, fakes)]
    for trial, (real, fake) in enumerate(zip(reals, fakes, strict=True)):
        right = np.heaviside(fake - real[:, None], 0.5)
        parts[0][trial], parts[1][trial] = right.mean(1), right.mean(0)
    error = np.sqrt(sum(part.var(axis=1, ddof=1) / part.shape[1] for part in parts))
    return trials.auc - ndtri(1 - TAIL) * error, trials.auc + ndtri(1 - TAIL) * error


def closed_forms(trials: Trials) -> dict[str, Bounds]:
    """Return all intervals that draw nothing, the chosen one last."""
    auc, error, student = trials.auc, np.sqrt(trials.variance), trials.student
    reals, fakes = int(trials.reals.sum()), int(trials.fakes.sum())
    edge = 1 / (4 * trials.effective)
    independent = hanley_mcneil(np.clip(auc, edge, 1 - edge), reals, fakes)
    effect = np.maximum(1.0, trials.variance / independent)
    return {
        "DeLong, groups ignored": delong(trials),
        "jackknife-t": (auc - student * error, auc + student * error),
        "jackknife-t, logit": on_logit(auc, error, student),
        "Obuchowski-t, logit": on_logit(auc, obuchowski_error(trials), student),
        "jackknife-t, logit, Hanley-McNeil/2 as floor": on_logit(
            np.clip(auc, edge, 1 - edge), np.sqrt(np.maximum(trials.variance, independent / 2)), student
        ),
        "Newcombe 5, design effect": newcombe(auc, effect, reals, fakes, student),
        "chosen": wilson(auc, trials.variance, trials.effective, reals + fakes, LEVEL),
    }

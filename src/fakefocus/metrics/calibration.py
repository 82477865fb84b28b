"""What turns scores into probabilities, fitted on validation videos of the training data alone."""

from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import isotonic_regression, minimize
from scipy.special import expit, logit

Method = Literal["temperature", "platt", "isotonic"]
METHODS: tuple[Method, ...] = ("temperature", "platt", "isotonic")
_EDGE = 1e-6
"""Scores are kept this far from 0 and 1 before their logit is taken."""


def fit_calibration(labels: ArrayLike, scores: ArrayLike, method: Method) -> dict[str, Any] | None:
    """Fit what turns scores into probabilities; None where a class is missing.

    Args:
        labels: ``(N,)``, 0 real or 1 fake, of validation videos.
        scores: ``(N,)`` probabilities in [0, 1].
        method: ``temperature``: logits divided by one number in [.01, 100] (Guo et al. 2017,
            https://arxiv.org/abs/1706.04599); ``platt``: a slope and a shift of logits (Platt 1999). Both go towards
            Platt's smoothed targets, so that a separated sample has a finite slope. ``isotonic``: the nearest
            non-decreasing steps (Zadrozny & Elkan 2002).

    Returns:
        ``{"method", "parameters"}``, as JSON holds it; see `calibrated`.
    """
    y, s = np.asarray(labels, dtype=float), np.asarray(scores, dtype=float)
    reals, fakes = int((y == 0).sum()), int((y == 1).sum())
    if not reals or not fakes:
        return None
    if method == "isotonic":
        return {"method": method, "parameters": _isotonic(y, s)}
    targets = np.where(y == 1, (fakes + 1) / (fakes + 2), 1 / (reals + 2))
    z = _logits(s)
    if method == "temperature":
        edge = np.log(100)
        best = minimize(
            lambda t: _loss(targets, z * np.exp(-t[0])), [0.0], method="Nelder-Mead", bounds=[(-edge, edge)]
        )
        return {"method": method, "parameters": {"temperature": float(np.exp(best.x[0]))}}
    best = minimize(lambda p: _loss(targets, p[0] * z + p[1]), [1.0, 0.0], method="BFGS")
    return {"method": method, "parameters": {"slope": float(best.x[0]), "shift": float(best.x[1])}}


def calibrated(scores: ArrayLike, fitted: dict[str, Any]) -> NDArray[np.float64]:
    """Return scores ``(N,)`` as the probabilities in [0, 1] that `fit_calibration` made of them."""
    s, parameters = np.asarray(scores, dtype=float), fitted["parameters"]
    if fitted["method"] == "isotonic":
        return np.asarray(np.interp(s, parameters["scores"], parameters["probabilities"]))
    if fitted["method"] == "temperature":
        return np.asarray(expit(_logits(s) / parameters["temperature"]))
    return np.asarray(expit(parameters["slope"] * _logits(s) + parameters["shift"]))


def _isotonic(labels: NDArray[np.float64], scores: NDArray[np.float64]) -> dict[str, list[float]]:
    """Return the corners of the steps: probabilities between them lie on straight lines."""
    values, place = np.unique(scores, return_inverse=True)
    count = np.bincount(place).astype(float)
    steps = isotonic_regression(np.bincount(place, labels) / count, weights=count).x
    return {"scores": values.tolist(), "probabilities": np.clip(steps, 0, 1).tolist()}


def _logits(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(logit(np.clip(scores, _EDGE, 1 - _EDGE)))


def _loss(targets: NDArray[np.float64], z: NDArray[np.float64]) -> float:
    """Return the mean cross-entropy of logits in nats."""
    return float(np.mean(np.logaddexp(0, z) - targets * z))

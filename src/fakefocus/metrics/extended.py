"""Metrics that other packages add, by the entry point ``fakefocus.metrics``."""

from collections.abc import Callable
from functools import cache

import numpy as np
from numpy.typing import NDArray

from fakefocus.errors import InputError
from fakefocus.extensions import METRICS, extended

Metric = Callable[[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], float], float]
"""Labels 0 real and 1 fake, scores, weights, ``(N,)`` each, and the threshold, to a number in [0, 1], higher better.

Weights say how often a row counts: intervals leave out groups by a weight of 0. NaN where it is undefined.
"""


@cache
def extended_metrics() -> dict[str, Metric]:
    """Return what other packages add, by name.

    Raises:
        InputError: If a package adds what cannot be called, or a name that is taken.
    """
    return extended(METRICS, {}, Callable, "a function")  # type: ignore[arg-type]


def values_of(
    name: str,
    labels: NDArray[np.int64],
    scores: NDArray[np.float64],
    weights: NDArray[np.float64],
    threshold: float,
) -> NDArray[np.float64]:
    """Return such a metric under each weighting of rows, ``(D, N)``: ``(D,)`` in [0, 1], or NaN.

    Raises:
        InputError: If a value is outside [0, 1].
    """
    metric = extended_metrics()[name]
    values = np.array([metric(labels, scores, row, threshold) for row in weights], dtype=float)
    wrong = values[(values < 0) | (values > 1)]
    if len(wrong):
        msg = f"entry point {METRICS}: {name} must be in [0, 1] or NaN, got {wrong[0]:g}: rescale it"
        raise InputError(msg)
    return values

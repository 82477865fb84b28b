"""How alike two representations of the same samples are."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

_ROUNDING = 1e-6
"""By what share of its size a number in float32 may differ between two batches."""


def linear_cka(first: ArrayLike, second: ArrayLike) -> float:
    """Return the linear centred kernel alignment of two representations, in [0, 1]; NaN where one of them is constant.

    Constant is what varies no more than float32 rounds: a stream without a signal, scored in several batches.
    1 where they differ by rotation and scale. Of few samples and many dimensions it is high by chance: compare it with
    that of shuffled rows. Kornblith et al. 2019, https://arxiv.org/abs/1905.00414, equation 3 with linear kernels.

    Args:
        first: ``(N, P)``, a row a sample.
        second: ``(N, Q)``, of the same samples in the same order.
    """
    x, y = (np.asarray(a, dtype=float) for a in (first, second))
    if _is_constant(x) or _is_constant(y):
        return float("nan")
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    return float(np.linalg.norm(y.T @ x) ** 2 / (np.linalg.norm(x.T @ x) * np.linalg.norm(y.T @ y)))


def mean_absolute_cosine(first: ArrayLike, second: ArrayLike) -> float:
    """Return the mean over samples of the absolute cosine between two vectors ``(N, D)`` each, in [0, 1].

    A sample one of whose vectors is 0 counts as 0.
    """
    x, y = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    lengths = np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1)
    return float(np.mean(np.abs((x * y).sum(axis=1)) / np.where(lengths > 0, lengths, 1.0)))


def rank_correlation(first: ArrayLike, second: ArrayLike, confidence: float) -> dict[str, float | int | None]:
    """Return Spearman's rank correlation with its interval, and the number of pairs.

    The interval is Fisher's, with the variance of ranks: (1 + r²/2) / (n - 3) on the scale of artanh (Bonett & Wright
    2000, https://doi.org/10.1007/BF02294183). It takes pairs for independent. Below 5 pairs, or where all values of one
    are the same, values are None.
    """
    from scipy.special import ndtri
    from scipy.stats import spearmanr

    x, y = np.asarray(first, dtype=float), np.asarray(second, dtype=float)
    if len(x) < 5 or len(np.unique(x)) == 1 or len(np.unique(y)) == 1:
        return {"value": None, "low": None, "high": None, "n": len(x)}
    value = float(spearmanr(x, y).statistic)
    half = float(ndtri((1 + confidence) / 2)) * np.sqrt((1 + value**2 / 2) / (len(x) - 3))
    # a perfect order has no finite place on the scale of artanh: it is taken for half a step from perfect
    most = 1 - 6 / (len(x) * (len(x) ** 2 - 1))
    place = np.arctanh(np.clip(value, -most, most))
    return {"value": value, "low": float(np.tanh(place - half)), "high": float(np.tanh(place + half)), "n": len(x)}


def _is_constant(rows: NDArray[np.float64]) -> bool:
    return bool(np.ptp(rows, axis=0).max() <= _ROUNDING * np.abs(rows).max())

"""How well maps of heat meet the places that were altered, with what maps that know nothing would reach."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Localisation(NamedTuple):
    """Of each face, ``(N,) float64``; see `localisation`."""

    hit: NDArray[np.float64]
    overlap: NDArray[np.float64]
    inside: NDArray[np.float64]
    altered: NDArray[np.float64]


def localisation(heat: NDArray[np.floating], masks: NDArray[np.bool_]) -> Localisation:
    """Compare maps with the places that were altered.

    Args:
        heat: ``(N, H, W)``, at least 0.
        masks: ``(N, H, W)``, where a face was altered; none and all are allowed.

    Returns:
        ``hit``: whether the hottest place is inside, as a share of the hottest places where several are (the pointing
        game: Zhang et al. 2016, https://arxiv.org/abs/1608.00507). ``overlap``: intersection over union of the mask
        with as many of the hottest places as it has; of places that are equally hot, where not all fit, their share.
        ``inside``: share of all heat that is inside (Wang et al. 2020,
        https://arxiv.org/abs/1910.01279); NaN where there is no heat. ``altered``: share of the places inside, which is
        what a map that knows nothing reaches for hit and inside; for overlap it is a / (2 - a) of that share a.
    """
    flat, mask = heat.reshape(len(heat), -1).astype(float), masks.reshape(len(masks), -1)
    hottest = flat == flat.max(1, keepdims=True)
    count = mask.sum(1)
    common = np.array([_in_common(*pair) for pair in zip(flat, mask, strict=True)])
    union = 2 * count - common
    total = flat.sum(1)
    return Localisation(
        (hottest & mask).sum(1) / hottest.sum(1),
        np.divide(common, union, out=np.zeros_like(common), where=union > 0),
        np.divide((flat * mask).sum(1), total, out=np.full(len(flat), np.nan), where=total > 0),
        mask.mean(1),
    )


def _in_common(heat: NDArray[np.float64], mask: NDArray[np.bool_]) -> float:
    """Return how many of the hottest places, as many as the mask has, are inside: the mean over all orders of ties."""
    count = int(mask.sum())
    if count == 0:
        return 0.0
    least = np.partition(heat, -count)[-count]
    hotter, equal = heat > least, heat == least
    return float((hotter & mask).sum() + (count - hotter.sum()) * (equal & mask).sum() / equal.sum())

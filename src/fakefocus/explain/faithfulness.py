"""Whether heat maps say what a network goes by: places taken away and given back, and weights that were not learned."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy.stats import rankdata
from torch import Tensor, nn
from torchvision.transforms.v2.functional import gaussian_blur

from fakefocus.explain.heat import Heat

_BLUR = 16
"""What takes a place's place is the picture under a Gaussian of this part of its side, cut at three deviations."""


class Curves(NamedTuple):
    """Probability of the label by how much was taken away or given back, ``(N, steps + 1)`` each, from none to all."""

    deletion: NDArray[np.float64]
    insertion: NDArray[np.float64]


def perturbation_curves(
    score: Callable[[Tensor], Tensor], x: Tensor, heat: Heat, steps: int, batch_size: int = 64
) -> Curves:
    """Return how a score falls when the hottest places are blurred first, and rises when they are given back first.

    Petsiuk et al., RISE, 2018 (https://arxiv.org/abs/1806.07421), with blur in both directions: a face of which a
    place is grey shows a seam, which a detector of seams is right to call fake. Maps beside RGB are blurred alike.

    Args:
        score: Gives the probability ``(N,)`` of the label that is asked for.
        x: What the network sees, ``(N, C, S, S)`` in [0, 1].
        heat: ``(N, S, S)``; places go by rank.
        steps: In how many lots of places.
        batch_size: Pictures that are scored at once.
    """
    side = x.shape[-1]
    blurred = gaussian_blur(x, _odd(6 * side // _BLUR), side / _BLUR)
    ranks = torch.from_numpy(_ranks(heat)).to(x.device)
    curves: dict[str, list[NDArray[np.float64]]] = {"deletion": [], "insertion": []}
    with torch.no_grad():
        for step in range(steps + 1):
            hot = (ranks < step / steps).unsqueeze(1)
            for name, picture in (
                ("deletion", torch.where(hot, blurred, x)),
                ("insertion", torch.where(hot, x, blurred)),
            ):
                parts = [score(part).double().cpu().numpy() for part in picture.split(batch_size)]
                curves[name].append(np.concatenate(parts))
    return Curves(np.stack(curves["deletion"], 1), np.stack(curves["insertion"], 1))


def area(curves: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean height ``(N,)`` of curves ``(N, steps + 1)``, by trapezoids."""
    return np.asarray(np.trapezoid(curves, axis=1) / (curves.shape[1] - 1))


def random_heat(count: int, side: int, cells: int, seed: int) -> Heat:
    """Return maps ``(N, S, S)`` in [0, 1] that know nothing, as smooth as those of ``cells`` x ``cells`` features."""
    drawn = torch.rand((count, 1, cells, cells), generator=torch.Generator().manual_seed(seed))
    return np.asarray(F.interpolate(drawn, (side, side), mode="bilinear")[:, 0].numpy(), dtype=np.float32)


def centre_heat(count: int, side: int) -> Heat:
    """Return maps ``(N, S, S)`` in [0, 1] that are hot in the middle, whatever is there."""
    line = (np.arange(side) + 0.5) / side - 0.5
    bell = np.exp(-(line[:, None] ** 2 + line[None, :] ** 2) / (2 * 0.2**2))
    return np.broadcast_to(bell.astype(np.float32), (count, side, side))


def with_random_weights(network: nn.Module, seed: int) -> nn.Module:
    """Return a copy of a network of which nothing is learned (Adebayo et al. 2018, https://arxiv.org/abs/1810.03292).

    Layers are initialised anew; parameters that no layer initialises are drawn with their own mean and deviation, or,
    where they are all the same, with a deviation of 1.
    """
    copy = deepcopy(network)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(seed)
        renewed: set[int] = set()
        for module in copy.modules():
            reset: Any = getattr(module, "reset_parameters", None)
            if callable(reset):
                reset()
                renewed |= {id(parameter) for parameter in module.parameters(recurse=False)}
        for parameter in copy.parameters():
            if id(parameter) not in renewed:
                spread = parameter.float().std(correction=0)
                parameter.copy_(torch.randn(parameter.shape) * (spread if spread > 0 else 1.0) + parameter.mean())
    return copy.eval()


def rank_likeness(first: Heat, second: Heat) -> NDArray[np.float64]:
    """Return Spearman's rank correlation of two maps of each face, ``(N,)``; NaN where one of them is flat.

    Places that are equally hot share the mean of their ranks: most of a map is cold.
    """
    a, b = (_centred(rankdata(maps.reshape(len(maps), -1), axis=1)) for maps in (first, second))
    size = np.sqrt((a**2).sum(1) * (b**2).sum(1))
    return np.divide((a * b).sum(1), size, out=np.full(len(a), np.nan), where=size > 0)


def _ranks(heat: Heat) -> NDArray[np.float32]:
    """Return which share of the places is hotter than each, ``(N, S, S)`` in [0, 1); equal ones in a drawn order."""
    flat = heat.reshape(len(heat), -1)
    drawn = np.random.default_rng(flat.shape[1]).permutation(flat.shape[1])
    order = drawn[np.argsort(-flat[:, drawn], axis=1, kind="stable")]
    ranks = np.empty(flat.shape, dtype=np.float32)
    np.put_along_axis(ranks, order, np.arange(flat.shape[1], dtype=np.float32)[None] / flat.shape[1], axis=1)
    return ranks.reshape(heat.shape)


def _centred(rows: NDArray[np.floating]) -> NDArray[np.float64]:
    return np.asarray(rows - rows.mean(1, keepdims=True), dtype=np.float64)


def _odd(number: int) -> int:
    return number + 1 - number % 2

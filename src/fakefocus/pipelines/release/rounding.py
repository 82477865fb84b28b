"""Stores weights in half precision, as far as no score changes by that."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from torch import Tensor

LARGEST_CHANGE = 1e-3
"""No face is scored otherwise by more."""

Change = Callable[[Mapping[str, Tensor]], float]
"""By how much a detector of such weights scores faces otherwise, at most."""


class Rounded(NamedTuple):
    """Weights by name, the share of their numbers in half precision, and by how much that changes a score."""

    weights: dict[str, Tensor]
    share: float
    change: float


def halve(weights: Mapping[str, Tensor], change_of_few: Change, change_of_all: Change) -> Rounded:
    """Halve as many kernels and matrices as `LARGEST_CHANGE` allows, the largest first.

    Large ones weigh most and matter least: their errors average out. What has one number a channel stays as it is.

    Args:
        weights: Tensors by name.
        change_of_few: Asked of many choices: the change of faces that are near the middle of the scale.
        change_of_all: Asked of the choice that is made.
    """
    kernels = [name for name, tensor in weights.items() if tensor.is_floating_point() and tensor.ndim > 1]
    kernels.sort(key=lambda name: weights[name].numel(), reverse=True)
    count, too_many = 0, len(kernels) + 1
    while too_many - count > 1:
        middle = (count + too_many) // 2
        fits = change_of_few(_halved(weights, kernels[:middle])) <= LARGEST_CHANGE
        count, too_many = (middle, too_many) if fits else (count, middle)
    change = change_of_all(_halved(weights, kernels[:count])) if count else 0.0
    while change > LARGEST_CHANGE:
        count -= 1
        change = change_of_all(_halved(weights, kernels[:count])) if count else 0.0
    numbers = sum(weights[name].numel() for name in kernels[:count])
    share = numbers / sum(tensor.numel() for tensor in weights.values())
    return Rounded(_halved(weights, kernels[:count]), share, change)


def _halved(weights: Mapping[str, Tensor], names: list[str]) -> dict[str, Tensor]:
    return {name: tensor.half() if name in names else tensor for name, tensor in weights.items()}

"""What checkpoints of other projects have in common: a prefix, two classes, pixels from -1 to 1."""

from collections.abc import Collection, Mapping

import torch
from torch import Tensor

_COUNTER = "num_batches_tracked"
NORM = ("weight", "bias", "running_mean", "running_var")
"""What a batch normalisation stores, its counter aside."""


def within(weights: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Return tensors without the prefix of their names; none where not every name has it."""
    if not all(name.startswith(prefix) for name in weights):
        return {}
    return {name.removeprefix(prefix): value for name, value in weights.items()}


def one_logit(weights: Mapping[str, Tensor], theirs: str, ours: str, fake: int = 1) -> dict[str, Tensor]:
    """Return a linear layer of two classes as ours of one logit.

    The sigmoid of a difference is what a softmax of two gives the first of them: the probability stays.

    Args:
        weights: By name; ``<theirs>.weight`` is ``(2, D)``, ``<theirs>.bias`` ``(2,)``.
        theirs: Name of the layer there.
        ours: Its name here.
        fake: The class that means fake.

    Returns:
        ``<ours>.weight``, ``(1, D)``, and ``<ours>.bias``, ``(1,)``, without what is not there or not of two classes.
    """
    classes = {name: weights.get(f"{theirs}.{name}") for name in ("weight", "bias")}
    return {
        f"{ours}.{name}": (value[fake] - value[1 - fake])[None]
        for name, value in classes.items()
        if value is not None and len(value) == 2
    }


def unknown(weights: Mapping[str, Tensor], names: Collection[str]) -> dict[str, Tensor]:
    """Return what has no place in our network, batch counters aside, so that it is refused and not dropped."""
    return {name: value for name, value in weights.items() if name not in names and not name.endswith(_COUNTER)}


def half_normalized() -> dict[str, Tensor]:
    """Return what `fakefocus.models.normalize.HalfNormalize` stores: weights that need it fit no network without."""
    return {f"normalize.{name}": torch.full((1, 3, 1, 1), 0.5) for name in ("mean", "std")}

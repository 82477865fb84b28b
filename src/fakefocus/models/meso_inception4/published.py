"""Names of the authors' MesoInception-4 in Keras (https://github.com/DariusAf/MesoNet); see `meso4.published`.

An inception module makes its convolutions branch by branch: 1x1; then for each dilation a 1x1 and a 3x3.
"""

from torch import Tensor

from fakefocus.models.meso4.published import from_keras, is_keras

_MODULES = tuple(
    f"blocks.{block}.0.branches.{branch}"
    for block in (0, 1)
    for branch in ("0.0", "1.0.0", "1.1.0", "2.0.0", "2.1.0", "3.0.0", "3.1.0")
)
_CONVOLUTIONS = (*_MODULES, "blocks.2.0", "blocks.3.0")
_NORMS = ("blocks.0.1", "blocks.1.1", "blocks.2.2", "blocks.3.2")


def rename(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the authors' weights under our names; others as they are."""
    return from_keras(weights, _CONVOLUTIONS, _NORMS) if is_keras(weights) else weights

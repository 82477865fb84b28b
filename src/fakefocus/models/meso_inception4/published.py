"""Names of published MesoInception-4: the authors' in Keras, and the port to PyTorch; see `meso4.published`.

An inception module makes its convolutions branch by branch: 1x1; then for each dilation a 1x1 and a 3x3.
"""

from torch import Tensor

from fakefocus.models.meso4.published import from_keras, from_port, is_keras

_MODULES = tuple(
    f"blocks.{block}.0.branches.{branch}"
    for block in (0, 1)
    for branch in ("0.0", "1.0.0", "1.1.0", "2.0.0", "2.1.0", "3.0.0", "3.1.0")
)
_CONVOLUTIONS = (*_MODULES, "blocks.2.0", "blocks.3.0")
_NORMS = ("blocks.0.1", "blocks.1.1", "blocks.2.2", "blocks.3.2")
_PORT_MODULES = tuple(
    f"Incption{module}_{conv}"
    for module in (1, 2)
    for conv in ("conv1", "conv2_1", "conv2_2", "conv3_1", "conv3_2", "conv4_1", "conv4_2")
)
_PORT = dict(zip(_CONVOLUTIONS, (*_PORT_MODULES, "conv1", "conv2"), strict=True))
_PORT_NORMS = dict(zip(_NORMS, ("Incption1_bn", "Incption2_bn", "bn1", "bn1"), strict=True))


def rename(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return published weights under our names; others as they are."""
    if is_keras(weights):
        return from_keras(weights, _CONVOLUTIONS, _NORMS)
    return from_port(weights, _PORT, _PORT_NORMS)

"""Names of DeepfakeBench's EfficientNet-B4 (https://github.com/SCLBD/DeepfakeBench).

Its backbone is efficientnet_pytorch's (https://github.com/lukemelas/EfficientNet-PyTorch), which numbers all blocks in
one row; two classes, the second fake; pixels from -1 to 1.
"""

import re
from itertools import accumulate

from torch import Tensor

from fakefocus.models.published import half_normalized, one_logit, within

_STAGES = (2, 4, 4, 6, 6, 8, 2)
"""Blocks of each stage."""
_FIRST = dict(enumerate((0, *accumulate(_STAGES))))
"""The number of a stage's first block."""
_TOP = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2"}
_SQUEEZE = {"_se_reduce": "se.conv_reduce", "_se_expand": "se.conv_expand"}
# the first stage does not widen
_SEPARABLE = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2", **_SQUEEZE}
_INVERTED = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
    **_SQUEEZE,
}
_BLOCK = re.compile(r"_blocks\.(\d+)\.(\w+)\.(\w+)")


def rename(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return published weights under our names; others as they are."""
    inner = within(weights, "backbone.")
    if "efficientnet._conv_stem.weight" not in inner:
        return weights
    layers = {n.removeprefix("efficientnet."): v for n, v in inner.items() if not n.startswith("last_layer.")}
    return (
        {f"backbone.{_layer(name)}": value for name, value in layers.items()}
        | one_logit(inner, "last_layer", "head.1")
        | half_normalized()
    )


def _layer(name: str) -> str:
    """Return our name of a tensor; one that is not known stays."""
    block = _BLOCK.fullmatch(name)
    if block is None:
        layer, _, kind = name.partition(".")
        return f"{_TOP.get(layer, layer)}.{kind}"
    number = int(block[1])
    stage = max(stage for stage, first in _FIRST.items() if first <= number)
    layer = (_INVERTED if stage else _SEPARABLE).get(block[2], block[2])
    return f"blocks.{stage}.{number - _FIRST[stage]}.{layer}.{block[3]}"

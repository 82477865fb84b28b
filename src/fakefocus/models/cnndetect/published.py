"""Names of published CNNDetects: the authors' ResNet-50, and DeepfakeBench's ResNet-34.

The authors' files (https://github.com/PeterWang512/CNNDetection) have torchvision's names and one logit, above 0 fake.
DeepfakeBench (https://github.com/SCLBD/DeepfakeBench, CNN-Aug there) numbers torchvision's layers in the order of their
making, has two classes, the second fake, and pixels from -1 to 1.
"""

import re

from torch import Tensor

from fakefocus.models.published import half_normalized, one_logit, within

_NUMBERED = {"0": "conv1", "1": "bn1", "4": "layer1", "5": "layer2", "6": "layer3", "7": "layer4"}


def rename(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return published weights under our names; others as they are."""
    inner = within(weights, "backbone.")
    if "resnet.0.weight" in inner and "fc.weight" in inner:
        layers = {re.sub(r"^resnet\.(\d+)\.", _layer, n): v for n, v in inner.items() if not n.startswith("fc.")}
        return {f"backbone.{n}": v for n, v in layers.items()} | one_logit(inner, "fc", "head.1") | half_normalized()
    if "fc.weight" in weights and len(weights["fc.weight"]) == 1:
        return {f"head.1.{n[3:]}" if n.startswith("fc.") else f"backbone.{n}": v for n, v in weights.items()}
    return weights


def _layer(match: re.Match[str]) -> str:
    return f"{_NUMBERED.get(match[1], match[1])}."

"""EfficientNet-B4 (Tan & Le, EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks, 2019,
https://arxiv.org/abs/1905.11946).
"""

from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from fakefocus.errors import InputError
from fakefocus.models.backbones import BackboneDetector, Pretrained
from fakefocus.models.family import Edition

FAMILY = "efficientnet_b4"
PADDING = {
    "conv_stem": (0, 0),
    "blocks.1.0.conv_dw": (0, 1),
    "blocks.2.0.conv_dw": (2, 2),
    "blocks.3.0.conv_dw": (0, 1),
    "blocks.5.0.conv_dw": (1, 2),
}
"""Pixels before and after, in both directions, where DeepfakeBench's steps by two: those of 380 pixels at any size, and
none where its stem was replaced."""


class EfficientNetB4(BackboneDetector):
    """EfficientNet-B4 with one logit; 17,550,409 parameters.

    Input ``(B, 3, img_size, img_size) float`` in [0, 1].
    """

    def __init__(
        self,
        backbone: str = "efficientnet_b4",
        img_size: int = 380,
        drop_rate: float = 0.4,
        edition: Edition = "paper",
        *,
        pretrained: Pretrained = False,
    ) -> None:
        """Build the network; ``pretrained`` fetches the backbone's ImageNet weights, stem included.

        Raises:
            InputError: If DeepfakeBench's ``edition`` is wanted of a backbone that is not TensorFlow's.
        """
        theirs = edition == "deepfakebench"
        if theirs and not backbone.startswith("tf_efficientnet_b4"):
            msg = (
                f"{FAMILY}.network.backbone: DeepfakeBench's edition is of TensorFlow's kind, must be "
                f"'tf_efficientnet_b4', got {backbone!r}"
            )
            raise InputError(msg)
        super().__init__(FAMILY, backbone, img_size, drop_rate, pretrained=pretrained, edition=edition)
        if theirs:
            _fix_padding(self.backbone)


class FixedPadConv2d(nn.Conv2d):
    """A convolution with other margins before than after."""

    margins: tuple[int, int]

    def forward(self, x: Tensor) -> Tensor:
        """Convolve ``(B, C, H, W)``, zeros around it."""
        return super().forward(F.pad(x, self.margins * 2))


def _fix_padding(backbone: nn.Module) -> None:
    """Give the convolutions of `PADDING` those margins."""
    for name, margins in PADDING.items():
        conv: Any = backbone.get_submodule(name)
        fixed = FixedPadConv2d(
            conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, groups=conv.groups, bias=False
        )
        fixed.margins, fixed.weight = margins, conv.weight
        backbone.set_submodule(name, fixed)

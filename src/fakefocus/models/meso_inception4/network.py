"""MesoInception-4 (Afchar et al., MesoNet: a Compact Facial Video Forgery Detection Network, 2018,
https://arxiv.org/abs/1809.00888).
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from fakefocus.models.family import Edition
from fakefocus.models.meso4.network import batch_norm, conv_block, dense_head
from fakefocus.models.normalize import HalfNormalize


class Inception(nn.Module):
    """Four branches side by side: 1x1, and 3x3 with dilation 1, 2 and 3, each behind a 1x1.

    After Szegedy et al., 2015 (https://arxiv.org/abs/1409.4842); MesoNet's dilated 3x3 stand for its 5x5.
    """

    def __init__(
        self, in_channels: int, widths: tuple[int, int, int, int], act: Callable[[], nn.Module] = nn.ReLU
    ) -> None:
        """Give the branches ``widths`` channels, and each of their convolutions an ``act``."""
        super().__init__()
        self.branches = nn.ModuleList(
            [_conv(in_channels, widths[0], act)]
            + [
                nn.Sequential(_conv(in_channels, width, act), _conv(width, width, act, dilation=dilation))
                for dilation, width in enumerate(widths[1:], start=1)
            ]
        )

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(B, sum of widths, H, W)`` for ``(B, in_channels, H, W)``."""
        return torch.cat([branch(x) for branch in self.branches], dim=1)


class MesoInception4(nn.Module):
    """Two inception modules, two convolutional blocks and a small head on a 1024-dimensional embedding.

    Input ``(B, 3, 256, 256) float`` in [0, 1]; as in the paper, nothing else is done to it. DeepfakeBench's edition
    moves it to [-1, 1], and its modules have no activations.
    """

    in_chans = 3
    img_size = 256
    embedding_dim = 1024

    def __init__(self, drop_rate: float = 0.5, edition: Edition = "paper") -> None:
        """Build the network; ``drop_rate`` holds before both linear layers."""
        super().__init__()
        theirs = edition == "deepfakebench"
        self.normalize = HalfNormalize() if theirs else nn.Identity()
        act = nn.Identity if theirs else nn.ReLU
        self.blocks = nn.Sequential(
            nn.Sequential(Inception(3, (1, 4, 4, 2), act), batch_norm(11), nn.MaxPool2d(2)),
            nn.Sequential(Inception(11, (2, 4, 4, 2), act), batch_norm(12), nn.MaxPool2d(2)),
            conv_block(12, 16, kernel_size=5, pool=2),
            conv_block(16, 16, kernel_size=5, pool=4),
        )
        self.head = dense_head(drop_rate)

    def forward_features(self, x: Tensor) -> Tensor:
        """Return the embedding ``(B, 1024)``."""
        return self.blocks(self.normalize(x)).flatten(1)

    def forward_head(self, features: Tensor) -> Tensor:
        """Return one logit a sample, ``(B,)``; above 0 means fake."""
        return self.head(features).squeeze(1)

    def forward(self, x: Tensor) -> Tensor:
        """Return one logit a sample, ``(B,)``; above 0 means fake."""
        return self.forward_head(self.forward_features(x))


def _conv(in_channels: int, out_channels: int, act: Callable[[], nn.Module], dilation: int = 0) -> nn.Sequential:
    """Return a 3x3 convolution of ``dilation``, or a 1x1 where it is 0, and its activation."""
    kernel_size = 3 if dilation else 1
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, kernel_size, padding=dilation, dilation=max(dilation, 1)), act()
    )

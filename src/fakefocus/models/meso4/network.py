"""Meso-4 (Afchar et al., MesoNet: a Compact Facial Video Forgery Detection Network, 2018,
https://arxiv.org/abs/1809.00888).
"""

from torch import Tensor, nn

from fakefocus.models.family import Edition
from fakefocus.models.normalize import HalfNormalize
from fakefocus.models.scade_net.network import NarrowBatchNorm2d


class Meso4(nn.Module):
    """Four convolutional blocks and a small head on a 1024-dimensional embedding.

    Input ``(B, 3, 256, 256) float`` in [0, 1]; as in the paper, nothing else is done to it. DeepfakeBench's edition
    moves it to [-1, 1].
    """

    in_chans = 3
    img_size = 256
    embedding_dim = 1024

    def __init__(self, drop_rate: float = 0.5, edition: Edition = "paper") -> None:
        """Build the network; ``drop_rate`` holds before both linear layers."""
        super().__init__()
        self.normalize = HalfNormalize() if edition == "deepfakebench" else nn.Identity()
        self.blocks = nn.Sequential(
            conv_block(3, 8, kernel_size=3, pool=2),
            conv_block(8, 8, kernel_size=5, pool=2),
            conv_block(8, 16, kernel_size=5, pool=2),
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


def conv_block(in_channels: int, out_channels: int, kernel_size: int, pool: int) -> nn.Sequential:
    """Return convolution, ReLU, a norm of its own and max pooling; ``(B, out, H / pool, W / pool)``."""
    conv = nn.Conv2d(in_channels, out_channels, kernel_size, padding=kernel_size // 2)
    return nn.Sequential(conv, nn.ReLU(), batch_norm(out_channels), nn.MaxPool2d(pool))


def batch_norm(channels: int) -> nn.BatchNorm2d:
    """Return a norm that is fast for so few channels."""
    return NarrowBatchNorm2d(channels) if channels < 16 else nn.BatchNorm2d(channels)


def dense_head(drop_rate: float) -> nn.Sequential:
    """Return the head of both MesoNets: ``(B, 1024)`` to ``(B, 1)``."""
    return nn.Sequential(
        nn.Dropout(drop_rate), nn.Linear(1024, 16), nn.LeakyReLU(0.1), nn.Dropout(drop_rate), nn.Linear(16, 1)
    )

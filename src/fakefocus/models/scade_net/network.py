"""The network of SCADE-Net (2026, https://github.com/vonexel/SCADE-Net), after Meso-4
(Afchar et al. 2018, https://arxiv.org/abs/1809.00888).
"""

from typing import Any, Literal

import torch
import torch.nn.functional as F
from timm.layers import EcaModule
from torch import Tensor, nn

from fakefocus.errors import InputError


class ConstrainedConv2d(nn.Conv2d):
    """A convolution that cannot see image content, only residuals of prediction.

    Bayar & Stamm, Constrained Convolutional Neural Networks, 2018 (https://doi.org/10.1109/TIFS.2018.2825953).
    Constraint ``A``: each two-dimensional kernel sums to 0 (centre = minus the others). ``B``: centre -1,
    the others sum to 1 (moved there by equal shares, the nearest kernel that fulfils it).
    The constrained kernel is derived from the weights at each use, in float32 also under autocast, so it
    holds after any optimiser step and any loading.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel_size: int, constraint: Literal["A", "B"] = "A"
    ) -> None:
        """Make an odd, size-preserving convolution with the given constraint."""
        super().__init__(in_channels, out_channels, kernel_size, padding=kernel_size // 2)
        self.constraint = constraint
        centre = torch.zeros(1, 1, kernel_size, kernel_size)
        centre[..., kernel_size // 2, kernel_size // 2] = 1
        self.register_buffer("centre", centre, persistent=False)

    centre: Tensor

    def constrained_weight(self) -> Tensor:
        """Return the kernel that is used: ``(out, in, k, k) float32``."""
        others = self.weight.float() * (1 - self.centre)
        total = others.sum(dim=(2, 3), keepdim=True)
        if self.constraint == "A":
            return others - total * self.centre
        share = (1 - self.centre) / (self.centre.numel() - 1)
        return others + (1 - total) * share - self.centre

    def forward(self, x: Tensor) -> Tensor:
        """Convolve ``(B, C, H, W)`` in float32; under autocast the result has its type."""
        kind = x.device.type
        dtype = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else x.dtype
        with torch.autocast(kind, enabled=False):
            bias = None if self.bias is None else self.bias.float()
            return F.conv2d(x.float(), self.constrained_weight(), bias, padding=self.padding).to(dtype)


class _Relayout(torch.autograd.Function):
    """Changes the memory format of a tensor, and of its gradient back again."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, inside: torch.memory_format, outside: torch.memory_format) -> Tensor:  # noqa: ANN401
        ctx.outside = outside
        return x.contiguous(memory_format=inside)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:  # noqa: ANN401
        return grads[0].contiguous(memory_format=ctx.outside), None, None


class NarrowBatchNorm2d(nn.BatchNorm2d):
    """Batch normalisation that reads planes where its neighbours work pixel by pixel.

    Torch's CPU kernel for ``channels_last`` takes over four times as long backward when a tensor has
    fewer channels than a vector register has places (8 of 16).
    """

    def forward(self, x: Tensor) -> Tensor:
        """Normalise ``(B, C, H, W)``; the memory format of the input is kept."""
        if x.device.type != "cpu" or not x.is_contiguous(memory_format=torch.channels_last):
            return super().forward(x)
        planes, pixels = torch.contiguous_format, torch.channels_last
        return _Relayout.apply(super().forward(_Relayout.apply(x, planes, pixels)), pixels, planes)


class ScadeNet(nn.Module):
    """Four convolutional blocks and a small head on a 1024-dimensional embedding.

    Input ``(B, in_chans, 256, 256) float`` in [0, 1]: RGB, the defocus map, and the confidence of its estimate.
    """

    embedding_dim = 1024
    map_dim = 16
    img_size = 256

    def __init__(
        self,
        in_chans: int = 4,
        constraint: Literal["A", "B", "none"] = "A",
        drop_rate: float = 0.5,
        activation: Literal["silu", "relu"] = "silu",
        *,
        eca: bool = True,
    ) -> None:
        """Build the network.

        Args:
            in_chans: 3 without the map, 4 with it, 5 with its confidence as well.
            constraint: Of the first convolution; none makes it an ordinary one.
            drop_rate: Dropout in the head.
            activation: After each convolution and in the head.
            eca: Whether the third and the fourth block have channel attention.

        Raises:
            InputError: If ``in_chans`` is another number.
        """
        super().__init__()
        if in_chans not in (3, 4, 5):
            msg = f"scade_net.network.in_chans: must be 3 (RGB), 4 (and map) or 5 (and confidence), got {in_chans}"
            raise InputError(msg)
        self.in_chans = in_chans
        act = {"silu": nn.SiLU, "relu": nn.ReLU}[activation]
        first = (
            nn.Conv2d(in_chans, 8, 3, padding=1)
            if constraint == "none"
            else ConstrainedConv2d(in_chans, 8, 3, constraint)
        )
        self.blocks = nn.Sequential(
            _block(first, act(), pool=2),
            _block(nn.Conv2d(8, 8, 5, padding=2), act(), pool=2),
            _block(nn.Conv2d(8, 16, 5, padding=2), act(), pool=2, eca=eca),
            _block(nn.Conv2d(16, 16, 5, padding=2), act(), pool=4, eca=eca),
        )
        self.head = nn.Sequential(
            nn.Dropout(drop_rate), nn.Linear(self.embedding_dim, 16), act(), nn.Dropout(drop_rate), nn.Linear(16, 1)
        )

    def forward_map(self, x: Tensor) -> Tensor:
        """Return the last map of features, ``(B, 16, 8, 8)``."""
        return self.blocks(x)

    def pool_map(self, features: Tensor) -> Tensor:
        """Return the embedding ``(B, 1024)`` of a map of features."""
        return features.flatten(1)

    def forward_features(self, x: Tensor) -> Tensor:
        """Return the embedding ``(B, 1024)``."""
        return self.pool_map(self.forward_map(x))

    def forward_head(self, features: Tensor) -> Tensor:
        """Return one logit a sample, ``(B,)``; above 0 means fake."""
        return self.head(features).squeeze(1)

    def forward(self, x: Tensor) -> Tensor:
        """Return one logit a sample, ``(B,)``; above 0 means fake."""
        return self.forward_head(self.forward_features(x))


def _block(conv: nn.Conv2d, act: nn.Module, pool: int, *, eca: bool = False) -> nn.Sequential:
    """Convolution, activation, channel attention (Wang et al. 2020, https://arxiv.org/abs/1910.03151), norm, pool."""
    attention = [EcaModule(kernel_size=3)] if eca else []
    norm = NarrowBatchNorm2d if conv.out_channels < 16 else nn.BatchNorm2d
    return nn.Sequential(conv, act, *attention, norm(conv.out_channels), nn.MaxPool2d(pool))

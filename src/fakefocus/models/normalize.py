"""From pixels in [0, 1] to the numbers that weights expect."""

import timm
import torch
from torch import Tensor, nn


class Normalize(nn.Module):
    """Moves pixels in [0, 1] to the mean and deviation that a backbone's weights expect."""

    mean: Tensor
    std: Tensor

    def __init__(self, backbone: nn.Module) -> None:
        """Read mean and deviation, three values each, off a timm backbone."""
        super().__init__()
        config = timm.data.resolve_model_data_config(backbone)
        self.register_buffer("mean", torch.tensor(config["mean"]).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(config["std"]).view(1, 3, 1, 1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(B, 3, H, W)`` normalised."""
        return (x - self.mean) / self.std


class HalfNormalize(nn.Module):
    """Moves pixels in [0, 1] to [-1, 1]: mean and deviation .5, whatever the backbone.

    Both are stored with the weights, which need them: of a network without, they are refused, and the other way round.
    """

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        """Make mean and deviation, three values each."""
        super().__init__()
        self.register_buffer("mean", torch.full((1, 3, 1, 1), 0.5))
        self.register_buffer("std", torch.full((1, 3, 1, 1), 0.5))

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(B, 3, H, W)`` normalised."""
        return (x - self.mean) / self.std

"""The loss of the three-stream detector: classification, orthogonality between streams, spread of embeddings."""

from itertools import combinations

import torch
import torch.nn.functional as F
from torch import Tensor

from fakefocus.models.losses import BaselineLoss, Form


def orthogonality(tokens: Tensor) -> Tensor:
    """Return the mean absolute cosine between streams, sample by sample, in [0, 1], for ``(B, S, D)``; 0 for one."""
    if tokens.shape[1] == 1:
        return tokens.float().sum() * 0
    unit = F.normalize(tokens.float(), dim=2)
    return torch.stack(
        [(unit[:, i] * unit[:, j]).sum(1).abs().mean() for i, j in combinations(range(unit.shape[1]), 2)]
    ).mean()


class MultistreamLoss(BaselineLoss):
    """Classification plus weighted regularisers of the projected tokens.

    Orthogonality between a sample's tokens; alignment and uniformity of their mean, where their weight is above 0.
    """

    def __init__(
        self,
        orthogonality_weight: float = 0.01,
        classification: Form = "bce",
        fake_weight: float = 1.0,
        alignment_weight: float = 0.0,
        uniformity_weight: float = 0.0,
    ) -> None:
        """Make the loss."""
        super().__init__(classification, fake_weight, alignment_weight, uniformity_weight)
        self.orthogonality_weight = orthogonality_weight

    def forward(self, features: Tensor, logits: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return ``loss`` and its parts, scalars, for tokens ``(B, S, 256)``, ``(B,)`` and ``(B,)``."""
        parts = super().forward(features.float().mean(1), logits, labels)
        cosine = orthogonality(features)
        return {**parts, "loss": parts["loss"] + self.orthogonality_weight * cosine, "orthogonality": cosine}

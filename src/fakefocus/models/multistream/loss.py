"""The loss of the three-stream detector: binary cross-entropy and orthogonality between streams."""

from itertools import combinations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def orthogonality(tokens: Tensor) -> Tensor:
    """Return the mean absolute cosine between streams, sample by sample, in [0, 1], for ``(B, S, D)``."""
    unit = F.normalize(tokens.float(), dim=2)
    return torch.stack(
        [(unit[:, i] * unit[:, j]).sum(1).abs().mean() for i, j in combinations(range(unit.shape[1]), 2)]
    ).mean()


class MultistreamLoss(nn.Module):
    """Binary cross-entropy plus ``orthogonality_weight`` times the orthogonality of the projected tokens."""

    def __init__(self, orthogonality_weight: float) -> None:
        """Make the loss."""
        super().__init__()
        self.orthogonality_weight = orthogonality_weight

    def forward(self, features: Tensor, logits: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return ``loss`` and its parts, scalars, for tokens ``(B, S, 256)``, ``(B,)`` and ``(B,)``."""
        bce = F.binary_cross_entropy_with_logits(logits.float(), labels.float())
        cosine = orthogonality(features)
        return {"loss": bce + self.orthogonality_weight * cosine, "bce": bce, "orthogonality": cosine}

"""The loss of the three-stream detector: classification, orthogonality between streams, spread of embeddings."""

from itertools import combinations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fakefocus.models.losses import Classification, Form, alignment, uniformity


def orthogonality(tokens: Tensor) -> Tensor:
    """Return the mean absolute cosine between streams, sample by sample, in [0, 1], for ``(B, S, D)``."""
    unit = F.normalize(tokens.float(), dim=2)
    return torch.stack(
        [(unit[:, i] * unit[:, j]).sum(1).abs().mean() for i, j in combinations(range(unit.shape[1]), 2)]
    ).mean()


class MultistreamLoss(nn.Module):
    """Classification plus weighted regularisers of the projected tokens.

    Orthogonality between a sample's tokens; alignment and uniformity of their mean, where their weight is above 0.
    """

    def __init__(
        self,
        orthogonality_weight: float,
        classification: Form = "bce",
        fake_weight: float = 1.0,
        alignment_weight: float = 0.0,
        uniformity_weight: float = 0.0,
    ) -> None:
        """Make the loss."""
        super().__init__()
        self.classification = Classification(classification, fake_weight)
        self.orthogonality_weight = orthogonality_weight
        self.alignment_weight = alignment_weight
        self.uniformity_weight = uniformity_weight

    def forward(self, features: Tensor, logits: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return ``loss`` and its parts, scalars, for tokens ``(B, S, 256)``, ``(B,)`` and ``(B,)``."""
        value = self.classification(logits, labels)
        cosine = orthogonality(features)
        parts = {self.classification.form: value, "orthogonality": cosine}
        total = value + self.orthogonality_weight * cosine
        mean = features.float().mean(1)
        if self.alignment_weight:
            parts["alignment"] = alignment(mean, labels)
            total = total + self.alignment_weight * parts["alignment"]
        if self.uniformity_weight:
            parts["uniformity"] = uniformity(mean)
            total = total + self.uniformity_weight * parts["uniformity"]
        return {"loss": total, **parts}

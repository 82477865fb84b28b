"""The loss of SCADE-Net: classification and a single-center loss on the embedding."""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fakefocus.models.losses import Classification, Form


class SingleCenterLoss(nn.Module):
    """Draws real embeddings to a learned centre and keeps fakes away from it.

    ``hinge`` (SCADE-Net's code): max(0, m - a (D_fake - D_real)), a = .5, D the mean squared distance a
    dimension. ``paper`` (Li et al., CVPR 2021, https://arxiv.org/abs/2103.09096):
    D_real + max(0, D_real - D_fake + m √d), D the mean Euclidean distance and d the dimension.
    A batch of one class has no contrast: ``hinge`` gives 0, ``paper`` draws what reals there are.
    """

    def __init__(self, dim: int = 1024, form: Literal["hinge", "paper"] = "hinge", margin: float = 0.5) -> None:
        """Make the loss for embeddings of ``dim`` values."""
        super().__init__()
        self.center = nn.Parameter(torch.zeros(dim))
        self.form = form
        self.margin = margin

    def forward(self, features: Tensor, labels: Tensor) -> Tensor:
        """Return a scalar for embeddings ``(B, dim)`` and labels ``(B,)``, 0 real and 1 fake."""
        offset = features.float() - self.center.float()
        real, fake = offset[labels < 0.5], offset[labels >= 0.5]
        none = features.new_zeros((), dtype=torch.float32) + 0 * offset.sum()
        if self.form == "hinge":
            if not len(real) or not len(fake):
                return none
            return F.relu(self.margin - 0.5 * (fake.square().mean() - real.square().mean()))
        natural = torch.linalg.vector_norm(real, dim=1).mean() if len(real) else none
        if not len(real) or not len(fake):
            return natural
        manipulated = torch.linalg.vector_norm(fake, dim=1).mean()
        return natural + F.relu(natural - manipulated + self.margin * self.center.numel() ** 0.5)


class ScadeLoss(nn.Module):
    """Classification plus ``scl_weight`` times the single-center loss."""

    def __init__(
        self,
        dim: int = 1024,
        scl_weight: float = 0.1,
        scl_form: Literal["hinge", "paper"] = "hinge",
        margin: float = 0.5,
        classification: Form = "bce",
        fake_weight: float = 1.0,
    ) -> None:
        """Make the loss for embeddings of ``dim`` values."""
        super().__init__()
        self.classification = Classification(classification, fake_weight)
        self.single_center = SingleCenterLoss(dim, scl_form, margin)
        self.scl_weight = scl_weight

    def forward(self, features: Tensor, logits: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return ``loss`` and its parts, scalars, for ``(B, dim)``, ``(B,)`` and ``(B,)``."""
        value = self.classification(logits, labels)
        center = self.single_center(features, labels)
        return {"loss": value + self.scl_weight * center, self.classification.form: value, "single_center": center}

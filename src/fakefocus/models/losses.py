"""Losses that families share. All compute in float32 whatever they are given, and take any batch from one sample on."""

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Form = Literal["bce", "focal"]


def binary_cross_entropy(logits: Tensor, labels: Tensor, fake_weight: float = 1.0) -> Tensor:
    """Return the mean binary cross-entropy of logits and labels, both ``(B,)``, 0 real and 1 fake.

    ``fake_weight`` multiplies the terms of fakes; the sum is divided by the number of samples, not of weights.
    """
    return F.binary_cross_entropy_with_logits(logits.float(), labels.float(), pos_weight=_weight(logits, fake_weight))


def focal(logits: Tensor, labels: Tensor, alpha: float = 0.25, gamma: float = 2.0, fake_weight: float = 1.0) -> Tensor:
    """Return the mean focal loss ``-a_t (1 - p_t)^gamma log p_t`` of logits and labels, both ``(B,)``.

    ``p_t`` is the probability of the true class, ``a_t`` is ``alpha`` for fakes and ``1 - alpha`` for reals;
    ``fake_weight`` multiplies the terms of fakes. Computed from logarithms: large logits stay finite.
    Lin et al., Focal Loss for Dense Object Detection, 2017 (https://arxiv.org/abs/1708.02002).
    """
    fake = labels.float()
    signed = (2 * fake - 1) * logits.float()
    weight = (1 - alpha) * (1 - fake) + alpha * fake_weight * fake
    return -(weight * torch.exp(gamma * F.logsigmoid(-signed)) * F.logsigmoid(signed)).mean()


def alignment(embeddings: Tensor, labels: Tensor) -> Tensor:
    """Return the mean squared distance, in [0, 4], of two samples of one label on the unit sphere.

    Embeddings ``(B, D)`` of any length, labels ``(B,)``; 0 where no two samples share a label.
    Wang & Isola, Alignment and Uniformity on the Hypersphere, 2020 (https://arxiv.org/abs/2005.10242), with their
    exponent 2 and every pair of a label as a positive one.
    """
    distances = _squared_distances(embeddings)
    fake = labels >= 0.5
    pairs = ((fake[:, None] == fake[None, :]).triu(1)).float()
    return (distances * pairs).sum() / pairs.sum().clamp_min(1)


def uniformity(embeddings: Tensor, t: float = 2.0) -> Tensor:
    """Return the logarithm of the mean of ``exp(-t d²)`` over pairs of samples on the unit sphere, in [-4 t, 0].

    ``d`` is the distance of embeddings ``(B, D)`` of any length; 0 for a batch of one, as for samples that
    coincide. Wang & Isola 2020 (https://arxiv.org/abs/2005.10242), with their t = 2.
    """
    first, second = torch.triu_indices(len(embeddings), len(embeddings), 1)
    distances = _squared_distances(embeddings)
    if not len(first):
        return 0 * distances.sum()
    return (-t * distances[first, second]).exp().mean().log()


class Classification(nn.Module):
    """The part of a loss that looks at logits alone: ``bce`` or ``focal``, fakes weighted by ``fake_weight``."""

    def __init__(self, form: Form = "bce", fake_weight: float = 1.0, alpha: float = 0.25, gamma: float = 2.0) -> None:
        """Make the loss; ``alpha`` and ``gamma`` are focal's."""
        super().__init__()
        self.form = form
        self.fake_weight = fake_weight
        self.alpha = alpha
        self.gamma = gamma

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Return a scalar for logits and labels, both ``(B,)``."""
        if self.form == "bce":
            return binary_cross_entropy(logits, labels, self.fake_weight)
        return focal(logits, labels, self.alpha, self.gamma, self.fake_weight)


class BaselineLoss(nn.Module):
    """Classification, plus weighted alignment and uniformity of the embeddings where their weight is above 0."""

    def __init__(
        self,
        classification: Form = "bce",
        fake_weight: float = 1.0,
        alignment_weight: float = 0.0,
        uniformity_weight: float = 0.0,
    ) -> None:
        """Make the loss."""
        super().__init__()
        self.classification = Classification(classification, fake_weight)
        self.alignment_weight = alignment_weight
        self.uniformity_weight = uniformity_weight

    def forward(self, features: Tensor, logits: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Return ``loss`` and its parts, scalars, for embeddings ``(B, D)`` and logits and labels ``(B,)``."""
        total = self.classification(logits, labels)
        parts: dict[str, Tensor] = {self.classification.form: total}
        if self.alignment_weight:
            parts["alignment"] = alignment(features, labels)
            total = total + self.alignment_weight * parts["alignment"]
        if self.uniformity_weight:
            parts["uniformity"] = uniformity(features)
            total = total + self.uniformity_weight * parts["uniformity"]
        return {"loss": total, **parts}


def _weight(logits: Tensor, fake_weight: float) -> Tensor | None:
    """Return the weight of fakes as torch wants it; None where it changes nothing."""
    return None if fake_weight == 1 else torch.tensor(fake_weight, device=logits.device)


def _squared_distances(embeddings: Tensor) -> Tensor:
    """Return ``(B, B) float32`` squared distances in [0, 4] of embeddings ``(B, D)`` scaled to length 1."""
    with torch.autocast(embeddings.device.type, enabled=False):
        unit = F.normalize(embeddings.float(), dim=1)
        return (2 - 2 * unit @ unit.T).clamp(0, 4)

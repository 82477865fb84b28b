"""Fourier transforms as products of matrices, for graphs in which transforms are rare or read wrongly."""

import math

import torch
from torch import Tensor, nn

from fakefocus.errors import InputError
from fakefocus.models.multistream.layers import SpectralMask


class MatrixMask(nn.Module):
    """What a `SpectralMask` does, computed by products of matrices: 0.3 GMAC at 256 pixels."""

    factors: Tensor
    real: Tensor
    imaginary: Tensor
    back_real: Tensor
    back_imaginary: Tensor
    cosine: Tensor
    sine: Tensor

    def __init__(self, mask: SpectralMask) -> None:
        """Take over a mask's factors."""
        super().__init__()
        size = mask.weight.shape[-1]
        cosine, sine = _waves(size)
        half = size // 2 + 1
        # a frequency and its opposite are the same but for the first and the last one
        twice = torch.full((half, 1), 2.0, dtype=torch.float64)
        twice[0] = twice[-1] = 1.0
        matrices = {
            "factors": mask.factors().detach() / size**2,
            "real": cosine[:, :half],
            "imaginary": -sine[:, :half],
            "back_real": twice * cosine[:half],
            "back_imaginary": -twice * sine[:half],
            "cosine": cosine,
            "sine": sine,
        }
        for name, values in matrices.items():
            self.register_buffer(name, values.float(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Filter ``(B, 3, H, W)``."""
        across, turned = x @ self.real, x @ self.imaginary
        real = (self.cosine @ across + self.sine @ turned) * self.factors
        imaginary = (self.cosine @ turned - self.sine @ across) * self.factors
        down = self.cosine @ real - self.sine @ imaginary
        aside = self.cosine @ imaginary + self.sine @ real
        return down @ self.back_real + aside @ self.back_imaginary


def without_transforms(network: nn.Module, place: str) -> None:
    """Put products of matrices in the place of a network's spectral masks.

    Raises:
        InputError: If one is of another kind (the published forward pass); ``place`` is what asks for it.
    """
    for name, module in list(network.named_modules()):
        if not isinstance(module, SpectralMask):
            continue
        if type(module) is not SpectralMask:
            msg = f"{place}: {type(module).__name__} cannot be written in this format: export with --format openvino"
            raise InputError(msg)
        parent, _, own = name.rpartition(".")
        setattr(network.get_submodule(parent), own, MatrixMask(module))


def _waves(size: int) -> tuple[Tensor, Tensor]:
    """Return cosine and sine of each frequency at each place: ``(size, size) float64``."""
    steps = torch.arange(size, dtype=torch.int64)
    angle = (steps[:, None] * steps[None] % size).double() * (2 * math.pi / size)
    return angle.cos(), angle.sin()

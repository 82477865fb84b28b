"""Parts that compute as the published code does (https://github.com/noushad999/Deep-Fake, commit 1c956a7).

For comparison alone: ``multistream.network.legacy: true``. Their parameters are those of ``layers``, so weights go from
one to the other. What they do wrong is in docs/detectors/multistream.md.
"""

import torch
import torch.nn.functional as F
from timm.data import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from torch import Tensor, nn

from fakefocus.models.multistream.layers import Fusion, SpectralMask, rings
from fakefocus.models.normalize import Normalize


class LegacyNormalize(Normalize):
    """Moves pixels in [0, 1] to ImageNet's mean and deviation, whatever the backbone was trained with."""

    def __init__(self, backbone: nn.Module) -> None:
        """Take no notice of the backbone."""
        super().__init__(backbone)
        self.mean = torch.tensor(IMAGENET_DEFAULT_MEAN).view(1, 3, 1, 1)
        self.std = torch.tensor(IMAGENET_DEFAULT_STD).view(1, 3, 1, 1)


class LegacySpectralMask(SpectralMask):
    """Shifts samples and channels along with frequencies, and gives the modulus of the filtered picture.

    The shift before the mask goes over all four axes, the one after it over height and width, so that a sample is
    given the picture of the one half a batch away, with its channels moved on by one.
    """

    def __init__(self, img_size: int) -> None:
        """Make a mask for square inputs of ``img_size`` pixels, an even number."""
        super().__init__(img_size)
        self.register_buffer("bands", rings(img_size), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Filter ``(B, 3, H, W)`` in float32."""
        with torch.autocast(x.device.type, enabled=False):
            factors = torch.fft.fftshift(self.weight * self.band_weight[self.bands], dim=(-2, -1))
            spectrum = torch.fft.fftshift(torch.fft.fft2(x.float())) * factors
            return torch.fft.ifft2(torch.fft.ifftshift(spectrum, dim=(-2, -1))).abs()


class LegacyFusion(Fusion):
    """Gives a dropped stream the token of zero features, and levels the shares by a second softmax."""

    def pool(self, tokens: Tensor, dropped: Tensor) -> tuple[Tensor, Tensor]:
        """Fuse tokens ``(B, S, 256)``; ``dropped`` ``(B, S) bool`` enter as the projection's normalised bias.

        Returns:
            The fused ``(B, 256)``, and each stream's share ``(B, S)``, in [.21, .58] for three streams, 1 in sum.
        """
        absent = torch.stack([p(tokens.new_zeros(w)) for p, w in zip(self.projections, self.widths, strict=True)])
        x = torch.where(dropped[:, :, None], absent.to(tokens.dtype), tokens) + self.stream_embedding
        attended, weights = self.attention(x, x, x, need_weights=True)
        share = weights.mean(1).softmax(1)
        attended = F.dropout(attended, self.attention.dropout, self.training)
        return (share[:, :, None] * self.norm(x + attended)).sum(1), share

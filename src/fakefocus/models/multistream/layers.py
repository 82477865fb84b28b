"""Parts of the three-stream detector: the spectral mask and the fusion (MLAF)."""

import torch
from torch import Tensor, nn

TOKEN_DIM = 256


class SpectralMask(nn.Module):
    """Weighs each frequency of each channel, and each of four rings of frequencies, by learned factors.

    The factors are one a frequency (``weight (3, H, W)``, in the order of ``torch.fft.fft2``, zero frequency
    first) times one a ring (``band_weight (4,)``, rings at .25, .5 and .75 of the largest radius), all 1 at
    first. Only the magnitude changes, and a sample does not depend on its batch.
    """

    bands: Tensor

    def __init__(self, img_size: int) -> None:
        """Make a mask for square inputs of ``img_size`` pixels, an even number."""
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3, img_size, img_size))
        self.band_weight = nn.Parameter(torch.ones(4))
        self.register_buffer("bands", rings(img_size)[:, : img_size // 2 + 1], persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Filter ``(B, 3, H, W)`` in float32."""
        size = x.shape[-1]
        with torch.autocast(x.device.type, enabled=False):
            spectrum = torch.fft.rfft2(x.float())
            return torch.fft.irfft2(spectrum * self.factors(), s=(size, size))

    def factors(self) -> Tensor:
        """Return what each frequency of ``torch.fft.rfft2`` is multiplied by: ``(3, H, W // 2 + 1)``."""
        return self._half() * self.band_weight[self.bands]

    def _half(self) -> Tensor:
        """Return the half of the mask that a real image needs: a frequency and its opposite share a factor."""
        opposite = torch.roll(self.weight.flip((1, 2)), (1, 1), (1, 2))
        return ((self.weight + opposite) / 2)[..., : self.weight.shape[-1] // 2 + 1]


def rings(size: int) -> Tensor:
    """Return the ring, 0 to 3, of each frequency in the order of ``torch.fft.fft2``: ``(size, size) int64``.

    Counted in whole frequencies: a radius that lies on a border belongs to the outer ring, with no rounding.
    """
    frequency = torch.fft.fftfreq(size, 1 / size).round().long()
    squared = frequency[:, None] ** 2 + frequency[None, :] ** 2
    largest = 2 * (size // 2) ** 2
    borders = torch.tensor([quarter**2 * largest for quarter in (1, 2, 3)])
    return torch.bucketize(16 * squared, borders, right=True)


class Fusion(nn.Module):
    """MLAF: attention among one token a stream, then their mean weighted by the attention they receive."""

    def __init__(self, widths: list[int], drop_rate: float = 0.4) -> None:
        """Project streams of ``widths`` to tokens of 256."""
        super().__init__()
        self.widths = widths
        self.projections = nn.ModuleList(
            nn.Sequential(nn.Linear(w, TOKEN_DIM), nn.LayerNorm(TOKEN_DIM)) for w in widths
        )
        self.stream_embedding = nn.Parameter(torch.randn(len(widths), TOKEN_DIM) * 0.02)
        self.attention = nn.MultiheadAttention(TOKEN_DIM, 4, dropout=0.1, batch_first=True)
        self.norm = nn.LayerNorm(TOKEN_DIM)
        self.classifier = nn.Sequential(
            nn.Linear(TOKEN_DIM, 128), nn.BatchNorm1d(128), nn.GELU(), nn.Dropout(drop_rate), nn.Linear(128, 1)
        )

    def tokens(self, streams: list[Tensor]) -> Tensor:
        """Return one token a stream: ``(B, S, 256)``."""
        return torch.stack([p(s) for p, s in zip(self.projections, streams, strict=True)], dim=1)

    def pool(self, tokens: Tensor, dropped: Tensor) -> tuple[Tensor, Tensor]:
        """Fuse tokens ``(B, S, 256)``; ``dropped`` ``(B, S) bool`` are left out.

        Returns:
            The fused ``(B, 256)``, and each stream's share ``(B, S)``, 0 where dropped, 1 in sum.
        """
        fused, weights = self.attend(tokens, dropped)
        kept = (~dropped).to(weights.dtype)
        # dropout can take all attention of the one stream that is left: 0 / 0 without a floor
        share = (weights * kept[:, :, None]).sum(1).clamp_min(1e-6) * kept
        share = share / share.sum(1, keepdim=True)
        return (share[:, :, None] * self.norm(fused)).sum(1), share

    def attend(self, tokens: Tensor, dropped: Tensor) -> tuple[Tensor, Tensor]:
        """Let streams attend to each other; see `pool`.

        Returns:
            Each token with what it attended to, ``(B, S, 256)``, and how much it attends to each, ``(B, S, S)``.
        """
        x = tokens + self.stream_embedding
        attended, weights = self.attention(x, x, x, key_padding_mask=dropped, need_weights=True)
        return x + attended, weights

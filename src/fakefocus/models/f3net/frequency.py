"""What F3-Net does in the domain of frequency (Qian et al., Thinking in Frequency: Face Forgery Detection by Mining
Frequency-aware Clues, 2020, https://arxiv.org/abs/2007.09355).

All of it is computed in float32, also under autocast.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# shares of the spectrum's area that lie below the middle and below the high band
BAND_AREAS = (1 / 16, 1 / 8)
# ITU-R BT.601
LUMA = (0.299, 0.587, 0.114)


def dct_matrix(size: int) -> Tensor:
    """Return the orthonormal DCT-II, ``(size, size) float32``: ``M x`` transforms, ``M.T y`` transforms back."""
    frequency, place = torch.arange(size, dtype=torch.float64)[:, None], torch.arange(size, dtype=torch.float64)
    matrix = math.sqrt(2 / size) * torch.cos(math.pi * frequency * (place + 0.5) / size)
    matrix[0] /= math.sqrt(2)
    return matrix.float()


def band_masks(size: int, edges: list[float]) -> Tensor:
    """Divide the spectrum by diagonals: ``(len(edges) + 1, size, size) float32``, 0 or 1, 1 in sum.

    Args:
        size: Width of the square spectrum.
        edges: Where each band but the first begins, as sum of the vertical and the horizontal frequency.
    """
    step = torch.arange(size)
    band = torch.bucketize((step[:, None] + step).float(), torch.tensor(edges), right=True)
    return F.one_hot(band, len(edges) + 1).permute(2, 0, 1).float().contiguous()


class BandFilters(nn.Module):
    """Fixed bands plus learned ones: ``base + σ(weight)``, σ(w) = (1 - exp(-w)) / (1 + exp(-w)) in (-1, 1)."""

    base: Tensor

    def __init__(self, base: Tensor) -> None:
        """Start at the bands ``base``, ``(N, size, size)``."""
        super().__init__()
        self.register_buffer("base", base, persistent=False)
        self.weight = nn.Parameter(torch.zeros_like(base))

    def forward(self) -> Tensor:
        """Return the filters, ``(N, size, size)``."""
        return self.base + torch.tanh(self.weight / 2)


class FrequencyDecomposition(nn.Module):
    """FAD: the low, the middle and the high frequencies of a picture, each as a picture of its own."""

    matrix: Tensor

    def __init__(self, img_size: int) -> None:
        """Make the decomposition of square pictures of ``img_size`` pixels."""
        super().__init__()
        self.register_buffer("matrix", dct_matrix(img_size), persistent=False)
        # the triangle below the diagonal t has the area t² / 2
        self.filters = BandFilters(band_masks(img_size, [img_size * math.sqrt(2 * area) for area in BAND_AREAS]))

    def forward(self, x: Tensor) -> Tensor:
        """Return the bands side by side, ``(B, 9, H, W) float32``, for ``(B, 3, H, W)``."""
        with torch.autocast(x.device.type, enabled=False):
            spectrum = self.matrix @ x.float() @ self.matrix.T
            bands = spectrum[:, None] * self.filters()[:, None]
            return (self.matrix.T @ bands @ self.matrix).flatten(1, 2)


class LocalFrequencyStatistics(nn.Module):
    """LFS: how strong each of ``bands`` bands of frequency is around each place of a picture.

    The statistic of a band is log10(ε + mean amplitude), amplitudes of the DCT of a window in grey levels (0 to 255).
    """

    basis: Tensor
    window = 10
    stride = 2
    bands = 6
    # a hundredth of a grey level, well below what rounding to 8 bits adds; keeps flat windows finite
    floor = 0.01
    # 7 in sum: as many windows as a 3x3 convolution of stride 2 has places, 149 at 299 pixels
    padding = (4, 3, 4, 3)

    def __init__(self) -> None:
        """Make the statistics with six bands of equal width."""
        super().__init__()
        matrix = dct_matrix(self.window)
        self.register_buffer("basis", torch.kron(matrix, matrix), persistent=False)
        width = 2 * self.window / self.bands
        self.filters = BandFilters(band_masks(self.window, [width * band for band in range(1, self.bands)]))

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(B, 6, L, L) float32``, L = (H - 1) // 2, for RGB ``(B, 3, H, H)`` in [0, 1]."""
        with torch.autocast(x.device.type, enabled=False):
            places = (x.shape[-1] - 1) // self.stride
            luma = torch.einsum("bchw,c->bhw", x.float(), x.new_tensor(LUMA, dtype=torch.float32) * 255)[:, None]
            windows = F.unfold(F.pad(luma, self.padding, mode="reflect"), self.window, stride=self.stride)
            amplitude = (self.basis @ windows).abs()
            # |c f| = |c| |f|: the mean over a band is one more matrix product
            weight = self.filters().abs().flatten(1) / self.filters.base.sum((1, 2))[:, None]
            return torch.log10(self.floor + weight @ amplitude).unflatten(2, (places, places))

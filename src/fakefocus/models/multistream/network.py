"""The three-stream detector (M. N. J. Ramim, 2026, https://github.com/noushad999/Deep-Fake), corrected.

The Fourier transform runs over height and width only, the phase keeps its sign, each backbone gets the
mean and deviation of its own weights, streams are dropped sample by sample, and a dropped stream does not
enter the fusion. See README.md of this folder.
"""

import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn

TOKEN_DIM = 256


class Normalize(nn.Module):
    """Moves pixels in [0, 1] to the mean and deviation that a backbone's weights expect."""

    mean: Tensor
    std: Tensor

    def __init__(self, backbone: nn.Module) -> None:
        """Read mean and deviation off a timm backbone."""
        super().__init__()
        config = timm.data.resolve_model_data_config(backbone)
        self.register_buffer("mean", torch.tensor(config["mean"]).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(config["std"]).view(1, 3, 1, 1), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return ``(B, 3, H, W)`` normalised."""
        return (x - self.mean) / self.std


class SpectralMask(nn.Module):
    """Weighs each frequency of each channel, and each of four rings of frequencies, by learned factors.

    The factors are one a frequency (``(3, H, W)``) times one a ring (at .25, .5 and .75 of the largest
    radius), all 1 at first. Only the magnitude changes, and a sample does not depend on its batch.
    """

    bands: Tensor

    def __init__(self, img_size: int) -> None:
        """Make a mask for square inputs of ``img_size`` pixels, an even number."""
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3, img_size, img_size))
        self.band_weight = nn.Parameter(torch.ones(4))
        y, x = torch.fft.fftfreq(img_size)[:, None], torch.fft.rfftfreq(img_size)[None, :]
        radius = torch.sqrt(x**2 + y**2)
        bands = torch.bucketize(radius / radius.max(), torch.tensor([0.25, 0.5, 0.75]))
        self.register_buffer("bands", bands, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Filter ``(B, 3, H, W)`` in float32."""
        size = x.shape[-1]
        with torch.autocast(x.device.type, enabled=False):
            spectrum = torch.fft.rfft2(x.float())
            return torch.fft.irfft2(spectrum * (self._half() * self.band_weight[self.bands]), s=(size, size))

    def _half(self) -> Tensor:
        """Return the half of the mask that a real image needs: a frequency and its opposite share a factor."""
        opposite = torch.roll(self.weight.flip((1, 2)), (1, 1), (1, 2))
        return ((self.weight + opposite) / 2)[..., : self.weight.shape[-1] // 2 + 1]


class Fusion(nn.Module):
    """MLAF: attention among one token a stream, then their mean weighted by the attention they receive."""

    def __init__(self, widths: list[int], drop_rate: float = 0.4) -> None:
        """Project streams of ``widths`` to tokens of 256."""
        super().__init__()
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
        x = tokens + self.stream_embedding
        attended, weights = self.attention(x, x, x, key_padding_mask=dropped, need_weights=True)
        kept = (~dropped).to(weights.dtype)
        share = (weights * kept[:, :, None]).sum(1) * kept
        share = share / share.sum(1, keepdim=True)
        return (share[:, :, None] * self.norm(x + attended)).sum(1), share


class MultiStream(nn.Module):
    """Three streams see the same picture: EfficientNet, masked spectrum with ResNet, and ViT.

    Input ``(B, 3, img_size, img_size) float`` in [0, 1]. The published sizes are EfficientNet-B0 → 128,
    ResNet-18 → 64, ViT-Tiny/16 → 384, fused at 256: 21,874,881 parameters at 256 pixels.
    """

    in_chans = 3

    def __init__(
        self,
        spatial: str = "efficientnet_b0",
        spectral: str = "resnet18",
        semantic: str = "vit_tiny_patch16_224",
        img_size: int = 256,
        *,
        pretrained: bool = False,
        stream_drop_rate: float = 0.1,
        drop_rate: float = 0.4,
    ) -> None:
        """Build the network from timm backbones; ``pretrained`` fetches their weights."""
        super().__init__()
        self.img_size = img_size
        self.stream_drop_rate = stream_drop_rate
        self.spatial = timm.create_model(spatial, pretrained=pretrained, num_classes=0)
        self.spectral = timm.create_model(spectral, pretrained=pretrained, num_classes=0)
        self.semantic = timm.create_model(semantic, pretrained=pretrained, num_classes=0, img_size=img_size)
        self.normalize = nn.ModuleList(Normalize(b) for b in (self.spatial, self.spectral, self.semantic))
        self.mask = SpectralMask(img_size)
        self.spatial_head = _mlp(_width(self.spatial, img_size), 256, 128)
        self.spectral_head = _mlp(_width(self.spectral, img_size), 128, 64)
        self.semantic_head = nn.Sequential(
            nn.Linear(_width(self.semantic, img_size), 384), nn.LayerNorm(384), nn.GELU(), nn.Dropout(0.2)
        )
        self.fusion = Fusion([128, 64, 384], drop_rate)

    def forward_streams(self, x: Tensor) -> list[Tensor]:
        """Return the features of each stream: ``(B, 128)``, ``(B, 64)`` and ``(B, 384)``."""
        inputs = [normalize(x) for normalize in self.normalize]
        return [
            self.spatial_head(self.spatial(inputs[0])),
            self.spectral_head(self.spectral(self.mask(inputs[1]).contiguous())),
            self.semantic_head(self.semantic(inputs[2])),
        ]

    def forward_features(self, x: Tensor) -> Tensor:
        """Return one token a stream, before fusion: ``(B, 3, 256)``."""
        return self.fusion.tokens(self.forward_streams(x))

    def forward_head(self, features: Tensor) -> Tensor:
        """Return one logit a sample, ``(B,)``; above 0 means fake. In training, streams are dropped."""
        pooled, _ = self.fusion.pool(features, self._dropped(features))
        return self.fusion.classifier(pooled).squeeze(1)

    def forward(self, x: Tensor) -> Tensor:
        """Return one logit a sample, ``(B,)``; above 0 means fake."""
        return self.forward_head(self.forward_features(x))

    def _dropped(self, features: Tensor) -> Tensor:
        """Draw which streams each sample does without; at least one stays."""
        shape = features.shape[:2]
        if not self.training or self.stream_drop_rate == 0:
            return torch.zeros(shape, dtype=torch.bool, device=features.device)
        draw = torch.rand(shape, device=features.device)
        spared = F.one_hot(draw.argmax(1), shape[1]).bool()
        return (draw < self.stream_drop_rate) & ~spared


def _mlp(width: int, hidden: int, out: int) -> nn.Sequential:
    layers = [nn.Linear(width, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Dropout(0.3)]
    return nn.Sequential(*layers, nn.Linear(hidden, out), nn.BatchNorm1d(out))


def _width(backbone: nn.Module, img_size: int) -> int:
    """Return how many features a backbone gives."""
    training = backbone.training
    with torch.no_grad():
        width = backbone.eval()(torch.zeros(1, 3, img_size, img_size)).shape[1]
    backbone.train(training)
    return int(width)

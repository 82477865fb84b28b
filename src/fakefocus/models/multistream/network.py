"""The three-stream detector (M. N. J. Ramim, 2026, https://github.com/noushad999/Deep-Fake), corrected.

The Fourier transform runs over height and width only, the phase keeps its sign, each backbone gets the
mean and deviation of its own weights, streams are dropped sample by sample, and a dropped stream does not
enter the fusion. See docs/detectors/multistream.md.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fakefocus.errors import InputError
from fakefocus.models.backbones import Pretrained, create_backbone
from fakefocus.models.multistream import STREAMS
from fakefocus.models.multistream.layers import Fusion, SpectralMask
from fakefocus.models.multistream.legacy import LegacyFusion, LegacyNormalize, LegacySpectralMask
from fakefocus.models.normalize import Normalize


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
        pretrained: Pretrained = False,
        stream_drop_rate: float = 0.1,
        drop_rate: float = 0.4,
        streams: Sequence[str] = STREAMS,
        legacy: bool = False,
    ) -> None:
        """Build the network from timm backbones.

        Args:
            spatial: timm's name of the backbone that sees the picture.
            spectral: The one that sees the picture with its spectrum masked.
            semantic: The one with a grid of patches.
            img_size: Side of the input in pixels, a multiple of the side of a patch.
            pretrained: Fetch the backbones' weights.
            stream_drop_rate: Probability that a sample does without a stream in training.
            drop_rate: Dropout in front of the last layer.
            streams: Those that it has; the others' backbones are not built.
            legacy: Compute as the published code does, with its defects; see docs/detectors/multistream.md.

        Raises:
            InputError: If ``img_size`` is no multiple of the side of a patch, or a backbone cannot be had.
        """
        super().__init__()
        self.img_size = img_size
        self.legacy = legacy
        self.stream_drop_rate = stream_drop_rate
        self.streams = tuple(stream for stream in STREAMS if stream in streams)
        names = {"spatial": spatial, "spectral": spectral, "semantic": semantic}
        for stream in self.streams:
            grid = {"img_size": img_size} if stream == "semantic" else {}
            backbone = create_backbone("multistream", names[stream], pretrained, stream, num_classes=0, **grid)
            _check_grid(names[stream], backbone, img_size)
            setattr(self, stream, backbone)
        normalize = LegacyNormalize if legacy else Normalize
        self.normalize = nn.ModuleList(normalize(getattr(self, stream)) for stream in self.streams)
        if "spectral" in self.streams:
            self.mask = (LegacySpectralMask if legacy else SpectralMask)(img_size)
        for stream in self.streams:
            setattr(self, f"{stream}_head", _HEADS[stream](_width(getattr(self, stream), img_size)))
        self.fusion = (LegacyFusion if legacy else Fusion)([_WIDTHS[stream] for stream in self.streams], drop_rate)

    def no_weight_decay(self) -> set[str]:
        """Name the parameters that no optimiser should draw to 0, as timm's networks do.

        The factors of the spectral mask stand at 1 for «unchanged», and embeddings have no natural 0.
        """
        names = {"mask.weight", "mask.band_weight", "fusion.stream_embedding"}
        for stream in self.streams:
            backbone = cast("Any", getattr(self, stream))
            names |= {f"{stream}.{n}" for n in getattr(backbone, "no_weight_decay", set)()}
        return names & {name for name, _ in self.named_parameters()}

    def forward_streams(self, x: Tensor) -> list[Tensor]:
        """Return the features of each stream: ``(B, 128)``, ``(B, 64)`` and ``(B, 384)``, of those that there are."""
        return [
            self._forward_stream(stream, normalize(x))
            for stream, normalize in zip(self.streams, self.normalize, strict=True)
        ]

    def forward_features(self, x: Tensor) -> Tensor:
        """Return one token a stream, before fusion: ``(B, S, 256)``."""
        return self.fusion.tokens(self.forward_streams(x))

    def forward_head(self, features: Tensor) -> Tensor:
        """Return one logit a sample, ``(B,)``; above 0 means fake. In training, streams are dropped."""
        pooled, _ = self.fusion.pool(features, self._dropped(features))
        return self.fusion.classifier(pooled).squeeze(1)

    def forward_kept(self, features: Tensor, kept: Sequence[str]) -> Tensor:
        """Return one logit a sample for tokens ``(B, S, 256)``; only streams that are ``kept`` enter the fusion."""
        pooled, _ = self.fusion.pool(features, self._without(features, kept))
        return self.fusion.classifier(pooled).squeeze(1)

    def shares(self, features: Tensor) -> Tensor:
        """Return how much of the fused vector is each stream's, ``(B, S)``, 1 in sum, for tokens ``(B, S, 256)``."""
        return self.fusion.pool(features, self._without(features, self.streams))[1]

    def attention(self, features: Tensor) -> Tensor:
        """Return how much each stream attends to each, ``(B, S, S)``, rows 1 in sum, for tokens ``(B, S, 256)``."""
        return self.fusion.attend(features, self._without(features, self.streams))[1]

    def forward(self, x: Tensor) -> Tensor:
        """Return one logit a sample, ``(B,)``; above 0 means fake."""
        return self.forward_head(self.forward_features(x))

    def _forward_stream(self, stream: str, x: Tensor) -> Tensor:
        if stream == "spectral":
            x = self.mask(x).contiguous()
        network = cast("Any", self)
        return cast("Tensor", getattr(network, f"{stream}_head")(getattr(network, stream)(x)))

    def _without(self, features: Tensor, kept: Sequence[str]) -> Tensor:
        """Return which streams are left out, ``(B, S) bool``.

        Raises:
            InputError: If none is kept, or one that the network does not have.
        """
        if not kept or set(kept) - set(self.streams):
            have = ", ".join(self.streams)
            msg = f"multistream.network.streams: keep one or more of {have}, got {', '.join(kept) or 'none'}"
            raise InputError(msg)
        dropped = torch.tensor([stream not in kept for stream in self.streams], device=features.device)
        return dropped.expand(features.shape[:2])

    def _dropped(self, features: Tensor) -> Tensor:
        """Draw which streams each sample does without; at least one stays."""
        shape = features.shape[:2]
        if not self.training or self.stream_drop_rate == 0:
            return torch.zeros(shape, dtype=torch.bool, device=features.device)
        draw = torch.rand(1 if self.legacy else shape[0], shape[1], device=features.device)
        spared = F.one_hot(draw.argmax(1), shape[1]).bool()
        return ((draw < self.stream_drop_rate) & ~spared).expand(shape)


def _mlp(width: int, hidden: int, out: int) -> nn.Sequential:
    layers = [nn.Linear(width, hidden), nn.BatchNorm1d(hidden), nn.ReLU(), nn.Dropout(0.3)]
    return nn.Sequential(*layers, nn.Linear(hidden, out), nn.BatchNorm1d(out))


def _semantic_head(width: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, 384), nn.LayerNorm(384), nn.GELU(), nn.Dropout(0.2))


_HEADS: dict[str, Callable[[int], nn.Sequential]] = {
    "spatial": partial(_mlp, hidden=256, out=128),
    "spectral": partial(_mlp, hidden=128, out=64),
    "semantic": _semantic_head,
}
_WIDTHS = {"spatial": 128, "spectral": 64, "semantic": 384}


def _check_grid(name: str, backbone: nn.Module, img_size: int) -> None:
    """Check that the patches of a backbone cover the picture."""
    side = getattr(getattr(backbone, "patch_embed", None), "patch_size", (1, 1))[0]
    if img_size % side:
        below = img_size // side * side
        near = f"{below} or {below + side}" if below else str(side)
        msg = f"multistream.network.img_size: {name} needs a multiple of {side}, its patch, got {img_size}; try {near}"
        raise InputError(msg)


def _width(backbone: nn.Module, img_size: int) -> int:
    """Return how many features a backbone gives."""
    training = backbone.training
    with torch.no_grad():
        width = backbone.eval()(torch.zeros(1, 3, img_size, img_size)).shape[1]
    backbone.train(training)
    return int(width)

"""F3-Net (Qian et al., Thinking in Frequency: Face Forgery Detection by Mining Frequency-aware Clues, 2020,
https://arxiv.org/abs/2007.09355).
"""

import torch
from timm.models.xception import Xception as XceptionBackbone
from torch import Tensor, nn

from fakefocus.errors import InputError
from fakefocus.models.backbones import Pretrained, create_backbone
from fakefocus.models.f3net.frequency import FrequencyDecomposition, LocalFrequencyStatistics
from fakefocus.models.normalize import Normalize

FAMILY = "f3net"
BLOCKS = range(1, 13)
# channels after the blocks at which the branches meet
MIXED = {7: 728, 12: 1024}


class MixBlock(nn.Module):
    """Cross-attention: each place of a branch takes up what the other branch sees at the places akin to it.

    One affinity, of queries from FAD and keys from LFS, is read in both directions. The learned gains are 0
    at first, as in Zhang et al., 2019 (https://arxiv.org/abs/1805.08318): the branches start on their own.
    """

    def __init__(self, channels: int, reduction: int = 8) -> None:
        """Make the block for two maps of ``channels``; queries and keys have ``channels // reduction``."""
        super().__init__()
        self.query = nn.Conv2d(channels, channels // reduction, 1, bias=False)
        self.key = nn.Conv2d(channels, channels // reduction, 1, bias=False)
        self.fad_value = nn.Conv2d(channels, channels, 1, bias=False)
        self.lfs_value = nn.Conv2d(channels, channels, 1, bias=False)
        self.gain = nn.Parameter(torch.zeros(2))

    def forward(self, fad: Tensor, lfs: Tensor) -> tuple[Tensor, Tensor]:
        """Return both maps ``(B, C, H, W)``, each with what it took from the other."""
        query, key = self.query(fad).flatten(2), self.key(lfs).flatten(2)
        affinity = query.transpose(1, 2) @ key / query.shape[1] ** 0.5
        to_fad = _gather(self.lfs_value(lfs), affinity)
        to_lfs = _gather(self.fad_value(fad), affinity.transpose(1, 2))
        return fad + self.gain[0] * to_fad, lfs + self.gain[1] * to_lfs


class F3Net(nn.Module):
    """Two Xceptions that meet after blocks 7 and 12, on bands of frequency and on local statistics of frequency.

    Input ``(B, 3, img_size, img_size) float`` in [0, 1]. 45,441,160 parameters at 299 pixels.
    """

    in_chans = 3
    embedding_dim = 4096

    def __init__(
        self,
        backbone: str = "legacy_xception",
        img_size: int = 299,
        drop_rate: float = 0.5,
        *,
        pretrained: Pretrained = False,
    ) -> None:
        """Build the network; ``pretrained`` fetches the ImageNet weights that both Xceptions start from.

        Raises:
            InputError: If the backbone is no Xception of the original kind.
        """
        super().__init__()
        self.img_size = img_size
        self.decompose = FrequencyDecomposition(img_size)
        self.statistics = LocalFrequencyStatistics()
        self.fad = _xception(backbone, pretrained)
        self.lfs = _xception(backbone, pretrained)
        self.normalize = Normalize(self.fad)
        self.fad.conv1 = _widened(self.fad.conv1, times=len(self.decompose.filters.base))
        self.lfs.conv1 = _statistics_stem(self.lfs.conv1, self.statistics.bands)
        self.mix = nn.ModuleDict({f"block{block}": MixBlock(channels) for block, channels in MIXED.items()})
        self.head = nn.Sequential(nn.Dropout(drop_rate), nn.Linear(self.embedding_dim, 1))

    def forward_features(self, x: Tensor) -> Tensor:
        """Return the embedding ``(B, 4096)``: FAD's 2048 values, then those of LFS."""
        fad = _enter(self.fad, self.decompose(self.normalize(x)))
        lfs = _enter(self.lfs, self.statistics(x))
        for block in (f"block{number}" for number in BLOCKS):
            fad, lfs = self.fad.get_submodule(block)(fad), self.lfs.get_submodule(block)(lfs)
            if block in self.mix:
                fad, lfs = self.mix[block](fad, lfs)
        return torch.cat([_leave(self.fad, fad), _leave(self.lfs, lfs)], dim=1)

    def forward_head(self, features: Tensor) -> Tensor:
        """Return one logit a sample, ``(B,)``; above 0 means fake."""
        return self.head(features).squeeze(1)

    def forward(self, x: Tensor) -> Tensor:
        """Return one logit a sample, ``(B,)``; above 0 means fake."""
        return self.forward_head(self.forward_features(x))


def _gather(values: Tensor, affinity: Tensor) -> Tensor:
    """Return, for each of N places, the mean of ``values`` ``(B, C, H, W)`` by ``affinity`` ``(B, N, H W)``."""
    weights = affinity.softmax(dim=2)
    return (values.flatten(2) @ weights.transpose(1, 2).to(values.dtype)).view_as(values)


def _xception(name: str, pretrained: Pretrained) -> XceptionBackbone:
    backbone = create_backbone(FAMILY, name, pretrained, num_classes=0)
    if not isinstance(backbone, XceptionBackbone):
        msg = f"{FAMILY}.network.backbone: the branches meet inside Xception, must be 'legacy_xception', got {name!r}"
        raise InputError(msg)
    return backbone


def _widened(conv: nn.Conv2d, times: int) -> nn.Conv2d:
    """Return a convolution that answers ``times`` pictures side by side as ``conv`` answers their sum."""
    wide = nn.Conv2d(conv.in_channels * times, conv.out_channels, 3, stride=2, bias=False)
    wide.weight = nn.Parameter(conv.weight.detach().repeat(1, times, 1, 1))
    return wide


def _statistics_stem(conv: nn.Conv2d, in_channels: int) -> nn.Conv2d:
    """Return a new first convolution for statistics, which are half as wide as the picture already."""
    stem = nn.Conv2d(in_channels, conv.out_channels, 3, padding=1, bias=False)
    nn.init.kaiming_normal_(stem.weight, mode="fan_out", nonlinearity="relu")
    return stem


def _enter(net: XceptionBackbone, x: Tensor) -> Tensor:
    """Return what Xception's first block gets."""
    return net.act2(net.bn2(net.conv2(net.act1(net.bn1(net.conv1(x))))))


def _leave(net: XceptionBackbone, x: Tensor) -> Tensor:
    """Return ``(B, 2048)`` for what Xception's last block gives."""
    return net.act4(net.bn4(net.conv4(net.act3(net.bn3(net.conv3(x)))))).mean((2, 3))

"""The three-stream detector: spatial, spectral and semantic streams, fused by cross-stream attention."""

from typing import Annotated

from pydantic import Field

from fakefocus.models.family import ClassificationLoss, Family, ImageSide, Weights
from fakefocus.parameters import Group
from fakefocus.parameters.common import NonNegative, Share


class MultistreamNetwork(Group):
    """Three streams: timm names of their backbones, and the side of the input in pixels.

    ``weights`` none, pretrained (each backbone's, from timm), a file, or by part, as ``{spatial: <file>}``.
    ``legacy``: the published forward pass.
    """

    spatial: str = "efficientnet_b0"
    spectral: str = "resnet18"
    semantic: str = "vit_tiny_patch16_224"
    img_size: ImageSide = 256
    weights: Weights = "none"
    stream_drop_rate: Annotated[float, Field(ge=0, lt=1)] = 0.1
    drop_rate: Share = 0.4
    legacy: bool = False


class MultistreamLoss(ClassificationLoss):
    """Classification, and weights of orthogonality between streams, and of alignment and uniformity of samples."""

    orthogonality_weight: NonNegative = 0.01
    alignment_weight: NonNegative = 0.0
    uniformity_weight: NonNegative = 0.0


FAMILY = Family(
    name="multistream",
    title="Multi-stream",
    colour="#b4540a",
    network="fakefocus.models.multistream.network:MultiStream",
    network_options=MultistreamNetwork,
    loss="fakefocus.models.multistream.loss:MultistreamLoss",
    loss_options=MultistreamLoss,
    baseline=False,
    parts=("spatial", "spectral", "semantic"),
    rename="fakefocus.models.multistream.published:rename",
)

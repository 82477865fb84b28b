"""EfficientNet-B4, its pretrained stem kept."""

from fakefocus.models.family import BackboneNetwork, Edition, Family, ImageSide
from fakefocus.parameters.common import Share


class EfficientNetB4Network(BackboneNetwork):
    """A timm ``backbone`` for inputs of ``img_size`` pixels; ``weights`` none, pretrained or a file."""

    backbone: str = "efficientnet_b4"
    img_size: ImageSide = 380
    edition: Edition = "paper"
    drop_rate: Share = 0.4


FAMILY = Family(
    name="efficientnet_b4",
    title="EfficientNet-B4",
    colour="#be185d",
    network="fakefocus.models.efficientnet_b4.network:EfficientNetB4",
    network_options=EfficientNetB4Network,
    parts=("backbone",),
    rename="fakefocus.models.efficientnet_b4.published:rename",
)

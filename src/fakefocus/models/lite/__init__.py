"""A compact detector on RGB: EfficientNet-Lite0, started from ImageNet."""

from fakefocus.models.family import BackboneNetwork, Family, ImageSide
from fakefocus.parameters.common import Share


class LiteNetwork(BackboneNetwork):
    """A timm ``backbone`` for inputs of ``img_size`` pixels; ``weights`` none, packaged, pretrained or a file."""

    backbone: str = "tf_efficientnet_lite0"
    img_size: ImageSide = 224
    drop_rate: Share = 0.2


FAMILY = Family(
    name="lite",
    title="EfficientNet-Lite0",
    colour="#1f2937",
    network="fakefocus.models.lite.network:Lite",
    network_options=LiteNetwork,
    parts=("backbone",),
)

"""CNNDetect: ResNet-50 whose training pictures are blurred and compressed."""

from fakefocus.models.family import BackboneNetwork, Edition, Family, ImageSide
from fakefocus.parameters.common import Share


class CnnDetectNetwork(BackboneNetwork):
    """A timm ``backbone`` for inputs of ``img_size`` pixels; ``weights`` none, pretrained or a file."""

    backbone: str = "resnet50"
    img_size: ImageSide = 224
    edition: Edition = "paper"
    drop_rate: Share = 0.0


FAMILY = Family(
    name="cnndetect",
    title="CNNDetect",
    colour="#a16207",
    network="fakefocus.models.cnndetect.network:CnnDetect",
    network_options=CnnDetectNetwork,
    parts=("backbone",),
    rename="fakefocus.models.cnndetect.published:rename",
)

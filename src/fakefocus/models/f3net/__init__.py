"""F3-Net: two Xceptions, on bands of frequency and on local statistics of frequency, that attend to each other."""

from fakefocus.models.family import BackboneNetwork, Family, ImageSide
from fakefocus.parameters.common import Share


class F3NetNetwork(BackboneNetwork):
    """A timm ``backbone`` for inputs of ``img_size`` pixels; ``weights`` none, pretrained or a file."""

    backbone: str = "legacy_xception"
    img_size: ImageSide = 299
    drop_rate: Share = 0.5


FAMILY = Family(
    name="f3net",
    title="F3-Net",
    colour="#64748b",
    network="fakefocus.models.f3net.network:F3Net",
    network_options=F3NetNetwork,
    parts=("backbone",),
)

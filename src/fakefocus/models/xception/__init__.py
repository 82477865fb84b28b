"""Xception, the baseline of FaceForensics++."""

from fakefocus.models.family import BackboneNetwork, Family, ImageSide
from fakefocus.parameters.common import Share


class XceptionNetwork(BackboneNetwork):
    """A timm ``backbone`` for inputs of ``img_size`` pixels; ``weights`` none, pretrained or a file."""

    backbone: str = "legacy_xception"
    img_size: ImageSide = 299
    drop_rate: Share = 0.5


FAMILY = Family(
    name="xception",
    title="Xception",
    colour="#7c3aed",
    network="fakefocus.models.xception.network:Xception",
    network_options=XceptionNetwork,
    parts=("backbone",),
    rename="fakefocus.models.xception.published:rename",
)

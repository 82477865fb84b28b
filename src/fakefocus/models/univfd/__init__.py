"""UnivFD: a linear layer of 769 parameters on features of a frozen CLIP."""

from fakefocus.models.family import BackboneNetwork, Family, ImageSide
from fakefocus.parameters.common import Share


class UnivFdNetwork(BackboneNetwork):
    """A timm ``backbone`` for inputs of ``img_size`` pixels; ``weights`` none, pretrained or a file."""

    backbone: str = "vit_large_patch14_clip_quickgelu_224.openai"
    img_size: ImageSide = 224
    drop_rate: Share = 0.0


FAMILY = Family(
    name="univfd",
    title="UnivFD",
    colour="#1d4ed8",
    network="fakefocus.models.univfd.network:UnivFd",
    network_options=UnivFdNetwork,
    parts=("backbone",),
    rename="fakefocus.models.univfd.published:rename",
    published_head=True,
)

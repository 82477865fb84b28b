"""GenD: a frozen vision transformer of which only the layer norms learn, on features of unit length."""

from fakefocus.models.family import BackboneNetwork, ClassificationLoss, Family, ImageSide
from fakefocus.parameters.common import NonNegative, Share


class GenDNetwork(BackboneNetwork):
    """A timm vision transformer; ``weights`` none, pretrained or a file. See README for names."""

    backbone: str = "vit_large_patch14_clip_quickgelu_224.openai"
    img_size: ImageSide = 224
    drop_rate: Share = 0.0


class GenDLoss(ClassificationLoss):
    """Classification, and weights of alignment and uniformity of the embeddings."""

    alignment_weight: NonNegative = 0.1
    uniformity_weight: NonNegative = 0.5


FAMILY = Family(
    name="gend",
    title="GenD",
    colour="#0369a1",
    network="fakefocus.models.gend.network:GenD",
    network_options=GenDNetwork,
    loss_options=GenDLoss,
    parts=("backbone",),
    rename="fakefocus.models.gend.published:rename",
)

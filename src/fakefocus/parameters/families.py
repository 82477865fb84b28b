"""Parameters of each family: its network, its loss and its training."""

from typing import Annotated, Literal

from pydantic import Field

from fakefocus.parameters.common import Group, Share
from fakefocus.parameters.training import Training

Weight = Annotated[float, Field(ge=0)]
Side = Annotated[int, Field(ge=32)]


class ScadeNetwork(Group):
    """SCADE-Net. ``in_chans`` 3 (RGB), 4 (and the map) or 5 (and its confidence); ``constraint`` A or B.

    ``weights`` none, or a file to start from.
    """

    in_chans: Literal[3, 4, 5]
    constraint: Literal["A", "B"]
    drop_rate: Share
    weights: str = "none"


class MultistreamNetwork(Group):
    """Three streams: timm names of their backbones, and the side of the input in pixels.

    ``weights`` none, pretrained (each backbone's, from timm) or a file. ``legacy``: the published forward pass.
    """

    spatial: str
    spectral: str
    semantic: str
    img_size: Side
    weights: str
    stream_drop_rate: Annotated[float, Field(ge=0, lt=1)]
    drop_rate: Share
    legacy: bool = False


class MesoNetwork(Group):
    """MesoNets see 256 pixels; ``weights`` none, or a file to start from."""

    drop_rate: Share
    weights: str = "none"


class BackboneNetwork(Group):
    """A timm ``backbone`` for inputs of ``img_size`` pixels; ``weights`` none, pretrained or a file."""

    backbone: str
    img_size: Side
    drop_rate: Share
    weights: str


class ClassificationLoss(Group):
    """Binary cross-entropy or focal loss; a fake counts ``fake_weight`` times."""

    classification: Literal["bce", "focal"] = "bce"
    fake_weight: Annotated[float, Field(gt=0)] = 1.0


class ScadeLoss(ClassificationLoss):
    """Classification, and ``scl_weight`` times the single-center loss of the named form with its ``margin``."""

    scl_weight: Weight
    scl_form: Literal["hinge", "paper"]
    margin: Weight


class MultistreamLoss(ClassificationLoss):
    """Classification, and weights of orthogonality between streams, and of alignment and uniformity of samples."""

    orthogonality_weight: Weight
    alignment_weight: Weight = 0.0
    uniformity_weight: Weight = 0.0


class ScadeFamily(Group):
    """All of SCADE-Net's parameters."""

    network: ScadeNetwork
    loss: ScadeLoss
    training: Training


class MultistreamFamily(Group):
    """All of the three-stream detector's parameters."""

    network: MultistreamNetwork
    loss: MultistreamLoss
    training: Training


class MesoFamily(Group):
    """All parameters of Meso-4 or MesoInception-4."""

    network: MesoNetwork
    loss: ClassificationLoss = ClassificationLoss()
    training: Training


class BackboneFamily(Group):
    """All parameters of a baseline on a timm backbone."""

    network: BackboneNetwork
    loss: ClassificationLoss = ClassificationLoss()
    training: Training


Family = ScadeFamily | MultistreamFamily | MesoFamily | BackboneFamily
FAMILY_GROUPS: dict[str, type[Family]] = {
    "scade_net": ScadeFamily,
    "multistream": MultistreamFamily,
    "meso4": MesoFamily,
    "meso_inception4": MesoFamily,
    "xception": BackboneFamily,
    "efficientnet_b4": BackboneFamily,
    "cnndetect": BackboneFamily,
    "univfd": BackboneFamily,
    "f3net": BackboneFamily,
}
"""The parameters of each family of ``fakefocus.models``."""

"""SCADE-Net: a Meso-4 descendant of 28,055 parameters that sees RGB and a defocus map."""

from typing import Literal

from fakefocus.models.family import ClassificationLoss, Family, Weights
from fakefocus.parameters import Group
from fakefocus.parameters.common import NonNegative, Share


class ScadeNetwork(Group):
    """SCADE-Net. ``in_chans`` 3 (RGB), 4 (and the map) or 5 (and its confidence); ``constraint`` A or B.

    ``weights`` none, or a file to start from.
    """

    in_chans: Literal[3, 4, 5] = 4
    constraint: Literal["A", "B"] = "A"
    drop_rate: Share = 0.5
    weights: Weights = "none"


class ScadeLoss(ClassificationLoss):
    """Classification, and ``scl_weight`` times the single-center loss of the named form with its ``margin``."""

    scl_weight: NonNegative = 0.1
    scl_form: Literal["hinge", "paper"] = "hinge"
    margin: NonNegative = 0.5


FAMILY = Family(
    name="scade_net",
    title="SCADE-Net",
    colour="#0b6e99",
    network="fakefocus.models.scade_net.network:ScadeNet",
    network_options=ScadeNetwork,
    loss="fakefocus.models.scade_net.loss:ScadeLoss",
    loss_options=ScadeLoss,
    baseline=False,
    rename="fakefocus.models.scade_net.published:rename",
)

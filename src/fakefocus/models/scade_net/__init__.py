"""SCADE-Net: a Meso-4 descendant of 28,055 parameters that sees RGB and a defocus map."""

from typing import Literal

from fakefocus.models.family import Ablation, Claim, ClassificationLoss, Family, Weights
from fakefocus.parameters import Group
from fakefocus.parameters.common import NonNegative, Share


class ScadeNetwork(Group):
    """SCADE-Net. ``in_chans`` 3 (RGB), 4 (and the map) or 5 (and its confidence).

    ``constraint`` of the first convolution: A, B or none, an ordinary one. ``eca``: with channel attention. ``weights``
    none, or a file to start from.
    """

    in_chans: Literal[3, 4, 5] = 4
    constraint: Literal["A", "B", "none"] = "A"
    activation: Literal["silu", "relu"] = "silu"
    eca: bool = True
    drop_rate: Share = 0.5
    weights: Weights = "none"


class ScadeLoss(ClassificationLoss):
    """Classification, and ``scl_weight`` times the single-center loss of the named form with its ``margin``."""

    scl_weight: NonNegative = 0.1
    scl_form: Literal["hinge", "paper"] = "hinge"
    margin: NonNegative = 0.5


_README = "SCADE-Net's README, no table behind it (2026, https://github.com/vonexel/SCADE-Net)"
ABLATIONS = {
    "relu": Ablation(
        "ReLU for SiLU", {"network": {"activation": "relu"}}, (Claim("video", "accuracy", -0.015, -0.005, _README),)
    ),
    "no_eca": Ablation(
        "without channel attention", {"network": {"eca": False}}, (Claim("video", "auc", -0.03, -0.01, _README),)
    ),
    "no_map": Ablation(
        "without the defocus map", {"network": {"in_chans": 3}}, (Claim("video", "auc", -0.05, -0.03, _README),)
    ),
    "no_center": Ablation(
        "without the single-center loss",
        {"loss": {"scl_weight": 0.0}},
        (Claim("held_out", "auc", -0.08, -0.05, f"{_README}, across data sets"),),
    ),
    "constraint_b": Ablation("constraint B for A", {"network": {"constraint": "B"}}),
    "no_constraint": Ablation("an ordinary first convolution", {"network": {"constraint": "none"}}),
}
"""Each claimed innovation, taken out; the first convolution, of which nothing is claimed, in its other forms."""

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
    ablations=ABLATIONS,
)

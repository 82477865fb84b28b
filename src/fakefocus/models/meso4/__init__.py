"""Meso-4: four convolutions and a small head, 27,977 parameters."""

from fakefocus.models.family import Edition, Family, Weights
from fakefocus.parameters import Group
from fakefocus.parameters.common import Share


class MesoNetwork(Group):
    """MesoNets see 256 pixels; ``weights`` none, or a file to start from, of the same ``edition``."""

    drop_rate: Share = 0.5
    edition: Edition = "paper"
    weights: Weights = "none"


FAMILY = Family(
    name="meso4",
    title="Meso-4",
    colour="#4d7c0f",
    network="fakefocus.models.meso4.network:Meso4",
    network_options=MesoNetwork,
    rename="fakefocus.models.meso4.published:rename",
)

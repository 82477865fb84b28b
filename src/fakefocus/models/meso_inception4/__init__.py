"""MesoInception-4: Meso-4 with two inception modules in front, 28,615 parameters."""

from fakefocus.models.family import Family
from fakefocus.models.meso4 import MesoNetwork

FAMILY = Family(
    name="meso_inception4",
    title="MesoInception-4",
    colour="#0f766e",
    network="fakefocus.models.meso_inception4.network:MesoInception4",
    network_options=MesoNetwork,
    rename="fakefocus.models.meso_inception4.published:rename",
)

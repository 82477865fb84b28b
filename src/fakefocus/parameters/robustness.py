"""Parameters of the protocol robustness."""

from typing import Annotated

from pydantic import Field

from fakefocus.parameters.common import Group, Positive


class Robustness(Group):
    """How much of the test side is perturbed; which perturbations, and how strong, is the protocol's.

    ``faces`` stored crops are perturbed, each in every way, spread over as many test videos as there are; ``videos``
    clips are encoded again, in every way, spread over people and methods. ``seed`` of both draws and of noise and lost
    blocks.
    """

    faces: Positive
    videos: Positive
    seed: Annotated[int, Field(ge=0)]

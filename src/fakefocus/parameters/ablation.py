"""Parameters of what is trained again to be compared: ablations and regularisers."""

from typing import Annotated

from pydantic import Field

from fakefocus.parameters.common import Group


class Retraining(Group):
    """How variants are trained: each, and the unchanged detector too, for ``epoch_share`` of its recipe's epochs."""

    epoch_share: Annotated[float, Field(gt=0, le=1)]

"""Parameters of a detector that is given away."""

from typing import Annotated

from pydantic import Field

from fakefocus.parameters.common import Group, Positive

Rate = Annotated[float, Field(gt=0, le=0.5)]


class Release(Group):
    """How a detector's verdicts are calibrated, and what its card says.

    ``false_alarms``: of real validation videos after any one benign edit, at most this share is called fake.
    ``missed``: of fake validation videos, at most this share is called real; between both a verdict is uncertain.
    ``faces``: so many faces a video are edited and blended. ``seed`` of what blends draw. ``licence`` of the weights,
    ``data`` they were trained on, and ``again``, the command that trains them: for the card.
    """

    false_alarms: Rate = 0.05
    missed: Rate = 0.05
    faces: Positive = 2
    seed: Annotated[int, Field(ge=0)] = 3
    licence: str = "not said"
    data: str = "not said"
    again: str = "kedro run --pipelines=train"

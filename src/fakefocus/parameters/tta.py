"""Parameters of scores over several views of a face."""

from typing import Annotated, Literal

from pydantic import Field

from fakefocus.parameters.common import Group


class Tta(Group):
    """How the scores of views become one.

    ``mean`` of their logits, or of their probabilities. ``jpeg_quality`` of the view that is compressed once more; None
    for no such view.
    """

    mean: Literal["logit", "probability"] = "logit"
    jpeg_quality: Annotated[int, Field(ge=50, le=100)] | None = 90

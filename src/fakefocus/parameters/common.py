"""What all parameter groups share."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(ge=1)]
NonNegative = Annotated[float, Field(ge=0)]
FolderName = Annotated[str, Field(pattern=r"^[\w+-][\w.+-]*$")]
"""What names a folder: letters, digits and _ . + -, and no path."""


class Group(BaseModel):
    """A group of parameters: unknown names are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True)

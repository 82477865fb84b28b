"""Published results, and the parameters of the protocol that puts ours beside them."""

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from fakefocus.parameters.common import Group
from fakefocus.parameters.data import LayoutName

Environment = LayoutName | Literal["hf"]
"""What reads a data set: an environment of conf/."""


class Reproduce(Group):
    """``datasets``: names of ours (``globals:dataset``) that count as the data set of an environment."""

    datasets: dict[Environment, tuple[str, ...]]


class Source(Group):
    """Where a number was published."""

    title: str
    year: Annotated[int, Field(ge=1990, le=2100)]
    url: Annotated[str, Field(pattern=r"^https?://\S+$")]


class Data(Group):
    """What a detector was trained or tested on.

    ``title`` as people write it; ``dataset`` is the environment that reads it, None where nobody can get the data.
    ``methods`` are those of the fakes, empty for all; ``strategy`` is the split that comes nearest to the published.
    """

    title: str
    dataset: Environment | None = None
    compression: Literal["", "raw", "c23", "c40"] = ""
    methods: tuple[str, ...] = ()
    strategy: Literal["identity", "official", "test_only"] = "identity"


class PublishedResult(Group):
    """One published number: ``value`` in [0, 1], digits as published. ``note`` says how far it is to be trusted."""

    family: str
    trained_on: Data
    tested_on: Data
    metric: Literal["auc", "ap", "eer", "accuracy", "f1"]
    unit: Literal["frame", "image", "video"]
    value: Annotated[Decimal, Field(ge=0, le=1)]
    note: str = ""
    remark: str = ""


class PublishedTable(Group):
    """A file of conf/published: its ``source`` and results; what ``shared`` holds is in each that does not say else."""

    source: Source
    results: tuple[PublishedResult, ...]

    @model_validator(mode="before")
    @classmethod
    def _spread(cls, values: Any) -> Any:  # noqa: ANN401 (checked right after)
        if not isinstance(values, dict) or not isinstance(values.get("results"), list | tuple):
            return values
        others = {name: value for name, value in values.items() if name != "shared"}
        shared = values.get("shared") or {}
        return others | {"results": [shared | dict(r) if isinstance(r, dict) else r for r in values["results"]]}

    @model_validator(mode="after")
    def _holds_results(self) -> "PublishedTable":
        if not self.results:
            msg = "results: at least one"
            raise ValueError(msg)
        return self

"""Suites: what is trained and what it is tested on (``conf/suites/*.yml``)."""

from typing import Annotated, Any

from pydantic import Field, model_validator

from fakefocus.parameters.common import FolderName, Group

Words = dict[str, str | int | float | bool]
"""What ``--params`` gets, by dotted name."""


class Trained(Group):
    """Detectors of an ``experiment``: ``detectors`` by the names of their folders, None for the main families.

    ``env`` and ``params`` are those of the command that made the experiment; errors repeat them.
    """

    experiment: FolderName
    detectors: Annotated[tuple[FolderName, ...], Field(min_length=1)] | None = None
    env: str | None = None
    params: Words = {}


class Tested(Group):
    """An ``experiment`` whose test side is scored: a data set that was split.

    ``dataset`` is the data set's name where it is not the experiment's. ``env``, ``data_root`` and ``params`` are those
    of the command that makes it; errors repeat them.
    """

    experiment: FolderName
    dataset: FolderName | None = None
    env: str | None = None
    data_root: str | None = None
    params: Words = {}

    @property
    def data(self) -> str:
        """The name of the data set."""
        return str(self.dataset or self.params.get("dataset") or self.experiment)


class Suite(Group):
    """All detectors of ``trained`` are compared on all sets of ``tested``; ``name`` is that of the file."""

    name: str
    trained: Annotated[tuple[Trained, ...], Field(min_length=1)]
    tested: Annotated[tuple[Tested, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _each_once(self) -> "Suite":
        for what, entries in (("trained", self.trained), ("tested", self.tested)):
            names: list[Any] = [entry.experiment for entry in entries]
            doubled = sorted({name for name in names if names.count(name) > 1})
            if doubled:
                msg = f"{what}: each experiment is named once, got {', '.join(doubled)} again"
                raise ValueError(msg)
        return self

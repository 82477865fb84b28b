"""Parameters of the protocol ``judge``: how somebody's tables of scores are read."""

from typing import Annotated, Any, Literal

from pydantic import Field, field_validator

from fakefocus.parameters.common import Group

Polarity = Literal["fake", "real"]
Scale = Literal["auto", "probability", "any"]
ThresholdRule = Literal["auto", "validation", "adapted"]


Label = Literal[0, 1]
USUAL_LABELS: dict[str, Label] = {"real": 0, "fake": 1, "0": 0, "1": 1}


class Columns(Group):
    """Which column holds what; None: one of the usual names, if there is one (the log says which).

    ``scores`` are the detectors: names, or patterns such as ``score_*``; None takes every column of numbers that is
    nothing else. ``detector`` makes a long table, a row a video and detector, with one column of scores.
    ``attributes`` are any columns that results are split by.
    """

    id: str | None = None
    label: str | None = None
    scores: tuple[str, ...] | None = None
    detector: str | None = None
    group: str | None = None
    method: str | None = None
    split: str | None = None
    track: str | None = None
    attributes: tuple[str, ...] = ()

    @field_validator("scores", "attributes", mode="before")
    @classmethod
    def _takes_one_name(cls, value: Any) -> Any:  # noqa: ANN401 (checked right after)
        return (value,) if isinstance(value, str) else value


class Judge(Group):
    """How foreign scores are read and judged.

    ``labels`` maps what the label column holds, whatever the case, to 0 real or 1 fake. ``polarity`` says what a high
    score means, ``scale`` whether scores are probabilities (auto: all lie in [0, 1]), ``threshold`` from which score
    on a row is called fake: each for all detectors, or by detector. ``threshold`` auto: of equal errors on rows of
    side val, where there are some; else .5 for probabilities; else of equal errors on the judged rows (adapted).
    ``rows`` faces: ids repeat, faces are put together to videos by ``evaluation.aggregation``. ``files`` detectors:
    each file is a detector of its stem's name; parts: files are parts of one table; auto: detectors if each file has
    one column of scores. ``match`` auto: videos of the lineage, where most ids are of it; none: the table says itself
    what is judged. ``split``: of a table with a split column, the rows that are judged.
    """

    columns: Columns = Columns()
    labels: dict[str, Label] = USUAL_LABELS
    polarity: Polarity | dict[str, Polarity] = "fake"
    scale: Scale | dict[str, Scale] = "auto"
    threshold: float | ThresholdRule | dict[str, float | ThresholdRule] = "auto"
    rows: Literal["videos", "faces"] = "videos"
    files: Literal["auto", "detectors", "parts"] = "auto"
    match: Literal["auto", "lineage", "none"] = "auto"
    split: str = "test"
    shown_methods: Annotated[int, Field(ge=2)] = 24
    title: str = "Detectors judged by their scores"

    @field_validator("labels", mode="before")
    @classmethod
    def _ignores_case(cls, value: Any) -> Any:  # noqa: ANN401 (checked right after)
        return {str(key).strip().lower(): label for key, label in value.items()} if isinstance(value, dict) else value

    @field_validator("labels")
    @classmethod
    def _names_both(cls, value: dict[str, Label]) -> dict[str, Label]:
        if set(value.values()) != {0, 1}:
            msg = "must map something to 0 (real) and something to 1 (fake)"
            raise ValueError(msg)
        return value


def of_detector(option: Any, detector: str, default: Any) -> Any:  # noqa: ANN401 (any option of a detector)
    """Return an option that is one for all detectors, or by detector."""
    return option.get(detector, default) if isinstance(option, dict) else option

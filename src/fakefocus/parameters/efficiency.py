"""Parameters of what detectors cost."""

from typing import Annotated, Literal

from pydantic import Field

from fakefocus.parameters.common import Group, Positive


class Efficiency(Group):
    """How latency and memory are measured.

    ``devices``: those that are not there are left out, and the report says so. ``threads`` of torch on the processor.
    ``batches``: crops a batch. Each batch is timed in ``rounds`` of ``repetitions``, after ``warm_up`` that are not
    counted. ``map_crops`` crops of the test side are those whose maps are timed.
    """

    devices: Annotated[tuple[Literal["cpu", "cuda"], ...], Field(min_length=1)]
    threads: Positive
    batches: Annotated[tuple[Positive, ...], Field(min_length=1)]
    warm_up: Positive
    repetitions: Positive
    rounds: Annotated[int, Field(ge=2)]
    map_crops: Positive

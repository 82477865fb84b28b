"""What a trained detector is and what it may be shown: ``architecture.json``."""

import math
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, ValidationError

from fakefocus.errors import InputError
from fakefocus.parameters import CropSpec, Group, MapSpec, Training

_AGAIN = "train it again with the same --params: kedro run --pipelines=train, of a baseline --pipelines=baselines"
SIDES = ("train", "val")
_EDGE = 1e-6
"""Scores are kept this far from 0 and 1 before their logit is taken, as `metrics.calibration` does."""


class Normalization(Group):
    """Mean and deviation of three channels in [0, 1]."""

    mean: tuple[float, ...]
    std: tuple[float, ...]


class InputSpec(Group):
    """What a network takes: channels in order, side in pixels, range, and how it normalises RGB itself."""

    channels: tuple[str, ...]
    img_size: int
    range: tuple[float, float] = (0.0, 1.0)
    normalize: tuple[Normalization, ...] = ()

    @property
    def maps(self) -> int:
        """Number of maps beside RGB."""
        return len(self.channels) - 3


class StartingWeights(Group):
    """Where the weights of a part of a network come from, and under which licence."""

    part: str
    source: str
    licence: str


class Side(Group):
    """Whom a detector was trained or validated on: ids and hashes of videos, and people as ``<dataset>/<name>``."""

    videos: tuple[str, ...]
    sha256: tuple[str, ...]
    people: tuple[str, ...]


class SplitSpec(Group):
    """How videos came to their sides; ``hash`` is that of ``splits.json``."""

    strategy: str
    seed: int
    hash: str


class Threshold(Group):
    """The score from which on a face is called fake, in [0, 1], and where it is from."""

    value: float
    source: str


class Verdict(Group):
    """What a video is called: ``real`` below one score, ``fake`` from another one on, and ``uncertain`` between them.

    ``temperature`` divides the logit of a score: what comes out is a probability among real and fake videos that come
    equally often; ``source`` says what all three were calibrated on.
    """

    temperature: float = Field(gt=0)
    real_below: float
    fake_from: float
    source: str

    def of(self, score: float) -> Literal["real", "uncertain", "fake"]:
        """Return what a video of this score, in [0, 1], is called."""
        if score >= self.fake_from:
            return "fake"
        return "real" if score < self.real_below else "uncertain"

    def probability(self, score: float) -> float:
        """Return the probability that a score, in [0, 1], stands for among videos like those of the calibration."""
        within = min(max(score, _EDGE), 1 - _EDGE)
        return 1 / (1 + math.exp(-math.log(within / (1 - within)) / self.temperature))


class Contract(Group):
    """A trained detector: what it is, what it was made from, and what it may be shown.

    Attributes:
        family: Name of its family; ``title`` is that as people write it.
        labels: Whether it was trained on the true labels or, as a negative control, on shuffled ones or not at all.
        network: The parameters ``<family>.network``; ``loss`` and ``training`` likewise.
        input: What the network takes.
        crops: How the crops were made that it saw; ``maps`` likewise, None for a network that sees none.
        dataset: The data set that it was trained on; ``experiment`` names the training, ``recipe`` its recipe.
        methods: The methods of the fakes that it was trained on; empty where it saw real faces alone.
        train: Whom it was trained on; ``val`` on whom its epoch and its threshold were chosen.
        best_epoch: The epoch that was kept, from 0; ``val_video_auc`` in that epoch, None without training.
        versions: Of what it was trained with; ``commit`` of the project.
        made_of: What tells its parameters, samples and code from others'; empty where code was not committed.
        machine: What it was trained on, and ``seconds`` for how long; of a training that was stopped, since it went on.
        verdict: What a video is called by its score; None before a release.
    """

    version: Literal[1] = 1
    family: str
    title: str
    labels: Literal["true", "shuffled", "none"]
    network: dict[str, Any]
    loss: dict[str, Any]
    training: Training
    input: InputSpec
    crops: CropSpec
    maps: MapSpec | None
    dataset: str
    experiment: str
    recipe: str
    split: SplitSpec
    methods: tuple[str, ...]
    train: Side
    val: Side
    best_epoch: int = Field(ge=0)
    val_video_auc: float | None
    threshold: Threshold
    starting_weights: tuple[StartingWeights, ...]
    versions: dict[str, str]
    commit: str
    made_of: str = ""
    machine: str = ""
    seconds: float | None = None
    verdict: Verdict | None = None

    @property
    def name(self) -> str:
        """Its name as people write it; a control's is marked."""
        return self.title + {"true": "", "shuffled": ", shuffled labels", "none": ", untrained"}[self.labels]


def read_contract(content: Mapping[str, Any]) -> Contract:
    """Return the contract that ``architecture.json`` holds.

    Raises:
        InputError: If it is of another version of the project.
    """
    try:
        return Contract.model_validate(content)
    except ValidationError as error:
        family, first = content.get("family", "a detector"), error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        msg = f"{family}: its architecture.json is of another version ({place}: {first['msg']}): {_AGAIN}"
        raise InputError(msg) from error


def completed(contract: Mapping[str, Any]) -> dict[str, Any]:
    """Return a contract as this version writes it; what a summary says of one as it is."""
    named = all(isinstance(contract.get(side), Mapping) and "sha256" in contract[side] for side in SIDES)
    return read_contract(contract).model_dump(mode="json") if named else dict(contract)

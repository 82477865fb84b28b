"""What a trained detector is and what it may be shown: ``architecture.json``."""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, ValidationError

from fakefocus.errors import InputError
from fakefocus.parameters import CropSpec, Group, MapSpec, Training

if TYPE_CHECKING:  # whoever reads a contract does without tables
    import pandas as pd

_AGAIN = "train it again: kedro run --pipelines=train with the same --params"
_JUDGE_AGAIN = "run kedro run --pipelines=evaluate"
_SIDES = ("train", "val")
_CHANCE = ("machine", "seconds")
"""What differs between two trainings that are otherwise the same."""
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


class Overlap(Group):
    """How many test videos a detector knows, themselves or by somebody in them; ``videos`` is how many there are.

    ``trained_on`` counts those of its training, ``validated_on`` others of its validation.
    """

    videos: int
    trained_on: int
    validated_on: int
    people: tuple[str, ...]

    @property
    def known(self) -> int:
        """How many it knows at all."""
        return self.trained_on + self.validated_on


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


def side_of(samples: "pd.DataFrame") -> Side:
    """Return whom samples show."""
    videos = samples.drop_duplicates("video_id").sort_values("video_id")
    return Side(
        videos=tuple(videos["video_id"]),
        sha256=tuple(videos["fingerprint"]),
        people=tuple(sorted({name for names in videos["people"] for name in people_in(names)})),
    )


def people_in(text: str) -> list[str]:
    """Return the names that the column ``people`` of samples holds, one a line."""
    return text.split("\n") if text else []


def check_fit(
    contract: Contract,
    test: "pd.DataFrame",
    crops: CropSpec,
    maps: MapSpec | None,
    *,
    seen: Literal["refuse", "allow"] = "refuse",
    split_hash: str = "",
) -> Overlap:
    """Compare a detector with what it is to be shown.

    Args:
        contract: What the detector is.
        test: The samples that it is judged on.
        crops: How their crops were made.
        maps: How their maps were made; read only if the detector sees maps.
        seen: What is done with test videos and people that it was trained or validated on.
        split_hash: The hash of the split that it is judged on; in its own one, people are on two sides.

    Returns:
        How many of the test videos it knows.

    Raises:
        InputError: If crops or maps are of another kind, with both values and the remedy; or if test videos or people
            are known to it, and ``seen`` refuses that.
    """
    _check_kind(contract, "crops", contract.crops, crops, "preprocess")
    if contract.maps is not None:
        _check_kind(contract, "maps", contract.maps, maps, "defocus")
    overlap = find_overlap(contract.train, contract.val, test)
    if overlap.known and seen == "refuse":
        own = contract.split.hash == split_hash
        remedy = (
            f"its own split ({contract.split.strategy}) has them on two sides: set evaluation.seen to allow"
            if own
            else f"judge it on the split that it was trained with (experiment {contract.experiment}), train it on this "
            "one, or set evaluation.seen to allow"
        )
        msg = f"{contract.name} of {contract.experiment}: {in_words(overlap)}: {remedy}, which the report will say"
        raise InputError(msg)
    return overlap


def in_words(overlap: Overlap) -> str:
    """Return how many test videos a detector knows, in words, with the first names."""
    counts = {"trained on": overlap.trained_on, "validated on": overlap.validated_on}
    texts = [f"{count} of {overlap.videos} test videos were {how}" for how, count in counts.items() if count]
    who = f", or show people who were, with {_first(overlap.people)}" if overlap.people else ""
    return " and ".join(texts) + who


def check_judged(contract: Mapping[str, Any], summary: Mapping[str, Any], remedy: str = _JUDGE_AGAIN) -> None:
    """Check that a summary, and the scores beside it, are of the training that a contract is of.

    Args:
        contract: What ``architecture.json`` holds.
        summary: What ``summary.json`` holds.
        remedy: What is to be run where they are not.

    Raises:
        InputError: If the detector was trained again since.
    """
    differing = trained_otherwise(contract, summary["contract"])
    if differing:
        msg = (
            f"{summary['contract']['name']} of {contract['experiment']} was trained again since it was judged "
            f"({', '.join(differing)} differ): its scores are those of before, {remedy}"
        )
        raise InputError(msg)


def trained_otherwise(contract: Mapping[str, Any], described: Mapping[str, Any]) -> list[str]:
    """Return in which fields a contract and what a summary says of one differ: none where they are of one training.

    A summary counts videos and people, a contract names them: both follow from split and methods. What a contract of an
    earlier version does not say has its default.
    """
    whole = _completed(contract)
    return [n for n, value in whole.items() if n not in (*_SIDES, *_CHANCE) and described.get(n) != value]


def training_of(contract: Mapping[str, Any], detector: str, experiment: str) -> dict[str, str]:
    """Return what tells the training of a detector apart, a digest, by the detector and where it is judged.

    It is the same of a contract and of what a summary says of one.

    Args:
        contract: What ``architecture.json`` holds, or the ``contract`` of a summary.
        detector: Name of its folder.
        experiment: Name of the judgement.
    """
    apart = {name: value for name, value in _completed(contract).items() if name not in (*_SIDES, *_CHANCE, "name")}
    digest = hashlib.sha256(json.dumps(apart, sort_keys=True).encode()).hexdigest()[:16]
    return {f"{detector} of {contract['experiment']} on {experiment}": digest}


def _completed(contract: Mapping[str, Any]) -> dict[str, Any]:
    """Return a contract as this version writes it; what a summary says of one as it is."""
    named = all(isinstance(contract.get(side), Mapping) and "sha256" in contract[side] for side in _SIDES)
    return read_contract(contract).model_dump(mode="json") if named else dict(contract)


def find_overlap(train: Side, val: Side, test: "pd.DataFrame") -> Overlap:
    """Return how many videos of ``test`` are of ``train`` or ``val``, themselves or by somebody in them."""
    videos = test.drop_duplicates("video_id")
    trained, validated = (_known(side, videos) for side in (train, val))
    known_people = {*train.people, *val.people}
    shared = known_people.intersection(name for names in videos["people"] for name in people_in(names))
    return Overlap(
        videos=len(videos),
        trained_on=int(trained.sum()),
        validated_on=int((validated & ~trained).sum()),
        people=tuple(sorted(shared)),
    )


def _known(side: Side, videos: "pd.DataFrame") -> "pd.Series":
    people = set(side.people)
    by_person = videos["people"].map(lambda names: not people.isdisjoint(people_in(names))).astype(bool)
    return by_person | videos["fingerprint"].isin(set(side.sha256))


def _check_kind(contract: Contract, what: str, learned: Group, shown: Group | None, stage: str) -> None:
    if learned == shown:
        return
    ours, theirs = learned.model_dump(), {} if shown is None else shown.model_dump()
    differing = [name for name in ours if ours[name] != theirs.get(name)]
    msg = (
        f"{what}: {contract.name} of {contract.experiment} was trained on {what} with {_values(ours, differing)}, "
        f"these have {_values(theirs, differing)}: make them as it knows them (kedro run --pipelines={stage}), or "
        "train it on these"
    )
    raise InputError(msg)


def _values(values: Mapping[str, Any], names: Iterable[str]) -> str:
    return ", ".join(f"{name} {values.get(name)}" for name in names) if values else "no note of how they were made"


def _first(names: tuple[str, ...]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more people" if len(names) > 3 else "")

"""What is answered of a file: the fields of a result, and their JSON Schema."""

import json
from typing import Any, Literal

from fakefocus.parameters import Group
from fakefocus.parameters.common import Positive, Share

SCHEMA_VERSION: Literal["1.0"] = "1.0"
"""The first number changes where a field goes or means something else, the second where one is added."""

Answer = Literal["real", "uncertain", "fake"]
Problem = Literal["tiny", "blurred", "compressed", "turned_away", "few_frames"]


class Media(Group):
    """What a file is: size in pixels, frames a second (0 for pictures), frames, seconds, codec and bytes."""

    kind: Literal["video", "image", "frames"]
    width: int
    height: int
    rate: float
    frames: int
    seconds: float
    codec: str
    bytes: int


class Estimate(Group):
    """A number in [0, 1] and its interval; None where a single face gives none."""

    value: float
    low: float | None
    high: float | None


class FaceResult(Group):
    """A face of a frame: number and time in seconds of the frame, box in its pixels, score in [0, 1]."""

    frame: int
    time: float
    box: tuple[float, float, float, float]
    score: float


class Warned(Group):
    """Why a score may mean less than it does elsewhere: what was measured, and the limit that it is beyond."""

    problem: Problem
    measured: float
    limit: float
    text: str


class PersonResult(Group):
    """A person of a clip, 0 being whom it shows most.

    ``score`` is the mean over their faces, in [0, 1]; ``probability`` what it stands for among clips like those that
    the detector was calibrated on, None where it was not; its interval is over their faces. ``benign_edits`` are the
    scores of some of their faces after edits that make nothing fake, and ``benign_shift`` by how much these move a
    score, down and up.
    """

    person: int
    verdict: Answer
    score: float
    probability: Estimate | None
    benign_edits: dict[str, float]
    benign_shift: tuple[float, float]
    size: float
    warnings: tuple[Warned, ...]
    faces: tuple[FaceResult, ...]


class Provenance(Group):
    """What a C2PA manifest in the file says of where it is from; it is not part of the score, nor is its absence.

    ``state`` trusted: signed by somebody on a list that was given; valid: signed, unchanged since, by a signer whom
    nobody vouches for here; invalid: what it says does not hold; none: there is no manifest; unread: it cannot be read.
    """

    state: Literal["trusted", "valid", "invalid", "none", "unread"]
    signer: str = ""
    time: str = ""
    generator: str = ""
    problems: tuple[str, ...] = ()


class Limits(Group):
    """From which score on a video is called fake, below which real, and what both were chosen on.

    ``promised``: whether a rate of false alarms is promised for them, as a card does.
    """

    real_below: float
    fake_from: float
    source: str
    promised: bool


class ModelNote(Group):
    """Which detector answered: name, family, hash of its weights, what it was trained on, and its limits.

    ``runtime`` is what computed; ``version`` that of fakefocus.
    """

    name: str
    family: str
    title: str
    sha256: str
    trained_on: str
    seed: int
    limits: Limits
    runtime: Literal["openvino", "torch"]
    version: str


class Options(Group):
    """How a file is looked at.

    Every ``every``-th frame of a clip, more where that would be fewer than three, at most ``max_frames`` spread over
    it; ``faces`` all people, or main, whom the clip shows most; faces from ``min_face_size`` pixels on. ``threshold``:
    a score of its own from which on a video is called fake, and real below, in place of the detector's limits.
    ``runtime`` openvino is the faster on a processor.
    """

    every: Positive = 10
    max_frames: Positive = 100
    faces: Literal["all", "main"] = "all"
    min_face_size: Positive = 40
    threshold: Share | None = None
    runtime: Literal["openvino", "torch"] = "openvino"
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"


class Prediction(Group):
    """The answer to one file.

    ``status`` scored, no_face, or failed: then ``reason`` says why. ``verdict`` is that of ``person``, the most fake of
    those who are seen well enough, or of all if nobody is; the file has their score and probability. ``says`` puts it
    in words; ``seconds`` is how long it took.
    """

    schema_version: Literal["1.0"] = SCHEMA_VERSION
    file: str
    sha256: str
    status: Literal["scored", "no_face", "failed"]
    reason: str
    verdict: Literal["real", "uncertain", "fake", "no_face"] | None
    says: str
    person: int | None
    score: float | None
    probability: Estimate | None
    people: tuple[PersonResult, ...]
    media: Media | None
    provenance: Provenance
    model: ModelNote
    options: Options
    seconds: float

    @property
    def warnings(self) -> tuple[Warned, ...]:
        """The warnings about the person whose score the file has."""
        return next((one.warnings for one in self.people if one.person == self.person), ())


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of a result (draft 2020-12)."""
    schema = Prediction.model_json_schema(mode="serialization")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def read_prediction(line: str) -> Prediction:
    """Return the result that a line of JSON holds.

    Raises:
        ValueError: If it holds none of this version.
    """
    return Prediction.model_validate(json.loads(line))

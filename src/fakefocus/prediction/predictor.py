"""From a file to its answer."""

import logging
import time
from collections.abc import Callable, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from fakefocus.datasets.memory_video import MemoryVideo
from fakefocus.datasets.stored_video import PassingFaultError
from fakefocus.detection.networks import networks
from fakefocus.extraction import NO_FACE, OTHER_FACES, extract_faces
from fakefocus.imaging.frames import Probe, probe
from fakefocus.imaging.maps import MapMaker, from_levels, to_levels
from fakefocus.imaging.media import MediaError
from fakefocus.imaging.perturbations import compress, rescale
from fakefocus.models.contract import Verdict
from fakefocus.parameters import Preprocessing
from fakefocus.prediction.detectors import Detector
from fakefocus.prediction.media import under_its_kind
from fakefocus.prediction.notes import deciding, file_name, note_of, unanswered
from fakefocus.prediction.provenance import read_provenance
from fakefocus.prediction.quality import FEW, file_warnings, person_warnings
from fakefocus.prediction.rates import rates_in_words
from fakefocus.prediction.result import (
    Estimate,
    FaceResult,
    Limits,
    Media,
    Options,
    PersonResult,
    Prediction,
    Warned,
)
from fakefocus.prediction.words import in_words

if TYPE_CHECKING:
    from fakefocus.inference import Crop
    from fakefocus.prediction.explaining import Explainer, Explanation

_log = logging.getLogger(__name__)
Picture = NDArray[np.uint8]
Score = Callable[[Sequence[Picture]], NDArray[np.float64]]
BENIGN: dict[str, Callable[[Picture], Picture]] = {
    "jpeg_75": partial(compress, quality=75, rng=np.random.default_rng(0)),
    "half_size": partial(rescale, factor=0.5, rng=np.random.default_rng(0)),
}
"""Edits of a crop that make nothing fake: how far they move a score says how firm it is."""
_EDITED = 4
"""Faces of a person that are edited, spread over the clip."""
_DRAWS, _SEED, _TAIL = 500, 0, 2.5
"""Of the interval over faces: samples with replacement, their seed, and the per cent at either end."""


class Predictor:
    """A detector that answers of files, clips and images alike."""

    def __init__(self, detector: Detector, options: Options | None = None, explain: Path | None = None) -> None:
        """Prepare a detector; its graph is compiled at the first face.

        ``explain``: a folder for pictures that show each answer.
        """
        self.detector, self._explain = detector, explain
        self.options = options or Options()
        self.note = note_of(detector, self.options)

    def __call__(self, path: Path | str) -> Prediction:
        """Return the answer to a file; what cannot be read or shows no face has its reason, and is no error."""
        if self._explain is None:
            return self._look_at(Path(path))[0]
        answer, explanation = self.explained(path)
        if explanation is not None:
            with under_its_kind(Path(path)) as named:
                self._draw(Path(path), named, answer, explanation)
        return answer

    def explained(
        self, path: Path | str, progress: Callable[[float], None] | None = None
    ) -> "tuple[Prediction, Explanation | None]":
        """Return the answer to a file and what shows it, if somebody is seen and that can be had.

        ``progress`` is called with the share of the wanted frames that was looked at.
        """
        answer, rows, crops = self._look_at(Path(path), progress)
        if not rows:
            return answer, None
        try:
            with under_its_kind(Path(path)) as named:
                return answer, self._explainer(named, answer, rows, crops)
        except Exception as error:
            # the answer stands
            _log.warning("%s: what shows its answer cannot be had (%s: %s)", path, type(error).__name__, error)
            return answer, None

    def _look_at(
        self, path: Path, progress: Callable[[float], None] | None = None
    ) -> tuple[Prediction, list[dict[str, Any]], MemoryVideo]:
        """Return the answer to a file, the rows of the faces that were found, and their crops."""
        begun, crops = time.perf_counter(), MemoryVideo()
        with under_its_kind(path) as named:
            try:
                media = probe(named)
            except MediaError as error:
                return self._without(path, None, "failed", str(error), begun), [], crops
            preprocessing = preprocessing_for(self.detector, self.options, media.frames)
            try:
                rows = extract_faces(named, path.name, media.kind, preprocessing, crops, progress=progress)
            except PassingFaultError as error:
                return self._without(path, media, "failed", str(error), begun), [], crops
            seen = [row for row in rows if row["found"]]
            if not seen:
                return self._without(path, media, *_why_nobody(rows), begun), [], crops
            shared = file_warnings(named, _media(media))
        numbers = sorted({int(row["track"]) for row in seen})
        people = tuple(self._person(n, [r for r in seen if r["track"] == n], crops, media, shared) for n in numbers)
        return self._answered(path, media, people, begun), seen, crops

    def asked(self, options: Options) -> "Predictor":
        """Return a predictor that looks at files in another way; the network is shared where it computes the same."""
        other = Predictor(self.detector, options, self._explain)
        if (options.runtime, options.device) == (self.options.runtime, self.options.device) and "score" in vars(self):
            vars(other)["score"] = self.score
        if "_explainer" in vars(self):
            vars(other)["_explainer"] = self._explainer
        return other

    def prepare(self) -> None:
        """Make what the first file would wait for."""
        side = self.detector.contract.crops.size
        if self.detector.contract.crops.detector == "mtcnn":
            networks("f32")
        self.score([np.zeros((side, side, 3), np.uint8)])

    def _draw(self, path: Path, named: Path, answer: Prediction, explanation: "Explanation") -> None:
        """Draw an answer; where that fails, the answer stands."""
        from fakefocus.prediction.answer_page import Shown
        from fakefocus.prediction.drawing import draw_answer

        try:
            shown = Shown(answer, explanation, rates_in_words(self.detector))
            draw_answer(named, path.stem, shown, self._explain or Path())
        except Exception as error:
            _log.warning("%s: its answer is not drawn (%s: %s)", path, type(error).__name__, error)

    @cached_property
    def _explainer(self) -> "Explainer":
        from fakefocus.prediction.explaining import Explainer

        return Explainer(self.detector)

    @cached_property
    def score(self) -> Score:
        """What gives crops ``(H, W, 3) uint8, RGB``, their probabilities of fake: ``(N,)`` in [0, 1]."""
        if self.note.runtime == "torch":
            return _torch_scorer(self.detector, self.options)
        from fakefocus.graphs.scorer import GraphScorer
        from fakefocus.graphs.stored import stored_graph

        contract, sha256, folder = self.detector.contract, self.detector.sha256, self.detector.folder
        return GraphScorer(contract, stored_graph(contract, sha256, self.detector.read_weights, folder))

    def _person(
        self, number: int, rows: list[dict[str, Any]], crops: MemoryVideo, probed: Probe, shared: list[Warned]
    ) -> PersonResult:
        pictures = [crops.read(row["crop"]) for row in rows]
        scores = self.score(pictures)
        chosen = np.unique(np.linspace(0, len(rows) - 1, _EDITED).round().astype(int))
        few = [pictures[i] for i in chosen]
        edited = {name: float(self.score([edit(crop) for crop in few]).mean()) for name, edit in BENIGN.items()}
        shifts = [value - float(scores[chosen].mean()) for value in edited.values()]
        media = _media(probed)
        score = float(scores.mean())
        verdict = self.detector.contract.verdict
        return PersonResult(
            person=number,
            verdict=_called(score, self.note.limits),
            score=score,
            probability=None if verdict is None else _probability(scores, verdict),
            benign_edits=edited,
            benign_shift=(min(0.0, *shifts), max(0.0, *shifts)),
            size=float(np.median([row["size"] for row in rows])),
            warnings=(*person_warnings(rows, few, media, self.detector.contract), *shared),
            faces=tuple(_face(row, value) for row, value in zip(rows, scores.tolist(), strict=True)),
        )

    def _answered(self, path: Path, probed: Probe, people: tuple[PersonResult, ...], begun: float) -> Prediction:
        seen_well = deciding(people)
        foremost = max(seen_well, key=lambda person: person.score)
        return Prediction(
            file=file_name(path),
            sha256=probed.sha256,
            status="scored",
            reason="",
            verdict=foremost.verdict,
            says=in_words(foremost, self.note.limits, people, media=_media(probed)),
            person=foremost.person,
            score=foremost.score,
            probability=foremost.probability,
            people=people,
            media=_media(probed),
            provenance=read_provenance(path),
            model=self.note,
            options=self.options,
            seconds=time.perf_counter() - begun,
        )

    def _without(
        self, path: Path, probed: Probe | None, status: Literal["no_face", "failed"], reason: str, begun: float
    ) -> Prediction:
        about: dict[str, Any] = {} if probed is None else {"sha256": probed.sha256, "media": _media(probed)}
        about |= {} if probed is None else {"provenance": read_provenance(path)}
        seconds = time.perf_counter() - begun
        return unanswered(path, self.note, self.options, reason, status, **about, seconds=seconds)


def preprocessing_for(detector: Detector, options: Options, frames: int | None = None) -> Preprocessing:
    """Return how files are sampled, and faces found and cut out, so that a detector sees what it learned from.

    A clip of ``frames`` that is too short for `FEW` samples is sampled more densely.
    """
    every = options.every if frames is None else max(min(options.every, frames // FEW), 1)
    crops = detector.contract.crops
    everybody = options.faces == "all" and crops.region == "face"
    return Preprocessing.model_validate(
        {
            "region": crops.region,
            "sampling": {
                "method": "every",
                "every": every,
                "frames": options.max_frames,
                "min_frames": 1,
                "max_frames": options.max_frames,
            },
            "detection": {
                "detector": crops.detector or "mtcnn",
                "precision": "f32",
                "min_face_size": options.min_face_size,
                "thresholds": (0.6, 0.7, 0.9),
            },
            "faces_per_video": "all" if everybody else 1,
            "alignment": crops.alignment or "landmarks",
            "size": crops.size,
            "margin": crops.margin or 0.0,
        }
    )


def _called(score: float, limits: Limits) -> Literal["real", "uncertain", "fake"]:
    if score >= limits.fake_from:
        return "fake"
    return "real" if score < limits.real_below else "uncertain"


def _probability(scores: NDArray[np.float64], verdict: Verdict) -> Estimate:
    """Return the probability of the mean score, with an interval over faces: another look at the clip gives others."""
    value = verdict.probability(float(scores.mean()))
    if len(scores) < 2:
        return Estimate(value=value, low=None, high=None)
    draws = np.random.default_rng(_SEED).choice(scores, (_DRAWS, len(scores))).mean(axis=1)
    low, high = (verdict.probability(float(end)) for end in np.percentile(draws, [_TAIL, 100 - _TAIL]))
    return Estimate(value=value, low=min(low, value), high=max(high, value))


def _face(row: dict[str, Any], score: float) -> FaceResult:
    box = tuple(round(float(row[name]), 1) for name in ("x1", "y1", "x2", "y2"))
    return FaceResult(frame=row["frame"], time=row["time"], box=box, score=score)  # type: ignore[arg-type]


def _media(probed: Probe) -> Media:
    return Media(
        kind=probed.kind,  # type: ignore[arg-type]
        width=probed.width,
        height=probed.height,
        rate=probed.rate,
        frames=probed.frames,
        seconds=probed.duration,
        codec=probed.codec,
        bytes=probed.bytes,
    )


def _why_nobody(rows: list[dict[str, Any]]) -> tuple[Literal["no_face", "failed"], str]:
    """Return whether nobody is seen, or nothing could be looked at, and the reason."""
    reasons = [row["reason"] for row in rows]
    faceless = [reason for reason in reasons if reason in (NO_FACE, OTHER_FACES)]
    if faceless:
        broken = f"; {len(rows) - len(faceless)} do not decode" if len(faceless) < len(rows) else ""
        return "no_face", f"no face in {len(faceless)} sampled frames{broken}"
    return "failed", max(set(reasons), key=reasons.count)


def _torch_scorer(detector: Detector, options: Options) -> Score:
    """Return the scorer of evaluation itself."""
    from fakefocus.inference import Scorer

    scorer = Scorer(detector.contract, detector.read_weights(), options.device)
    make = scorer.make_maps

    return lambda pictures: scorer([partial(_crop, picture, make) for picture in pictures])


def _crop(picture: Picture, make_maps: MapMaker | None) -> "Crop":
    from fakefocus.inference import Crop

    # rounded as the catalog stores maps
    maps = None if make_maps is None else from_levels(to_levels(make_maps(picture)))
    return Crop(picture, maps)

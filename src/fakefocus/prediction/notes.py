"""What a result says of the detector that answered, and the result of a file that it could not answer."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from fakefocus import __version__
from fakefocus.prediction.detectors import Detector
from fakefocus.prediction.result import Limits, Media, ModelNote, Options, PersonResult, Prediction, Provenance

NO_PROVENANCE = Provenance(state="none")


def note_of(detector: Detector, options: Options) -> ModelNote:
    """Return what a result says of a detector."""
    contract = detector.contract
    on_torch = options.runtime == "torch" or options.device in ("cuda", "mps")
    return ModelNote(
        name=detector.name,
        family=contract.family,
        title=contract.name,
        sha256=detector.sha256,
        trained_on=contract.dataset,
        seed=contract.training.seed,
        limits=limits_of(detector, options.threshold),
        runtime="torch" if on_torch else "openvino",
        version=__version__,
    )


def limits_of(detector: Detector, threshold: float | None) -> Limits:
    """Return by which scores verdicts are given: a threshold that was asked for, the card's limits, or its own."""
    contract = detector.contract
    if threshold is not None:
        return Limits(real_below=threshold, fake_from=threshold, source="given: --threshold", promised=False)
    if contract.verdict is not None:
        verdict = contract.verdict
        limits = {"real_below": verdict.real_below, "fake_from": verdict.fake_from}
        return Limits(**limits, source=verdict.source, promised=True)
    value = contract.threshold.value
    return Limits(real_below=value, fake_from=value, source=contract.threshold.source, promised=False)


def deciding(people: Sequence[PersonResult]) -> list[PersonResult]:
    """Return the people by whom a file is judged: all, or those who are seen well enough where somebody is.

    Of many passers-by, each in a frame or two, some score high by chance.
    """
    seen_well = [one for one in people if not {warned.problem for warned in one.warnings} & {"few_frames", "tiny"}]
    return seen_well or list(people)


def file_name(path: Path) -> str:
    """Return the name of a file as results have it: bytes that are no UTF-8 are spelt out."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def unanswered(
    path: Path,
    note: ModelNote,
    options: Options,
    reason: str,
    status: Literal["no_face", "failed"] = "failed",
    *,
    sha256: str = "",
    media: Media | None = None,
    provenance: Provenance = NO_PROVENANCE,
    seconds: float = 0.0,
) -> Prediction:
    """Return the result of a file that shows nobody, or cannot be judged, with the reason."""
    nobody = status == "no_face"
    return Prediction(
        file=file_name(path),
        sha256=sha256,
        status=status,
        reason=reason,
        verdict="no_face" if nobody else None,
        says="No face was found: nothing can be said." if nobody else f"Cannot be judged: {reason}.",
        person=None,
        score=None,
        probability=None,
        people=(),
        media=media,
        provenance=provenance,
        model=note,
        options=options,
        seconds=seconds,
    )

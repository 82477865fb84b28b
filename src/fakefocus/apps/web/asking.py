"""Asks detectors about an uploaded file, each in a process of its own, and forgets the file."""

import logging
import shutil
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import NamedTuple

from fakefocus.imaging.frames import probe
from fakefocus.imaging.media import MediaError
from fakefocus.parameters import Group
from fakefocus.parameters.common import Positive
from fakefocus.prediction.answer_page import Shown
from fakefocus.prediction.detectors import Detector, find_detector
from fakefocus.prediction.explaining import read_explanation, write_explanation
from fakefocus.prediction.isolated import Isolated, Pending, ready
from fakefocus.prediction.media import suffix_of, under_its_kind
from fakefocus.prediction.notes import unanswered
from fakefocus.prediction.rates import rates_in_words
from fakefocus.prediction.result import Options, Prediction
from fakefocus.processes import begin

_log = logging.getLogger(__name__)
_MEDIA, _SHARE, _EXPLANATION = "media", "share", "explanation.npz"
_PAUSE = 0.2
_TRIES = 50
"""To remove a folder into which a process still writes that is being ended."""


class Settings(Group):
    """What the command says to the page: names of detectors, and limits of files."""

    models: tuple[str, ...]
    most_megabytes: Positive = 200
    most_seconds: Positive = 600


class Asked(NamedTuple):
    """A detector, and the process that asks it."""

    detector: Detector
    isolated: Isolated


class Progress(NamedTuple):
    """How far the work on a file is: share of frames looked at in [0, 1], None while it waits for its turn."""

    share: float | None


def close_detectors(detectors: Mapping[str, Asked]) -> None:
    """End the processes of detectors."""
    for asked in detectors.values():
        asked.isolated.close()


def open_detectors(settings: Settings) -> dict[str, Asked]:
    """Return the detectors by name, each with a process of its own, which gets ready."""
    begin("fakefocus.prediction.explaining")
    ask = partial(look_at, most_seconds=settings.most_seconds)
    chosen = {name: find_detector(name) for name in settings.models}
    detectors = {name: Asked(detector, Isolated(detector, ask=ask, draws=True)) for name, detector in chosen.items()}
    for asked in detectors.values():
        asked.isolated.begin_preparing(Options()).add_done_callback(_report)
    return detectors


def _report(prepared: Future[None]) -> None:
    """Say to whoever started the app that a detector is not ready; each file that is asked about says so, too."""
    if not prepared.cancelled() and (error := prepared.exception()) is not None:
        _log.warning("a detector is not ready: %s: %s", type(error).__name__, error)


def look_at(file: Path, options: Options, most_seconds: int) -> Prediction:
    """Return the answer to a file, and leave what shows it beside it; runs in a process that may be ended.

    A clip of more than ``most_seconds`` has failed.
    """
    predictor = ready(options)
    try:
        with under_its_kind(file) as named:
            seconds = probe(named).duration
    except MediaError:
        seconds = 0.0
    if seconds > most_seconds:
        reason = (
            f"a clip of {seconds:.0f} s; up to {most_seconds} s are looked at here: cut it, or use the command line"
        )
        return unanswered(file, predictor.note, options, reason)
    answer, explanation = predictor.explained(file, partial(_note_share, file.with_name(_SHARE)))
    if explanation is not None:
        write_explanation(explanation, file.with_name(_EXPLANATION))
    return answer


def ask_all(
    content: bytes, name: str, options: Options, detectors: Mapping[str, Asked]
) -> Iterator[Progress | list[Shown]]:
    """Yield how far the work on a file is, several times a second, and in the end all answers.

    The file lies in a folder of its own while it is worked on; that is removed in the end, whatever the end is, and
    work that nobody waits for any more is ended.

    Args:
        content: The file.
        name: What its owner calls it; nothing is opened by this name.
        options: How it is looked at.
        detectors: Who is asked.
    """
    folder = Path(mkdtemp(prefix="fakefocus-app-"))
    pending: dict[str, tuple[Path, Pending]] = {}
    try:
        for detector, asked in detectors.items():
            file = folder / str(len(pending)) / f"{_MEDIA}{suffix_of(content[:16])}"
            file.parent.mkdir()
            file.write_bytes(content)
            pending[detector] = file, asked.isolated.begin(file, options)
        while not all(work.future.done() for _, work in pending.values()):
            yield _progress([file for file, _ in pending.values()])
            time.sleep(_PAUSE)
        yield [_shown(detectors[detector].detector, file, work, name) for detector, (file, work) in pending.items()]
    finally:
        for _, work in pending.values():
            work.future.cancel()
        _remove(folder)


def _shown(detector: Detector, file: Path, work: Pending, name: str) -> Shown:
    answer = work.answer()
    explained = file.with_name(_EXPLANATION)
    explanation = read_explanation(explained) if answer.status == "scored" and explained.is_file() else None
    # where a file lay here is nobody's business
    texts = {field: getattr(answer, field).replace(f"{file.parent}/", "") for field in ("reason", "says")}
    return Shown(answer.model_copy(update={"file": name, **texts}), explanation, rates_in_words(detector))


def _remove(folder: Path) -> None:
    """Remove a folder; a process that is being ended may write into it for a moment."""
    for _ in range(_TRIES):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(_PAUSE / 2)
    _log.warning("%s could not be removed", folder)


def _progress(files: list[Path]) -> Progress:
    shares = [share for share in map(_share, files) if share is not None]
    return Progress(sum(shares) / len(files) if shares else None)


def _share(file: Path) -> float | None:
    with suppress(OSError, ValueError):
        return float(file.with_name(_SHARE).read_text(encoding="ascii"))
    return None


def _note_share(file: Path, share: float) -> None:
    """Write how far it is; the folder may be gone already, where nobody waits any more."""
    with suppress(OSError):
        file.write_text(f"{share:.3f}", encoding="ascii")

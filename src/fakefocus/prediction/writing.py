"""Writes results as they come: a run that was stopped goes on, and a table or a list is complete or absent."""

import csv
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

from fakefocus.errors import InputError, did_you_mean
from fakefocus.imaging.frames import hash_of
from fakefocus.imaging.media import MediaError
from fakefocus.prediction.result import ModelNote, Options, Prediction, read_prediction

KINDS = (".ndjson", ".json", ".csv")
COLUMNS = (
    *("file", "sha256", "status", "reason", "verdict", "score", "probability", "probability_low", "probability_high"),
    *("person", "people", "faces", "warnings", "provenance", "seconds_of_clip", "model", "fake_from", "real_below"),
)
"""Of a CSV: a row a file."""


_AS_THEY_ARE = ("file", "sha256", "status", "reason", "verdict", "score", "person")


class Results:
    """Results of a run: a line of JSON each, at once, and from these the file that was asked for.

    ``.ndjson`` holds these lines itself; beside ``.json`` and ``.csv`` they lie in ``<name>.part`` until all are there.
    """

    def __init__(self, path: Path, *, resume: bool) -> None:
        """Begin a file, or go on with one that a stopped run left.

        Raises:
            InputError: If its suffix is another, or it is there and is not to be gone on with.
        """
        if path.suffix not in KINDS:
            near = did_you_mean(path.suffix, KINDS)
            msg = f"--output: must end in {', '.join(KINDS)}, got {path.name}{near}"
            raise InputError(msg)
        self._path = path
        self._lines = path if path.suffix == ".ndjson" else path.with_name(f"{path.name}.part")
        there = [file for file in (path, self._lines) if file.exists()]
        if there and not resume:
            msg = f"--output: {there[0]} is there already: go on with it by --resume, or name another file"
            raise InputError(msg)
        self.earlier = self._read()
        self._file: TextIO | None = None

    def begin(self) -> None:
        """Begin, or go on behind the earlier results; a line that a kill tore is cut off."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        part = self._lines.with_name(f".{self._lines.name}.writing")
        part.write_text("".join(f"{one.model_dump_json()}\n" for one in self.earlier), encoding="utf-8")
        part.replace(self._lines)
        self._file = self._lines.open("a", encoding="utf-8")

    def add(self, result: Prediction) -> None:
        """Keep a result."""
        if self._file is None:
            msg = "results: call begin first"
            raise RuntimeError(msg)
        self._file.write(result.model_dump_json() + "\n")
        self._file.flush()

    def finish(self) -> None:
        """Write the file that was asked for: of each file its last result."""
        self.leave()
        results = list({one.file: one for one in _results_in(self._lines)}.values())
        part = self._path.with_name(f".{self._path.name}.writing")
        _WRITERS[self._path.suffix](part, results)
        part.replace(self._path)
        if self._lines != self._path:
            self._lines.unlink()

    def leave(self) -> None:
        """Stop, so that `--resume` goes on."""
        if self._file is not None:
            self._file.close()

    def _read(self) -> list[Prediction]:
        if self._lines.exists():
            return list(_results_in(self._lines))
        if self._path.suffix == ".json" and self._path.exists():
            return _results_of(self._path)
        if self._path.exists():
            msg = f"--resume: {self._path} is complete; a CSV cannot be added to, name another file"
            raise InputError(msg)
        return []


def is_answered(file: Path, earlier: Prediction | None, note: ModelNote, options: Options) -> bool:
    """Say whether an earlier result is of this very file, by the same detector and options."""
    if earlier is None or earlier.status == "failed":
        return False
    if (earlier.model, earlier.options) != (note, options):
        return False
    with suppress(MediaError):
        return hash_of(file) == earlier.sha256
    return False


def as_json(results: Sequence[Prediction]) -> str:
    """Return results as a list in JSON."""
    return json.dumps([one.model_dump(mode="json") for one in results], indent=1) + "\n"


_BEGINNING = f'{{"{next(iter(Prediction.model_fields))}":'
"""Of a result on a line."""


def _results_in(lines: Path) -> Iterator[Prediction]:
    """Yield what lines hold; one that begins as a result does and has no end, the last, was torn by a kill.

    Raises:
        InputError: If another one is no result of this version.
    """
    *whole, torn = lines.read_text(encoding="utf-8", errors="replace").split("\n")
    if torn[: len(_BEGINNING)] != _BEGINNING[: len(torn)]:
        whole.append(torn)
    for number, line in enumerate(whole, 1):
        try:
            yield read_prediction(line)
        except ValueError as error:
            msg = f"{lines}: line {number} is no result of this version of fakefocus: name another file"
            raise InputError(msg) from error


def _results_of(path: Path) -> list[Prediction]:
    try:
        return [Prediction.model_validate(one) for one in json.loads(path.read_text(encoding="utf-8"))]
    except (ValueError, TypeError) as error:
        msg = f"{path}: holds no results of this version of fakefocus: name another file"
        raise InputError(msg) from error


def _write_lines(path: Path, results: list[Prediction]) -> None:
    path.write_text("".join(f"{one.model_dump_json()}\n" for one in results), encoding="utf-8")


def _write_json(path: Path, results: list[Prediction]) -> None:
    path.write_text(as_json(results), encoding="utf-8")


def _write_csv(path: Path, results: list[Prediction]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(_row(one) for one in results)


def _row(result: Prediction) -> dict[str, Any]:
    probability, media = result.probability, result.media
    return {
        **{name: getattr(result, name) for name in _AS_THEY_ARE},
        "probability": None if probability is None else probability.value,
        "probability_low": None if probability is None else probability.low,
        "probability_high": None if probability is None else probability.high,
        "people": len(result.people),
        "faces": sum(len(person.faces) for person in result.people),
        "warnings": " ".join(warned.problem for warned in result.warnings),
        "provenance": result.provenance.state,
        "seconds_of_clip": None if media is None else media.seconds,
        "model": f"{result.model.name} {result.model.sha256[:12]}",
        "fake_from": result.model.limits.fake_from,
        "real_below": result.model.limits.real_below,
    }


_WRITERS = {".ndjson": _write_lines, ".json": _write_json, ".csv": _write_csv}

"""Answers for programs that ask over HTTP, by rows of a table: what the logged MLflow model does.

Files are looked at in other processes, as `fakefocus predict` does; a bad one costs its own row.
"""

import base64
import binascii
import os
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd

from fakefocus.errors import InputError
from fakefocus.prediction.detectors import find_detector
from fakefocus.prediction.isolated import Isolated
from fakefocus.prediction.media import suffix_of
from fakefocus.prediction.notes import file_name, note_of, unanswered
from fakefocus.prediction.result import Options, Prediction

CONTENT, PATH = "content", "path"
"""The columns of a question: a file in base64, or the path of one that the server may read."""
COLUMNS = ("status", "verdict", "score", "probability", "says", "reason", "result")
"""Of an answer; ``result`` is all of it as JSON."""
MEDIA = "FAKEFOCUS_MEDIA"
"""The variable of the environment that names the folder below which files may be asked for by path."""
MOST_BYTES = 64 * 2**20
"""Of one file."""
MOST_ROWS = 64
"""Of one request."""
_WORKERS = 2


class Answers:
    """A detector that answers rows of questions; threads may ask side by side."""

    def __init__(self, folder: str, workers: int | None = None) -> None:
        """Find a detector; ``workers`` files are looked at at a time, by default two."""
        self._detector = find_detector(folder)
        self._isolated = Isolated(self._detector, workers or _WORKERS)

    def __call__(self, questions: pd.DataFrame, params: Mapping[str, Any]) -> pd.DataFrame:
        """Return a row of `COLUMNS` for each row of ``content`` or ``path``; a wrong one has its reason.

        Raises:
            InputError: If there are more rows than one request may have.
        """
        if len(questions) > MOST_ROWS:
            msg = f"a request may have up to {MOST_ROWS} rows, got {len(questions)}: ask in several"
            raise InputError(msg)
        options = Options.model_validate({**params})
        with TemporaryDirectory(prefix="fakefocus-") as folder:
            records = questions.to_dict("records")
            asked = [self._file(row, Path(folder) / str(n)) for n, row in enumerate(records)]
            files = [file for file in asked if isinstance(file, Path)]
            answers = {one.file: one for one in self._isolated(files, options)}
            note = note_of(self._detector, options)
            rows = [
                answers[file_name(one)] if isinstance(one, Path) else unanswered(Path(), note, options, one)
                for one in asked
            ]
        named = [one.model_copy(update={"file": _name_of(row)}) for one, row in zip(rows, records, strict=True)]
        table = pd.DataFrame([_row(one) for one in named], columns=list(COLUMNS), index=questions.index).astype(object)
        # JSON knows no NaN
        return table.where(table.notna(), None)

    def close(self) -> None:
        """End all processes."""
        self._isolated.close()

    def _file(self, row: Mapping[Any, Any], target: Path) -> Path | str:
        """Return the file that a row asks about, or why there is none."""
        content, path = (row.get(name) for name in (CONTENT, PATH))
        filled = [isinstance(value, str) and bool(value) for value in (content, path)]
        if sum(filled) != 1:
            return f"a row needs {CONTENT} (a file in base64) or {PATH}, and not both"
        try:
            return _allowed(str(path)) if filled[1] else _decoded(str(content), target)
        except (ValueError, OSError, RuntimeError) as error:
            return f"{PATH if filled[1] else CONTENT}: cannot be read ({type(error).__name__}: {error})"


def _decoded(content: str, target: Path) -> Path | str:
    if len(content) * 3 // 4 > MOST_BYTES:
        return f"{CONTENT}: larger than {MOST_BYTES // 2**20} MB"
    try:
        data = base64.b64decode(content, validate=True)
    except binascii.Error as error:
        return f"{CONTENT}: no base64 ({error})"
    file = target.with_suffix(suffix_of(data[:16]))
    file.write_bytes(data)
    return file


def _allowed(path: str) -> Path | str:
    root = os.environ.get(MEDIA)
    if root is None:
        return f"{PATH}: this server reads no files; whoever runs it may name a folder in {MEDIA}"
    file = (Path(root) / path).resolve()
    if not file.is_relative_to(Path(root).resolve()):
        return f"{PATH}: must be below the folder that the server reads"
    return file if file.is_file() else f"{PATH}: no such file"


def _name_of(row: Mapping[Any, Any]) -> str:
    """Return what whoever asks calls a file: where it lies here is nobody's business."""
    path = row.get(PATH)
    return path if isinstance(path, str) else ""


def _row(answer: Prediction) -> dict[str, Any]:
    return {
        **{name: getattr(answer, name) for name in ("status", "verdict", "score", "says", "reason")},
        "probability": None if answer.probability is None else answer.probability.value,
        "result": answer.model_dump_json(),
    }

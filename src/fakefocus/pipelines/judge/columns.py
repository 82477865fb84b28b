"""Which column of somebody's table holds what."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fakefocus.errors import InputError, did_you_mean
from fakefocus.parameters import Columns

_log = logging.getLogger(__name__)

USUAL_NAMES = {
    "id": (
        *("video_id", "sample_id", "id", "path", "file_path", "filepath", "video_path", "image_path", "file_name"),
        *("filename", "file", "video", "clip", "image", "name"),
    ),
    "label": ("label", "labels", "y_true", "target", "class", "is_fake", "ground_truth", "gt"),
    "detector": ("detector", "detector_name", "model", "model_name"),
    "group": ("group", "identity", "identity_group", "subject", "subject_id", "person", "actor"),
    "method": ("method", "generator", "manipulation", "manipulation_type", "forgery", "fake_type"),
    "split": ("split", "side", "subset"),
    "track": ("track",),
}
"""Under which names a column is looked for, the first one first; whatever the case."""
_GENERIC = frozenset(
    {
        *("score", "scores", "prob", "probability", "fake_prob", "prob_fake", "p_fake", "fake_score"),
        *("prediction", "pred", "output", "logit"),
    }
)
_NO_SCORES = frozenset(
    {
        *("", "index", "row", "n", "frame", "frames", "time", "timestamp", "fold", "seed", "width", "height", "fps"),
        *("rate", "duration", "bytes", "size", "year", "faces", "num_faces", "threshold", "unnamed:_0"),
    }
)
EMPTY = frozenset({"", "nan", "na", "n/a", "none", "null", "-"})
"""What stands for no score and no label; in a column of names they are names."""


@dataclass(frozen=True)
class Roles:
    """The columns of one table, by what they hold; ``detectors`` are columns of scores by the detector's name."""

    columns: dict[str, str]
    detectors: dict[str, str]
    attributes: tuple[str, ...]


def find_roles(table: pd.DataFrame, columns: Columns, file: str, *, by_file: bool) -> Roles:
    """Return what each column holds.

    Args:
        table: As `fakefocus.datasets.foreign_scores.ForeignScores` gives it.
        columns: What the user says.
        file: The table's name.
        by_file: Whether a single column of scores gets the file's name.

    Raises:
        InputError: If a column that was named is not there, or a long table has no single column of scores.
    """
    roles = {role: name for role in USUAL_NAMES if (name := _role(table, columns, role))}
    attributes = tuple(name for name in columns.attributes if name in table.columns)
    taken = {*roles.values(), *attributes}
    scores = _named_scores(table, columns.scores) if columns.scores else _numeric(table, taken, file)
    if "detector" in roles:
        scores = [_only_scores(scores, file)]
    elif len(scores) == 1 and (by_file or _plain(scores[0]) in _GENERIC):
        return Roles(roles, {file: scores[0]}, attributes)
    return Roles(roles, {name: name for name in scores}, attributes)


_NEARLY = 0.9
"""A column of which more than this share are numbers is taken for scores."""


def as_numbers(column: pd.Series) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return numbers, NaN where there is none, and where a cell holds something that is no finite number.

    A decimal comma is read as a point.
    """
    if pd.api.types.is_numeric_dtype(column):
        values = column.to_numpy(dtype=float, na_value=np.nan)
        empty = np.isnan(values)
    else:
        text = column.astype("string").str.strip().str.replace(r"^([+-]?\d*),(\d+)$", r"\1.\2", regex=True)
        empty = (text.isna() | text.str.lower().isin(EMPTY)).to_numpy(dtype=bool)
        values = pd.to_numeric(text, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    wrong = ~empty & ~np.isfinite(values)
    return np.where(wrong, np.nan, values), wrong


def as_text(column: pd.Series) -> pd.Series:
    """Return a column as text, ``""`` where the cell is empty: an attribute may well be «none»."""
    return column.astype("string").str.strip().fillna("").astype(object)


def _role(table: pd.DataFrame, columns: Columns, role: str) -> str | None:
    """Return which column has a role: the one that the user names, else one of a usual name that has no other role."""
    asked = getattr(columns, role)
    if asked is not None:
        # of several files, not each has all columns
        return asked if asked in table.columns else None
    taken = {getattr(columns, other) for other in USUAL_NAMES}
    by_plain = {_plain(name): str(name) for name in reversed(table.columns) if name not in taken}
    return next((by_plain[name] for name in USUAL_NAMES[role] if name in by_plain), None)


def check_names(tables: Iterable[pd.DataFrame], columns: Columns) -> None:
    """Check that each column that the user names is in some table.

    Raises:
        InputError: If one is in none; names a near one.
    """
    there = list(dict.fromkeys(str(name) for table in tables for name in table.columns))
    for role in USUAL_NAMES:
        name = getattr(columns, role)
        if name is not None and name not in there:
            _refuse_name(role, name, there)
    for role, names in (("attributes", columns.attributes), ("scores", columns.scores or ())):
        for name in names:
            if not any(name == other or (role == "scores" and fnmatchcase(other, name)) for other in there):
                _refuse_name(role, name, there)


def _refuse_name(role: str, name: str, there: Sequence[str]) -> None:
    near = did_you_mean(name, there) or f", there are {', '.join(there[:30])}"
    msg = f"judge.columns.{role}: no table has a column {name!r}{near}"
    raise InputError(msg)


def _named_scores(table: pd.DataFrame, patterns: Sequence[str]) -> list[str]:
    return [
        str(name)
        for name in table.columns
        if any(name == pattern or fnmatchcase(name, pattern) for pattern in patterns)
    ]


def _numeric(table: pd.DataFrame, taken: set[str], file: str) -> list[str]:
    """Return the columns that hold numbers, most of them at least; the log names those that hold some or nothing."""
    scores, nearly, empty = [], [], []
    for name in table.columns:
        if name in taken or _plain(name) in _NO_SCORES or pd.api.types.is_bool_dtype(table[name]):
            continue
        values, wrong = as_numbers(table[name])
        numbers = int(np.isfinite(values).sum())
        if numbers > _NEARLY * (numbers + wrong.sum()):
            # what is no number there is counted as an error
            scores.append(str(name))
        elif numbers:
            nearly.append(str(name))
        elif not wrong.any():
            empty.append(str(name))
    if nearly:
        _log.warning("%s: %s hold numbers, but not alone: no detectors unless named", file, ", ".join(nearly))
    if empty:
        _log.warning("%s: %s hold nothing: no detectors unless named", file, ", ".join(empty))
    return scores


def _only_scores(scores: list[str], file: str) -> str:
    generic = [name for name in scores if _plain(name) in _GENERIC]
    chosen = scores if len(scores) == 1 else generic
    if len(chosen) != 1:
        msg = (
            f"judge.columns.scores: {file} has a column of detectors, and so needs one column of scores, got "
            f"{', '.join(scores) or 'none'}: name it"
        )
        raise InputError(msg)
    return chosen[0]


def _plain(name: object) -> str:
    return str(name).strip().lower().replace(" ", "_").replace("-", "_")

"""Somebody's tables, wide or long, one or several → one row a video and one column a detector."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fakefocus.errors import InputError
from fakefocus.metrics.videos import Aggregation, score_by_video
from fakefocus.parameters import Judge
from fakefocus.parameters.judge import of_detector
from fakefocus.pipelines.judge.columns import EMPTY, Roles, as_numbers, as_text, check_names, find_roles

ROW_COLUMNS = ("label", "group", "method", "split")
"""What is said of a video, besides attributes; a label is 0, 1, or NaN where there is none."""
FACES, SCORED, FAILED = "faces", "faces scored.", "faces failed."
"""A column of counts, and what stands before the names of detectors in two more of each."""
_VALIDATION = frozenset({"val", "valid", "validation", "dev"})


@dataclass(frozen=True)
class ScoreTable:
    """Scores of videos as they were handed in, by their ids.

    Attributes:
        rows: By id: `ROW_COLUMNS`, then attributes as text (``""`` where there is none).
        scores: By id, a column a detector; NaN where there is none.
        errors: The same, True where a cell holds something that is no finite number.
        columns: What each column of each file was taken for.
        varied: Of rows that are faces, in how many videos their methods or an attribute differ: the first is taken.
        faces: By id where rows are faces: how many there are (`FACES`), and of each detector how many have a score
            (`SCORED`) and how many an error (`FAILED`); no columns where a row is a video.
    """

    rows: pd.DataFrame
    scores: pd.DataFrame
    errors: pd.DataFrame
    columns: dict[str, dict[str, str]]
    varied: dict[str, int]
    faces: pd.DataFrame


def join_tables(tables: Mapping[str, pd.DataFrame], judge: Judge, aggregation: Aggregation) -> ScoreTable:
    """Join somebody's tables by their ids.

    Args:
        tables: By name, as they stand.
        judge: Which column holds what.
        aggregation: How faces of a person are put together where rows are faces.

    Raises:
        InputError: If a column is not there, an id stands twice, a label is unknown, rows of one id contradict each
            other, or there is no detector.
    """
    check_names(tables.values(), judge.columns)
    tables = {name: table.rename(columns=str) for name, table in tables.items()}
    if len(tables) > 1 and _are_parts(tables, judge):
        tables = {"all files": pd.concat(tables.values(), ignore_index=True)}
    roles = {
        name: find_roles(table, judge.columns, name, by_file=len(tables) > 1 and judge.files != "parts")
        for name, table in tables.items()
    }
    parts = [_read(name, table, roles[name], judge, alone=len(tables) == 1) for name, table in tables.items()]
    rows, varied = _about([part for part, _ in parts], judge)
    faces, errors = _detectors([(name, part) for name, (_, part) in zip(tables, parts, strict=True)])
    if not faces.columns.size:
        msg = "judge.columns.scores: no column holds scores; name those that do"
        raise InputError(msg)
    by_face = judge.rows == "faces"
    scores = _by_video(faces, rows, judge, aggregation) if by_face else faces.droplevel([1, 2])
    counts = (_count_faces(faces, errors) if by_face else pd.DataFrame()).reindex(rows.index, fill_value=0)
    failed = errors.groupby(level=0).any().reindex(rows.index, fill_value=False)
    scores = scores.reindex(rows.index)
    columns = {name: _describe(role) for name, role in roles.items()}
    return ScoreTable(rows, scores, failed & scores.isna(), columns, varied, counts)


def side_of(split: str, judged_side: str) -> str:
    """Return ``test`` for rows that are judged, ``val`` for those that thresholds come from, ``""`` for others."""
    name = split.strip().lower()
    if name == judged_side.strip().lower():
        return "test"
    return "val" if name in _VALIDATION else ""


def _describe(roles: Roles) -> dict[str, str]:
    """Return the columns by what they were taken for."""
    several = {"scores are": ", ".join(roles.detectors.values()), "attributes are": ", ".join(roles.attributes)}
    return {f"{role} is": column for role, column in roles.columns.items()} | {k: v for k, v in several.items() if v}


def _are_parts(tables: Mapping[str, pd.DataFrame], judge: Judge) -> bool:
    """Tell whether files are parts of one table: all have the same columns, several of scores or one of detectors."""
    if judge.files != "auto":
        return judge.files == "parts"
    first, *others = tables.values()
    if any(list(other.columns) != list(first.columns) for other in others):
        return False
    role = find_roles(first, judge.columns, "all files", by_file=False)
    return len(role.detectors) > 1 or "detector" in role.columns


def _read(
    name: str, table: pd.DataFrame, roles: Roles, judge: Judge, *, alone: bool
) -> tuple[pd.DataFrame, list[tuple[str, pd.DataFrame]]]:
    """Return what one table says of videos, and of each detector ``score`` and ``error`` by id, track and number."""
    columns = roles.columns
    ids = _ids(name, table, columns.get("id"), alone=alone)
    about = pd.DataFrame({"id": ids})
    for role in ("group", "method", "split"):
        about[role] = as_text(table[columns[role]]).to_numpy() if role in columns else ""
    about["label"] = _labels(table[columns["label"]], judge, name) if "label" in columns else np.nan
    for attribute in roles.attributes:
        about[attribute] = as_text(table[attribute]).to_numpy()
    tracks = as_text(table[columns["track"]]).to_numpy() if "track" in columns else np.full(len(table), "")
    keys = pd.DataFrame({"id": ids, "track": tracks})
    named = as_text(table[columns["detector"]]).to_numpy() if "detector" in columns else None
    parts: list[tuple[Any, pd.DataFrame]] = []
    for detector, column in roles.detectors.items():
        values, wrong = as_numbers(table[column])
        cells = keys.assign(score=values, error=wrong)
        parts += [(detector, cells)] if named is None else list(cells.groupby(named, sort=False))
    return about, [(str(detector), _keyed(cells, str(detector), judge)) for detector, cells in parts]


def _ids(name: str, table: pd.DataFrame, column: str | None, *, alone: bool) -> pd.Series:
    if column is None:
        if not alone:
            msg = f"judge.columns.id: {name} has no column of ids, by which several files could be joined: name it"
            raise InputError(msg)
        return pd.Series([f"row {number}" for number in range(1, len(table) + 1)])
    ids = as_text(table[column]).reset_index(drop=True)
    empty = np.flatnonzero(ids == "")
    if len(empty):
        rows = ", ".join(str(number + 1) for number in empty[:5])
        msg = f"judge.columns.id: {len(empty)} rows of {name} have no {column} (row {rows}): each row needs one"
        raise InputError(msg)
    return ids


def _labels(column: pd.Series, judge: Judge, name: str) -> NDArray[np.float64]:
    """Return 0, 1, or NaN where the cell is empty or has a word for it that is no label."""
    text = as_text(column).str.lower().str.replace(r"^([01])\.0+$", r"\1", regex=True)
    unknown = sorted(set(text) - set(judge.labels) - EMPTY)
    if unknown:
        msg = (
            f"judge.labels: {name}: column {column.name!r} holds {', '.join(map(repr, unknown[:5]))}, and labels are "
            f"{', '.join(map(repr, judge.labels))}: say which of them are 0 (real) and 1 (fake)"
        )
        raise InputError(msg)
    return np.array([judge.labels.get(label, np.nan) for label in text], dtype=float)


def _keyed(cells: pd.DataFrame, detector: str, judge: Judge) -> pd.DataFrame:
    """Index cells by id, track and number within both; refuse an id that stands twice, unless rows are faces."""
    doubled = cells[cells.duplicated("id")]["id"].drop_duplicates()
    if len(doubled) and judge.rows == "videos":
        msg = (
            f"scores: {len(doubled)} ids stand twice for {detector}, such as {', '.join(doubled.head(3))}: a row is a "
            "video; where it is a face or a frame, say judge.rows: faces"
        )
        raise InputError(msg)
    number = cells.groupby(["id", "track"]).cumcount()
    return cells.assign(number=number).set_index(["id", "track", "number"])


def _about(parts: Sequence[pd.DataFrame], judge: Judge) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return by id what all tables say of it, and in how many videos methods or attributes differ from face to face.

    Raises:
        InputError: If two rows contradict each other; faces may differ by method and attributes.
    """
    every = pd.concat(parts, ignore_index=True)
    attributes = [name for name in every.columns if name not in ("id", *ROW_COLUMNS)]
    labels = every.groupby("id", sort=False)["label"]
    contradicted = labels.min() != labels.max()
    contradicted &= labels.max().notna()
    if contradicted.any() and judge.rows == "videos":
        names = ", ".join(contradicted.index[contradicted][:3])
        msg = f"judge.columns.label: {int(contradicted.sum())} ids have both labels, such as {names}: mend the tables"
        raise InputError(msg)
    # where rows are faces, a video with a fake face is fake
    label = labels.max()
    # only a fake is made by a method; beside its fake face others may be real
    fake = (every["label"] != 0) & every["id"].map(label == 1)
    every["method"] = every["method"].where(fake, "")
    texts = ["group", "method", "split", *attributes]
    values = {name: every.loc[every[name].fillna("") != "", ["id", name]].drop_duplicates() for name in texts}
    varied = {name: int(of[of.duplicated("id")]["id"].nunique()) for name, of in values.items()}
    for name in texts if judge.rows == "videos" else ("group", "split"):
        if varied[name]:
            _refuse_several(name, values[name])
    first = {name: of.drop_duplicates("id").set_index("id")[name] for name, of in values.items()}
    rows = pd.DataFrame(first, index=label.index).astype(object).fillna("").assign(label=label)
    return rows[[*ROW_COLUMNS, *attributes]], {name: count for name, count in varied.items() if count}


def _refuse_several(name: str, values: pd.DataFrame) -> NoReturn:
    place = name if name in ROW_COLUMNS else f"attributes: {name}"
    by_id = values[values.duplicated("id", keep=False)].groupby("id", sort=False)[name]
    examples = ", ".join(f"{video} ({' and '.join(of.head(2))})" for video, of in list(by_id)[:3])
    msg = (
        f"judge.columns.{place}: an id has one value, but {by_id.ngroups} ids have several, such as {examples}: mend "
        "the tables, or name another column"
    )
    raise InputError(msg)


def _detectors(
    parts: Sequence[tuple[str, Sequence[tuple[str, pd.DataFrame]]]],
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return scores and errors by id, track and number, a column a detector; of one name, with the file's."""
    names = [detector for _, cells in parts for detector, _ in cells]
    columns = {
        detector if names.count(detector) == 1 else f"{file}.{detector}": cells
        for file, detectors in parts
        for detector, cells in detectors
    }
    scores = pd.DataFrame({name: cells["score"] for name, cells in columns.items()})
    errors = pd.DataFrame({name: cells["error"] for name, cells in columns.items()})
    return scores, errors.fillna(False).astype(bool)


def _count_faces(scores: pd.DataFrame, errors: pd.DataFrame) -> pd.DataFrame:
    """Return by id how many faces any table has, and of each detector how many have a score, and how many an error."""
    every = pd.Series(1, scores.index, name=FACES)
    counts = pd.concat([every, scores.notna().add_prefix(SCORED), errors.add_prefix(FAILED)], axis=1)
    return counts.groupby(level=0).sum().astype(int)


def _by_video(faces: pd.DataFrame, rows: pd.DataFrame, judge: Judge, aggregation: Aggregation) -> pd.DataFrame:
    """Put faces together to videos, detector by detector; a face without a score says nothing.

    Who looks most fake has the lowest score where a high one means real.
    """
    keys = faces.index.to_frame(index=False).rename(columns={"id": "video_id"})
    keys["label"] = rows["label"].reindex(keys["video_id"]).to_numpy()
    scores = {}
    for name in faces.columns:
        sign = 1.0 if of_detector(judge.polarity, name, "fake") == "fake" else -1.0
        table = keys.assign(score=sign * faces[name].to_numpy()).dropna(subset=["score"])
        scores[name] = sign * score_by_video(table, aggregation)["score"] if len(table) else pd.Series(dtype=float)
    return pd.DataFrame(scores).reindex(rows.index)

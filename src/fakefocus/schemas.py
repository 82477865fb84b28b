"""Columns and validators of every table that pipelines hand to each other."""

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from fakefocus.errors import InputError

VIDEO_COLUMNS = (
    *("video_id", "path", "dataset", "label", "method", "compression"),
    *("target_identity", "source_identity", "source_video", "official_split", "mask_path"),
    *("kind", "width", "height", "rate", "frames", "duration", "codec", "rotation", "bytes", "sha256"),
)
REJECTED_COLUMNS = ("path", "stage", "reason")
FACE_COLUMNS = (
    *("video_id", "frame", "time", "found", "reason", "crop", "track", "x1", "y1", "x2", "y2"),
    *("score", "landmarks", "crop_landmarks", "size", "sharpness", "yaw", "pitch", "roll", "altered"),
    *("detector", "crops"),
)
SPLIT_COLUMNS = ("video_id", "label", "method", "group", "side", "split", "status", "reason")
SAMPLE_COLUMNS = (
    *("video_id", "crop", "folder", "frame", "track", "label", "method", "group", "split", "fingerprint"),
    *("identity", "people", "original", "landmarks", "crops", "labelled_by"),
)
SCORE_COLUMNS = ("video_id", "crop", "track", "label", "method", "group", "split", "score")
TRACK_SCORE_COLUMNS = ("video_id", "track", "label", "method", "group", "split", "faces", "score")
VIDEO_SCORE_COLUMNS = ("video_id", "label", "method", "group", "split", "status", "reason", "faces", "score")
STATUSES = ("ok", "no_face", "rejected", "error")
"""What became of a video: it has crops; no frame shows a face; it was set aside otherwise; it is unreadable."""

SUMMARY_VERSION = 3
SUMMARY_KEYS = (
    *("version", "contract", "parameters", "dataset", "experiment", "split_hash", "overlap", "coverage", "metrics"),
    *("calibration", "history", "videos"),
)
"""What ``summary.json`` holds, whoever writes it."""
SECTION_KEYS = ("title", "order", "split_hash", "text", "tables", "caption")
"""What a protocol writes for the report: paragraphs of ``text``; ``tables`` with ``title``, ``columns`` and ``rows`` of
text; ``caption`` of the figure that has the protocol's name, empty without. Sections are shown by ``order``. One with
more figures names them in ``pictures``: ``figure`` (the name of its file), ``title`` and ``caption``. One about
detectors of the report has their ``trainings`` too (`models.fitting.training_of`): where one of them was trained and
judged again since, the report leaves the section out."""
SEEDS = (3, 42, 123)
"""Seeds of trainings that are compared by mean and deviation."""
SPLITS = ("train", "val", "test")

MOST_REASONS = 8
"""So many reasons for which files are set aside are logged."""
ID_BYTES = 150
"""A ``video_id`` names a folder: in UTF-8 it has at most this many bytes."""
_ID_FORBIDDEN = frozenset('/\\:*?"<>|')


def label_name(label: int) -> str:
    """Return ``real`` or ``fake``."""
    return "fake" if label else "real"


def folder_keys(table: pd.DataFrame) -> pd.Series:
    """Return under which key each row's video has its folder of crops and maps: ``<real or fake>/<video_id>``."""
    return table["label"].map(label_name) + "/" + table["video_id"]


def rejections(rejected: pd.DataFrame, total: int) -> list[str]:
    """Return a line a reason, the most frequent first, with up to three names; all of them are in the table."""
    lines = []
    for reason, count in rejected["reason"].value_counts().items():
        paths = rejected.loc[rejected["reason"] == reason, "path"].head(3)
        names = ", ".join(path.rsplit("/", 1)[-1] for path in paths) + (" and others" if count > 3 else "")
        lines.append(f"{count} of {total} files set aside: {reason} ({names})")
    return lines[:MOST_REASONS] + (
        [f"… and {len(lines) - MOST_REASONS} more reasons, in rejected_media"] if len(lines) > MOST_REASONS else []
    )


def is_unsafe_in_id(character: str) -> bool:
    """Return whether a character has no place in a folder's name: separators, spaces, what is not printed."""
    return character in _ID_FORBIDDEN or unicodedata.category(character)[0] in "CZ"


def is_safe_id(name: str) -> bool:
    """Return whether a ``video_id`` can name a folder below another one, everywhere."""
    return (
        not name.startswith((".", "-"))
        and not any(map(is_unsafe_in_id, name))
        and 0 < len(name.encode("utf-8", "replace")) <= ID_BYTES
    )


def videos(table: pd.DataFrame) -> None:
    """Check the table of usable media."""
    _check(table, "videos", VIDEO_COLUMNS, unique=["video_id"])
    unsafe = [name for name in table["video_id"] if not is_safe_id(str(name))][:3]
    _require(not unsafe, "videos", f"video_id can name a folder, in at most {ID_BYTES} bytes", unsafe)
    _check_labels(table, "videos")


def rejected_media(table: pd.DataFrame) -> None:
    """Check the table of media that are not used, each with its reason."""
    _check(table, "rejected_media", REJECTED_COLUMNS)
    _check_reasons(table, "rejected_media")


def faces(table: pd.DataFrame) -> None:
    """Check the table of sampled frames: a face, or the reason why there is none."""
    _check(table, "faces", FACE_COLUMNS, unique=["video_id", "frame", "track"])
    _check_reasons(table[~table["found"].astype(bool)], "faces")


def splits(table: pd.DataFrame) -> None:
    """Check that every video is on one side or set aside with its reason, and no group is on two sides."""
    _check(table, "splits", SPLIT_COLUMNS, unique=["video_id"])
    _check_reasons(table[table["split"] == ""], "splits")
    used = table[table["split"] != ""]
    sides = used.groupby("group")["split"].nunique()
    _require(not (sides > 1).any(), "splits", "an identity group is on one side only", sides[sides > 1].index.tolist())
    _check_statuses(table, "splits")
    unknown = sorted(set(used["split"]) - set(SPLITS))
    _require(not unknown, "splits", f"a side is one of {SPLITS}", unknown)


def samples(table: pd.DataFrame) -> None:
    """Check the index that training reads."""
    _check(table, "samples", SAMPLE_COLUMNS, unique=["crop"])
    _check_labels(table, "samples")


def face_scores(table: pd.DataFrame) -> None:
    """Check scores of single faces."""
    _check(table, "face_scores", SCORE_COLUMNS, unique=["crop"])
    _check_scores(table, "face_scores")


def track_scores(table: pd.DataFrame) -> None:
    """Check scores of the people in videos."""
    _check(table, "track_scores", TRACK_SCORE_COLUMNS, unique=["video_id", "track"])
    _check_scores(table, "track_scores")


def video_scores(table: pd.DataFrame) -> None:
    """Check scores of videos: every one that has crops has a score, and no other."""
    _check(table, "video_scores", VIDEO_SCORE_COLUMNS, unique=["video_id"])
    scored = table["status"] == "ok"
    _check_scores(table[scored], "video_scores")
    _check_reasons(table[~scored], "video_scores")
    invented = table.loc[~scored & table["score"].notna(), "video_id"].tolist()[:3]
    _require(not invented, "video_scores", "only a video with status ok has a score", invented)


def _check(table: pd.DataFrame, name: str, columns: Sequence[str], unique: list[str] | None = None) -> None:
    missing = [column for column in columns if column not in table.columns]
    if missing:
        remedy = "it is of another version, run the stage that makes it again"
        msg = f"{name}: columns {', '.join(missing)} are missing: {remedy}"
        raise InputError(msg)
    if unique is not None:
        doubled = table[table.duplicated(unique)][unique].head(3).to_dict("records")
        _require(not doubled, name, f"{' and '.join(unique)} name one row", doubled)


def _check_labels(table: pd.DataFrame, name: str) -> None:
    wrong = sorted(set(table["label"]) - {0, 1})
    _require(not wrong, name, "label is 0 (real) or 1 (fake)", wrong)


def _check_statuses(table: pd.DataFrame, name: str) -> None:
    unknown = sorted(set(table["status"]) - set(STATUSES))
    _require(not unknown, name, f"a status is one of {STATUSES}", unknown)


def _check_reasons(table: pd.DataFrame, name: str) -> None:
    silent = table[table["reason"].fillna("") == ""].head(3).to_dict("records")
    _require(not silent, name, "what is not used has a reason", silent)


def _check_scores(table: pd.DataFrame, name: str) -> None:
    outside = table[~table["score"].between(0, 1)].head(3).to_dict("records")
    _require(not outside, name, "a score is in [0, 1]", outside)


def _require(holds: bool, name: str, rule: str, got: object) -> None:
    if not holds:
        msg = f"{name}: {rule}; got {got}"
        raise ValueError(msg)


def judged_scope(metrics: Mapping[str, Any]) -> str:
    """Return by what a detector is judged: who was trained on no method that is tested, by the others."""
    return "held_out" if not metrics["video"]["fake"] and "held_out" in metrics else "video"

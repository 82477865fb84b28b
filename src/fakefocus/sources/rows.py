"""Rows of listed media: defaults for what a layout does not know, and ids that are safe folder names."""

import hashlib
import unicodedata
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fakefocus.schemas import ID_BYTES, is_unsafe_in_id

Row = dict[str, Any]
_UNKNOWN = -1
"""Label of a row that is set aside: nobody reads it."""


def media_row(
    dataset: str,
    path: Path,
    *parts: str,
    label: int,
    method: str = "",
    compression: str = "",
    target_identity: str = "",
    source_identity: str = "",
    source_video: str = "",
    official_split: str = "",
    mask_path: str = "",
    reason: str = "",
) -> Row:
    """Return the row of one file; its ``video_id`` is made from ``dataset`` and ``parts``."""
    return {
        "video_id": safe_name(dataset, *parts),
        "path": path.as_posix(),
        "dataset": dataset,
        "label": label,
        "method": method,
        "compression": "raw" if compression == "c0" else compression,
        "target_identity": target_identity,
        "source_identity": source_identity,
        "source_video": source_video,
        "official_split": official_split,
        "mask_path": mask_path,
        "reason": reason,
    }


def set_aside(dataset: str, path: Path, reason: str) -> Row:
    """Return the row of a file that a layout cannot place; ingestion shows it with its reason."""
    return media_row(dataset, path, path.name, label=_UNKNOWN, reason=reason)


def flat_name(inner: Path) -> str:
    """Return a path in one word, with its suffix, so that ``a.mp4`` and ``a.avi`` stay apart."""
    return "-".join(inner.with_suffix("").parts) + inner.suffix.lower().replace(".", "-")


def safe_name(*parts: str) -> str:
    """Join parts to the name of a folder: as they are read where that is safe, and at most 150 bytes.

    Letters of all scripts stay (in Unicode's NFC); spaces, slashes and control characters become ``_``;
    a leading dot or dash goes; what is too long is cut and ends in a hash.
    """
    composed = unicodedata.normalize("NFC", "-".join(parts))
    name = "".join("_" if is_unsafe_in_id(c) else c for c in composed).lstrip(".-") or "_"
    return name if len(name.encode()) <= ID_BYTES else _with_hash(name, "\0".join(parts), 8)


def unique_names(rows: Sequence[Row]) -> list[Row]:
    """Return rows whose ids differ, also where case does not count: those that met get a hash of their path."""
    named, length = list(rows), 0
    while length < 64 and (doubled := _doubled(named)):
        length += 8
        named = [
            row | {"video_id": _with_hash(original["video_id"], row["path"], length)}
            if row["video_id"].casefold() in doubled
            else row
            for row, original in zip(named, rows, strict=True)
        ]
    return named


def readable(row: Row) -> Row:
    """Return the row, set aside where its path cannot be written down: tables and reports hold UTF-8."""
    try:
        row["path"].encode()
    except UnicodeEncodeError:
        shown = row["path"].encode("utf-8", "backslashreplace").decode()
        return row | {"path": shown, "reason": "the file's name is not UTF-8: rename it"}
    return row


def _doubled(rows: Sequence[Row]) -> set[str]:
    counts = Counter(row["video_id"].casefold() for row in rows)
    return {name for name, count in counts.items() if count > 1}


def _with_hash(name: str, text: str, length: int) -> str:
    digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:length]
    return name.encode()[: ID_BYTES - length - 1].decode(errors="ignore") + "-" + digest

"""Lists a data set's files and looks into each."""

import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from fakefocus.imaging.frames import IMAGE_SUFFIXES, VIDEO_SUFFIXES, MediaError, probe
from fakefocus.parameters import Ingestion
from fakefocus.schemas import REJECTED_COLUMNS, VIDEO_COLUMNS, InputError
from fakefocus.sources import read_layout

_log = logging.getLogger(__name__)


def list_media(raw_media: Path, ingestion: Ingestion, dataset: str) -> pd.DataFrame:
    """List the files of a data set with what its layout says of them.

    Raises:
        InputError: If the folder is not in the layout, or holds no file.
    """
    listed = pd.DataFrame(read_layout(raw_media, ingestion.layout, dataset))
    if listed.empty:
        msg = f"raw_media: {raw_media} has the layout {ingestion.layout!r} but no file in it"
        raise InputError(msg)
    return listed


def probe_media(listed_media: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Probe each file: usable ones become rows of ``videos``, others go to ``unreadable_media`` with a reason.

    Raises:
        InputError: If no file is usable; names the reasons.
    """
    # hashing and demuxing release the interpreter's lock
    with ThreadPoolExecutor() as pool:
        probed = list(pool.map(_probe_row, listed_media.to_dict("records")))
    usable = [row for row in probed if not row["reason"]]
    rejected = pd.DataFrame([r for r in probed if r["reason"]], columns=list(REJECTED_COLUMNS)).astype(str)
    if not usable:
        reasons = "; ".join(f"{n} x {reason}" for reason, n in rejected["reason"].value_counts().head(5).items())
        msg = f"no usable media: all {len(rejected)} files were rejected ({reasons})"
        raise InputError(msg)
    for reason, count in rejected["reason"].value_counts().items():
        _log.warning("%d of %d files rejected: %s", count, len(probed), reason)
    return pd.DataFrame(usable, columns=list(VIDEO_COLUMNS)), rejected


def _probe_row(row: dict[str, Any]) -> dict[str, Any]:
    """Return the row with what the file is, or with the stage and the reason why it cannot be used."""
    path = Path(row["path"])
    try:
        if reason := row["reason"] or _unusable(path):
            return row | {"stage": "ingestion", "reason": reason}
        return row | asdict(probe(path))
    except MediaError as error:
        return row | {"stage": "ingestion", "reason": str(error)}
    except OSError as error:
        return row | {"stage": "ingestion", "reason": f"cannot be read: {error.strerror}"}


def _unusable(path: Path) -> str:
    if path.suffix.lower() not in VIDEO_SUFFIXES | IMAGE_SUFFIXES:
        return f"not a video or image: suffix {path.suffix!r}"
    return ""

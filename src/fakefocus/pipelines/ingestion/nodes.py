"""Lists a data set's files and looks into each."""

import logging
import os
from collections.abc import Callable
from dataclasses import asdict, fields
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from fakefocus.errors import InputError, counted
from fakefocus.imaging.frames import Probe, probe
from fakefocus.imaging.media import IMAGE_SUFFIXES, VIDEO_SUFFIXES, MediaError, PassingMediaError
from fakefocus.parameters import Ingestion
from fakefocus.schemas import REJECTED_COLUMNS, VIDEO_COLUMNS, rejections
from fakefocus.sources import read_layout

RECIPE = 1
"""Raise when the same file gives another row, so that it is probed again."""
STATE = ("path", "bytes_on_disk", "modified_ns", "inode", "recipe")
"""A file that is the same in these is not read again."""

_log = logging.getLogger(__name__)


def list_media(raw_media: Path, ingestion: Ingestion, dataset: str) -> pd.DataFrame:
    """List the files of a data set with what its layout says of them.

    Raises:
        InputError: If the folder is not in the layout, or holds no file.
    """
    listed = pd.DataFrame(read_layout(raw_media, ingestion.layout, dataset, ingestion.dataset_json))
    if listed.empty:
        msg = (
            f"raw_media: {raw_media} has the layout {ingestion.layout!r} but no file in it: put the media there, or "
            "name another folder with --params=data_root=<folder>"
        )
        raise InputError(msg)
    return listed


def plan_probes(
    listed_media: pd.DataFrame, previous_probes: pd.DataFrame
) -> dict[str, dict[str, Any] | Callable[[], dict[str, Any]]]:
    """Plan for each file how it is probed; one that was probed before and has not changed keeps its row.

    A file is known again by path, size, time and inode. What kept it from being read and may pass is tried again.

    Args:
        listed_media: A row a file.
        previous_probes: What an earlier run wrote; empty at first.

    Returns:
        By path: the row, or a callable that returns it; the dataset calls those side by side.
    """
    rows: list[dict[str, Any]] = [{str(k): v for k, v in row.items()} for row in previous_probes.to_dict("records")]
    remembered = {_state(row): row for row in rows if not row["passing"]}
    plans: dict[str, dict[str, Any] | Callable[[], dict[str, Any]]] = {}
    for path in dict.fromkeys(listed_media.loc[listed_media["reason"] == "", "path"]):
        state = _stat(Path(path))
        plans[path] = remembered.get(_state(state)) or partial(probe_file, state)
    _log.info("media: %d files, %d of them read before", len(plans), sum(isinstance(p, dict) for p in plans.values()))
    return plans


def sort_media(listed_media: pd.DataFrame, probes: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Part what can be used (``videos``) from what cannot (``unreadable_media``, with the reason).

    Raises:
        InputError: If no file is usable; names the reasons.
    """
    # where no file was probed, or none could be read, columns are missing
    probed = probes.reindex(columns=["path", "reason", *(field.name for field in fields(Probe))])
    merged = listed_media.merge(probed, on="path", how="left", suffixes=("", "_probed"))
    merged["reason"] = merged["reason"].where(merged["reason"] != "", merged["reason_probed"])
    merged["stage"] = "ingestion"
    usable = merged["reason"] == ""
    rejected = merged.loc[~usable, list(REJECTED_COLUMNS)].astype(str).reset_index(drop=True)
    if not usable.any():
        msg = (
            f"raw_media: all {len(rejected)} files were rejected ({counted(rejected['reason'])}): mend or replace "
            f"them; the first is {rejected['path'].iloc[0]}"
        )
        raise InputError(msg)
    for line in rejections(rejected, len(merged)):
        _log.warning("%s", line)
    videos = merged.loc[usable, list(VIDEO_COLUMNS)].reset_index(drop=True)
    whole = ["width", "height", "frames", "rotation", "bytes"]
    return videos.astype(dict.fromkeys(whole, "int64")), rejected


def probe_file(state: dict[str, Any]) -> dict[str, Any]:
    """Return what a file is, or the reason why it cannot be used, beside its ``state`` on disk."""
    path = Path(state["path"])
    row = state | {"reason": "", "passing": False}
    try:
        if path.suffix.lower() not in VIDEO_SUFFIXES | IMAGE_SUFFIXES and not path.is_dir():
            return row | {"reason": f"not a video or image: suffix {path.suffix!r}"}
        return row | asdict(probe(path))
    except MediaError as error:
        return row | {"reason": str(error), "passing": isinstance(error, PassingMediaError)}


def _stat(path: Path) -> dict[str, Any]:
    """Return how a file, or a folder with what is in it, lies on disk; zeros where that cannot be said."""
    try:
        status = path.stat()
        stats = [entry.stat() for entry in os.scandir(path)] if path.is_dir() else [status]
    except OSError:
        return {"path": path.as_posix(), "bytes_on_disk": 0, "modified_ns": 0, "inode": 0, "recipe": RECIPE}
    return {
        "path": path.as_posix(),
        "bytes_on_disk": sum(file.st_size for file in stats),
        "modified_ns": max(file.st_mtime_ns for file in (status, *stats)),
        "inode": status.st_ino,
        "recipe": RECIPE,
    }


def _state(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in STATE)

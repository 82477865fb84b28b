"""Ids of somebody's table → videos of the lineage: by video_id, by path, by file name."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence

import pandas as pd

from fakefocus.errors import InputError

HOW = ("video_id", "path", "file name")
"""By what an id was matched, in the order that is tried."""
_MEDIA = re.compile(
    r"\.(mp4|avi|mov|mkv|webm|m4v|mpg|mpeg|wmv|jpg|jpeg|png|bmp|webp|tif|tiff)$",
    re.IGNORECASE,
)


def match_ids(ids: Sequence[str], videos: pd.DataFrame) -> pd.DataFrame:
    """Match ids to videos.

    A path matches by as many of its last parts as some video's path shares, whatever the separators; the ending of a
    file may be left out.

    Args:
        ids: As they were handed in: each a ``video_id``, a path or a file name.
        videos: ``video_id`` and ``path`` of the lineage.

    Returns:
        A row an id, in the same order: ``id``, ``video_id`` (``""`` where there is none) and ``how`` (one of `HOW`).

    Raises:
        InputError: If an id fits several videos alike, or two ids are one video.
    """
    by_id = set(videos["video_id"])
    by_end: dict[str, list[str]] = defaultdict(list)
    for video, path in zip(videos["video_id"], videos["path"], strict=True):
        for end in _ends(path):
            by_end[end].append(video)
    rows = [(name, *_match(name, by_id, by_end)) for name in ids]
    table = pd.DataFrame(rows, columns=["id", "video_id", "how", "others"])
    _refuse_ambiguous(table)
    _refuse_doubled(table)
    return table.drop(columns="others")


def _match(name: str, by_id: set[str], by_end: dict[str, list[str]]) -> tuple[str, str, tuple[str, ...]]:
    """Return the video, by what it was matched, and the candidates where they are several."""
    if name in by_id:
        return name, HOW[0], ()
    for end in _ends(name):
        candidates = by_end.get(end, ())
        if candidates:
            how = HOW[1] if "/" in end else HOW[2]
            return (candidates[0], how, ()) if len(candidates) == 1 else ("", how, tuple(candidates[:2]))
    return "", "", ()


def _ends(path: str) -> Iterator[str]:
    """Yield the ends of a path, the longest first, each with the file's ending and then without."""
    parts = [part for part in normalise(path).split("/") if part not in ("", ".")]
    for first in range(len(parts)):
        end = "/".join(parts[first:])
        yield end
        bare = _MEDIA.sub("", end)
        if bare != end:
            yield bare


def normalise(path: str) -> str:
    """Return a path with slashes, without a drive, in composed characters."""
    text = unicodedata.normalize("NFC", path.strip()).replace("\\", "/")
    return re.sub(r"^[A-Za-z]:(?=/)", "", text)


def _refuse_ambiguous(table: pd.DataFrame) -> None:
    ambiguous = table[table["others"].str.len() > 0]
    if len(ambiguous):
        first = ambiguous.iloc[0]
        msg = (
            f"judge: {len(ambiguous)} ids fit several videos: {first['id']!r}: {' and '.join(first['others'])}: "
            "give video_ids or longer paths in the column of ids (judge.columns.id)"
        )
        raise InputError(msg)


def _refuse_doubled(table: pd.DataFrame) -> None:
    doubled = table[(table["video_id"] != "") & table.duplicated("video_id", keep=False)]
    if len(doubled):
        video = doubled.iloc[0]["video_id"]
        names = " and ".join(map(repr, doubled[doubled["video_id"] == video]["id"].head(2)))
        msg = (
            f"judge: {doubled['video_id'].nunique()} videos are there under two ids, such as {video}: {names} (matched "
            f"by {doubled.iloc[0]['how']}); give video_ids or longer paths (judge.columns.id), or one row a video"
        )
        raise InputError(msg)

"""Files of the test side that are encoded again: how their crops are made, and what came of them."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from fakefocus.datasets.stored_video import VideoFolder, VideoWork, fingerprint
from fakefocus.errors import InputError
from fakefocus.extraction import NO_FACE, OTHER_FACES, RECIPE, extract_reencoded
from fakefocus.imaging.reencoding import CONDITIONS
from fakefocus.parameters import Preprocessing
from fakefocus.schemas import STATUSES

_TOO_LITTLE = ("nothing is enlarged", "frames decode")
"""Of reasons for which preprocessing sets a readable file aside: smaller than a crop, or too few frames."""
ENCODING_RECIPE = 2
"""Raise when the same parameters give other files, so that finished videos are made again."""


def plan_file(condition: str, name: str, video: "pd.Series[Any]", preprocessing: Preprocessing) -> VideoWork:
    """Return how the crops of a video are made that is encoded again; ``video`` is its row of ``videos``."""
    path, steps = Path(video["path"]).absolute(), CONDITIONS[condition].steps
    made_with = _made_with(condition, preprocessing)
    return VideoWork(
        fingerprint(ENCODING_RECIPE, RECIPE, video["sha256"], made_with),
        partial(extract_reencoded, path, name, video["kind"], steps, preprocessing),
        made_with,
    )


def read_files(
    condition: str,
    chosen: pd.DataFrame,
    videos: pd.DataFrame,
    reencoded_crops: Mapping[str, VideoFolder],
    preprocessing: Preprocessing,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return faces that were found again, and by ``video_id`` a ``status`` (`schemas.STATUSES`) and the file's size.

    Raises:
        InputError: If a video was not encoded again, or by other parameters.
    """
    sizes = videos.set_index("video_id")["bytes"]
    faces, statuses, made_with = [], [], _made_with(condition, preprocessing)
    for video in chosen.to_dict("records"):
        key = f"{condition}/{video['video_id']}"
        if key not in reencoded_crops or reencoded_crops[key].made_with != made_with:
            msg = (
                f"reencoded_crops: {key} is missing or of other parameters: run kedro run --pipelines=robustness again"
            )
            raise InputError(msg)
        rows = reencoded_crops[key].rows
        of_video = {name: video[name] for name in ("video_id", "label")}
        faces += [of_video | {"key": key, "crop": r["crop"], "track": r["track"]} for r in rows if r["found"]]
        statuses.append(
            {
                "video_id": video["video_id"],
                "status": _status(rows),
                "bytes": rows[0]["bytes"],
                "original": sizes[video["video_id"]],
            }
        )
    columns = ["video_id", "label", "key", "crop", "track"]
    return pd.DataFrame(faces, columns=columns), pd.DataFrame(statuses).set_index("video_id")


def count_losses(statuses: pd.DataFrame) -> dict[str, Any]:
    """Count all chosen videos by status; ``size`` is that of the new files together, a share of the originals'."""
    counts = {status: int((statuses["status"] == status).sum()) for status in STATUSES}
    return {"statuses": counts, "size": float(statuses["bytes"].sum() / statuses["original"].sum())}


def _made_with(condition: str, preprocessing: Preprocessing) -> dict[str, dict[str, Any]]:
    steps = {str(number): vars(step) for number, step in enumerate(CONDITIONS[condition].steps)}
    return {"reencoding": steps, "preprocessing": preprocessing.model_dump(mode="json")}


def _status(rows: list[dict[str, Any]]) -> str:
    if any(row["found"] for row in rows):
        return "ok"
    if all(row["reason"] in (NO_FACE, OTHER_FACES) for row in rows):
        return "no_face"
    return "rejected" if any(text in rows[0]["reason"] for text in _TOO_LITTLE) else "error"

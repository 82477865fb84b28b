"""Finds the faces of each clip and cuts them out, upright and at one size."""

import logging
from functools import partial
from pathlib import Path

import pandas as pd

from fakefocus.datasets.video_folders import VideoFolder, VideoWork, fingerprint
from fakefocus.parameters import Preprocessing
from fakefocus.pipelines.preprocessing.extraction import extract_faces
from fakefocus.schemas import FACE_COLUMNS, REJECTED_COLUMNS, InputError, folder_keys

RECIPE = 2
"""Raise when the same parameters give other crops, so that finished videos are made again."""

_log = logging.getLogger(__name__)


def plan_face_crops(videos: pd.DataFrame, preprocessing: Preprocessing) -> dict[str, VideoWork]:
    """Plan for each video how its crops are made; the dataset does it side by side."""
    options = preprocessing.model_dump()
    return {
        key: VideoWork(
            fingerprint(RECIPE, video["sha256"], options),
            partial(extract_faces, Path(video["path"]).absolute(), video["video_id"], video["kind"], preprocessing),
        )
        for key, video in zip(folder_keys(videos), videos.to_dict("records"), strict=True)
    }


def collect_faces(videos: pd.DataFrame, face_crops: dict[str, VideoFolder]) -> pd.DataFrame:
    """Gather the rows of all videos into one table."""
    rows = [row for key in folder_keys(videos) for row in face_crops[key].rows]
    return pd.DataFrame(rows, columns=list(FACE_COLUMNS))


def list_rejected(videos: pd.DataFrame, faces: pd.DataFrame, unreadable_media: pd.DataFrame) -> pd.DataFrame:
    """List every file that later stages do not see, with its reason.

    Raises:
        InputError: If no video shows a face.
    """
    seen = faces.groupby("video_id")["found"].any()
    without = videos[~videos["video_id"].map(seen)]
    reasons = faces[~faces["found"]].groupby("video_id")["reason"].agg(lambda r: r.value_counts().index[0])
    counts = faces.groupby("video_id").size()
    rows = [
        {"path": path, "stage": "preprocessing", "reason": _rejection(str(reasons[video_id]), int(counts[video_id]))}
        for video_id, path in zip(without["video_id"], without["path"], strict=True)
    ]
    if len(without) == len(videos):
        told = "; ".join(f"{n} x {r}" for r, n in pd.Series([r["reason"] for r in rows]).value_counts().head(5).items())
        msg = (
            f"no crop from any of {len(videos)} videos ({told}): lower preprocessing.detection.min_face_size or "
            "preprocessing.detection.thresholds, or set preprocessing.region to whole_image for pictures without faces"
        )
        raise InputError(msg)
    for row in rows:
        _log.warning("%s: %s", Path(str(row["path"])).name, row["reason"])
    _warn_of_damage(faces[faces["video_id"].map(seen)])
    _log.info("crops: %d from %d videos", int(faces["found"].sum()), int(seen.sum()))
    return pd.concat([unreadable_media, pd.DataFrame(rows, columns=list(REJECTED_COLUMNS))], ignore_index=True)


def _warn_of_damage(faces: pd.DataFrame) -> None:
    """Say which used videos are damaged: their other frames are kept."""
    damaged = faces[faces["reason"].str.startswith("does not decode")]
    for video_id, reasons in damaged.groupby("video_id")["reason"]:
        looked_at = faces.loc[faces["video_id"] == video_id, "frame"].nunique()
        _log.warning("%s: %d of %d sampled frames: %s", video_id, len(reasons), looked_at, reasons.iloc[0])


def _rejection(reason: str, sampled: int) -> str:
    return f"no face in {sampled} sampled frames" if reason == "no face" else reason

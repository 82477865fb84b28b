"""Finds the faces of each clip and cuts them out, upright and at one size."""

import logging
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from fakefocus.datasets.stored_video import VideoFolder, VideoWork, fingerprint
from fakefocus.errors import InputError, counted
from fakefocus.extraction import RECIPE, extract_faces
from fakefocus.imaging.alteration import Evidence
from fakefocus.parameters import Preprocessing
from fakefocus.schemas import FACE_COLUMNS, REJECTED_COLUMNS, folder_keys, rejections
from fakefocus.sources.provenance import originals

_log = logging.getLogger(__name__)


def plan_face_crops(videos: pd.DataFrame, preprocessing: Preprocessing) -> dict[str, VideoWork]:
    """Plan for each video how its crops are made; the dataset does it side by side.

    Where several people of a video are kept, a fake's mask, or else the real clip that it was made from, is looked at
    beside it: it tells who was altered.
    """
    options = preprocessing.model_dump(mode="json")
    evidence = {} if preprocessing.faces_per_video == 1 else _evidence(videos)
    return {
        key: _planned(video, preprocessing, options, evidence.get(video["video_id"]))
        for key, video in zip(folder_keys(videos), videos.to_dict("records"), strict=True)
    }


def _planned(
    video: Mapping[Any, Any], preprocessing: Preprocessing, options: dict[str, Any], evidence: Evidence | None
) -> VideoWork:
    name, path = video["video_id"], Path(video["path"]).absolute()
    made_from = () if evidence is None else (evidence.kind, evidence.content)
    return VideoWork(
        fingerprint(RECIPE, video["sha256"], options, *made_from),
        partial(extract_faces, path, name, video["kind"], preprocessing, evidence=evidence),
        {"preprocessing": options},
    )


def _evidence(videos: pd.DataFrame) -> dict[str, Evidence]:
    """Return what tells who was altered in each fake, by ``video_id``, where there is something.

    Folders of frames are crops of faces, each placed on its own: there is nothing to lay one over the other by.
    """
    videos = videos[videos["kind"] != "frames"]
    by_video = videos.set_index("video_id")
    made_from = originals(videos)
    evidence = {
        fake: Evidence("original", Path(by_video["path"][real]).absolute(), str(by_video["sha256"][real]))
        for fake, real in zip(made_from.index.astype(str), made_from, strict=True)
        # another cut of the same source video is not what the fake was made from
        if by_video["target_identity"][fake] == by_video["target_identity"][real]
    }
    masks = by_video.loc[(by_video["label"] == 1) & (by_video["mask_path"] != ""), "mask_path"]
    for fake, path in masks.items():
        if (mask := Path(path).absolute()).is_file():
            evidence[str(fake)] = Evidence("mask", mask, f"{mask.name} of {mask.stat().st_size} bytes")
    return evidence


def collect_faces(videos: pd.DataFrame, face_crops: dict[str, VideoFolder]) -> pd.DataFrame:
    """Gather the rows of all videos into one table; ``crops`` is the fingerprint of the folder that each is of."""
    folders = [face_crops[key] for key in folder_keys(videos)]
    rows = [row | {"crops": folder.fingerprint} for folder in folders for row in folder.rows]
    return pd.DataFrame(rows, columns=list(FACE_COLUMNS))


def list_rejected(videos: pd.DataFrame, faces: pd.DataFrame, unreadable_media: pd.DataFrame) -> pd.DataFrame:
    """List every file that later stages do not see, with its reason.

    Raises:
        InputError: If no video shows a face.
    """
    shows_a_face = faces.groupby("video_id")["found"].any()
    without = videos[videos["video_id"].map(shows_a_face).ne(other=True)]
    reasons = faces[~faces["found"]].groupby("video_id")["reason"].agg(lambda r: r.value_counts().index[0])
    counts = faces.groupby("video_id").size()
    rows = [
        {
            "path": path,
            "stage": "preprocessing",
            "reason": _rejection(str(reasons.get(video_id, "no frame was sampled")), int(counts.get(video_id, 0))),
        }
        for video_id, path in zip(without["video_id"], without["path"], strict=True)
    ]
    rejected = pd.DataFrame(rows, columns=list(REJECTED_COLUMNS))
    if len(without) == len(videos):
        msg = (
            f"no crop from any of {len(videos)} videos ({counted(rejected['reason'])}): lower "
            "preprocessing.detection.min_face_size or preprocessing.detection.thresholds, or set preprocessing.region "
            "to whole_image for pictures without faces"
        )
        raise InputError(msg)
    for line in rejections(rejected, len(videos)):
        _log.warning("%s", line)
    _warn_of_damage(faces[faces["video_id"].map(shows_a_face)])
    _log.info("crops: %d from %d videos", int(faces["found"].sum()), int(shows_a_face.sum()))
    return pd.concat([unreadable_media, rejected], ignore_index=True)


def _warn_of_damage(faces: pd.DataFrame) -> None:
    """Say how many of the videos that are used are damaged: their other frames are kept."""
    damaged = faces[faces["reason"].str.startswith("does not decode")]
    if damaged.empty:
        return
    lost = damaged.groupby("video_id").size()
    names = ", ".join(f"{video_id} ({count})" for video_id, count in lost.head(3).items())
    _log.warning(
        "%d frames of %d videos do not decode, the others are kept: %s%s",
        *(len(damaged), len(lost), names, " and others" if len(lost) > 3 else ""),
    )


def _rejection(reason: str, sampled: int) -> str:
    return f"no face in {sampled} sampled frames" if reason == "no face" else reason

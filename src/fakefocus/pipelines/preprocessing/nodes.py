"""Finds the main face of each clip and cuts it out, upright and at one size."""

import json
import logging
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fakefocus.datasets.video_folders import FrameWriter, VideoFolder, VideoWork, fingerprint
from fakefocus.imaging.alignment import align_face, sharpness
from fakefocus.imaging.frames import Frame, MediaError, read_frames
from fakefocus.parameters import Preprocessing
from fakefocus.schemas import FACE_COLUMNS, REJECTED_COLUMNS, InputError, folder_keys

RECIPE = 1
"""Raise when the same parameters give other crops, so that finished videos are made again."""

_log = logging.getLogger(__name__)


def plan_face_crops(videos: pd.DataFrame, preprocessing: Preprocessing) -> dict[str, VideoWork]:
    """Plan for each video how its crops are made; the dataset does it side by side."""
    options = preprocessing.model_dump()
    return {
        key: VideoWork(
            fingerprint(RECIPE, sha256, options), partial(extract_faces, Path(path), str(video_id), preprocessing)
        )
        for key, video_id, path, sha256 in zip(
            folder_keys(videos), videos["video_id"], videos["path"], videos["sha256"], strict=True
        )
    }


def extract_faces(path: Path, video_id: str, options: Preprocessing, write: FrameWriter) -> list[dict[str, Any]]:
    """Sample a clip, follow its main face and align it; one row a sampled frame, with or without a face."""
    # torch takes seconds to import: only the processes that detect need it
    from fakefocus.detection.mtcnn import detector
    from fakefocus.detection.tracking import main_track

    try:
        frames = list(read_frames(path, options.every, options.max_frames))
    except MediaError as error:
        return [_row(video_id, Frame(0, 0.0, np.zeros((0, 0, 3), np.uint8)), reason=str(error))]
    detect = detector(options.detection.min_face_size, options.detection.thresholds)
    found = [faces for _, same in groupby(frames, lambda f: f.image.shape) for faces in detect([f.image for f in same])]
    track = main_track([faces.boxes for faces in found])
    rows = []
    for position, (frame, faces) in enumerate(zip(frames, found, strict=True)):
        if position not in track:
            reason = "no face" if not len(faces.boxes) else "faces, but not the one that the clip shows most"
            rows.append(_row(video_id, frame, reason=reason))
            continue
        i, name = track[position], f"frame_{frame.index:06d}"
        crop = align_face(frame.image, faces.landmarks[i], options.size, options.margin)
        write(name, crop)
        box = dict(zip(("x1", "y1", "x2", "y2"), faces.boxes[i].tolist(), strict=True))
        marks = json.dumps(np.round(faces.landmarks[i], 2).tolist())
        details: dict[str, Any] = {
            "score": float(faces.scores[i]),
            "landmarks": marks,
            "sharpness": sharpness(crop),
        }
        rows.append(_row(video_id, frame, crop=name, **box, **details))
    return rows


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
        msg = (
            f"no face in any of {len(videos)} videos: lower preprocessing.detection.min_face_size "
            "or preprocessing.detection.thresholds"
        )
        raise InputError(msg)
    for row in rows:
        _log.warning("%s: %s", Path(str(row["path"])).name, row["reason"])
    _log.info("faces: %d in %d videos", int(faces["found"].sum()), int(seen.sum()))
    return pd.concat([unreadable_media, pd.DataFrame(rows, columns=list(REJECTED_COLUMNS))], ignore_index=True)


def _rejection(reason: str, sampled: int) -> str:
    return f"no face in {sampled} sampled frames" if reason == "no face" else reason


def _row(video_id: str, frame: Frame, reason: str = "", crop: str = "", **details: Any) -> dict[str, Any]:  # noqa: ANN401
    empty = dict.fromkeys(("x1", "y1", "x2", "y2", "score", "sharpness"), None)
    base = {"video_id": video_id, "frame": frame.index, "time": frame.time, "found": bool(crop)}
    return base | {"reason": reason, "crop": crop, "landmarks": ""} | empty | details

"""What a sample is to others: the clip a fake was made from, and where a face is in its crop."""

import json

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fakefocus.imaging.alignment import place_in_box, place_landmarks
from fakefocus.parameters import Preprocessing

_CLIP = ["dataset", "compression", "source_video"]


def originals(videos: pd.DataFrame) -> pd.Series:
    """Return for each fake the real clip it was made from: ``video_id`` by ``video_id``, fakes without one left out.

    Both show the same source video of the same data set and compression; where several do, the same person's.
    """
    known = videos[videos["source_video"] != ""]
    columns = ["video_id", "target_identity", *_CLIP]
    fakes, reals = known.loc[known["label"] == 1, columns], known.loc[known["label"] == 0, columns]
    met = fakes.merge(reals, on=_CLIP, suffixes=("", "_real"))
    met["other"] = met["target_identity"] != met["target_identity_real"]
    first = met.sort_values(["video_id", "other", "video_id_real"]).drop_duplicates("video_id")
    return first.set_index("video_id")["video_id_real"]


def landmarks_in_crops(faces: pd.DataFrame, frames: pd.DataFrame, options: Preprocessing) -> list[str]:
    """Return five points in pixels of the crop as JSON, empty where a face has none.

    ``faces`` has ``landmarks`` and the box in pixels of the frame; ``frames`` the width and height by ``video_id``.
    """
    sides = frames.loc[faces["video_id"]].to_numpy(dtype=int)
    boxes = faces[["x1", "y1", "x2", "y2"]].to_numpy(dtype=np.float64)
    known = zip(faces["landmarks"], boxes, sides, strict=True)
    return [_placed(text, box, side, options) if text else "" for text, box, side in known]


def _placed(text: str, box: NDArray[np.float64], frame: NDArray[np.int_], options: Preprocessing) -> str:
    points = np.array(json.loads(text))
    if options.alignment == "landmarks":
        inside = place_landmarks(points, options.size, options.margin)
    else:
        inside = place_in_box(points, box, (int(frame[0]), int(frame[1])), options.size, options.margin)
    return json.dumps(np.round(inside, 2).tolist())

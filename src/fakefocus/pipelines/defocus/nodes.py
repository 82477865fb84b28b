"""Estimates for every crop where it is blurred."""

from functools import partial
from typing import Any

import pandas as pd

from fakefocus.datasets.video_folders import FrameWriter, VideoFolder, VideoWork, fingerprint
from fakefocus.imaging.defocus import METHODS
from fakefocus.parameters import Defocus
from fakefocus.schemas import folder_keys

RECIPE = 1
"""Raise when the same parameters give other maps, so that finished videos are made again."""


def plan_defocus_maps(
    videos: pd.DataFrame, face_crops: dict[str, VideoFolder], defocus: Defocus
) -> dict[str, VideoWork]:
    """Plan for each video how its maps are made; the dataset does it side by side."""
    options = defocus.model_dump()
    return {
        key: VideoWork(
            fingerprint(RECIPE, face_crops[key].fingerprint, options),
            partial(estimate_defocus, face_crops[key], defocus.method),
        )
        for key in folder_keys(videos)
    }


def estimate_defocus(crops: VideoFolder, method: str, write: FrameWriter) -> list[dict[str, Any]]:
    """Write the map of each crop of a video; its mean and deviation are the rows."""
    rows = []
    for name in crops.names:
        blur = METHODS[method](crops.read(name))
        write(name, blur)
        rows.append({"video_id": crops.path.name, "crop": name, "mean": float(blur.mean()), "std": float(blur.std())})
    return rows


def collect_statistics(videos: pd.DataFrame, defocus_maps: dict[str, VideoFolder]) -> pd.DataFrame:
    """Gather mean and deviation of every map, both in units of the map, [0, 1]."""
    rows = [row for key in folder_keys(videos) for row in defocus_maps[key].rows]
    return pd.DataFrame(rows, columns=["video_id", "crop", "mean", "std"])

"""Estimates for every crop where it is blurred."""

from functools import partial
from typing import Any

import pandas as pd

from fakefocus.datasets.stored_video import FrameWriter, VideoFolder, VideoWork, check_made_with, fingerprint
from fakefocus.imaging.defocus import estimate_map
from fakefocus.imaging.maps import to_levels
from fakefocus.parameters import Defocus, Preprocessing
from fakefocus.schemas import folder_keys

RECIPE = 3
"""Raise when the same parameters give other maps, so that finished videos are made again."""


def plan_defocus_maps(
    videos: pd.DataFrame, face_crops: dict[str, VideoFolder], preprocessing: Preprocessing, defocus: Defocus
) -> dict[str, VideoWork]:
    """Plan for each video how its maps are made; the dataset does it side by side.

    Raises:
        InputError: If the crops on disk were made with other parameters than ``preprocessing``.
    """
    keys = list(folder_keys(videos))
    asked = preprocessing.model_dump(mode="json")
    crops_made_with = check_made_with(face_crops, keys, "preprocessing", asked)
    options = defocus.model_dump(mode="json")
    return {
        key: VideoWork(
            fingerprint(RECIPE, face_crops[key].fingerprint, options),
            partial(estimate_defocus, face_crops[key], defocus),
            {"preprocessing": crops_made_with, "defocus": options},
            suffix=".png" if defocus.store == "png16" else ".npy",
            scale=(defocus.sigma_max, "blur σ, pixels") if defocus.method == "gradient_ratio" else None,
        )
        for key in keys
    }


def estimate_defocus(crops: VideoFolder, defocus: Defocus, write: FrameWriter) -> list[dict[str, Any]]:
    """Write the map of each crop of a video unless none are stored; its mean and deviation are the rows."""
    rows = []
    for name in crops.names:
        blur = estimate_map(crops.read(name), defocus.method, defocus.sigma_max)
        if defocus.store != "none":
            write(name, to_levels(blur) if defocus.store == "uint16" else blur)
        rows.append({"video_id": crops.path.name, "crop": name, "mean": float(blur.mean()), "std": float(blur.std())})
    return rows


def collect_statistics(videos: pd.DataFrame, defocus_maps: dict[str, VideoFolder]) -> pd.DataFrame:
    """Gather mean and deviation of every map, both in units of the map, [0, 1]."""
    rows = [row for key in folder_keys(videos) for row in defocus_maps[key].rows]
    return pd.DataFrame(rows, columns=["video_id", "crop", "mean", "std"])

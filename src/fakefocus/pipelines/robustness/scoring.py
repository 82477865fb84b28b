"""Shows a detector what each change leaves of test faces; torch is needed here, and nowhere else in the protocol."""

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fakefocus.datasets.stored_video import VideoFolder
from fakefocus.imaging.perturbations import perturb, perturbations
from fakefocus.imaging.reencoding import CONDITIONS
from fakefocus.inference import Crop, Prepared, Scorer
from fakefocus.parameters import Preprocessing
from fakefocus.pipelines.robustness.files import count_losses, read_files
from fakefocus.pipelines.robustness.measuring import Judge, clean_videos, compare


def measure_files(
    condition: str,
    scorer: Scorer,
    clean: pd.DataFrame,
    chosen: pd.DataFrame,
    videos: pd.DataFrame,
    reencoded_crops: Mapping[str, VideoFolder],
    preprocessing: Preprocessing,
    judge: Judge,
) -> dict[str, Any]:
    """Return what one way of encoding files again did to the scores of ``chosen`` videos."""
    faces, statuses = read_files(condition, chosen, videos, reencoded_crops, preprocessing)
    reads = [partial(_read_crop, reencoded_crops[key], name) for key, name in faces[["key", "crop"]].to_numpy()]
    compared = compare(clean_videos(clean, statuses.index, judge), faces.assign(score=scorer(reads)), judge)
    return {"condition": condition, "title": CONDITIONS[condition].title} | compared | count_losses(statuses)


def measure_crops(
    name: str, strength: int, seed: int, shown: Prepared, before: pd.DataFrame, judge: Judge
) -> dict[str, Any]:
    """Return what one perturbation of stored crops did to the scores of their videos."""
    changed = partial(_perturbed, name=name, strength=strength, seed=seed)
    scored = shown.samples.assign(score=shown.scorer(shown.crops, changed))
    value = perturbations()[name].values[strength - 1]
    return {"perturbation": name, "strength": strength, "value": value} | compare(before, scored, judge)


def _read_crop(folder: VideoFolder, name: str) -> Crop:
    """Return a crop without a map: one is made of it."""
    return Crop(folder.read(name))


def _perturbed(image: NDArray[np.uint8], number: int, *, name: str, strength: int, seed: int) -> NDArray[np.uint8]:
    return perturb(image, name, strength, (seed, number))

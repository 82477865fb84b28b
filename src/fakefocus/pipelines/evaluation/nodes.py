"""Scores faces and videos with a trained detector, and judges the scores."""

from typing import Any

import numpy as np
import pandas as pd

from fakefocus.datasets.video_folders import VideoFolder
from fakefocus.metrics.scores import summary
from fakefocus.parameters import Augmentation, Defocus, Evaluation, FeatureSplit
from fakefocus.schemas import SCORE_COLUMNS, VIDEO_SCORE_COLUMNS, InputError


def _check_maps(architecture: dict[str, Any], defocus: Defocus) -> None:
    """Refuse to show a detector maps of another kind than it was trained on."""
    learned, given = architecture.get("defocus", "an unknown kind"), defocus.model_dump(exclude={"store"})
    if architecture["network"].get("in_chans", 3) > 3 and learned != given:
        msg = (
            f"defocus: {architecture['family']} was trained on maps of {learned}, got {given}: "
            "evaluate with those parameters, or train again"
        )
        raise InputError(msg)


def score_faces(
    model: dict[str, Any],
    samples: pd.DataFrame,
    face_crops: dict[str, VideoFolder],
    defocus_maps: dict[str, VideoFolder],
    defocus: Defocus,
    evaluation: Evaluation,
) -> pd.DataFrame:
    """Score every face of the sides val and test with the probability of fake, in [0, 1]."""
    # torch takes seconds to import: only this node needs it
    from fakefocus.models.build import load_network
    from fakefocus.training.data import Faces
    from fakefocus.training.engine import score
    from fakefocus.training.samples import MapSource

    table = samples[samples["split"] != "train"].reset_index(drop=True)
    architecture = model["architecture"]
    _check_maps(architecture, defocus)
    network = load_network(architecture, model["weights"])
    cut = Augmentation(**architecture["training"]["augmentation"])
    faces = Faces(table, face_crops, MapSource(defocus, defocus_maps))
    table["score"] = score(network, faces, cut, evaluation.batch_size)
    return table[list(SCORE_COLUMNS)]


def score_videos(face_scores: pd.DataFrame) -> pd.DataFrame:
    """Score each video by the mean over its faces."""
    keys = ["video_id", "label", "method", "group", "split"]
    table = face_scores.groupby(keys, as_index=False).agg(faces=("score", "size"), score=("score", "mean"))
    return table[list(VIDEO_SCORE_COLUMNS)]


def measure(
    model: dict[str, Any],
    face_scores: pd.DataFrame,
    video_scores: pd.DataFrame,
    evaluation: Evaluation,
    feature_split: FeatureSplit,
) -> dict[str, Any]:
    """Judge the scores of the test side: ``video``, ``face`` and, video by video, ``by_method``.

    ``video`` and ``face`` hold the reals and the fakes of methods seen in training; ``held_out`` the
    reals and the fakes of held-out methods; ``by_method`` the reals and the fakes of one method each.
    """
    options = evaluation.model_dump(include={"threshold", "draws", "confidence", "seed"})
    if evaluation.threshold == "validation":
        options["threshold"] = _kept_threshold(model["architecture"])

    def judge(table: pd.DataFrame) -> dict[str, Any]:
        return summary(table["label"], table["score"], table["group"], **options)

    videos = video_scores[video_scores["split"] == "test"]
    faces = face_scores[face_scores["split"] == "test"]
    held_out = list(feature_split.held_out_methods)
    methods = sorted(set(videos.loc[videos["label"] == 1, "method"]))
    result = {
        "split": "test",
        **options,
        "video": judge(videos[~videos["method"].isin(held_out)]),
        "face": judge(faces[~faces["method"].isin(held_out)]),
        "by_method": {m: judge(videos[videos["method"].isin(["", m])]) | {"held_out": m in held_out} for m in methods},
    }
    if set(methods) & set(held_out):
        result["held_out"] = judge(videos[videos["method"].isin(["", *held_out])])
    return result


def _kept_threshold(architecture: dict[str, Any]) -> float:
    if "threshold" not in architecture:
        msg = (
            f"evaluation.threshold: {architecture['family']} is of a version that kept none: train it again, "
            "or set a number in [0, 1]"
        )
        raise InputError(msg)
    return float(architecture["threshold"])


def compare_seeds(**metrics: dict[str, Any]) -> dict[str, Any]:
    """Return mean and deviation over seeds of what was measured on the test side.

    Returns:
        ``{"seeds": [...], "video": {"auc": {"mean", "deviation", "values"}, …}, "face": …, "held_out": …}``; the
        deviation is that of a sample (n - 1); None where a value is undefined for one of the seeds.
    """
    told = {int(name.rpartition("_")[2]): found for name, found in metrics.items()}
    first = next(iter(told.values()))
    scopes = [scope for scope in ("video", "face", "held_out") if scope in first]
    return {"seeds": sorted(told)} | {
        scope: {
            name: _over_seeds([told[seed][scope][name]["value"] for seed in sorted(told)])
            for name, value in first[scope].items()
            if isinstance(value, dict)
        }
        for scope in scopes
    }


def _over_seeds(values: list[float | None]) -> dict[str, Any]:
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return {"mean": None, "deviation": None, "values": values}
    return {"mean": float(np.mean(known)), "deviation": float(np.std(known, ddof=1)), "values": values}

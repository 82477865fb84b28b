"""Scores faces and videos with a trained detector, and judges the scores."""

from typing import Any

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
    from fakefocus.training.engine import score
    from fakefocus.training.samples import choose_maps

    table = samples[samples["split"] != "train"].reset_index(drop=True)
    architecture = model["architecture"]
    _check_maps(architecture, defocus)
    network = load_network(architecture, model["weights"])
    cut = Augmentation(**architecture["training"]["augmentation"])
    maps = choose_maps(face_crops, defocus_maps, defocus)
    table["score"] = score(network, table, face_crops, maps, cut, evaluation.batch_size)
    return table[list(SCORE_COLUMNS)]


def score_videos(face_scores: pd.DataFrame) -> pd.DataFrame:
    """Score each video by the mean over its faces."""
    keys = ["video_id", "label", "method", "group", "split"]
    table = face_scores.groupby(keys, as_index=False).agg(faces=("score", "size"), score=("score", "mean"))
    return table[list(VIDEO_SCORE_COLUMNS)]


def measure(
    face_scores: pd.DataFrame, video_scores: pd.DataFrame, evaluation: Evaluation, feature_split: FeatureSplit
) -> dict[str, Any]:
    """Judge the scores of the test side: ``video``, ``face`` and, video by video, ``by_method``.

    ``video`` and ``face`` hold the reals and the fakes of methods seen in training; ``held_out`` the
    reals and the fakes of held-out methods; ``by_method`` the reals and the fakes of one method each.
    """
    options = evaluation.model_dump(include={"threshold", "draws", "confidence", "seed"})

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

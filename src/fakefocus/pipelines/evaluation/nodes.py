"""Scores faces and videos with a trained detector, judges the scores, and sums all of it up."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from fakefocus.datasets.stored_video import VideoFolder
from fakefocus.metrics.intervals import METHOD, MIN_GROUPS
from fakefocus.metrics.scores import summary as summarise
from fakefocus.metrics.videos import score_by_video
from fakefocus.models.contract import Contract, find_overlap, read_contract
from fakefocus.parameters import Defocus, Evaluation, Preprocessing
from fakefocus.schemas import SCORE_COLUMNS, SUMMARY_VERSION, VIDEO_SCORE_COLUMNS

UNNAMED_METHOD = "unknown"
"""The method of fakes whose folder names none: two data sets need not mean the same by it."""


def score_faces(
    model: dict[str, Any],
    samples: pd.DataFrame,
    face_crops: dict[str, VideoFolder],
    defocus_maps: dict[str, VideoFolder],
    splits_json: dict[str, Any],
    preprocessing: Preprocessing,
    defocus: Defocus,
    evaluation: Evaluation,
) -> pd.DataFrame:
    """Score every face of the sides val and test with the probability of fake, in [0, 1].

    Raises:
        InputError: If the detector does not fit: crops or maps are of another kind than it was trained on, or it knows
            test videos or people (see ``evaluation.seen``).
    """
    # torch takes seconds to import: only this node needs it
    from fakefocus.inference import prepare

    rows = samples[samples["split"] != "train"].reset_index(drop=True)
    shown = prepare(model, rows, face_crops, defocus_maps, splits_json, preprocessing, defocus, evaluation)
    table = rows.assign(score=shown.scorer(shown.crops))
    return table[list(SCORE_COLUMNS)]


def score_videos(face_scores: pd.DataFrame) -> pd.DataFrame:
    """Score each video by the person in it who looks most fake (`metrics.videos.score_by_video`)."""
    # bystanders of a fake have no method
    about = face_scores.groupby("video_id")[["method", "group", "split"]].max()
    return score_by_video(face_scores).join(about).reset_index()[list(VIDEO_SCORE_COLUMNS)]


def summarise_detector(
    model: dict[str, Any],
    history: pd.DataFrame,
    samples: pd.DataFrame,
    face_scores: pd.DataFrame,
    video_scores: pd.DataFrame,
    splits_json: dict[str, Any],
    evaluation: Evaluation,
    dataset: str,
    experiment: str,
) -> dict[str, Any]:
    """Judge the scores of the test side, and say all that a report needs of one detector.

    Returns:
        ``contract``: what the detector is, people and videos counted; ``parameters``: how many numbers it has learned
        or could; ``dataset``, ``experiment`` and ``split_hash``: what it was judged on; ``overlap``: how many of the
        test videos it knows; ``metrics``: see `measure`; ``history``: a row an epoch; ``videos``: the scores of the
        test side, column by column.
    """
    contract = read_contract(model["contract"])
    test, shown = (table[table["split"] == "test"] for table in (video_scores, samples))
    return {
        "version": SUMMARY_VERSION,
        "contract": _described(contract),
        "parameters": _count_parameters(model["weights"]),
        "dataset": dataset,
        "experiment": experiment,
        "split_hash": splits_json["hash"],
        "overlap": find_overlap(contract.train, contract.val, shown).model_dump(mode="json"),
        "metrics": measure(contract, face_scores, video_scores, evaluation, dataset),
        "history": history.to_dict("records"),
        "videos": test[["video_id", "label", "method", "group", "score"]].to_dict("list"),
    }


def measure(
    contract: Contract,
    face_scores: pd.DataFrame,
    video_scores: pd.DataFrame,
    evaluation: Evaluation,
    dataset: str,
) -> dict[str, Any]:
    """Judge the scores of the test side: ``video``, ``face`` and, video by video, ``by_method``.

    ``video`` and ``face`` hold the reals and the fakes of methods that the detector was trained on; ``held_out`` the
    reals and the fakes of other methods, if there are any; ``by_method`` the reals and the fakes of one method each.
    ``interval`` says how intervals were made.
    """
    own = evaluation.threshold == "validation"
    threshold = contract.threshold.value if own else evaluation.threshold
    options = {"threshold": threshold, "confidence": evaluation.confidence}
    videos = video_scores[video_scores["split"] == "test"]
    faces = face_scores[face_scores["split"] == "test"]
    methods = sorted(set(videos.loc[videos["label"] == 1, "method"]))
    held_out = [method for method in methods if not _trained_on(contract, method, dataset)]
    metrics = {
        "split": "test",
        "threshold_source": contract.threshold.source if own else "evaluation.threshold",
        "threshold": threshold,
        "interval": {"method": METHOD, "confidence": evaluation.confidence, "min_groups": MIN_GROUPS},
        "video": _judge(videos[~videos["method"].isin(held_out)], options),
        "face": _judge(faces[~faces["method"].isin(held_out)], options),
        "by_method": {
            method: _judge(videos[videos["method"].isin(["", method])], options) | {"held_out": method in held_out}
            for method in methods
        },
    }
    if held_out:
        metrics["held_out"] = _judge(videos[videos["method"].isin(["", *held_out])], options)
    return metrics


def list_evaluated(*summaries: dict[str, Any]) -> dict[str, Any]:
    """Name the detectors of the lineage, in its order: what reads all summaries waits for these."""
    return {"detectors": [{name: s["contract"][name] for name in ("family", "labels")} for s in summaries]}


def compare_seeds(first: dict[str, Any], second: dict[str, Any], third: dict[str, Any]) -> dict[str, Any]:
    """Return mean and deviation over three seeds of what was measured on the test side.

    Returns:
        ``{"seeds": [...], "video": {"auc": {"mean", "deviation", "values"}, …}, "face": …, "held_out": …}``; the
        deviation is that of a sample (n - 1); None where a value is undefined for one of the seeds.
    """
    by_seed = {s["contract"]["training"]["seed"]: s["metrics"] for s in (first, second, third)}
    seeds = sorted(by_seed)
    template = by_seed[seeds[0]]
    scopes = [scope for scope in ("video", "face", "held_out") if scope in template]
    return {"seeds": seeds} | {
        scope: {
            name: _over_seeds([by_seed[seed][scope][name]["value"] for seed in seeds])
            for name, value in template[scope].items()
            if isinstance(value, dict)
        }
        for scope in scopes
    }


def _trained_on(contract: Contract, method: str, dataset: str) -> bool:
    return method in contract.methods and (method != UNNAMED_METHOD or dataset == contract.dataset)


def _judge(table: pd.DataFrame, options: dict[str, Any]) -> dict[str, Any]:
    return summarise(table["label"], table["score"], table["group"], **options)


def _described(contract: Contract) -> dict[str, Any]:
    """Return a contract with numbers of videos and people in the place of their names."""
    sides = {
        side: {"videos": len(who.videos), "people": len(who.people)}
        for side, who in (("train", contract.train), ("val", contract.val))
    }
    return contract.model_dump(mode="json") | sides | {"name": contract.name}


def _count_parameters(weights: Mapping[str, Any]) -> int:
    statistics = ("running_mean", "running_var", "num_batches_tracked")
    return sum(int(tensor.numel()) for name, tensor in weights.items() if not name.endswith(statistics))


def _over_seeds(values: list[float | None]) -> dict[str, Any]:
    defined = [value for value in values if value is not None]
    if len(defined) < len(values):
        return {"mean": None, "deviation": None, "values": values}
    return {"mean": float(np.mean(defined)), "deviation": float(np.std(defined, ddof=1)), "values": values}

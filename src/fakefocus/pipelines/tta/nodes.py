"""Scores several views of each test face, and asks whether their mean is the better score."""

from collections.abc import Mapping
from time import perf_counter
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit, logit

from fakefocus import wording
from fakefocus.datasets.stored_video import VideoFolder
from fakefocus.metrics.comparison import compare_auc
from fakefocus.metrics.intervals import METHOD
from fakefocus.metrics.scores import auc
from fakefocus.metrics.scores import summary as summarise
from fakefocus.metrics.videos import Aggregation, score_by_video
from fakefocus.models.fitting import result_of, trainings_in
from fakefocus.parameters import Defocus, Evaluation, Preprocessing, Tta
from fakefocus.schemas import STATUSES


def score_views(
    model: dict[str, Any],
    summary: dict[str, Any],
    samples: pd.DataFrame,
    face_crops: dict[str, VideoFolder],
    defocus_maps: dict[str, VideoFolder],
    splits_json: dict[str, Any],
    face_scores: pd.DataFrame,
    preprocessing: Preprocessing,
    defocus: Defocus,
    evaluation: Evaluation,
    tta: Tta,
    dataset: str,
    experiment: str,
) -> dict[str, Any]:
    """Score every view of every test face, and compare the AUC of videos by their mean with that by the plain view.

    Returns:
        ``plain`` and ``averaged``: metrics of videos; ``difference`` of their AUCs, paired; ``views``: the AUC of
        videos by each view alone, and seconds; ``cost``: how many times as long all views take as the plain one;
        ``coverage``: how many of the videos that the split names have a face, the others are left out.

    Raises:
        InputError: If the detector does not fit, or its scores are missing or of another one.
    """
    from fakefocus.inference import check_same_scores, prepare, stored_scores
    from fakefocus.training.views import label_preserving_views

    rows = samples[samples["split"] == "test"].reset_index(drop=True)
    shown = prepare(model, rows, face_crops, defocus_maps, splits_json, preprocessing, defocus, evaluation)
    contract = shown.contract
    views = label_preserving_views(contract.training.augmentation, contract.crops.size, tta.jpeg_quality)
    scores, seconds = {}, {}
    for name, view in views.items():
        start = perf_counter()
        scores[name] = shown.scorer(shown.crops, view.perturb, view.plan)
        seconds[name] = perf_counter() - start
    plain = stored_scores(rows, face_scores, contract.name)
    check_same_scores(plain, scores["plain"], contract.name)
    options = {"threshold": summary["metrics"]["threshold"], "confidence": evaluation.confidence}
    aggregation = summary["metrics"]["aggregation"]
    compared = _compare(rows, plain, mean_of(scores, tta.mean), aggregation, options)
    alone = [
        {"view": name, "auc": _video_auc(rows, of_view, aggregation), "seconds": seconds[name]}
        for name, of_view in scores.items()
    ]
    return {
        **result_of("tta", model["contract"], dataset, experiment, splits_json["hash"]),
        "tracked": _tracked(compared, cost := sum(seconds.values()) / seconds["plain"]),
        "parameters": tta.model_dump(mode="json"),
        "seed": contract.training.seed,
        "confidence": evaluation.confidence,
        **compared,
        "views": alone,
        "cost": cost,
        "faces": len(rows),
        "coverage": {name: summary["coverage"][name] for name in ("named", *STATUSES)},
    }


def describe_tta(*results: dict[str, Any]) -> dict[str, Any]:
    """Return the section of the report: AUC with one view and with all, and what all of them cost."""
    return {
        "title": "Scores over several views of a face",
        "order": 60,
        "split_hash": results[0]["split_hash"],
        "trainings": trainings_in(results),
        "text": _text(results),
        "tables": [_compared(results), _alone(results)],
        "caption": "",
    }


def mean_of(scores: Mapping[str, NDArray[np.float64]], kind: Literal["logit", "probability"]) -> NDArray[np.float64]:
    """Return one score a face, ``(N,)`` in [0, 1], from the ``(N,)`` of each view.

    The mean of logits is that of a detector's own numbers: a sure view counts more than it does among probabilities.
    """
    views = np.stack(list(scores.values()))
    if kind == "probability":
        return np.asarray(views.mean(axis=0))
    # a score of exactly 0 or 1 would make every other view of the face count for nothing
    least = np.finfo(np.float32).eps
    return np.asarray(expit(logit(np.clip(views, least, 1 - least)).mean(axis=0)))


def _compare(
    rows: pd.DataFrame,
    plain: NDArray[np.float64],
    averaged: NDArray[np.float64],
    aggregation: Aggregation,
    options: dict[str, Any],
) -> dict[str, Any]:
    first, second = (score_by_video(rows.assign(score=scores), aggregation, ["group"]) for scores in (plain, averaged))
    labels, group, confidence = first["label"], first["group"], options["confidence"]
    return {
        "plain": summarise(labels, first["score"], group, **options),
        "averaged": summarise(labels, second["score"], group, **options),
        "difference": compare_auc(labels, first["score"], second["score"], group, confidence),
    }


def _video_auc(rows: pd.DataFrame, scores: NDArray[np.float64], aggregation: Aggregation) -> float | None:
    videos = score_by_video(rows.assign(score=scores), aggregation)
    value = auc(videos["label"], videos["score"])
    return None if np.isnan(value) else value


def _tracked(compared: dict[str, Any], cost: float) -> dict[str, float]:
    values = {
        "auc": compared["averaged"]["auc"]["value"],
        "auc_plain": compared["plain"]["auc"]["value"],
        "auc_difference": compared["difference"]["difference"],
        "cost": cost,
    }
    return {name: value for name, value in values.items() if value is not None}


def _text(results: tuple[dict[str, Any], ...]) -> list[str]:
    first = results[0]["plain"]
    space, named = results[0]["parameters"]["mean"], results[0]["coverage"]
    asked = (
        f"Each test face is scored in several views that keep its label, and the mean over views (in {space} space) "
        "takes the place of the score. Views are those that the detector's own training made at random: mirrored, and "
        "shifted or zoomed as far as that went; and the crop compressed once more, with its map made anew. No view is "
        "turned by a quarter: faces are aligned, and no detector here has learned what a face on its side looks like."
    )
    sample = (
        f"AUC of {first['real']} real and {first['fake']} fake videos of the test side, {first['groups']} identity "
        f"groups, all methods together; {results[0]['confidence']:.0%} intervals ({METHOD}), differences paired "
        f"({results[0]['difference']['method']}). Neither the views nor the kind of mean were chosen on these videos. "
        f"{named['ok']} of {named['named']} test videos that the split names show a face; the others have no view and "
        "are left out, whatever stands for them in the evaluation."
    )
    limits = "A mean over views makes no detector see what it has not learned, and says nothing about other data sets."
    return [asked, sample, *([first["no_interval"].capitalize() + "."] if first["no_interval"] else []), limits]


def _compared(results: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    rows = [
        [
            *(result["detector"], _with_interval(result["plain"]["auc"]), _with_interval(result["averaged"]["auc"])),
            *(_difference(result["difference"]), str(len(result["views"])), f"{result['cost']:.1f}"),
        ]
        for result in results
    ]
    columns = ["detector", "one view", "all views", "difference", "views", "times as long"]
    return {"title": "AUC of videos", "columns": columns, "rows": rows}


def _alone(results: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    rows = [
        [result["detector"], view["view"], wording.number(view["auc"]), f"{result['faces'] / view['seconds']:.0f}"]
        for result in results
        for view in result["views"]
    ]
    return {
        "title": "AUC of videos by each view alone",
        "columns": ["detector", "view", "AUC", "faces/s"],
        "rows": rows,
    }


def _with_interval(metric: dict[str, Any]) -> str:
    value = wording.number(metric["value"])
    return value if metric["low"] is None else f"{value} ({metric['low']:.3f} to {metric['high']:.3f})"


def _difference(compared: Mapping[str, Any]) -> str:
    value = compared["difference"]
    if value is None:
        return "undefined"
    if compared["low"] is None:
        return f"{value:+.3f}"
    sure = "" if compared["low"] > 0 or compared["high"] < 0 else ", may be 0"
    # two scores in the same order have no difference, and no uncertainty of it
    sure = ", the same order" if compared["low"] == compared["high"] == 0 else sure
    return f"{value:+.3f} ({compared['low']:+.3f} to {compared['high']:+.3f}{sure})"

"""What a change of a detector does to its measures, seed by seed, on the same test videos."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fakefocus.errors import InputError
from fakefocus.metrics.comparison import hierarchical_interval
from fakefocus.metrics.coverage import judged_videos
from fakefocus.metrics.over_seeds import difference_over_seeds
from fakefocus.metrics.scores import auc
from fakefocus.metrics.videos import score_by_video
from fakefocus.parameters import Evaluation

MEASURES = {
    "video.auc": "AUC, methods trained on",
    "held_out.auc": "AUC, held-out methods",
    "video.accuracy": "accuracy, methods trained on",
}
"""What is compared, video by video."""


def held_out_methods(summary: dict[str, Any]) -> list[str]:
    """Return the methods of fakes that a detector was not trained on."""
    return [method for method, metrics in summary["metrics"]["by_method"].items() if metrics["held_out"]]


def check_same_videos(family: str, summaries: Sequence[dict[str, Any]]) -> None:
    """Check that variants can be compared: on the same videos, and trained alike but for what each changes.

    Raises:
        InputError: If they cannot.
    """
    first = summaries[0]
    if any(summary["videos"]["video_id"] != first["videos"]["video_id"] for summary in summaries):
        msg = (
            f"{family}: its variants were judged on different test videos: judge all of them again, kedro run "
            "--pipelines=ablation,coadaptation --tags=evaluation"
        )
        raise InputError(msg)
    trainings = [_apart_from_the_variant(summary["contract"]) for summary in summaries]
    differing = sorted({name for training in trainings for name in training if training[name] != trainings[0][name]})
    if differing:
        msg = (
            f"{family}: its variants were trained with different {', '.join(differing)}: train all of them with the "
            "same --params, kedro run --pipelines=ablation"
        )
        raise InputError(msg)


def _apart_from_the_variant(contract: dict[str, Any]) -> dict[str, Any]:
    """Return what all variants of a comparison have in common."""
    training = {name: value for name, value in contract["training"].items() if name != "seed"}
    return {"training": training, "recipe": contract["recipe"], "split": contract["split"]["hash"]}


def _table_of(summary: dict[str, Any], measure: str) -> tuple[pd.DataFrame, NDArray[np.float64]]:
    """Return the test videos that a measure is about, and what it is taken of: scores, or decisions."""
    videos, held_out = judged_videos(summary), held_out_methods(summary)
    scope, _, metric = measure.partition(".")
    of_scope = videos["method"].isin(["", *held_out]) if scope == "held_out" else ~videos["method"].isin(held_out)
    chosen = videos[of_scope]
    scores = chosen["score"].to_numpy(float)
    return chosen, scores if metric == "auc" else (scores >= summary["metrics"]["threshold"]).astype(float)


def _share_right(labels: NDArray[np.int64], decisions: NDArray[np.float64]) -> float:
    return float(np.mean(decisions == labels)) if len(labels) else float("nan")


def _metric(measure: str) -> Any:  # noqa: ANN401 (a function of labels and scores)
    return auc if measure.endswith(".auc") else _share_right


def values_by_seed(by_seed: Mapping[int, dict[str, Any]]) -> dict[str, list[float | None]]:
    """Return each measure seed by seed; None where a class is missing."""
    values: dict[str, list[float | None]] = {}
    for measure in MEASURES:
        tables = [_table_of(by_seed[seed], measure) for seed in sorted(by_seed)]
        numbers = [_metric(measure)(videos["label"].to_numpy(), scores) for videos, scores in tables]
        values[measure] = [None if np.isnan(number) else float(number) for number in numbers]
    return values


def differences_by_seed(
    changed: Mapping[int, dict[str, Any]], unchanged: Mapping[int, dict[str, Any]], confidence: float
) -> dict[str, Any]:
    """Return `difference_over_seeds` of each measure; of AUCs over seeds the bootstrap's interval as well."""
    result = {}
    for measure in MEASURES:
        seeds = sorted(unchanged)
        firsts, seconds = ([_table_of(side[seed], measure) for seed in seeds] for side in (changed, unchanged))
        videos = firsts[0][0]
        scores = [[taken for _, taken in side] for side in (firsts, seconds)]
        shown = (videos["label"], scores[0], scores[1], videos["group"])
        result[measure] = difference_over_seeds(_metric(measure), *shown, confidence)
        if measure.endswith(".auc") and len(seeds) > 1 and result[measure]["low"] is not None:
            drawn = hierarchical_interval(videos["label"], scores[0], videos["group"], confidence, minus=scores[1])
            result[measure] |= {"bootstrap_low": drawn["low"], "bootstrap_high": drawn["high"]}
    return result


def scored_anew(
    rows: pd.DataFrame, scores: NDArray[np.float64], summary: dict[str, Any], evaluation: Evaluation
) -> dict[str, Any]:
    """Return what a summary has of videos, for other scores of their faces."""
    by_video = score_by_video(rows.assign(score=scores), evaluation.aggregation)["score"]
    videos = pd.DataFrame(summary["videos"])
    videos = videos.assign(score=videos["video_id"].map(by_video))
    return {"videos": videos.to_dict("list")} | {name: summary[name] for name in ("metrics", "coverage")}

"""How scores are judged: by which threshold, on which rows, and apart from which."""

from typing import Any, NamedTuple

import pandas as pd

from fakefocus.errors import InputError
from fakefocus.metrics.calibration import METHODS, calibrated, fit_calibration
from fakefocus.metrics.comparison import compare_false_alarms, holm
from fakefocus.metrics.coverage import with_missing
from fakefocus.metrics.intervals import METHOD, MIN_GROUPS
from fakefocus.metrics.scores import by_category, equal_error_threshold
from fakefocus.metrics.scores import summary as summarise
from fakefocus.metrics.weighted import CALIBRATION
from fakefocus.models.contract import Contract
from fakefocus.parameters import Evaluation
from fakefocus.pipelines.evaluation.attributes import in_order

UNNAMED_METHOD = "unknown"
"""The method of fakes whose folder names none: two data sets need not mean the same by it."""


class Scores(NamedTuple):
    """Scores of the test side: of faces, of people and of videos; and of validation videos of the training data."""

    faces: pd.DataFrame
    tracks: pd.DataFrame
    videos: pd.DataFrame
    validation: pd.DataFrame


def measure(
    contract: Contract, scores: Scores, attributes: pd.DataFrame, evaluation: Evaluation, dataset: str
) -> dict[str, Any]:
    """Judge the scores of the test side.

    Returns:
        ``video``, ``track`` and ``face`` hold the reals and the fakes of methods that the detector was trained on;
        ``held_out`` the reals and the fakes of other methods, if there are any; ``by_method`` the reals and the fakes
        of one method each; ``by_attribute`` the videos of one value each. ``interval`` says how intervals were made.
    """
    threshold, source = choose_threshold(contract, scores.validation, evaluation)
    options: dict[str, Any] = {"threshold": threshold, "confidence": evaluation.confidence}
    videos = with_missing(scores.videos, evaluation.missing)
    methods = sorted(set(videos.loc[videos["label"] == 1, "method"]))
    held_out = [method for method in methods if not _trained_on(contract, method, dataset)]
    by_scope = {"video": videos, "track": scores.tracks, "face": scores.faces}
    metrics = {
        "split": "test",
        "threshold": threshold,
        "threshold_source": source,
        "aggregation": evaluation.aggregation,
        "interval": {"method": METHOD, "confidence": evaluation.confidence, "min_groups": MIN_GROUPS},
        **{scope: _judge(table[~table["method"].isin(held_out)], options) for scope, table in by_scope.items()},
        "by_method": {
            method: of_method | {"held_out": method in held_out}
            for method, of_method in by_category(
                videos["label"], videos["score"], videos["group"], videos["method"], **options
            ).items()
        },
        "by_attribute": _by_attribute(videos, attributes, options),
    }
    if held_out:
        metrics["held_out"] = _judge(videos[videos["method"].isin(["", *held_out])], options)
    return metrics


def judged_first(contract: Contract, videos: pd.DataFrame, dataset: str) -> pd.DataFrame:
    """Return the rows of the first number of a report: reals, and fakes of methods that the detector was trained on.

    Fakes of all methods, where it was trained on none of them.
    """
    trained_on = [method for method in set(videos["method"]) if _trained_on(contract, method, dataset)]
    own = videos[(videos["label"] == 0) | videos["method"].isin(trained_on)]
    return own if (own["label"] == 1).any() else videos


def choose_threshold(contract: Contract, validation: pd.DataFrame, evaluation: Evaluation) -> tuple[float, str]:
    """Return the score from which a video is called fake, and where it is from: never from the test side.

    Raises:
        InputError: If validation videos would have to be scored in another way than the contract's were.
    """
    if evaluation.threshold != "validation":
        return evaluation.threshold, "evaluation.threshold"
    if evaluation.aggregation == "mean":
        return contract.threshold.value, contract.threshold.source
    if validation["label"].nunique() < 2:
        msg = (
            f"evaluation.aggregation: the threshold of {contract.name} is that of means, and no validation videos "
            f"were scored by {evaluation.aggregation}: evaluate it on its own experiment ({contract.experiment}) with "
            "the same evaluation.aggregation first, or give evaluation.threshold a number"
        )
        raise InputError(msg)
    value = equal_error_threshold(validation["label"], validation["score"])
    return value, f"equal errors on validation videos, {evaluation.aggregation} of faces"


def calibrate(scores: Scores, own: bool, threshold: float, evaluation: Evaluation) -> dict[str, Any]:
    """Fit calibrations on validation videos of the training data, and judge them on the test videos that have a score.

    What stands for a missing score is no probability of the detector's: there is nothing to calibrate.

    Returns:
        ``videos``: how many they were fitted on; ``own``: whether those are of the data set that is tested; ``none``
        and each method of `METHODS`: ``parameters`` and the calibration metrics of test videos; empty where validation
        videos of both labels are not there.
    """
    test = with_missing(scores.videos, "exclude")
    fitted = {m: fit_calibration(scores.validation["label"], scores.validation["score"], m) for m in METHODS}
    if any(value is None for value in fitted.values()) or test.empty:
        return {}
    options = {"threshold": threshold, "confidence": evaluation.confidence}
    calibrations: dict[str, Any] = {"none": {"parameters": {}} | _calibration(test, options)}
    for method, value in fitted.items():
        if value is not None:
            better = test.assign(score=calibrated(test["score"], value))
            calibrations[method] = {"parameters": value["parameters"]} | _calibration(better, options)
    return {"videos": len(scores.validation), "own": own, "methods": calibrations}


def _calibration(table: pd.DataFrame, options: dict[str, Any]) -> dict[str, Any]:
    metrics = _judge(table, options)
    return {name: metrics[name] for name in CALIBRATION}


def _by_attribute(
    videos: pd.DataFrame, attributes: pd.DataFrame, options: dict[str, Any]
) -> dict[str, list[dict[str, Any]]]:
    """Return for each attribute with several values a row a value: its videos' metrics, and its false alarm gap."""
    table = attributes.loc[videos.index]
    rows = {str(name): _by_value(videos, table[name], options) for name in table if len(set(table[name]) - {""}) > 1}
    gaps = [row["gap"] for of_one in rows.values() for row in of_one]
    for gap, p in zip(gaps, holm([gap["p"] for gap in gaps]), strict=True):
        gap["p_holm"] = p
    return rows


def _by_value(videos: pd.DataFrame, values: pd.Series, options: dict[str, Any]) -> list[dict[str, Any]]:
    real = videos["label"] == 0
    called = videos["score"] >= options["threshold"]
    names = in_order(set(values) - {""})
    rows: list[dict[str, Any]] = []
    for value in names:
        inside, asked = values == value, real & (values != "")
        gap = compare_false_alarms(
            called[asked], inside[asked], videos.loc[asked, "group"], confidence=options["confidence"]
        )
        rows.append({"value": value, "metrics": _judge(videos[inside], options), "gap": gap})
    if len(names) == 2:
        # the second asks the same, the other way around
        rows[1]["gap"]["p"] = None
    return rows


def _trained_on(contract: Contract, method: str, dataset: str) -> bool:
    return method in contract.methods and (method != UNNAMED_METHOD or dataset == contract.dataset)


def _judge(table: pd.DataFrame, options: dict[str, Any]) -> dict[str, Any]:
    return summarise(table["label"], table["score"], table["group"], **options)

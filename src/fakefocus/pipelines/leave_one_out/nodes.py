"""Judges detectors that were trained without one method of fakes, beside the one that was trained on all."""

from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from fakefocus import wording
from fakefocus.datasets.stored_video import VideoFolder
from fakefocus.errors import InputError
from fakefocus.metrics.comparison import compare_auc
from fakefocus.metrics.intervals import METHOD
from fakefocus.metrics.scores import summary as summarise
from fakefocus.metrics.videos import Aggregation, score_by_video
from fakefocus.models.contract import Contract, read_contract
from fakefocus.models.fitting import check_judged, result_of, trainings_in
from fakefocus.parameters import Defocus, Evaluation, Preprocessing
from fakefocus.pipelines.leave_one_out.figures import draw_pairs
from fakefocus.schemas import STATUSES

_SAME = ("network", "loss", "training", "crops", "maps")
"""What two detectors of the protocol have in common."""


def judge_left_out(
    left_out_models: dict[str, dict[str, Any]],
    model: dict[str, Any],
    summary: dict[str, Any],
    face_scores: pd.DataFrame,
    samples: pd.DataFrame,
    face_crops: dict[str, VideoFolder],
    defocus_maps: dict[str, VideoFolder],
    splits_json: dict[str, Any],
    preprocessing: Preprocessing,
    defocus: Defocus,
    evaluation: Evaluation,
    dataset: str,
    experiment: str,
) -> dict[str, Any]:
    """Score the test side with each detector that lacks a method, and compare it with the one that lacks none.

    Args:
        left_out_models: Detectors (``contract`` and ``weights``), each trained without one method.
        model: The detector that was trained on all methods.
        summary: What the evaluation says of it.
        face_scores: Its scores of faces, of the evaluation.
        samples: The index of faces; the side test is read.
        face_crops: Crops by the column ``folder``.
        defocus_maps: Maps of the crops.
        splits_json: The split.
        preprocessing: Parameters that crops must have been made with.
        defocus: Parameters that maps must have been made with.
        evaluation: Device, faces a batch, and confidence of intervals.
        dataset: Name of the data set.
        experiment: Name of the experiment.

    Returns:
        ``protocol``, ``tracked``, ``detector``, ``family``, ``methods`` that the whole detector was trained on,
        ``coverage``: how many of the videos that the split names have a face, the others are left out; and ``rows``:
        for each method that was left out and each method of the test side ``with`` and ``without`` (the AUC of the
        reals and that method's fakes, video by video), and ``comparison``: the AUC with less that without.

    Raises:
        InputError: If a detector does not fit, or the scores are of other crops or of an earlier training.
    """
    check_judged(model["contract"], summary)
    # torch takes seconds to import: only this node needs it
    from fakefocus.inference import prepare

    contract = read_contract(model["contract"])
    test = samples[samples["split"] == "test"].reset_index(drop=True)
    whole = _whole_scores(face_scores, test, evaluation.aggregation)
    rows = []
    for name in sorted(left_out_models):
        shown = prepare(
            left_out_models[name], test, face_crops, defocus_maps, splits_json, preprocessing, defocus, evaluation
        )
        left_out = _left_out(contract.methods, shown.contract.methods, name)
        _check_same_training(contract, shown.contract, name)
        lacking = score_by_video(
            test.assign(score=shown.scorer(shown.crops)), evaluation.aggregation, ["method", "group"]
        )
        rows += _compare_methods(left_out, whole, lacking, evaluation.confidence)
    return {
        **result_of("leave_one_out", model["contract"], dataset, experiment, splits_json["hash"]),
        "tracked": _tracked(rows),
        "seed": contract.training.seed,
        "confidence": evaluation.confidence,
        "interval": METHOD,
        "methods": list(contract.methods),
        "coverage": {name: summary["coverage"][name] for name in ("named", *STATUSES)},
        "rows": rows,
    }


def describe_leave_one_out(splits_json: dict[str, Any], *results: dict[str, Any]) -> dict[str, Any]:
    """Return the section of the report: what was left out, and what it does not show."""
    first, named = results[0], results[0]["coverage"]
    counts = next((row["with"] for result in results for row in result["rows"]), {"real": 0, "groups": 0})
    methods = sorted({row["left_out"] for result in results for row in result["rows"]})
    passed_over = sorted({name for result in results for name in result["methods"]} - set(methods))
    text = [
        f"Each detector was trained again without one method of fakes: {', '.join(methods)}. Its videos were taken out "
        "of training and validation, so that neither weights nor epoch nor threshold know them; the test side is the "
        f"same ({counts['real']} real videos, {counts['groups']} identity groups; one training with seed "
        f"{first['seed']} each). Both detectors are judged on the reals and the fakes of one method at a time: on "
        f"{named['ok']} of {named['named']} test videos that the split names. The others have no face to score and are "
        "left out, whatever stands for them in the evaluation.",
        "The difference is the AUC with the method less that without, paired video by video: intervals of "
        f"{100 * first['confidence']:g} % by a jackknife that leaves out an identity group of both at once.",
        "A detector that lacks a method is also trained on fewer fakes: the difference is of both. One training each "
        "does not show how trainings differ by chance; a method that was left out here may resemble one that was kept.",
    ]
    if passed_over:
        text.append(f"Not left out, as leave_one_out.most or methods ask: {', '.join(passed_over)}.")
    return {
        "title": "Leaving one method out",
        "order": 15,
        "split_hash": splits_json["hash"],
        "trainings": trainings_in(results),
        "text": text,
        "tables": [_table(results)],
        "caption": "AUC of videos by the method that was left out: trained with it (filled) and without it (hollow).",
    }


def draw_leave_one_out(*results: dict[str, Any]) -> Figure:
    """Draw each left-out method: trained with it, and without it."""
    return draw_pairs(results)


def _whole_scores(face_scores: pd.DataFrame, test: pd.DataFrame, aggregation: Aggregation) -> pd.DataFrame:
    """Return the scores of videos by the detector that was trained on all, if they are of these faces."""
    own = face_scores[face_scores["split"] == "test"]
    if set(own["crop"]) != set(test["crop"]):
        msg = (
            "face_scores: the evaluation scored other faces than those of the test side now: run kedro run "
            "--pipelines=evaluate again"
        )
        raise InputError(msg)
    return score_by_video(own, aggregation, ["method", "group"])


def _left_out(whole: tuple[str, ...], kept: tuple[str, ...], name: str) -> str:
    """Return the one method that a detector was not trained on.

    Raises:
        InputError: If it is not one: the detectors are of different trainings.
    """
    missing = sorted(set(whole) - set(kept))
    if len(missing) != 1 or set(kept) - set(whole):
        msg = (
            f"{name} was trained on {', '.join(kept)}, the whole detector on {', '.join(whole)}: they differ by more "
            "than one method, train both on the same split"
        )
        raise InputError(msg)
    return missing[0]


def _check_same_training(whole: Contract, lacking: Contract, name: str) -> None:
    """Refuse detectors that differ in more than the method."""
    pairs = [(what, getattr(whole, what), getattr(lacking, what)) for what in _SAME]
    differing = [what for what, first, second in pairs if first != second]
    differing += ["split"] if whole.split.hash != lacking.split.hash else []
    if differing:
        msg = (
            f"{name}: it and the detector that was trained on all methods differ in {', '.join(differing)} too: train "
            "both with the same --params, kedro run --pipelines=train,evaluate,leave_one_out"
        )
        raise InputError(msg)


def _compare_methods(
    left_out: str, whole: pd.DataFrame, lacking: pd.DataFrame, confidence: float
) -> list[dict[str, Any]]:
    """Return a row a method of the test side, that which was left out first."""
    methods = sorted(set(whole["method"]) - {""}, key=lambda method: (method != left_out, method))
    rows = []
    for method in methods:
        chosen = whole[whole["method"].isin(["", method])]
        labels, groups = chosen["label"].to_numpy(), chosen["group"].to_numpy()
        scores = [table.loc[chosen.index, "score"].to_numpy() for table in (whole, lacking)]
        aucs = [_auc(labels, values, groups, confidence) for values in scores]
        # the second less the first: what training with the method adds
        comparison = dict(compare_auc(labels, scores[1], scores[0], groups, confidence))
        rows.append(
            {"left_out": left_out, "method": method, "with": aucs[0], "without": aucs[1], "comparison": comparison}
        )
    return rows


def _auc(labels: Any, scores: Any, groups: Any, confidence: float) -> dict[str, Any]:  # noqa: ANN401 (arrays)
    # no threshold is asked about
    metrics = summarise(labels, scores, groups, threshold=0.5, confidence=confidence)
    return {name: metrics[name] for name in ("auc", "real", "fake", "groups", "no_interval")}


def _tracked(rows: list[dict[str, Any]]) -> dict[str, float]:
    values: dict[str, float | None] = {}
    for row in rows:
        place = f"without_{row['left_out']}.{row['method']}"
        values |= {f"{place}.{name}_auc": row[name]["auc"]["value"] for name in ("with", "without")}
        values[f"{place}.difference"] = row["comparison"]["difference"]
    return {name: value for name, value in values.items() if value is not None}


def _table(results: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    rows = [
        [
            result["detector"],
            row["left_out"],
            row["method"] + (" (left out)" if row["method"] == row["left_out"] else ""),
            f"{row['with']['real']} / {row['with']['fake']}",
            *(wording.interval(row[name]["auc"]) for name in ("with", "without")),
            wording.difference(row["comparison"]),
            row["with"]["no_interval"] or row["without"]["no_interval"],
        ]
        for result in results
        for row in result["rows"]
    ]
    columns = [
        *("detector", "trained without", "fakes of", "real / fake", "AUC with", "AUC without", "difference", "note"),
    ]
    return {"title": "AUC of videos with and without a method in training", "columns": columns, "rows": rows}

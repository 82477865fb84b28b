"""Compares detectors on several data sets: what each set says, and what all say together."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from fakefocus import wording
from fakefocus.datasets.experiments import StoredExperiments
from fakefocus.errors import InputError
from fakefocus.metrics.coverage import with_missing
from fakefocus.metrics.intervals import METHOD
from fakefocus.metrics.pooling import Scored, cross_aucs, pool
from fakefocus.metrics.scores import equal_error_threshold
from fakefocus.metrics.scores import summary as summarise
from fakefocus.models.fitting import training_of
from fakefocus.parameters import Evaluation, Suite
from fakefocus.pipelines.cross_dataset.cells import Cell, read_cells
from fakefocus.pipelines.cross_dataset.figures import draw_suite


def compare_sets(stored_experiments: StoredExperiments, suite_plan: Suite, evaluation: Evaluation) -> dict[str, Any]:
    """Compare the detectors of a suite on the test sides of its data sets, from results that are there.

    Args:
        stored_experiments: The folders of all experiments.
        suite_plan: What is trained and what it is tested on.
        evaluation: The confidence of intervals, and what stands for videos without a score.

    Returns:
        ``protocol``, ``tracked``, ``suite``, ``confidence`` and ``detectors``: each with its ``threshold``, its
        ``sets`` (`_judge_set`), ``mean``, ``pooled`` and ``gap`` (`fakefocus.metrics.pooling.pool`), and ``cross``: the
        AUC of the reals of one set (row) against the fakes of another (column), of the sets that ``compared`` names;
        ``lowest`` is the lowest of these, None of a single set.

    Raises:
        InputError: If a result is missing or outdated; names all of them, and the commands that make them.
    """
    by_detector: dict[tuple[str, str], list[tuple[Cell, dict[str, Any]]]] = {}
    for cell, summary in read_cells(stored_experiments, suite_plan):
        by_detector.setdefault((cell.trained.experiment, cell.detector), []).append((cell, summary))
    detectors = [_compare(cells, evaluation) for cells in by_detector.values()]
    return {
        "protocol": "cross_dataset",
        "tracked": _tracked(detectors),
        "suite": suite_plan.name,
        "sets": [tested.experiment for tested in suite_plan.tested],
        "confidence": evaluation.confidence,
        "missing": evaluation.missing,
        "interval": METHOD,
        "detectors": detectors,
    }


def describe_cross_dataset(cross_dataset: dict[str, Any], splits_json: dict[str, Any]) -> dict[str, Any]:
    """Return the section of the report: what was compared on what, and what it does not show."""
    detectors = cross_dataset["detectors"]
    sources = "; ".join(dict.fromkeys(one["threshold"]["source"] for one in detectors))
    confidence = f"{100 * cross_dataset['confidence']:g} %"
    text = [
        f"Suite {cross_dataset['suite']}: {len(detectors)} detectors on {len(cross_dataset['sets'])} sets "
        f"({', '.join(cross_dataset['sets'])}). A set is the test side of an experiment: its real videos and its fakes "
        "by all methods, also those that a detector was not trained on. Each result is that of the evaluation; nothing "
        f"was scored anew. Intervals of {confidence}: {cross_dataset['interval']}, over identity groups. Videos "
        f"without a score: {cross_dataset['missing'].replace('_', ' ')} (evaluation.missing); coverage: see the table.",
        "The mean of AUCs treats each set by itself. The pooled AUC puts the scores of all sets, as they are, on one "
        "scale: it falls where a set is scored higher or lower as a whole, and no threshold serves all sets. The gap "
        "is the mean less the pooled AUC; its interval is a jackknife over the groups of each set, with Student's t. "
        "The pooled AUC also depends on how many videos each set has of each class. A gap near zero does not exclude a "
        "shift: where all scores of a set rise, its fakes gain against the reals of others what its reals lose against "
        "the fakes of others, and both may cancel. The lowest AUC of the reals of one set against the fakes of another "
        "is therefore given too.",
        f"The transferred threshold is the detector's own: {sources}. "
        "The adapted one is fitted to the labels of the very set that it is applied to: it says what a threshold of a "
        "set's own could bring, not what anybody would measure.",
        "It does not show how a detector fares on data that are in no set of the suite, and one training a detector "
        "does not show how trainings differ.",
    ]
    text += _notes(detectors)
    return {
        "title": "Across data sets",
        "order": 10,
        "split_hash": splits_json["hash"],
        "trainings": {name: digest for one in detectors for name, digest in one["trainings"].items()},
        "text": text,
        "tables": [_auc_table(cross_dataset), _error_table(detectors), *_cross_tables(detectors)],
        "caption": "Left: the AUC of videos on each set, their mean, the AUC of all sets on one scale, and the "
        "lowest AUC of the reals of one set against the fakes of another. Right: "
        "errors at the threshold of the training data (filled) and, hollow, at a threshold that is adapted to the set.",
    }


def draw_cross_dataset(cross_dataset: dict[str, Any]) -> Figure:
    """Draw the AUCs and the errors of all detectors on all sets."""
    return draw_suite(cross_dataset)


def _compare(cells: list[tuple[Cell, dict[str, Any]]], evaluation: Evaluation) -> dict[str, Any]:
    """Return what one detector shows on all sets."""
    first, summary = cells[0]
    contract, confidence = summary["contract"], evaluation.confidence
    threshold, source = _one_threshold(cells)
    scored = [_scored(cell, summary, evaluation.missing) for cell, summary in cells]
    sets = [
        _judge_set(cell, summary, one, threshold, confidence)
        for (cell, summary), one in zip(cells, scored, strict=True)
    ]
    whole = [place for place, one in enumerate(scored) if len(np.unique(one.labels)) == 2]
    compared = [scored[place] for place in whole]
    cross = cross_aucs(compared, confidence)
    undefined = {name: {"value": None, "low": None, "high": None} for name in ("mean", "pooled", "gap")}
    together = pool(compared, confidence) if compared else undefined | {"no_interval": "no set has both classes"}
    return {
        "experiment": first.trained.experiment,
        "detector": first.detector,
        "name": contract["name"],
        "family": contract["family"],
        "seed": contract["training"]["seed"],
        "dataset": contract["dataset"],
        "trainings": _trainings(cells),
        "threshold": {"value": threshold, "source": source},
        "sets": sets,
        "compared": [sets[place]["experiment"] for place in whole],
        "cross": cross,
        "lowest": _lowest(cross),
        **together,
    }


def _trainings(cells: list[tuple[Cell, dict[str, Any]]]) -> dict[str, str]:
    """Return what tells the training of a detector apart, for each set on which it was judged."""
    places = [training_of(summary["contract"], cell.detector, summary["experiment"]) for cell, summary in cells]
    return {name: digest for place in places for name, digest in place.items()}


def _lowest(cross: list[list[dict[str, Any]]]) -> dict[str, Any]:
    """Return the lowest AUC of the reals of one set against the fakes of another; undefined for a single set."""
    pairs = [value for row, values in enumerate(cross) for column, value in enumerate(values) if row != column]
    return min(pairs, key=lambda pair: pair["value"], default={"value": None, "low": None, "high": None})


def _one_threshold(cells: list[tuple[Cell, dict[str, Any]]]) -> tuple[float, str]:
    """Return the threshold of a detector and where it is from, the same on all sets.

    Raises:
        InputError: If its results were made with different thresholds or aggregations.
    """
    names = ("threshold", "threshold_source", "aggregation")
    used = {cell.name: tuple(summary["metrics"][name] for name in names) for cell, summary in cells}
    if len(set(used.values())) > 1:
        values = "; ".join(f"{name}: {value[0]:.3f}, {value[2]} of faces" for name, value in used.items())
        msg = f"one threshold and one aggregation serve all sets, got {values}: evaluate all with the same evaluation.*"
        raise InputError(msg)
    threshold, source, _ = next(iter(used.values()))
    return float(threshold), str(source)


def _scored(cell: Cell, summary: dict[str, Any], missing: str) -> Scored:
    """Return the test videos of a cell; groups are of one set each."""
    videos = with_missing(pd.DataFrame(summary["videos"]).astype({"score": float}), missing)
    groups = f"{cell.tested.experiment}/" + videos["group"].astype(str)
    return Scored(videos["label"].to_numpy(dtype=np.int64), videos["score"].to_numpy(), groups.to_numpy(dtype=str))


def _judge_set(
    cell: Cell, summary: dict[str, Any], scored: Scored, threshold: float, confidence: float
) -> dict[str, Any]:
    """Return what a detector shows on one set.

    ``auc`` and ``eer`` with intervals; ``transferred``: false alarms and misses at the detector's threshold, with
    intervals; ``adapted``: the same at the threshold of equal errors on this very set, without.
    """
    labels, scores, groups = scored
    own_threshold = equal_error_threshold(labels, scores)
    metrics, fitted = (
        summarise(labels, scores, groups, threshold=value, confidence=confidence)
        for value in (threshold, own_threshold)
    )
    adapted = {name: error["value"] for name, error in _errors(fitted).items()}
    if np.isnan(own_threshold):
        adapted = dict.fromkeys(adapted)
    counts = {name: metrics[name] for name in ("auc", "eer", "real", "fake", "groups", "no_interval")}
    return {
        "experiment": cell.tested.experiment,
        "dataset": summary["dataset"],
        "own": summary["dataset"] == summary["contract"]["dataset"],
        "split_hash": summary["split_hash"],
        "overlap": summary["overlap"],
        "coverage": summary["coverage"],
        **counts,
        "transferred": {"threshold": threshold, **_errors(metrics)},
        "adapted": {"threshold": _number(own_threshold), **adapted},
    }


def _errors(of_set: dict[str, Any]) -> dict[str, dict[str, float | None]]:
    """Return the shares of reals and of fakes that are mistaken: what specificity and recall leave."""
    rates = {"false_alarm": of_set["specificity"], "miss": of_set["recall"]}
    ends = {"value": "value", "low": "high", "high": "low"}
    return {
        name: {end: None if rate[other] is None else 1 - rate[other] for end, other in ends.items()}
        for name, rate in rates.items()
    }


def _tracked(detectors: list[dict[str, Any]]) -> dict[str, float]:
    """Return what runs are compared by."""
    values: dict[str, float | None] = {}
    for one in detectors:
        place = f"{one['experiment']}.{one['detector']}"
        values |= {f"{place}.{name}": one[name]["value"] for name in ("mean", "pooled", "gap", "lowest")}
        for of_set in one["sets"]:
            values[f"{place}.{of_set['experiment']}.auc"] = of_set["auc"]["value"]
            for name in ("false_alarm", "miss"):
                values[f"{place}.{of_set['experiment']}.{name}"] = of_set["transferred"][name]["value"]
    return {name: value for name, value in values.items() if value is not None}


def _notes(detectors: list[dict[str, Any]]) -> list[str]:
    """Return what has to be known of single results: people whom a detector knows, sets that lack a class."""
    notes = []
    for one in detectors:
        for of_set in one["sets"]:
            place = f"{one['name']} of {one['experiment']} on {of_set['experiment']}"
            overlapping = of_set["overlap"]["trained_on"] + of_set["overlap"]["validated_on"]
            if overlapping:
                notes.append(f"{place}: the detector knows {overlapping} of {of_set['overlap']['videos']} test videos.")
            if of_set["experiment"] not in one["compared"]:
                notes.append(
                    f"{place}: undefined (n = {of_set['real']} real, {of_set['fake']} fake), left out of mean and pool."
                )
            elif of_set["no_interval"]:
                notes.append(f"{place}: {of_set['no_interval']}.")
    return notes


def _auc_table(cross_dataset: dict[str, Any]) -> dict[str, Any]:
    rows = [
        [
            f"{one['name']}, trained on {one['experiment']} (seed {one['seed']})",
            *(wording.interval(of_set["auc"]) for of_set in one["sets"]),
            *(wording.interval(one[name]) for name in ("mean", "pooled")),
            wording.interval(one["gap"], signed=True),
            wording.interval(one["lowest"]),
        ]
        for one in cross_dataset["detectors"]
    ]
    columns = ["detector", *cross_dataset["sets"], "mean", "pooled", "gap", "lowest across"]
    return {"title": "AUC of videos on each set", "columns": columns, "rows": rows}


def _error_table(detectors: list[dict[str, Any]]) -> dict[str, Any]:
    rows = [
        [
            f"{one['name']} of {one['experiment']}",
            of_set["experiment"] + (" (its own data set)" if of_set["own"] else ""),
            f"{of_set['real']} / {of_set['fake']} / {of_set['groups']}",
            wording.percent(of_set["coverage"]["share"], 1),
            f"{of_set['transferred']['threshold']:.3f}",
            *(wording.interval(of_set["transferred"][name]) for name in ("false_alarm", "miss")),
            wording.interval(of_set["eer"]),
            *(wording.number(of_set["adapted"][name]) for name in ("threshold", "false_alarm", "miss")),
        ]
        for one in detectors
        for of_set in one["sets"]
    ]
    columns = [
        *(
            "detector",
            "set",
            "real / fake / groups",
            "coverage",
            "threshold",
            "false alarms",
            "misses",
            "equal error rate",
        ),
        *("adapted threshold", "false alarms, adapted", "misses, adapted"),
    ]
    return {"title": "Errors at the transferred threshold", "columns": columns, "rows": rows}


def _cross_tables(detectors: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return a table a detector: which reals are scored above which fakes."""
    return [
        {
            "title": f"{one['name']} of {one['experiment']}: AUC of the reals of one set against the fakes of another",
            "columns": ["reals of", *(f"fakes of {name}" for name in one["compared"])],
            "rows": [
                [name, *map(wording.interval, row)] for name, row in zip(one["compared"], one["cross"], strict=True)
            ],
        }
        for one in detectors
        if len(one["compared"]) > 1
    ]


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)

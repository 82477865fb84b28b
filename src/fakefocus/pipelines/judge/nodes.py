"""Somebody's scores → the same judgement as of our own detectors."""

import base64
import logging
from importlib.resources import files
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from fakefocus.errors import InputError
from fakefocus.metrics.intervals import METHOD, MIN_GROUPS
from fakefocus.page import render
from fakefocus.parameters import Evaluation, Judge
from fakefocus.pipelines.judge import figures, words
from fakefocus.pipelines.judge.protocol import BY, name_rows, to_rows
from fakefocus.pipelines.judge.tables import FACES, join_tables
from fakefocus.pipelines.judge.verdicts import (
    band_attributes,
    check_detector_names,
    compare_pairs,
    correct_gaps,
    coverage_of_faces,
    detectors_of,
    judge_detector,
)

_log = logging.getLogger(__name__)

TRACKED = ("auc", "ap", "eer", "balanced_accuracy", "tpr_at_5", "tpr_at_1")
"""What a tracking store gets of each detector, besides the interval of the AUC and the coverage."""
NO_METRICS = frozenset({"real", "fake", "groups", "no_interval"})


def name_judged_rows(
    foreign_scores: dict[str, pd.DataFrame],
    lineage_videos: pd.DataFrame,
    lineage_splits: pd.DataFrame,
    lineage_splits_json: dict[str, Any],
    judge: Judge,
    evaluation: Evaluation,
) -> tuple[pd.DataFrame, dict[str, Any], pd.DataFrame]:
    """Join somebody's tables, and say which rows are judged: videos of the lineage, or what the tables name.

    Returns:
        The rows (`protocol.to_rows`); how they came about; ids that are on one side only, and why.

    Raises:
        InputError: If columns, labels or ids cannot be worked with.
    """
    table = join_tables(foreign_scores, judge, evaluation.aggregation)
    named = name_rows(table, lineage_videos, lineage_splits, judge)
    check_detector_names(judge, list(table.scores.columns))
    rows = to_rows(named)
    test = rows[rows["side"] == "test"]
    reading = named.about | {
        "files": {name: len(part) for name, part in foreign_scores.items()},
        "columns": table.columns,
        "detectors": list(table.scores.columns),
        "ids": len(table.rows),
        "faces": int(table.faces[FACES].sum()) if judge.rows == "faces" else 0,
        "face_coverage": {name: of for name in detectors_of(rows) if (of := coverage_of_faces(test, name))},
        "aggregation": evaluation.aggregation if judge.rows == "faces" else "",
        "test": len(test),
        "val": int((rows["side"] == "val").sum()),
        "split": judge.split,
        "split_hash": lineage_splits_json.get("hash", "") if named.about["named_by"] == "the lineage" else "",
    }
    for line in words.reading(reading):
        _log.info(line)
    return rows, reading, named.unmatched


def judge_scores(
    judged_rows: pd.DataFrame, judge_reading: dict[str, Any], judge: Judge, evaluation: Evaluation
) -> dict[str, Any]:
    """Judge each detector, and each two of them on the rows that both scored.

    Returns:
        ``detectors``: by name what `verdicts.judge_detector` says, gaps as `verdicts.correct_gaps` does;
        ``pairs``; ``reading``; ``missing``, ``min_coverage``, ``interval``: by which rules; ``tracked``: numbers for
        a tracking store.
    """
    rows = band_attributes(judged_rows)
    alone = {name: judge_detector(rows, name, judge, evaluation) for name in detectors_of(rows)}
    detectors = correct_gaps(alone, evaluation.confidence)
    for name, detector in detectors.items():
        _log.info("%s: %s", name, words.headline(detector))
    ranked = sorted(detectors, key=lambda name: -(detectors[name]["metrics"]["auc"]["value"] or 0.0))
    return {
        "protocol": "judge",
        "tracked": _tracked(detectors),
        "detectors": {name: detectors[name] for name in ranked},
        "pairs": compare_pairs(judged_rows, {name: detectors[name] for name in ranked}, evaluation),
        "reading": judge_reading,
        "missing": evaluation.missing,
        "min_coverage": evaluation.min_coverage,
        "interval": {"method": METHOD, "confidence": evaluation.confidence, "min_groups": MIN_GROUPS},
        "attributes": [name.removeprefix(BY) for name in judged_rows.columns if name.startswith(BY)],
    }


def tabulate_metrics(judge_results: dict[str, Any]) -> pd.DataFrame:
    """Return a row a detector, scope and metric.

    Returns:
        ``detector``, ``scope`` (``all``, ``method`` or an attribute), ``of`` (which one), ``metric``, ``value``,
        ``low``, ``high`` (empty: undefined), ``real``, ``fake``, ``groups`` (counts), ``coverage`` of the detector,
        ``face_coverage`` (empty where rows are videos), ``missing`` (policy), ``no_interval`` (why there is none).
    """
    rows = []
    for name, detector in judge_results["detectors"].items():
        shared = {
            "coverage": detector["coverage"]["share"],
            "face_coverage": detector["face_coverage"].get("share"),
            "missing": judge_results["missing"],
        }
        for scope, of, metrics in words.scopes(detector):
            counts = {key: metrics[key] for key in ("real", "fake", "groups", "no_interval")}
            rows += [
                {"detector": name, "scope": scope, "of": of, "metric": metric}
                | {key: value[key] for key in ("value", "low", "high")}
                | counts
                | shared
                for metric, value in metrics.items()
                if metric not in NO_METRICS and isinstance(value, dict)
            ]
    return pd.DataFrame(rows)


def tabulate_pairs(judge_results: dict[str, Any]) -> pd.DataFrame:
    """Return a row a pair of detectors (`verdicts.compare_pairs`); without pairs, the columns."""
    columns = ["first", "second", "rows", "difference", "low", "high", "p", "p_holm", "better"]
    return pd.DataFrame(judge_results["pairs"], columns=columns)


def draw_ranking(judge_results: dict[str, Any]) -> Figure:
    """Draw the AUC of every detector with its interval and its coverage."""
    return figures.ranking(judge_results["detectors"], judge_results["min_coverage"])


def draw_methods(judge_results: dict[str, Any], judge: Judge) -> Figure:
    """Draw the AUC of every detector for every method; the hardest ones with their names."""
    return figures.methods(judge_results["detectors"], judge.shown_methods)


def write_judgement(
    judge_results: dict[str, Any],
    judge_unmatched: pd.DataFrame,
    judge_ranking_figure: bytes,
    judge_methods_figure: bytes,
    judge: Judge,
) -> str:
    """Write one HTML page that needs no other file; what a reader has to know first stands on top."""
    pictures = {"ranking": judge_ranking_figure, "methods": judge_methods_figure}
    return render(
        (files("fakefocus.pipelines.judge") / "judge.html").read_text("utf-8"),
        {"value": words.value, "bounds": words.bounds, "percent": words.percent, "signed": words.signed},
        title=judge.title,
        results=judge_results,
        warnings=words.warnings(judge_results),
        lead=words.lead(judge_results),
        reading=words.reading(judge_results["reading"]),
        policy=words.POLICIES[judge_results["missing"]],
        pairs=words.pair_matrix(judge_results),
        sources=words.threshold_sources(judge_results["detectors"]),
        hardest=words.hardest_methods(judge_results["detectors"], most=10),
        methods=words.method_names(judge_results["detectors"]),
        values={name: words.values_of(judge_results["detectors"], name) for name in judge_results["attributes"]},
        unmatched=[
            {"where": where, "count": len(part), "examples": part["id"].head(5).tolist()}
            for where, part in judge_unmatched.groupby("where", sort=False)
        ],
        pictures={name: base64.b64encode(png).decode() for name, png in pictures.items()},
    )


def refuse_low_coverage(
    judge_results: dict[str, Any],
    judge_report: str,  # noqa: ARG001
    judge_metrics: pd.DataFrame,  # noqa: ARG001
    judge_pairs: pd.DataFrame,  # noqa: ARG001
) -> None:
    """Fail where a detector scored too few of the rows; where they are faces, too few of the videos or of the faces.

    It takes report and tables so that they are written by then.

    Raises:
        InputError: With each such detector and its coverage.
    """
    low = words.below_coverage(judge_results)
    if low:
        reading = judge_results["reading"]
        what = f"{reading['test']} videos, or of their faces" if reading["faces"] else f"{reading['test']} rows"
        names = ", ".join(f"{name} {words.covered(judge_results['detectors'][name])}" for name in low)
        msg = (
            f"evaluation.min_coverage: {len(low)} detectors scored fewer than "
            f"{words.percent(judge_results['min_coverage'])} of {what}: {names}. "
            "Report and tables are written and say so; score the missing rows, or lower evaluation.min_coverage"
        )
        raise InputError(msg)


def _tracked(detectors: dict[str, dict[str, Any]]) -> dict[str, float]:
    """Return flat numbers, by detector and metric."""
    numbers: dict[str, float | None] = {}
    for name, detector in detectors.items():
        metrics = detector["metrics"]
        numbers |= {f"{name}.{key}": metrics[key]["value"] for key in TRACKED if key in metrics}
        numbers |= {f"{name}.auc_{end}": metrics["auc"][end] for end in ("low", "high")}
        numbers[f"{name}.coverage"] = detector["coverage"]["share"]
        numbers[f"{name}.face_coverage"] = detector["face_coverage"].get("share")
    return {name: number for name, number in numbers.items() if number is not None}

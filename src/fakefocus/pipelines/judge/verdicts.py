"""One detector's scores, its missing rows under a policy, its threshold → metrics; two detectors on what they share."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fakefocus.errors import InputError, did_you_mean
from fakefocus.metrics.comparison import compare_auc, compare_false_alarms, holm
from fakefocus.metrics.coverage import POLICIES
from fakefocus.metrics.scores import auc, by_category, summary
from fakefocus.metrics.weighted import DECISIONS
from fakefocus.parameters import Evaluation, Judge
from fakefocus.parameters.judge import of_detector
from fakefocus.pipelines.judge.oriented import (
    Oriented,
    choose_threshold,
    is_probability,
    orient,
    to_file_scale,
    under_policy,
)
from fakefocus.pipelines.judge.protocol import BY, SCORE, STATUS
from fakefocus.pipelines.judge.tables import FACES, FAILED, SCORED

OF_METHODS = ("auc", "ap", "eer", "tpr_at_5", "tpr_at_1", "recall", "balanced_accuracy")
"""What is measured of each method: calibration and precision depend on how many fakes it happens to have."""
MOST_VALUES = 40
"""An attribute of numbers with more than `_MOST_NUMBERS` values is cut at its quartiles; words may be so many."""
_MOST_NUMBERS = 12


def detectors_of(rows: pd.DataFrame) -> list[str]:
    """Return the names of the detectors in a table of judged rows."""
    return [name.removeprefix(SCORE) for name in rows.columns if name.startswith(SCORE)]


def check_detector_names(judge: Judge, detectors: Sequence[str]) -> None:
    """Check that options by detector name detectors that there are.

    Raises:
        InputError: If one names none.
    """
    for option in ("polarity", "scale", "threshold"):
        value = getattr(judge, option)
        for name in value if isinstance(value, dict) else ():
            if name not in detectors:
                near = did_you_mean(name, detectors) or f", there are {', '.join(detectors)}"
                msg = f"judge.{option}: no detector {name!r}{near}"
                raise InputError(msg)


def judge_detector(rows: pd.DataFrame, name: str, judge: Judge, evaluation: Evaluation) -> dict[str, Any]:
    """Judge the scores of one detector on the rows of side test, their attributes in bands (`band_attributes`).

    Returns:
        ``polarity``; ``probability``; ``threshold`` on the file's scale, its ``threshold_source`` and whether it is
        ``adapted``; ``coverage``; ``face_coverage``, empty where rows are videos; ``policies``: the AUC under each
        policy for missing rows, where some are missing; ``metrics``; ``by_method``; ``by`` attribute and value;
        all ``gaps`` of false alarms by attribute; ``swapped``: whether the whole interval of the AUC is below .5.
    """
    polarity = of_detector(judge.polarity, name, "fake")
    probability = is_probability(rows[SCORE + name], of_detector(judge.scale, name, "auto"), name)
    every = orient(rows, name, polarity, probability=probability)
    test, validation = (every.at((rows["side"] == side).to_numpy()) for side in ("test", "val"))
    threshold, source = choose_threshold(of_detector(judge.threshold, name, "auto"), test, validation, polarity)
    test = replace(test, threshold=threshold)
    status = rows.loc[rows["side"] == "test", STATUS + name].to_numpy()
    graded, kept = under_policy(test, evaluation.missing, source)
    about = rows[rows["side"] == "test"][kept]
    coverage = coverage_of(status, test.labels)
    metrics = measure(graded, evaluation.confidence)
    attributes = {c.removeprefix(BY): about[c].to_numpy() for c in about.columns if c.startswith(BY)}
    return {
        "polarity": polarity,
        "probability": probability,
        "threshold": None if np.isnan(threshold) else to_file_scale(threshold, polarity, probability=probability),
        "threshold_source": source,
        "adapted": source.startswith("adapted"),
        "coverage": coverage,
        "face_coverage": coverage_of_faces(rows[rows["side"] == "test"], name),
        "policies": {p: _auc_under(test, p, source) for p in POLICIES} if coverage["share"] < 1 else {},
        "metrics": metrics,
        "by_method": _by_method(graded, about["method"].to_numpy(), evaluation.confidence),
        "by": {name: _by_value(graded, values, evaluation.confidence) for name, values in attributes.items()},
        "gaps": {name: false_alarm_gaps(graded, values, evaluation.confidence) for name, values in attributes.items()},
        "swapped": metrics["auc"]["high"] is not None and metrics["auc"]["high"] < 0.5,
    }


def coverage_of(status: NDArray[Any], labels: NDArray[np.int64]) -> dict[str, Any]:
    """Return how many rows the protocol names, how many of each status, and the shares that have a score."""
    scored = status == "ok"
    counts = {name: int((status == name).sum()) for name in ("ok", "missing", "error")}
    shares = {
        "share": float(scored.mean()),
        "real": float(scored[labels == 0].mean()) if (labels == 0).any() else None,
        "fake": float(scored[labels == 1].mean()) if (labels == 1).any() else None,
    }
    return {"named": len(status)} | counts | shares


def coverage_of_faces(test: pd.DataFrame, name: str) -> dict[str, Any]:
    """Return the same of the faces of videos, by the label of their video; empty where rows are videos.

    Args:
        test: `protocol.to_rows` of side test.
        name: The detector.
    """
    if FACES not in test:
        return {}
    counts = test[[FACES, SCORED + name, FAILED + name]].set_axis(["named", "ok", "error"], axis=1)
    named, ok, error = (int(count) for count in counts.sum())
    labels = test["label"]
    parts = {"share": counts, "real": counts[labels == 0], "fake": counts[labels == 1]}
    sums = {key: part.sum() for key, part in parts.items()}
    shares = {key: float(of["ok"] / of["named"]) if of["named"] else None for key, of in sums.items()}
    return {"named": named, "ok": ok, "missing": named - ok - error, "error": error} | shares


def measure(rows: Oriented, confidence: float) -> dict[str, Any]:
    """Return all metrics with their intervals; calibration is undefined where scores are no probabilities."""
    metrics = summary(
        rows.labels,
        rows.scores,
        rows.groups,
        threshold=rows.threshold,
        confidence=confidence,
        probabilities=rows.probability,
    )
    return _without_decisions(metrics) if np.isnan(rows.threshold) else metrics


def compare_pairs(
    rows: pd.DataFrame, detectors: dict[str, dict[str, Any]], evaluation: Evaluation
) -> list[dict[str, Any]]:
    """Compare each two detectors by AUC, on the rows that both scored, whatever the policy.

    Returns:
        A pair an entry: ``first``, ``second``, ``rows`` shared, ``difference`` of the AUCs with ``low`` and ``high``,
        ``p``, ``p_holm`` (over the table), ``better`` (a name, or ``""`` where the difference does not survive).
    """
    test = rows[rows["side"] == "test"]
    scored = {n: orient(test, n, d["polarity"], probability=d["probability"]) for n, d in detectors.items()}
    pairs = [_compare(a, b, scored[a], scored[b], evaluation.confidence) for a, b in combinations(scored, 2)]
    for pair, adjusted in zip(pairs, holm([pair["p"] for pair in pairs]), strict=True):
        pair["p_holm"] = adjusted
        if adjusted is not None and adjusted < 1 - evaluation.confidence:
            pair["better"] = pair["first"] if pair["difference"] > 0 else pair["second"]
    return pairs


def false_alarm_gaps(rows: Oriented, values: NDArray[Any], confidence: float) -> list[dict[str, Any]]:
    """Return for each value of an attribute by how much its reals are called fake more often than those of all others.

    Returns:
        ``value``, ``difference`` in [-1, 1] with ``low`` and ``high``, and ``p`` (`compare_false_alarms`); of two
        values the one with more false alarms, as both comparisons are one; nothing of fewer values that have reals.
    """
    asked = (rows.labels == 0) & (values != "")
    names = sorted(set(values[asked]))
    if len(names) < 2 or np.isnan(rows.threshold):
        return []
    called = rows.scores[asked] >= rows.threshold
    gaps = [
        {"value": name} | compare_false_alarms(called, values[asked] == name, rows.groups[asked], confidence)
        for name in names
    ]
    return gaps if len(gaps) > 2 else [max(gaps, key=_size)]


def correct_gaps(detectors: dict[str, dict[str, Any]], confidence: float) -> dict[str, dict[str, Any]]:
    """Return detectors with the largest gap of each attribute, corrected over the whole table.

    The p-values of all values of all attributes of all detectors count (Holm): the largest of many differences is large
    by chance. A gap of too few groups for a p-value is the largest only where no other has one.

    Returns:
        By name the same; ``gaps`` by attribute is one of them with ``p_holm`` and ``survives``, or None.
    """
    every = [gap for detector in detectors.values() for gaps in detector["gaps"].values() for gap in gaps]
    corrected = iter(_corrected(every, confidence))
    largest = {
        name: {
            attribute: max([next(corrected) for _ in gaps], key=_size, default=None)
            for attribute, gaps in detector["gaps"].items()
        }
        for name, detector in detectors.items()
    }
    return {name: detector | {"gaps": largest[name]} for name, detector in detectors.items()}


def _corrected(gaps: Sequence[dict[str, Any]], confidence: float) -> list[dict[str, Any]]:
    return [
        gap | {"p_holm": p, "survives": p is not None and p < 1 - confidence}
        for gap, p in zip(gaps, holm([gap["p"] for gap in gaps]), strict=True)
    ]


def _size(gap: dict[str, Any]) -> tuple[bool, float]:
    return gap["p"] is not None, gap["difference"]


def band_attributes(rows: pd.DataFrame) -> pd.DataFrame:
    """Return judged rows whose attributes are values and bands of all rows of side test, whoever has scored them."""
    test = rows[rows["side"] == "test"]
    bands = {name: pd.Series(in_bands(test[name]), test.index) for name in rows.columns if name.startswith(BY)}
    return rows.assign(**{name: band.reindex(rows.index, fill_value="") for name, band in bands.items()})


def in_bands(column: pd.Series) -> NDArray[Any]:
    """Return an attribute's values; of many numbers, which quarter of them each is in; ``""`` where there is none.

    Raises:
        InputError: If there are more than `MOST_VALUES` words.
    """
    values = sorted(set(column) - {""})
    numbers = pd.to_numeric(column.where(column != ""), errors="coerce")
    if len(values) > _MOST_NUMBERS and numbers.notna().sum() == (column != "").sum():
        bands = pd.qcut(numbers, 4, duplicates="drop")
        texts = [f"{band.left:.4g} to {band.right:.4g}" for band in bands.cat.categories]
        return bands.cat.rename_categories(texts).astype(object).fillna("").to_numpy()
    if len(values) > MOST_VALUES:
        msg = (
            f"judge.columns.attributes: {str(column.name).removeprefix(BY)} has {len(values)} values, at most "
            f"{MOST_VALUES} are compared: put them together, or name it as judge.columns.method"
        )
        raise InputError(msg)
    return column.to_numpy()


def _by_method(rows: Oriented, methods: NDArray[Any], confidence: float) -> dict[str, Any]:
    """Judge each method's fakes against all reals."""
    if not any(methods[rows.labels == 1]):
        return {}
    results = by_category(
        rows.labels,
        rows.scores,
        rows.groups,
        np.where(methods == "", "unknown", methods),
        threshold=rows.threshold,
        confidence=confidence,
        probabilities=rows.probability,
        only=OF_METHODS,
    )
    return {m: _without_decisions(of) for m, of in results.items()} if np.isnan(rows.threshold) else results


def _by_value(rows: Oriented, values: NDArray[Any], confidence: float) -> dict[str, Any]:
    """Judge the reals and fakes of each value of an attribute by themselves."""
    return {
        str(value): measure(rows.at(values == value), confidence)
        for value in dict.fromkeys(sorted(set(values)))
        if value != ""
    }


def _auc_under(rows: Oriented, policy: str, source: str) -> float | None:
    graded, _ = under_policy(rows, policy, source)
    value = auc(graded.labels, graded.scores)
    return None if np.isnan(value) else value


def _compare(first: str, second: str, a: Oriented, b: Oriented, confidence: float) -> dict[str, Any]:
    both = ~np.isnan(a.scores) & ~np.isnan(b.scores)
    x, y = a.at(both), b.at(both)
    names = {"first": first, "second": second, "rows": int(both.sum()), "p_holm": None, "better": ""}
    if len(set(x.labels.tolist())) < 2:
        return names | {"difference": None, "low": None, "high": None, "p": None, "method": "undefined"}
    # of the second one to the first
    comparison = compare_auc(x.labels, y.scores, x.scores, x.groups, confidence)
    return names | {key: comparison[key] for key in ("difference", "low", "high", "p", "method")}


def _without_decisions(metrics: dict[str, Any]) -> dict[str, Any]:
    """Take out what a threshold decides, where there is none: a class is missing to fit one."""
    return metrics | {name: {"value": None, "low": None, "high": None} for name in DECISIONS if name in metrics}

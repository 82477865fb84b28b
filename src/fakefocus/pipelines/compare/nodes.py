"""Compares the detectors of all runs that judged a data set, on the videos that they share."""

import logging
from collections.abc import Sequence
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from fakefocus import wording
from fakefocus.errors import InputError
from fakefocus.metrics.comparison import Comparison, compare_videos, holm
from fakefocus.models.fitting import training_of
from fakefocus.parameters import Evaluation
from fakefocus.plotting import CONTROL, INK, WIDTH, draw_interval, family_colour, plain, style
from fakefocus.schemas import judged_scope

ORDER = 5
"""Of the section in the report: before those of protocols."""

_log = logging.getLogger(__name__)


def compare_runs(tracked_runs: list[dict[str, Any]], dataset: str, evaluation: Evaluation) -> dict[str, Any]:
    """Compare each detector with the one of the highest AUC on its split, on the test videos that both scored, of
    methods that both were trained on.

    Of several runs of one training on one split the newest counts. Negative controls are listed and not compared. The
    p-values of a split are corrected together (Holm).

    Returns:
        ``runs``: rows with the ``detector``, its ``auc`` with ``low`` and ``high``, the ``difference`` to the best with
        its ``ends`` and ``p_holm``, ``run_id`` and ``started``; the splits in the order of their newest run, within one
        by AUC. ``confidence`` of the differences; ``repeated``: how many runs a newer one of the same training stands
        for.

    Raises:
        InputError: If the store holds no run that judged a detector on this data set.
    """
    if not tracked_runs:
        msg = f"compare: the store holds no finished run that judged a detector on {dataset}: run kedro run first"
        raise InputError(msg)
    newest: dict[tuple[str, ...], dict[str, Any]] = {}
    for run in tracked_runs:  # the newest first
        newest.setdefault(_training(run), run)
    rows = []
    for split in dict.fromkeys(run["summary"]["split_hash"] for run in newest.values()):
        rows += _of_split([run for run in newest.values() if run["summary"]["split_hash"] == split], evaluation)
    _log.info("%d runs of %d trainings on %s", len(tracked_runs), len(newest), dataset)
    return {
        "dataset": dataset,
        "confidence": evaluation.confidence,
        "repeated": len(tracked_runs) - len(newest),
        "runs": rows,
    }


def describe_runs(compared_runs: dict[str, Any], splits_json: dict[str, Any]) -> dict[str, Any]:
    """Return the section of the report."""
    rows = compared_runs["runs"]
    columns = ["detector", "experiment", "seed", "split", "videos", "AUC", "less the best of its split", "p, corrected"]
    columns += ["run", "begun"]
    shown = [
        [
            *(str(row[name]) for name in ("detector", "experiment", "seed")),
            row["split"][:8],
            str(row["videos"]),
            wording.interval(row, "auc"),
            _difference(row),
            "" if row["p_holm"] is None else f"{row['p_holm']:.3f}",
            row["run_id"][:8],
            row["started"][:16].replace("T", " "),
        ]
        for row in rows
    ]
    splits = len({row["split"] for row in rows})
    repeated = compared_runs["repeated"]
    again = f" {repeated} older runs of the same trainings are left out." if repeated else ""
    return {
        "title": "All runs of this data set",
        "order": ORDER,
        "split_hash": splits_json["hash"],
        "text": [
            f"What the store of MLflow holds of {compared_runs['dataset']}: {len(rows)} detectors on {splits} "
            f"split{'s' if splits > 1 else ''}.{again} AUC of test videos with the interval "
            "of its evaluation, over groups of people. Compared is each with the best of its split, on the videos that "
            "both scored; whoever is best of many on the same test side is a little too good. Detectors of different "
            "splits were judged on different videos. Differences have intervals of "
            f"{100 * compared_runs['confidence']:g} %.",
        ],
        "tables": [{"title": "", "columns": columns, "rows": shown}],
        "caption": "AUC of test videos of every run, with its interval; pale: negative controls.",
    }


def draw_runs(compared_runs: dict[str, Any]) -> Figure:
    """Draw the AUC of every run with its interval, the splits one below the other."""
    rows = [row for row in compared_runs["runs"] if row["auc"] is not None]
    figure = Figure(figsize=(WIDTH, 0.9 + 0.27 * max(1, len(rows))), layout="constrained")
    axis = figure.subplots()
    for y, row in enumerate(rows):
        draw_interval(axis, y, row, CONTROL if row["control"] else family_colour(row["family"]), of="auc")
        if y and row["split"] != rows[y - 1]["split"]:
            axis.axhline(y - 0.5, color=INK, linewidth=0.8)
    axis.axvline(0.5, color=INK, linewidth=0.8, linestyle=":")
    axis.set_yticks(
        range(len(rows)), [plain(f"{row['detector']}, seed {row['seed']} ({row['experiment']})") for row in rows]
    )
    axis.set_ylim(max(1, len(rows)) - 0.4, -0.6)
    axis.set_xlim(0, 1.02)
    style(axis, "test AUC of videos, with its interval", "")
    return figure


def _training(run: dict[str, Any]) -> tuple[str, ...]:
    """Return what tells a training and where it was judged from others."""
    summary = run["summary"]
    (digest,) = training_of(summary["contract"], "", summary["experiment"]).values()
    return digest, summary["split_hash"], summary["experiment"]


def _of_split(runs: Sequence[dict[str, Any]], evaluation: Evaluation) -> list[dict[str, Any]]:
    rows = [_row(run) for run in runs]
    order = sorted(range(len(rows)), key=lambda place: (rows[place]["control"], -(rows[place]["auc"] or 0)))
    rows, runs = [rows[place] for place in order], [runs[place] for place in order]
    compared = [
        (row, _compared(runs[0], run, evaluation.confidence))
        for row, run in zip(rows[1:], runs[1:], strict=True)
        if not row["control"] and not rows[0]["control"]
    ]
    for (row, result), p in zip(compared, holm([result["p"] for _, result in compared]), strict=True):
        row |= {"difference": result["difference"], "ends": (result["low"], result["high"]), "p_holm": p}
    return rows


def _row(run: dict[str, Any]) -> dict[str, Any]:
    summary, contract = run["summary"], run["summary"]["contract"]
    auc = summary["metrics"][judged_scope(summary["metrics"])]["auc"]
    return {
        "detector": contract["name"],
        "family": contract["family"],
        "control": contract["labels"] != "true",
        "experiment": contract["experiment"],
        "seed": contract["training"]["seed"],
        "split": summary["split_hash"],
        "videos": summary["coverage"]["ok"],
        "auc": auc["value"],
        "low": auc["low"],
        "high": auc["high"],
        "difference": None,
        "ends": None,
        "p_holm": None,
        "run_id": run["run_id"],
        "started": run["started"],
    }


def _compared(first: dict[str, Any], second: dict[str, Any], confidence: float) -> Comparison:
    """Compare two detectors on videos of methods that both were trained on, as the report does."""
    summaries = [run["summary"] for run in (first, second)]
    left_out = {
        method
        for summary in summaries
        for method, metrics in summary["metrics"]["by_method"].items()
        if metrics["held_out"]
    }
    one, other = (pd.DataFrame(summary["videos"]).astype({"score": float}) for summary in summaries)
    return compare_videos(one, other, left_out, confidence)[0]


def _difference(row: dict[str, Any]) -> str:
    if row["difference"] is None:
        return ""
    low, high = row["ends"]
    return f"{row['difference']:+.3f}" + ("" if low is None else f" [{low:+.3f}, {high:+.3f}]")

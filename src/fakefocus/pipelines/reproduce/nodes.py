"""Puts what was judged here beside what others have published, and says how to run what was not."""

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from fakefocus.errors import InputError
from fakefocus.metrics.coverage import with_missing
from fakefocus.metrics.scores import summary as summarise
from fakefocus.models import families, find_family
from fakefocus.models.fitting import training_of
from fakefocus.models.overlap import Overlap, in_words
from fakefocus.parameters import Evaluation, PublishedResult, PublishedTable, Reproduce
from fakefocus.pipelines.reproduce.commands import NO_DATA, commands_for
from fakefocus.plotting import GRID, INK, WIDTH, style

PROTOCOL = "reproduce"
_NAMES = {"auc": "AUC", "ap": "AP", "eer": "EER", "accuracy": "accuracy", "f1": "F1"}


def compare_with_published(
    published: dict[str, PublishedTable],
    all_summaries: dict[str, dict[str, Any]],
    reproduce: Reproduce,
    evaluation: Evaluation,
) -> dict[str, Any]:
    """Measure for each published result what it is of on every evaluation of ours that fits.

    Frames and images are compared with faces of the test side, videos with its videos; the fakes are those of the
    published methods. A detector fits by family and by the data sets that it was trained on and is judged on; where
    it fits but for its methods or a compression that is not known, that is said.

    Returns:
        ``{"protocol", "confidence", "sources": [...], "rows": [...]}``; a row has what was published, ``ours`` (a list,
        each with place, value, interval, difference and whether the published value is inside the interval), and
        ``commands`` where ``ours`` is empty.

    Raises:
        InputError: If a table names a family that there is none of.
    """
    rows = []
    for name, table in published.items():
        for number, result in enumerate(table.results):
            title = _title(name, number, result)
            fitting = {place: entry for place, entry in all_summaries.items() if _fits(result, entry, reproduce)}
            ours = [_measure(result, place, entry, reproduce, evaluation) for place, entry in fitting.items()]
            commands = [] if ours else commands_for(result, _trained(result, all_summaries))
            rows.append(_published(name, title, result) | {"ours": ours, "commands": commands})
    sources = [{"table": name, **table.source.model_dump()} for name, table in published.items()]
    return {"protocol": PROTOCOL, "tracked": {}, "confidence": evaluation.confidence, "sources": sources, "rows": rows}


def describe_reproduce(reproduced: dict[str, Any], splits_json: dict[str, Any]) -> dict[str, Any]:
    """Return the section of the report: what could be compared, and which commands would run the others."""
    rows = reproduced["rows"]
    run = [row for row in rows if row["ours"]]
    sources = {source["table"]: source for source in reproduced["sources"]}
    text = [
        f"{len(rows)} published results of {len(sources)} sources; {len(run)} of them have one of ours beside them. "
        f"Intervals are of {reproduced['confidence'] * 100:g} %, over identity groups of the test side; the published "
        "values have none. A difference is ours less the published value.",
        "A published value outside of our interval is not refuted by it, and one inside is not confirmed: detectors, "
        "faces, frames and test sets are never quite the same, and the notes say what is known of each source. Compare "
        "numbers of one protocol first.",
    ]
    tables = [
        {"title": "Published results and ours", "columns": _COMPARED, "rows": list(_compared_rows(run))},
        {"title": "Not run here, and what would", "columns": _OPEN, "rows": _open_rows(rows)},
        {
            "title": "What is known of the published values",
            "columns": _TRUST,
            "rows": _trust_rows(rows, sources),
        },
    ]
    return {
        "title": "Published results",
        "order": 80,
        "split_hash": splits_json["hash"],
        "trainings": {name: digest for row in run for ours in row["ours"] for name, digest in ours["training"].items()},
        "text": text,
        "tables": [table for table in tables if table["rows"]],
        "caption": "AUCs that can be run: the published value (mark), and ours with its interval (colour) where it is "
        "there.",
    }


def draw_reproduce(reproduced: dict[str, Any]) -> Figure:
    """Draw the published AUCs of data that are to be had, a panel a source, and ours with their intervals."""
    rows = [row for row in reproduced["rows"] if row["metric"] == "auc" and row["runnable"]]
    panels: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        panels.setdefault((row["table"], row["trained_on"]), []).append(row)
    heights = [len(panel) + 1 for panel in panels.values()]
    figure = Figure(figsize=(WIDTH, 0.8 + 0.21 * sum(heights) + 0.35 * len(heights)), layout="constrained")
    axes = figure.subplots(max(len(heights), 1), 1, sharex=True, squeeze=False, height_ratios=heights or None)[:, 0]
    for axis, ((table, trained_on), panel) in zip(axes, panels.items(), strict=False):
        _draw_panel(axis, panel)
        axis.set_title(f"{table}, trained on {trained_on}", fontsize=9, color=INK, loc="left")
    style(axes[-1], "AUC", "")
    axes[-1].set_xlim(right=1.01)
    return figure


def _draw_panel(axis: Axes, rows: list[dict[str, Any]]) -> None:
    style(axis, "", "")
    for place, row in enumerate(rows):
        axis.plot(float(row["published"]), place, "|", color=INK, markersize=10, markeredgewidth=1.8)
        for ours in (o for o in row["ours"] if o["value"] is not None):
            bounds = [ours["value"] if ours[end] is None else ours[end] for end in ("low", "high")]
            colour = families()[row["family"]].colour
            axis.plot(bounds, [place, place], color=colour, linewidth=2.2)
            axis.plot(ours["value"], place, "o", color=colour, markersize=4.5)
    axis.axvline(0.5, color=GRID, linewidth=1.6, zorder=0.5)
    axis.set_yticks(range(len(rows)), [f"{row['detector']} on {row['tested_on']}" for row in rows])
    axis.set_ylim(len(rows) - 0.4, -0.6)


_COMPARED = [
    *("Detector", "Trained on", "Tested on", "Of", "Published", "Ours", "Difference", "Published value is"),
    *("Judged in", "Differs in"),
]
_OPEN = ["Detector", "Trained on", "Tested on", "Published", "Commands"]
_TRUST = ["Source", "Results", "What is known of them"]


def _title(table: str, number: int, result: PublishedResult) -> str:
    try:
        return find_family(result.family).title
    except InputError as error:
        msg = f"conf/published/{table}.yml: results.{number}.family: {error}"
        raise InputError(msg) from error


def _names(dataset: str | None, reproduce: Reproduce) -> tuple[str, ...]:
    """Return the names of ours that count as a data set."""
    return reproduce.datasets.get(dataset, (dataset,)) if dataset is not None else ()  # type: ignore[call-overload]


def _fits(result: PublishedResult, entry: Mapping[str, Any], reproduce: Reproduce) -> bool:
    summary = entry["summary"]
    contract = summary["contract"]
    return (
        contract["family"] == result.family
        and contract["labels"] == "true"
        and contract["dataset"] in _names(result.trained_on.dataset, reproduce)
        and summary["dataset"] in _names(result.tested_on.dataset, reproduce)
    )


def _trained(result: PublishedResult, all_summaries: Mapping[str, dict[str, Any]]) -> list[str]:
    """Return experiments in which the family was trained on the data set, as its environment names that."""
    contracts = [
        entry["summary"]["contract"]
        for place, entry in all_summaries.items()
        if place.rsplit("/", 1)[1] == result.family
    ]
    return sorted({c["experiment"] for c in contracts if c["dataset"] == result.trained_on.dataset})


def _measure(
    result: PublishedResult, place: str, entry: Mapping[str, Any], reproduce: Reproduce, evaluation: Evaluation
) -> dict[str, Any]:
    """Return the metric of a result on one evaluation of ours."""
    summary = entry["summary"]
    table = _rows_of(result, entry)
    options = {"threshold": summary["metrics"]["threshold"], "confidence": evaluation.confidence}
    measured = summarise(table["label"], table["score"], table["group"], **options)
    ours, published = measured[result.metric], float(result.value)
    has_interval = ours["low"] is not None
    return {
        "place": place,
        "experiment": summary["experiment"],
        "dataset": summary["dataset"],
        "training": training_of(summary["contract"], place.rsplit("/", 1)[1], summary["experiment"]),
        **{name: ours[name] for name in ("value", "low", "high")},
        "difference": None if ours["value"] is None else ours["value"] - published,
        "inside": ours["low"] <= published <= ours["high"] if has_interval else None,
        **{name: measured[name] for name in ("real", "fake", "groups", "no_interval")},
        "differs": _differs(result, summary["contract"]) + _lacking(result, table) + _seen(result, summary, reproduce),
    }


def _rows_of(result: PublishedResult, entry: Mapping[str, Any]) -> pd.DataFrame:
    """Return label, score and group of what a result is of: faces or videos of the test side, of its methods."""
    if result.unit == "video":
        summary = entry["summary"]
        videos = pd.DataFrame(summary["videos"]).astype({"score": float})
        table = with_missing(videos, summary["coverage"]["missing"])
    else:
        faces = entry["face_scores"]()
        table = faces[faces["split"] == "test"]
    methods = result.tested_on.methods
    return table[(table["label"] == 0) | table["method"].isin(methods)] if methods else table


def _differs(result: PublishedResult, contract: Mapping[str, Any]) -> list[str]:
    """Return in words what of a training is not as published, or not known."""
    wanted, methods = set(result.trained_on.methods), set(contract["methods"])
    lines = []
    if wanted - methods:
        lines.append(f"not trained on {', '.join(sorted(wanted - methods))}")
    if wanted and methods - wanted:
        lines.append(f"trained on {', '.join(sorted(methods - wanted))} too")
    strategy = result.trained_on.strategy
    if strategy and contract["split"]["strategy"] != strategy:
        lines.append(f"split by {contract['split']['strategy']}, published: {strategy}")
    if contract["recipe"] != "published":
        lines.append(f"recipe {contract['recipe']}, not the published one")
    if result.trained_on.compression:
        lines.append(f"whether all was {result.trained_on.compression} is not in the contract")
    return lines


def _lacking(result: PublishedResult, table: pd.DataFrame) -> list[str]:
    """Return in words which published methods the test side has no fakes of."""
    lacking = sorted(set(result.tested_on.methods) - set(table["method"]))
    return [f"not tested on {', '.join(lacking)}"] if lacking else []


def _seen(result: PublishedResult, summary: Mapping[str, Any], reproduce: Reproduce) -> list[str]:
    """Return in words which test videos the detector knows from its training, and where nobody can say."""
    overlap, trained_on, tested_on = Overlap(**summary["overlap"]), summary["contract"]["dataset"], summary["dataset"]
    lines = [f"{in_words(overlap)} (evaluation.seen)"] if overlap.known else []
    if trained_on != tested_on and trained_on in _names(result.tested_on.dataset, reproduce):
        lines.append(
            f"trained on {trained_on} and tested on {tested_on}, which are one data set: people of two names cannot be "
            "compared, so that some of the test side may be in training"
        )
    return lines


def _published(table: str, title: str, result: PublishedResult) -> dict[str, Any]:
    return {
        "table": table,
        "family": result.family,
        "detector": title,
        "trained_on": result.trained_on.title,
        "tested_on": result.tested_on.title,
        "runnable": result.trained_on.dataset is not None and result.tested_on.dataset is not None,
        "metric": result.metric,
        "unit": result.unit,
        "published": str(result.value),
        "note": " ".join(filter(None, (result.note, result.remark))),
    }


def _of(row: Mapping[str, Any]) -> str:
    return f"{row['unit']} {_NAMES[row['metric']]}"


def _compared_rows(rows: list[dict[str, Any]]) -> Iterator[list[str]]:
    for row in rows:
        for ours in row["ours"]:
            shown = "undefined" if ours["value"] is None else f"{ours['value']:.3f}"
            bounds = ours["no_interval"] if ours["low"] is None else f"[{ours['low']:.3f}, {ours['high']:.3f}]"
            inside = {True: "inside our interval", False: "outside of it", None: "not judged: no interval"}
            counts = f"{ours['place']}: {ours['real']} real, {ours['fake']} fake, {ours['groups']} groups"
            yield [
                *(row["detector"], row["trained_on"], row["tested_on"], _of(row), row["published"]),
                f"{shown} {bounds}".strip(),
                "" if ours["difference"] is None else f"{ours['difference']:+.3f}",
                inside[ours["inside"]],
                counts,
                "; ".join(ours["differs"]),
            ]


def _open_rows(rows: list[dict[str, Any]]) -> list[list[str]]:
    """Return one row for what the same commands would run, with all that was published of it."""
    values: dict[tuple[str, str, str, str], list[str]] = {}
    for row in (row for row in rows if not row["ours"]):
        commands = " && ".join(row["commands"]) or NO_DATA
        key = (row["detector"], row["trained_on"], row["tested_on"], commands)
        values.setdefault(key, []).append(f"{_of(row)} {row['published']}")
    return [[*key[:3], ", ".join(published), key[3]] for key, published in values.items()]


def _trust_rows(rows: list[dict[str, Any]], sources: Mapping[str, Mapping[str, Any]]) -> list[list[str]]:
    """Return a row for each note of a source, with the results that it is about."""
    about: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        about.setdefault((row["table"], row["note"]), []).append(row["detector"])
    return [
        [
            f"{source['title']}, {source['year']}, {source['url']}",
            f"{len(detectors)} of {', '.join(dict.fromkeys(detectors))}",
            note or "nothing",
        ]
        for (table, note), detectors in about.items()
        for source in [sources[table]]
    ]

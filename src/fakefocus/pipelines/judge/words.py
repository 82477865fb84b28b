"""What results mean, in words; used by log, report and errors alike."""

from collections.abc import Iterator
from typing import Any

import numpy as np

POLICIES = {
    "exclude": "rows without a score are left out",
    "as_chance": "a row without a score counts as undecided",
    "as_real": "a row without a score counts as called real",
    "as_fake": "a row without a score counts as called fake",
}


def value(metric: dict[str, Any] | None) -> str:
    """Return ``.931``; or that it is undefined."""
    return "undefined" if metric is None or metric["value"] is None else number(metric["value"])


def number(figure: float) -> str:
    """Return three places, without the zero in front."""
    text = f"{figure:.3f}"
    return text.replace("0.", ".", 1) if text.lstrip("-").startswith("0.") else text


def bounds(metric: dict[str, Any] | None) -> str:
    """Return an interval; empty where there is none."""
    return "" if metric is None or metric["low"] is None else f"[{number(metric['low'])}, {number(metric['high'])}]"


def percent(share: float | None) -> str:
    """Return a share in percent, rounded down: 98.96 % must not read as 99 %."""
    return "no rows" if share is None else f"{np.floor(share * 1000 + 1e-9) / 10:.1f} %"


def signed(figure: float | None) -> str:
    """Return a difference with its sign."""
    return "undefined" if figure is None else ("+" if figure > 0 else "") + number(figure).replace("-", "\u2212")


def scopes(detector: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield all that was measured of a detector: scope, of what, metrics."""
    yield "all", "", detector["metrics"]
    yield from (("method", method, metrics) for method, metrics in detector["by_method"].items())
    for attribute, values in detector["by"].items():
        yield from ((attribute, name, metrics) for name, metrics in values.items())


def headline(detector: dict[str, Any]) -> str:
    """Return the AUC of a detector and its coverage, in a line."""
    metrics = detector["metrics"]
    parts = [f"AUC {value(metrics['auc'])} {bounds(metrics['auc'])}".strip(), metrics["no_interval"]]
    parts.append(f"coverage {covered(detector)}")
    parts.append("looks swapped: set judge.polarity" if detector["swapped"] else "")
    return ", ".join(filter(None, parts))


def covered(detector: dict[str, Any]) -> str:
    """Return the share that was scored: ``85.7 %`` of the rows, or of videos and of their faces."""
    rows, faces = percent(detector["coverage"]["share"]), detector["face_coverage"]
    return f"{rows} of videos, {percent(faces['share'])} of faces" if faces else rows


def least_share(detector: dict[str, Any]) -> tuple[float, str]:
    """Return the share of the rows that was scored, and ``""``; of the faces, where it is lower, and `` of faces``."""
    rows, faces = detector["coverage"]["share"], detector["face_coverage"].get("share")
    return (rows, "") if faces is None or faces >= rows else (faces, " of faces")


def lead(results: dict[str, Any]) -> str:
    """Return what was judged, in one line."""
    reading, detectors = results["reading"], results["detectors"]
    metrics = [detector["metrics"] for detector in detectors.values()]
    real, fake = (max(m[key] for m in metrics) for key in ("real", "fake"))
    source = f"videos of this project (split {reading['split_hash']})" if reading["split_hash"] else "the table itself"
    return (
        f"{_count(len(detectors), 'detector')} on {reading['test']:,} rows, of which up to {real:,} real and {fake:,} "
        f"fake are judged; rows and labels are those of {source}"
    )


def reading(about: dict[str, Any]) -> list[str]:
    """Return how tables were read and matched, a line each."""
    lines = [
        f"{file}: {', '.join(f'{role} {column}' for role, column in columns.items())}; judge.columns names others"
        for file, columns in about["columns"].items()
    ]
    lines.append(f"{_count(about['ids'], 'id')} in {_count(len(about['files']), 'file')}")
    if about["faces"]:
        lines.append(f"{about['faces']} rows are faces, put together to videos by their {about['aggregation']}")
    parts = {name: of for name, of in about["face_coverage"].items() if of["ok"] < of["named"]}
    if parts:
        counts = "; ".join(f"{name} {of['ok']:,}, {of['missing']:,}, {of['error']:,}" for name, of in parts.items())
        lines.append(f"faces of judged videos with a score, with none, and with an error: {counts}")
    for name, count in about["varied"].items():
        lines.append(f"{name}: faces of {_count(count, 'video')} differ, the first with a value speaks for its video")
    if about["matched"]:
        by = ", ".join(f"{count} by {how}" for how, count in about["matched"].items() if count)
        lines.append(f"matched to videos of this project: {by or 'none'}")
        lines.append(f"{about['foreign']} ids of the table are not of this project")
        lines.append(f"{about['absent']} videos of side {about['split']} are not in the table: they are missing rows")
    if about["without_label"]:
        lines.append(f"{about['without_label']} rows have no label and are not judged")
    if about["other_sides"]:
        lines.append(f"{about['other_sides']} rows are of other sides than {about['split']} and val: not read")
    lines.append(f"{about['test']} rows are judged, {about['val']} may give thresholds; {_groups(about)}")
    return lines


def warnings(results: dict[str, Any]) -> list[dict[str, str]]:
    """Return what a reader has to know before any number: ``title`` and ``text`` each."""
    detectors, notes = results["detectors"], []
    low = below_coverage(results)
    if low:
        lowest = sorted(low, key=lambda name: low[name])[:8]
        names = ", ".join(f"{name} ({covered(detectors[name])})" for name in lowest)
        names += f" and {len(low) - len(lowest)} more detectors" if len(low) > len(lowest) else ""
        text = f"{names}. {_sentence(POLICIES[results['missing']])}: hard rows may be among them."
        faces = bool(results["reading"]["faces"])
        text += " A face without a score says nothing of its video." if faces else ""
        what = "videos or of their faces" if faces else "rows"
        title = f"Fewer than {percent(results['min_coverage'])} of the {what} were scored"
        notes.append({"title": title, "text": text})
    swapped = [name for name, detector in detectors.items() if detector["swapped"]]
    if swapped:
        example = f"judge.polarity: {{{swapped[0]}: real}}"
        text = (
            f"{', '.join(swapped)}: the whole interval of the AUC lies below .5. If a high score means real there, set "
            f"{example}; nothing is flipped unasked."
        )
        notes.append({"title": "Looks swapped", "text": text})
    adapted = [name for name, detector in detectors.items() if detector["adapted"]]
    if adapted:
        text = (
            f"{', '.join(adapted)}: no threshold was given and no validation rows were there, so that it was fitted on "
            "the rows that it is judged on. Accuracies and F1 are better than they would be elsewhere."
        )
        notes.append({"title": "Adapted thresholds", "text": text})
    reading_ = results["reading"]
    if reading_["foreign"] or reading_["absent"]:
        text = (
            f"{reading_['foreign']} ids of the table are not of this project and are not judged; {reading_['absent']} "
            "videos of this project are not in the table and count as missing."
        )
        notes.append({"title": "Not all ids match", "text": text})
    if not reading_["grouped"]:
        text = (
            "The table names no identity groups: each row counts as a person of its own. Where people or source clips "
            "repeat, intervals are too narrow."
        )
        notes.append({"title": "Rows count as independent", "text": text})
    elif reading_["without_group"]:
        text = (
            f"{reading_['without_group']:,} of {reading_['test']:,} judged rows name no identity group: each of them "
            "counts as a person of its own. If they show people of other rows, intervals are too narrow."
        )
        notes.append({"title": "Some rows count as independent", "text": text})
    return notes


def below_coverage(results: dict[str, Any]) -> dict[str, float]:
    """Return the detectors that scored too few rows, or faces of them, and the share that each did."""
    shares = {name: least_share(detector)[0] for name, detector in results["detectors"].items()}
    return {name: share for name, share in shares.items() if share < results["min_coverage"]}


def threshold_sources(detectors: dict[str, dict[str, Any]]) -> dict[str, list[str]]:
    """Return which detectors have their threshold from where."""
    sources: dict[str, list[str]] = {}
    for name, detector in detectors.items():
        sources.setdefault(detector["threshold_source"], []).append(name)
    return sources


def pair_matrix(results: dict[str, Any]) -> dict[str, Any]:
    """Return differences of AUC as a square: ``names``, ``cells`` by row and column, counts of ``defined`` pairs.

    A cell is the row's AUC minus the column's, and whether it survives Holm's correction.
    """
    names = list(results["detectors"])
    cells: dict[str, dict[str, Any]] = {name: {} for name in names}
    for pair in results["pairs"]:
        survives = bool(pair["better"])
        cells[pair["first"]][pair["second"]] = {**pair, "survives": survives}
        mirrored = None if pair["difference"] is None else -pair["difference"]
        cells[pair["second"]][pair["first"]] = {**pair, "difference": mirrored, "survives": survives}
    defined = [pair for pair in results["pairs"] if pair["p"] is not None]
    return {
        "names": names,
        "cells": cells,
        "defined": len(defined),
        "surviving": sum(bool(pair["better"]) for pair in defined),
        "methods": sorted({pair["method"] for pair in defined}),
        "rows": sorted({pair["rows"] for pair in results["pairs"]}),
        "unbeaten": [name for name in names if not any(_beats(pair, name) for pair in results["pairs"])],
    }


def values_of(detectors: dict[str, dict[str, Any]], attribute: str) -> list[str]:
    """Return the values of an attribute that any detector has rows of."""
    return sorted({value for detector in detectors.values() for value in detector["by"][attribute]})


def method_names(detectors: dict[str, dict[str, Any]]) -> list[str]:
    """Return all methods, the hardest first: by the median of all detectors' AUCs."""
    names = dict.fromkeys(name for detector in detectors.values() for name in detector["by_method"])
    return sorted(names, key=lambda name: median_auc(detectors, name))


def median_auc(detectors: dict[str, dict[str, Any]], method: str) -> float:
    """Return the median AUC of all detectors for a method; infinite where none is defined."""
    metrics = [detector["by_method"].get(method) for detector in detectors.values()]
    values = [m["auc"]["value"] for m in metrics if m is not None and m["auc"]["value"] is not None]
    return float(np.median(values)) if values else float("inf")


def hardest_methods(detectors: dict[str, dict[str, Any]], most: int) -> list[dict[str, Any]]:
    """Return for each of the hardest methods the fakes, the median AUC, and the detectors that do best and worst."""
    rows = []
    for method in method_names(detectors)[:most]:
        of = {name: d["by_method"][method] for name, d in detectors.items() if method in d["by_method"]}
        defined = {name: m for name, m in of.items() if m["auc"]["value"] is not None}
        if not defined:
            continue
        ranked = sorted(defined, key=lambda name: defined[name]["auc"]["value"])
        rows.append(
            {
                "method": method,
                "fake": max(m["fake"] for m in of.values()),
                "median": number(median_auc(detectors, method)),
                "best": (ranked[-1], defined[ranked[-1]]),
                "worst": (ranked[0], defined[ranked[0]]),
            }
        )
    return rows


def _groups(about: dict[str, Any]) -> str:
    if not about["grouped"]:
        return "no column of groups: each row counts as a person of its own"
    lonely = about["without_group"]
    return "by identity groups" + (f", but {lonely:,} name none: each counts as a person of its own" if lonely else "")


def _beats(pair: dict[str, Any], name: str) -> bool:
    return name in (pair["first"], pair["second"]) and pair["better"] not in ("", name)


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def _count(count: int, what: str) -> str:
    return f"{count:,} {what}" + ("" if count == 1 else "s")

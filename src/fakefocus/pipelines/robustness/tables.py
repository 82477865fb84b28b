"""What was measured, in words, tables and single numbers."""

from collections.abc import Sequence
from typing import Any

from fakefocus import wording
from fakefocus.imaging.perturbations import STRENGTHS, perturbations

Result = dict[str, Any]


def paragraphs(results: Sequence[Result]) -> list[str]:
    """Return what was measured on what, and what it does not show."""
    first = results[0]
    interval, chosen = first["interval"], first["parameters"]
    share = f"{100 * interval['confidence']:g} %"
    return [
        f"Does a detector still tell when media are compressed, shared or edited? Files: {first['videos']['media']} "
        f"videos of the test side of {first['dataset']} are encoded again (H.264, stills JPEG), and faces are found "
        f"and cut out of the new files as they were of the old ones. Crops: {first['faces']} stored crops of "
        f"{first['videos']['crops']} test videos are perturbed as 8-bit pixels, in {len(perturbations())} ways of "
        f"{STRENGTHS} strengths. Maps are made anew of what is left. Seed {chosen['seed']} draws both, evenly over "
        "people and methods.",
        "AUC is that of videos, for fakes of methods that the detector was trained on where there are any; the drop is "
        f"clean less changed, on the same videos (and, of crops, on the same faces). Brackets are {share} intervals "
        f"over identity groups ({interval['method']}; drops and shifts: groups jackknifed jointly). Each interval "
        "stands for itself: of many, some miss. A video in which no face is found any more is lost: it is left out on "
        "both sides, and once more all videos are judged with lost ones scored .5.",
        "Reals called fake: share of real test videos at or above the detector's threshold ("
        + ", ".join(f"{result['detector']} {result['threshold']:.3f}" for result in results)
        + "), before and after. None of these changes makes a real video fake.",
        "It does not show what a platform does today: steps and sizes are typical, not measured. Perturbed crops were "
        "found in clean frames; only files encoded again show what is lost before a face is cut out.",
    ]


def caption(results: Sequence[Result]) -> str:
    """Return what the figure shows."""
    share = f"{100 * results[0]['interval']['confidence']:g} %"
    return (
        f"AUC of test videos (dots; {share} intervals over identity groups as bars) and share of real videos called "
        "fake (crosses), the weakest change on the left. First panel: files encoded again; others: stored crops."
    )


def tables(results: Sequence[Result]) -> list[dict[str, Any]]:
    """Return the tables of the section: rows of text."""
    by_compression = [_compression_table(results)] if any(result["compression"] for result in results) else []
    return [_media_table(results), *by_compression, _drop_table(results), _reals_table(results)]


def tracked(media: Sequence[Result], crops: Sequence[Result]) -> dict[str, float]:
    """Return single numbers by name: AUC, drop, and share of reals called fake; what is undefined is left out."""
    named = {row["condition"]: row for row in media} | {f"{r['perturbation']}.{r['strength']}": r for r in crops}
    values = {f"{name}.lost": row["lost"] for name, row in named.items() if row["lost"]}
    for name, row in named.items():
        values[f"{name}.auc"] = row["auc"]["value"]
        values[f"{name}.drop"] = row["drop"]["difference"]
        values[f"{name}.reals_called_fake"] = row["reals"]["called_fake"]
    return {name: float(value) for name, value in values.items() if value is not None}


def in_a_line(media: Sequence[Result], crops: Sequence[Result]) -> str:
    """Return the largest drop of each level, for the log."""
    texts = []
    for what, rows in (("files", media), ("crops", crops)):
        defined = [row for row in rows if row["drop"]["difference"] is not None]
        if defined:
            worst = max(defined, key=lambda row: row["drop"]["difference"])
            name = worst.get("title") or f"{perturbations()[worst['perturbation']].title} {worst['value']:g}"
            texts.append(
                f"{what} lose most by {name}, AUC {_auc(worst['auc'])}, drop {wording.difference(worst['drop'])}"
            )
    return "; ".join(texts) or "AUC undefined, a class is missing"


def _media_table(results: Sequence[Result]) -> dict[str, Any]:
    rows = []
    for result in results:
        clean = result["clean"]["media"]
        held_out = result["clean"]["media_held_out"]
        cells = ["as they are", "100 %", "", _auc(clean), "", "", _auc(held_out) if held_out else "", "", ""]
        rows.append([result["detector"], *cells])
        rows += [[result["detector"], *_media_row(row)] for row in result["media"]]
    return {
        "title": "Files encoded again",
        "columns": [
            *("detector", "files", "size", "faces lost in", "AUC", "drop", "lost as .5: AUC, drop"),
            *("AUC, methods held out", "score of reals", "reals called fake"),
        ],
        "rows": rows,
    }


def _media_row(row: Result) -> list[str]:
    statuses, filled = row["statuses"], row["lost_as_chance"]
    reasons = ", ".join(f"{statuses[name]} {name}" for name in statuses if name != "ok" and statuses[name])
    return [
        row["title"],
        f"{100 * row['size']:.0f} %",
        f"{sum(statuses.values()) - statuses['ok']} of {sum(statuses.values())}" + (f" ({reasons})" if reasons else ""),
        _auc(row["auc"]),
        wording.difference(row["drop"]),
        f"{_auc(filled['auc'])}, {wording.difference(filled['drop'])}" if filled else "none lost",
        _auc(row["held_out"]) if row["held_out"] else "",
        wording.interval(row["reals"]["change"], signed=True),
        _called(row["reals"]),
    ]


def _drop_table(results: Sequence[Result]) -> dict[str, Any]:
    return _by_strength(
        results, "Crops perturbed: drop of AUC, weakest first", lambda row: wording.difference(row["drop"])
    )


def _reals_table(results: Sequence[Result]) -> dict[str, Any]:
    title = "Crops perturbed: change of reals' scores, and reals called fake"
    return _by_strength(
        results, title, lambda row: f"{wording.interval(row['reals']['change'], signed=True)}; {_called(row['reals'])}"
    )


def _by_strength(results: Sequence[Result], title: str, cell: Any) -> dict[str, Any]:  # noqa: ANN401 (row to text)
    rows = []
    for result in results:
        for name, kind in perturbations().items():
            of_kind = sorted((r for r in result["crops"] if r["perturbation"] == name), key=lambda r: r["strength"])
            cells = [f"{row['value']:g}: {cell(row)}" for row in of_kind]
            clean = _auc(result["clean"]["crops"])
            rows.append([result["detector"], clean, f"{kind.title} ({kind.unit})", *cells])
    columns = ["detector", "AUC, clean", "perturbation", *(f"strength {n}" for n in range(1, STRENGTHS + 1))]
    return {"title": title, "columns": columns, "rows": rows}


def _compression_table(results: Sequence[Result]) -> dict[str, Any]:
    rows = [
        [result["detector"], row["compression"], _numbers_of(row["auc"]), _auc(row["auc"])]
        for result in results
        for row in result["compression"]
    ]
    return {
        "title": "Files as they are, by compression",
        "columns": ["detector", "compression", "videos", "AUC"],
        "rows": rows,
    }


def _auc(auc: Result) -> str:
    """Return value and interval, or why it has none."""
    if auc["value"] is None:
        return f"undefined (n = {_numbers_of(auc)})"
    if auc["low"] is None:
        return f"{auc['value']:.3f} ({auc['no_interval']})" if auc["no_interval"] else f"{auc['value']:.3f}"
    return f"{auc['value']:.3f} [{auc['low']:.3f}, {auc['high']:.3f}]"


def _numbers_of(auc: Result) -> str:
    return f"{auc['real']} real, {auc['fake']} fake"


def _called(reals: Result) -> str:
    """Return the shares of reals called fake before and after."""
    if reals["called_fake"] is None:
        return "no reals"
    return f"{100 * reals['called_fake_before']:.0f} → {100 * reals['called_fake']:.0f} % of {reals['samples']}"

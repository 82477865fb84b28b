"""Tables and sentences of the section on ablations."""

from typing import Any

from fakefocus import wording
from fakefocus.metrics.comparison import holm
from fakefocus.pipelines.ablation.measuring import MEASURES
from fakefocus.plotting import MINUS


def is_retrained(result: dict[str, Any]) -> bool:
    """Return whether variants were trained again; otherwise streams were switched off."""
    return bool(result["kind"] == "retrained")


def how(result: dict[str, Any]) -> str:
    """Return in words on what a table stands."""
    on = f"{result['videos']} test videos of {result['groups']} groups of people (split {result['split_hash'][:8]})"
    held_out = f"; held out: {', '.join(result['held_out'])}" if result["held_out"] else "; no method is held out"
    seeds = ", ".join(map(str, result["seeds"]))
    if is_retrained(result):
        way = f"trained for {_epochs(result['epochs'])} ({result['epoch_share']:g} of the recipe's) with seeds {seeds}"
    else:
        way = f"streams of the trained detector switched off (seed {seeds}): the interval is about this one detector"
    intervals = f"{result['confidence']:.0%} intervals: {result['interval']}"
    return f"{result['detector']}: {way}; {on}{held_out}. {intervals}.{_without_interval(result)}{_sources(result)}"


def _without_interval(result: dict[str, Any]) -> str:
    """Say why differences have no interval, each reason once."""
    cells = [row["measured"][measure] for row in result["variants"] for measure in MEASURES]
    reasons = sorted({cell["no_interval"] for cell in cells if cell["no_interval"]})
    return f" Where a difference stands alone: {'; '.join(reasons)}." if reasons else ""


def _sources(result: dict[str, Any]) -> str:
    """Return what is published where, each source once."""
    claims = [claim for row in result["variants"] for claim in row["claims"]]
    by_source: dict[str, dict[str, None]] = {}
    for claim in claims:
        by_source.setdefault(claim["source"], {})[MEASURES[claim["measure"]]] = None
    texts = [f"{' and '.join(measures)}: {source}" for source, measures in by_source.items()]
    return f" Published claims: {'; '.join(texts)}." if texts else ""


def table(result: dict[str, Any]) -> dict[str, Any]:
    """Return what each change does, beside what was published."""
    retrained = is_retrained(result)
    verdicts = _verdicts(result)
    columns = ["change", *(["parameters"] if retrained else []), *MEASURES.values(), "published", "shown"]
    unchanged = [
        "unchanged",
        *([f"{result['unchanged']['parameters']:,}"] if retrained else []),
        *(wording.spread(result["unchanged"]["values"][measure]) for measure in MEASURES),
        *("", ""),
    ]
    rows = [
        [
            row["title"],
            *([f"{row['parameters']:,}"] if retrained else []),
            *(_difference(row["measured"][measure]) for measure in MEASURES),
            "; ".join(_published(claim, row["measured"]) for claim in row["claims"]) or "no claim",
            verdict,
        ]
        for row, verdict in zip(result["variants"], verdicts, strict=True)
    ]
    way = "trained again, differences to the unchanged" if retrained else "streams switched off at inference"
    return {"title": f"{result['detector']}: {way}", "columns": columns, "rows": [unchanged, *rows]}


def each_seed(result: dict[str, Any]) -> dict[str, Any]:
    """Return the AUCs of each training."""
    shown = {measure: title for measure, title in MEASURES.items() if measure.endswith(".auc")}
    columns = ["detector", *(f"{title}, seed {seed}" for title in shown.values() for seed in result["seeds"])]
    whole = {"title": "unchanged", "values": result["unchanged"]["values"]}
    rows = [
        [row["title"], *(wording.number(value) for measure in shown for value in row["values"][measure])]
        for row in [whole, *result["variants"]]
    ]
    return {"title": f"{result['detector']}: each training", "columns": columns, "rows": rows}


def _verdicts(result: dict[str, Any]) -> list[str]:
    """Return what each row shows, in words, after Holm over all intervals of the table."""
    cells = [
        (place, measure, row["measured"][measure])
        for place, row in enumerate(result["variants"])
        for measure in MEASURES
        if row["measured"][measure]["p"] is not None
    ]
    adjusted = holm([cell["p"] for _, _, cell in cells])
    words: list[list[str]] = [[] for _ in result["variants"]]
    for (place, measure, cell), p in zip(cells, adjusted, strict=True):
        if p is not None and p < 1 - result["confidence"] and _excludes_zero(cell):
            words[place].append(f"{MEASURES[measure]}: {'higher' if cell['low'] > 0 else 'lower'}")
    return ["; ".join(row) or "nothing" for row in words]


def _excludes_zero(cell: dict[str, Any]) -> bool:
    """Return whether the interval excludes 0, and that of the bootstrap over seeds and people if there is one."""
    ends = [(cell["low"], cell["high"]), (cell.get("bootstrap_low"), cell.get("bootstrap_high"))]
    return all(low * high > 0 for low, high in ends if low is not None and high is not None)


def _published(claim: dict[str, Any], measured: dict[str, Any]) -> str:
    low, high = claim["low"], claim["high"]
    points = _points(low) if low == high else f"{_points(low)} to {_points(high)}"
    cell = measured[claim["measure"]]
    text = f"{MEASURES[claim['measure']]}: {points}"
    if cell["low"] is None:
        return text
    inside = cell["low"] <= high and low <= cell["high"]
    return f"{text}, {'within' if inside else 'outside'} the interval"


def _difference(cell: dict[str, Any]) -> str:
    if cell["difference"] is None:
        return "undefined"
    if cell["low"] is None:
        return _points(cell["difference"])
    return f"{_points(cell['difference'])} [{_points(cell['low'])}, {_points(cell['high'])}]"


def _points(share: float) -> str:
    """Return a difference in points of a hundred, with its sign."""
    return f"{100 * share:{'+.2f' if abs(share) < 0.01 else '+.1f'}}".replace("-", MINUS)


def _epochs(count: int) -> str:
    return f"{count} epoch" + ("s" if count > 1 else "")

"""How often a detector is wrong, in words: what was measured on the videos of its card."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from fakefocus import wording
from fakefocus.prediction.detectors import Detector

RESULTS = "results.json"
_USUAL, _HARD = "c23", "c40"
_UNALTERED = "as they are, "
_UNKNOWN = (
    "How often it is wrong was not measured: a detector that was released (kedro run --pipelines=release) has that "
    "beside it.",
)


def rates_in_words(detector: Detector) -> tuple[str, ...]:
    """Return some sentences on false alarms and on what is caught, with 95 % intervals over people.

    They are what ``results.json`` beside the detector says; without it, that nothing was measured.
    """
    file = detector.folder / RESULTS
    if not file.is_file():
        return _UNKNOWN
    results = json.loads(file.read_text(encoding="utf-8"))
    measured = [row for row in results["edits"] if row["called_fake"]["value"] is not None]
    edits = {row["edit"]: row["called_fake"] for row in measured}
    whole = [row for row in results["methods"] if not row["method"] and row["caught"]["value"] is not None]
    caught = {row["compression"]: row for row in whole}
    return (*_false_alarms(edits, results["people"]), *_caught(caught), _where(detector, results["people"]))


def _where(detector: Detector, count: int) -> str:
    people, dataset = f"{count} people whom it had not seen", detector.contract.dataset
    side = f"clips that were made from {dataset} of" if dataset == "portraits" else f"the test side of {dataset},"
    return (
        f"All of that was measured on {side} {people}; how it does on a deepfake that is not among these, or that "
        "somebody else made, is not known."
    )


def _false_alarms(edits: Mapping[str, Mapping[str, Any]], people: int) -> list[str]:
    usual, hard = (edits.get(f"{_UNALTERED}{compression}") for compression in (_USUAL, _HARD))
    edited = {name: rate for name, rate in edits.items() if not name.startswith(_UNALTERED)}
    parts = []
    if usual is not None:
        parts.append(f"{_percent(usual)} as they are")
    if edited:
        worst = max(edited, key=lambda name: edited[name]["value"])
        parts.append(f"{_percent(edited[worst])} after the edit that misleads it most ({worst})")
    if hard is not None:
        parts.append(f"{_percent(hard)} compressed hard ({_HARD})")
    return [f"Of real clips of {people} people it calls fake {_listed(parts)}."] if parts else []


def _caught(rows: Mapping[str, Mapping[str, Any]]) -> list[str]:
    names = {_USUAL: "of fakes of usual compression", _HARD: f"of those compressed hard ({_HARD})"}
    parts = [f"{_percent(rows[name]['caught'])} {of}" for name, of in names.items() if name in rows]
    if not parts:
        return []
    missed = rows[_USUAL]["verdicts"]["real"] if _USUAL in rows else None
    more = "" if missed is None else f"; {100 * missed:.0f} % of the usual ones are called real, the others uncertain"
    return [f"It calls fake {_listed(parts)}{more}."]


def _percent(rate: Mapping[str, Any]) -> str:
    share = wording.percent(rate["value"])
    if rate["low"] is None:
        return share
    return f"{share} [{100 * rate['low']:.0f}, {100 * rate['high']:.0f}]"


def _listed(parts: Sequence[str]) -> str:
    return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else parts[0]

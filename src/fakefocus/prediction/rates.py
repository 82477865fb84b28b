"""How often a detector is wrong, in words: what was measured on the videos of its card."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from fakefocus import wording
from fakefocus.prediction.detectors import Detector

Rate = Mapping[str, float | None]
"""A share with ``value``, ``low`` and ``high``."""
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
    edits = {row["edit"]: row["called_fake"] for row in results["edits"]}
    caught = {row["compression"]: row for row in results["methods"] if not row["method"]}
    people = f"{results['people']} people whom it had not seen"
    where = _WHERE.get(detector.contract.dataset, f"the test side of {detector.contract.dataset}, {people}")
    return (
        *_false_alarms(edits, results["people"]),
        *_caught(caught),
        _MEASURED.format(where=where.format(people=people)),
    )


_MEASURED = (
    "All of that was measured on {where}; how it does on a deepfake that is not among these, or that somebody else "
    "made, is not known."
)
_WHERE = {"portraits": "clips that were made from portraits of {people}"}
"""What the test side of a data set is, where its name does not say it."""


def _false_alarms(edits: Mapping[str, Rate], people: int) -> list[str]:
    usual, hard = (edits.get(f"{_UNALTERED}{compression}") for compression in (_USUAL, _HARD))
    edited = {
        name: rate for name, rate in edits.items() if not name.startswith(_UNALTERED) and rate["value"] is not None
    }
    parts = []
    if usual is not None:
        parts.append(f"{_percent(usual)} as they are")
    if edited:
        worst = max(edited, key=lambda name: edited[name]["value"] or 0.0)
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


def _percent(rate: Rate) -> str:
    share = wording.percent(rate["value"])
    if rate["low"] is None or rate["high"] is None:
        return share
    return f"{share} [{100 * rate['low']:.0f}, {100 * rate['high']:.0f}]"


def _listed(parts: Sequence[str]) -> str:
    return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else parts[0]

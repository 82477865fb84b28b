"""What the report says of each detector, and what its controls say of it."""

from typing import Any

from fakefocus.models import families
from fakefocus.pipelines.reporting.figures import Judged
from fakefocus.plotting import OTHER_COLOURS
from fakefocus.schemas import judged_scope


def as_figures_show(summaries: dict[str, Any]) -> list[Judged]:
    """Return summaries as figures show them: seeds are told apart where a family has several."""
    others: dict[str, str] = {}
    detectors = []
    for place, summary in summaries.items():
        contract = summary["contract"]
        family = families().get(contract["family"])
        colour = (
            family.colour
            if family
            else others.setdefault(contract["family"], OTHER_COLOURS[len(others) % len(OTHER_COLOURS)])
        )
        detectors.append(Judged(detector_name(place, contract), colour, contract["labels"] != "true", summary))
    return detectors


def detector_name(place: str, contract: dict[str, Any]) -> str:
    """Return a detector's name as people write it; of one that was trained with a seed of its own, with the seed."""
    seeded = "seed_" in place
    return f"{contract['name']}, seed {contract['training']['seed']}" if seeded else str(contract["name"])


def detectors_of(summaries: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the page says of each detector; what its control says of it, where there is one."""
    controls = {
        (summary["contract"]["family"], summary["contract"]["labels"]): metrics[judged_scope(metrics)]
        for summary in summaries.values()
        for metrics in [summary["metrics"]]
    }
    return [_detector(name, summary, controls) for name, summary in summaries.items()]


def _detector(place: str, summary: dict[str, Any], controls: dict[tuple[str, str], Any]) -> dict[str, Any]:
    contract, metrics = summary["contract"], summary["metrics"]
    of_scope, control = metrics[judged_scope(metrics)], controls.get((contract["family"], "shuffled"))
    return {
        "name": detector_name(place, contract),
        "is_control": contract["labels"] != "true",
        "parameters": summary["parameters"],
        "contract": contract,
        "metrics": metrics,
        "overlap": summary["overlap"],
        "coverage": summary["coverage"],
        "calibration": summary["calibration"],
        "control": control,
        "untrained": controls.get((contract["family"], "none")),
        "judged": of_scope,
        "elsewhere": contract["dataset"] != summary["dataset"],
        "learns": None if of_scope["auc"]["low"] is None else of_scope["auc"]["low"] > 0.5,
        "control_holds": _contains_chance(control) if control and not _why_unread(control, contract) else None,
        "control_unread": _why_unread(control, contract) if control else "",
        "untrained_tells": _tells(controls.get((contract["family"], "none"))),
    }


def _tells(untrained: dict[str, Any] | None) -> bool | None:
    """Return whether an untrained network tells fakes from reals; None without a verdict."""
    if untrained is None or untrained["auc"]["low"] is None:
        return None
    return not _contains_chance(untrained)


def _contains_chance(metrics: dict[str, Any]) -> bool:
    return bool(metrics["auc"]["low"] <= 0.5 <= metrics["auc"]["high"])


def _why_unread(control: dict[str, Any], contract: dict[str, Any]) -> str:
    """Return why a control says nothing; empty where it does."""
    if contract["training"]["fakes"] == "self_blended":
        return "who blends real faces reads no label that could be shuffled"
    return str(control["no_interval"])


def is_short(coverage: dict[str, Any]) -> bool:
    """Return whether fewer test videos have a score than the evaluation asks for."""
    return coverage["share"] is not None and coverage["share"] < coverage["least"]

"""What a report holds: its contents, its first words, and what has not been run for it."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple


class NotRun(NamedTuple):
    """A protocol without a section: what it would say, and the command."""

    title: str
    command: str


PROTOCOLS = {
    "explanation": "what the detectors look at, and whether that can be trusted",
    "robustness": "what compression, noise and platforms do to the scores",
    "adversarial": "how small a change turns a verdict",
    "ablation": "what each part of a detector is worth",
    "coadaptation": "whether streams learn the same",
    "leave_one_out": "each method of fakes, by a detector that has not seen it",
    "cross_dataset": "the matrix of training and test data sets",
    "tta": "whether the mean over views of a face is better",
    "efficiency": "parameters, operations, milliseconds, memory",
    "reproduce": "published numbers beside these",
    "release": "a card and small weights to give away",
    "compare": "all runs of this data set that the store of MLflow holds, compared",
}
"""What each protocol adds to a report; ``judge`` writes none."""
PARTS = {
    "verdict": "Do the detectors tell real from fake?",
    "data": "The data",
    "audit": "Leakage audit",
    "training": "Training",
    "results": "Test results in detail",
}
"""Parts in front of the sections of protocols, by the address within the page."""


def contents(sections: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the titles of all parts of a report by their addresses."""
    own = {section["protocol"]: section["title"] for section in sections}
    return PARTS | own | {"not-run": "What has not been run", "provenance": "Provenance"}


def not_run(sections: Sequence[Mapping[str, Any]], options: str) -> list[NotRun]:
    """Return the protocols that have no section here, with their commands.

    Args:
        sections: Those that there are, each with its ``protocol``: its name, or that behind a family's.
        options: What each command has to repeat; see `options_of`.
    """
    there = [section["protocol"] for section in sections]
    return [
        NotRun(what, f"kedro run{options} --pipelines={name}")
        for name, what in PROTOCOLS.items()
        if not any(protocol == name or protocol.endswith(f"_{name}") for protocol in there)
    ]


def options_of(experiment_note: Mapping[str, Any], experiment: str, dataset: str, trained_on: str) -> str:
    """Return the options of a command that is about the same experiment: its environment and parameters.

    Args:
        experiment_note: What made the experiment: ``environment`` and ``changed`` parameters; empty where the user
            named it, who then says the environment.
        experiment: Its name: the data set's where nobody says another; one that has a note is found by what it notes.
        dataset: Name of the data set.
        trained_on: Name of the experiment that the detectors are of: the same where nobody says another.
    """
    names = {"trained_on": (trained_on, experiment)}
    names |= {} if experiment_note else {"experiment": (experiment, dataset)}
    environment = experiment_note.get("environment", "<yours>" if not experiment_note else "local")
    changed = dict(experiment_note.get("changed", {}))
    changed |= {name: value for name, (value, default) in names.items() if value != default}
    chosen = "" if environment in ("local", "base") else f" --env={environment}"
    parameters = ",".join(f"{name}={value}" for name, value in changed.items())
    return chosen + (f" --params={parameters}" if parameters else "")


def first_words(detectors: Sequence[Mapping[str, Any]], comparisons: Sequence[Mapping[str, Any]]) -> list[str]:
    """Say which detector has the highest AUC, and whether it is shown to be better than each other.

    Args:
        detectors: Those that are no controls: ``name``, and ``judged`` with ``auc``.
        comparisons: Of each two of them, with ``first``, ``second``, ``difference`` and ``better``.
    """
    defined = [detector for detector in detectors if detector["judged"]["auc"]["value"] is not None]
    if not defined:
        return ["No detector has an AUC here: one of both classes is missing on the test side."]
    best = max(defined, key=lambda detector: detector["judged"]["auc"]["value"])
    auc = best["judged"]["auc"]
    ends = "" if auc["low"] is None else f" [{auc['low']:.3f}, {auc['high']:.3f}]"
    words = [f"{best['name']} has the highest AUC of test videos: {auc['value']:.3f}{ends}."]
    of_best = [pair for pair in comparisons if best["name"] in (pair["first"], pair["second"])]
    beaten = [_other(pair, best["name"]) for pair in of_best if pair["better"] == best["name"]]
    level = [_other(pair, best["name"]) for pair in of_best if pair["better"] != best["name"]]
    if beaten:
        words.append(f"It is shown to be better than {' and '.join(beaten)} on the videos that both scored.")
    if level:
        words.append(f"That it is better than {' and '.join(level)} is not shown.")
    return words


def _other(pair: Mapping[str, Any], name: str) -> str:
    return str(pair["second"] if pair["first"] == name else pair["first"])

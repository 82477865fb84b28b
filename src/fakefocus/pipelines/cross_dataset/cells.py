"""The cells of a suite: a detector of one experiment on the test side of one, and what has to be run for it."""

import shlex
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from fakefocus.datasets.experiments import StoredExperiments
from fakefocus.errors import InputError
from fakefocus.models import families, main_families
from fakefocus.models.fitting import trained_otherwise
from fakefocus.parameters import Suite, Tested, Trained
from fakefocus.parameters.cross_dataset import Words


class Cell(NamedTuple):
    """A ``detector`` of ``trained`` on ``tested``."""

    trained: Trained
    detector: str
    tested: Tested

    @property
    def name(self) -> str:
        """How messages call it."""
        return f"{self.detector} of {self.trained.experiment} on {self.tested.experiment}"


class Missing(NamedTuple):
    """A cell without a result, why, and which steps make it, of `_ORDER`."""

    cell: Cell
    reason: str
    steps: tuple[str, ...]


_ORDER = ("data to train on", "data", "split", "train", "evaluate")


def read_cells(stored: StoredExperiments, suite: Suite) -> list[tuple[Cell, dict[str, Any]]]:
    """Return every cell of a suite with its ``summary.json``.

    Raises:
        InputError: If any is missing, of another split or of a detector that was trained again since; names all of
            them, and the commands that make them.
    """
    cells = cells_of(suite)
    missing = [one for cell in cells if (one := _missing(stored, cell)) is not None]
    if missing:
        lines = [f"suite {suite.name}: {len(missing)} of {len(cells)} results are missing:"]
        lines += [f"  {one.cell.name}: {one.reason}" for one in missing]
        raise InputError("\n".join([*lines, "run, in this order:", *(f"  {text}" for text in commands(missing))]))
    summaries = [stored.summary(c.trained.experiment, c.tested.experiment, c.detector) for c in cells]
    return [(cell, summary) for cell, summary in zip(cells, summaries, strict=True) if summary is not None]


def cells_of(suite: Suite) -> list[Cell]:
    """Return all cells: detector by detector, set by set."""
    return [
        Cell(trained, detector, tested)
        for trained in suite.trained
        for detector in (main_families() if trained.detectors is None else trained.detectors)
        for tested in suite.tested
    ]


def commands(missing: Sequence[Missing]) -> list[str]:
    """Return the commands that make missing cells, each once, in the order in which they can be run."""
    return list(dict.fromkeys(text for step in _ORDER for text in _commands_of(step, missing)))


def _missing(stored: StoredExperiments, cell: Cell) -> Missing | None:
    trained, tested = cell.trained.experiment, cell.tested.experiment
    contract = stored.contract(trained, cell.detector)
    steps: list[str] = []
    reasons: list[str] = []
    if contract is None:
        reasons.append("the detector was never trained")
        steps += ["train"] if stored.split(trained) is not None else ["data to train on", "train"]
    split = stored.split(tested)
    if not stored.has_faces(cell.tested.data):
        reasons.append(f"the data set {cell.tested.data} was never preprocessed")
        steps += ["data", "split"]
    elif split is None:
        reasons.append(f"the data set {cell.tested.data} was never split")
        steps.append("split")
    if not reasons:
        reason = _outdated(stored.summary(trained, tested, cell.detector), contract or {}, split or {})
        reasons += [reason] if reason else []
    return Missing(cell, " and ".join(reasons), (*steps, "evaluate")) if reasons else None


def _outdated(summary: dict[str, Any] | None, contract: dict[str, Any], split: dict[str, Any]) -> str:
    """Return why a result cannot be used; empty where it can."""
    if summary is None:
        return "it was never judged"
    if summary["split_hash"] != split["hash"]:
        return f"it was judged on another split ({summary['split_hash']}, that of today is {split['hash']})"
    changed = trained_otherwise(contract, summary["contract"])
    return f"it was judged before the detector was trained again ({', '.join(changed)} differ)" if changed else ""


def _commands_of(step: str, missing: Sequence[Missing]) -> list[str]:
    concerned = [one.cell for one in missing if step in one.steps]
    if step == "data to train on":
        return [_command(c.trained.env, ["--pipelines=data,split", _params(c.trained.params)]) for c in concerned]
    if step == "train":
        return [_train(cell, concerned) for cell in concerned]
    if step == "evaluate":
        return [text for cell in concerned for text in _evaluate(cell, concerned)]
    # a split comes with the data where both are missing
    with_data = [one.cell for one in missing if "data" in one.steps]
    if step == "data":
        return [_on_set(cell.tested, "data,split") for cell in concerned]
    return [_on_set(cell.tested, "split") for cell in concerned if cell not in with_data]


def _train(cell: Cell, concerned: Sequence[Cell]) -> str:
    same = [c.detector for c in concerned if c.trained == cell.trained and _lineage(c) == _lineage(cell)]
    options = [f"--pipelines={_TRAINED_BY[_lineage(cell)]}", _namespaces(same)]
    return _command(cell.trained.env, [*options, _params(cell.trained.params)])


def _evaluate(cell: Cell, concerned: Sequence[Cell]) -> list[str]:
    trained, tested = cell.trained, cell.tested
    own = trained.experiment == tested.experiment
    same = [c for c in concerned if (c.trained, c.tested) == (trained, tested) and _lineage(c) == _lineage(cell)]
    words = trained.params if own else _words(tested) | {"trained_on": trained.experiment}
    options = [_JUDGED_BY[_lineage(cell)], _namespaces(c.detector for c in same), _params(words)]
    return [_command(trained.env if own else tested.env, options)]


def _on_set(tested: Tested, pipelines: str) -> str:
    return _command(tested.env, [f"--pipelines={pipelines}", _params(_words(tested))])


def _words(tested: Tested) -> Words:
    return tested.params if tested.data_root is None else {"data_root": tested.data_root, **tested.params}


_TRAINED_BY = {"main": "train", "baseline": "baselines", "seed": "seeds", "baseline_seed": "baseline_seeds"}
"""Pipelines by the kind of a detector; those of baselines and seeds judge as well."""
_JUDGED_BY = {
    "main": "--pipelines=evaluate",
    **{name: f"--pipelines={pipeline} --tags=evaluation" for name, pipeline in _TRAINED_BY.items() if name != "main"},
}


def _lineage(cell: Cell) -> str:
    """Return the kind of a detector, by its name: ``scade_net``, ``meso4``, ``scade_net.seed_3``."""
    family, _, variant = cell.detector.partition(".")
    baseline = family in families() and families()[family].baseline
    if variant.startswith("seed_"):
        return "baseline_seed" if baseline else "seed"
    return "baseline" if baseline else "main"


def _namespaces(detectors: Iterable[str]) -> str:
    return "--namespaces=" + ",".join(dict.fromkeys(detectors))


def _params(words: dict[str, Any]) -> str:
    return (
        "--params=" + shlex.quote(",".join(f"{name}={_text(value)}" for name, value in words.items())) if words else ""
    )


def _text(value: Any) -> str:  # noqa: ANN401 (a word of a suite file)
    return str(value).lower() if isinstance(value, bool) else str(value)


def _command(env: str | None, options: Iterable[str]) -> str:
    return " ".join(filter(None, ["kedro run", f"--env {env}" if env else "", *options]))

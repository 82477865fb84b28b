"""The name of an experiment: the data set's, with what the command line changes of its environment."""

import hashlib
import re
from collections.abc import Iterator, Mapping
from typing import Any

NOT_TRAINING = frozenset(
    {
        *("dataset", "data_root", "experiment", "trained_on", "face_weights", "mlflow_run_id", "hf"),
        *("attributes", "evaluation", "reporting", "ingestion", "reproduce", "robustness", "suite"),
        *("suite_plan", "leave_one_out", "efficiency", "explanation", "ablation", "ablations", "adversarial", "tta"),
        *("judge", "scores", "release"),
    }
)
"""Groups and names whose change makes no other experiment."""
_MACHINERY = frozenset({"num_workers", "devices", "num_nodes", "accelerator", "strategy", "compile"})
"""How a training is run, under ``<family>.training``: not what it is."""
_LONGEST = 60


def differences(changed: Mapping[str, Any], environment: Mapping[str, Any]) -> dict[str, Any]:
    """Return what makes another experiment, by dotted path.

    Args:
        changed: What the command line gives, nested.
        environment: The parameters without it.
    """
    return {
        ".".join(path): value
        for path, value in sorted(_leaves(changed))
        if path[0] not in NOT_TRAINING and not _is_machinery(path) and _look_up(environment, path) != value
    }


def experiment_name(dataset: str, changed: Mapping[str, Any], environment: Mapping[str, Any]) -> str:
    """Return ``demo``, or ``demo-fold1``, ``demo-seed4``, ``portraits-self_blended``: what differs from an environment.

    A data set that is only tested on says so, whether its environment or the command line has it.

    Args:
        dataset: The data set's name.
        changed: What the command line gives, nested.
        environment: The parameters without it.
    """
    differing = {tuple(path.split(".")): value for path, value in differences(changed, environment).items()}
    strategy = ("feature_split", "strategy")
    if differing.get(strategy, _look_up(environment, strategy)) == "test_only":
        differing[strategy] = "test_only"
    texts = list(dict.fromkeys(_text(path, value) for path, value in sorted(differing.items())))
    if ("feature_split", "folds") in differing:
        fold = differing.pop(("feature_split", "fold"), _look_up(environment, ("feature_split", "fold")) or 0)
        folds = differing.pop(("feature_split", "folds"))
        texts = [f"fold{fold}" if folds == 5 else f"fold{fold}of{folds}"]
        texts += list(dict.fromkeys(_text(path, value) for path, value in sorted(differing.items())))
    suffix = "-".join(texts)
    if len(suffix) > _LONGEST:
        digest = hashlib.sha256(repr(sorted(differing.items())).encode()).hexdigest()[:6]
        suffix = f"{suffix[:_LONGEST].rstrip('-')}-{digest}"
    return f"{dataset}-{suffix}" if suffix else dataset


def _text(path: tuple[str, ...], value: Any) -> str:  # noqa: ANN401 (whatever configuration holds)
    """Return a change in a word: ``self_blended``, ``seed4``, ``epochs24``, ``compile`` or ``no_compile``."""
    name = path[-1]
    if isinstance(value, bool):
        return name if value else f"no_{name}"
    if isinstance(value, str):
        return _safe(value.rsplit("/", 1)[-1])
    if value is None:
        return f"no_{name}"
    if isinstance(value, list | tuple):
        return _safe(name + "_" + "_".join(map(str, value))) if value else f"no_{name}"
    return _safe(f"{name}{value}")


def _safe(text: str) -> str:
    return re.sub(r"[^\w.]+", "_", text).strip("._") or "changed"


def _leaves(values: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, (*above, str(name)))
        else:
            yield (*above, str(name)), value


def _look_up(values: Mapping[str, Any], path: tuple[str, ...]) -> Any:  # noqa: ANN401
    for name in path:
        if not isinstance(values, Mapping) or name not in values:
            return None
        values = values[name]
    return values


def _is_machinery(path: tuple[str, ...]) -> bool:
    return len(path) == 3 and path[1] == "training" and path[2] in _MACHINERY

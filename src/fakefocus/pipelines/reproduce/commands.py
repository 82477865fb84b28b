"""Which commands make a result that is not there yet."""

from collections.abc import Sequence

from fakefocus.models import find_family
from fakefocus.parameters import Data, PublishedResult

NO_DATA = "cannot be run: its data are not to be had"
_DEFAULT = "identity"
"""The strategy that the environments of published data sets have: naming it makes no other experiment."""


def commands_for(result: PublishedResult, trained: Sequence[str]) -> list[str]:
    """Return the commands, in order, that train and judge what a published result is of.

    Args:
        result: The published result.
        trained: Experiments of its family that were trained on its data set already, as its environment names it.

    Returns:
        None of them where the data are not to be had. In ``<…>`` stands what only a user knows.
    """
    train, test = result.trained_on, result.tested_on
    if train.dataset is None or test.dataset is None:
        return []
    here = train.dataset == test.dataset
    if trained:
        steps, experiment = [], trained[0]
        if here:
            return [_judge(result.family, train.dataset, [f"experiment={experiment}"])]
    else:
        steps, experiment = _train(result.family, train), experiment_of(train)
    return steps if here else [*steps, *_test_elsewhere(result.family, test, experiment)]


def experiment_of(data: Data) -> str:
    """Return how the experiment of a data set and its strategy is called, unless it is given another name."""
    return str(data.dataset) if data.strategy == _DEFAULT else f"{data.dataset}-{data.strategy}"


def _train(family: str, data: Data) -> list[str]:
    root = [f"data_root=<folder of {data.title}>", *_strategy(data)]
    if not find_family(family).baseline:
        return [_run(data.dataset, "data,split,train,evaluate", root)]
    options = [f"--namespaces={family}"]
    return [_run(data.dataset, "data,split", root), _run(data.dataset, "baselines", _strategy(data), options)]


def _test_elsewhere(family: str, data: Data, trained_on: str) -> list[str]:
    params = [*_strategy(data), f"trained_on={trained_on}"]
    root = [f"data_root=<folder of {data.title}>"]
    return [_run(data.dataset, "data,split", [*root, *params]), _judge(family, data.dataset, params)]


def _judge(family: str, dataset: str | None, params: Sequence[str]) -> str:
    if not find_family(family).baseline:
        return _run(dataset, "evaluate", params)
    return _run(dataset, "baselines", params, ["--tags=evaluation", f"--namespaces={family}"])


def _strategy(data: Data) -> list[str]:
    return [] if data.strategy == _DEFAULT else [f"feature_split.strategy={data.strategy}"]


def _run(dataset: str | None, pipelines: str, params: Sequence[str], options: Sequence[str] = ()) -> str:
    words = ["kedro run", f"--env {dataset}", f"--pipelines={pipelines}", *options]
    return " ".join([*words, *([f"--params={','.join(params)}"] if params else [])])

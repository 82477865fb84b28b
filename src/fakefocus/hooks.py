"""What happens around nodes: parameters are checked first, each detector gets its own MLflow run."""

import hashlib
import json
import os
import tempfile
import warnings
from collections.abc import Generator, Iterator
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import pandas as pd
from click import ClickException
from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node
from matplotlib.figure import Figure
from pydantic import BaseModel, ValidationError

from fakefocus.datasets.aside import is_disk_full
from fakefocus.datasets.commit import git_commit
from fakefocus.datasets.detector import Detector
from fakefocus.datasets.parallel import read_executor
from fakefocus.parameters import Parameters
from fakefocus.schemas import SAMPLE_COLUMNS, InputError


class PlainErrors:
    """Shows a user's mistake as one message instead of a trace through our code."""

    @hook_impl(trylast=True)
    def on_pipeline_error(self, error: Exception) -> None:
        """Raise what the user needs to read, where the cause is an ``InputError`` or a full disk."""
        cause: BaseException | None = error
        while cause is not None and not isinstance(cause, InputError) and not is_disk_full(cause):
            cause = cause.__cause__
        if isinstance(cause, InputError):
            raise RefusedInputError(str(cause)) from error
        if cause is not None:
            msg = f"{error}\nThe disk is full: free space and run again; what is finished is kept"
            raise RefusedInputError(msg) from error


class RefusedInputError(ClickException, ValueError):
    """An ``InputError`` as the command line shows it."""


class ParameterError(ClickException, ValueError):
    """Parameters that cannot be meant; its text names place, value and remedy."""


class CheckParameters:
    """Stops a run whose parameters hold a typo or an impossible value, before the first node."""

    @hook_impl(tryfirst=True)
    def after_context_created(self, context: KedroContext) -> None:
        """Check all parameters of the environment and of ``--params``, and where jobs run."""
        check_executor(context.config_loader["globals"].get("executor"))
        self._parameters = check_parameters(context.config_loader["parameters"])

    @hook_impl(tryfirst=True)
    def before_pipeline_run(self, pipeline: Pipeline) -> None:
        """Check names that only timm knows, where they are needed: timm takes a second to import."""
        trained = {node.namespace.partition(".")[0] for node in pipeline.nodes if node.short_name == "train"}
        if not trained:
            return
        from fakefocus.models.build import check_backbones

        try:
            for family in sorted(trained):
                check_backbones(family, getattr(self._parameters, family).network.model_dump())
        except InputError as error:
            raise RefusedInputError(str(error)) from None


class OneWriter:
    """Lets the first of several processes that a launcher started write and track; the others train along.

    torchrun and SLURM start the whole command once a device.
    """

    @hook_impl(tryfirst=True)
    def after_context_created(self) -> None:
        """Give other processes a tracking store of their own, which goes with them."""
        if launched_rank() > 0:
            self._scratch = tempfile.TemporaryDirectory()
            os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{self._scratch.name}/mlflow.db"

    @hook_impl(tryfirst=True)
    def before_pipeline_run(self, pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Keep what other processes make in memory."""
        if launched_rank() > 0:
            for name in pipeline.all_outputs():
                catalog[name] = MemoryDataset()


def launched_rank() -> int:
    """Return the number of this process among those that torchrun or SLURM started; 0 without a launcher."""
    return int(os.environ.get("RANK", os.environ.get("SLURM_PROCID", "0")))


def check_executor(given: dict[str, Any] | None) -> None:
    """Check where jobs run.

    Raises:
        RefusedInputError: If a key of ``globals.yml`` is unknown, or a value cannot be meant.
    """
    try:
        read_executor(given)
    except InputError as error:
        msg = f"globals.yml: {error}"
        raise RefusedInputError(msg) from None


def check_parameters(given: dict[str, Any]) -> Parameters:
    """Return the checked parameters.

    Raises:
        ParameterError: With one line a mistake: the place, the rule, the value, and the near miss of a name.
    """
    try:
        return Parameters.model_validate(given)
    except ValidationError as error:
        raise ParameterError("\n".join(["parameters:", *map(_mistake, error.errors())])) from None


def _mistake(error: Any) -> str:  # noqa: ANN401 (pydantic's ErrorDetails is a private name)
    place = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        near = get_close_matches(str(error["loc"][-1]), _names(error["loc"][:-1]), n=1)
        return f"  {place}: unknown (value {error['input']!r})" + (f", did you mean {near[0]!r}?" if near else "")
    if error["type"] == "missing":
        return f"  {place}: missing; see conf/base"
    return f"  {place}: {error['msg'].removeprefix('Value error, ')}, got {error['input']!r}"


def _names(place: tuple[Any, ...]) -> list[str]:
    model: type[BaseModel] = Parameters
    for part in place:
        model = model.model_fields[part].annotation  # type: ignore[assignment]
    return list(model.model_fields)


class FamilyRuns:
    """Gives each detector (a namespace) a child run with parameters, metrics, figures, model and tags.

    kedro-mlflow opens the parent run; epoch metrics come from the training node through Lightning.
    """

    def __init__(self) -> None:
        """Start without runs."""
        self._children: dict[str, str] = {}
        self._inside = False
        self._parameters: dict[str, Any] = {}

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Keep the parameters that child runs show."""
        self._children, self._inside = {}, False
        self._parameters = dict(context.config_loader["parameters"])

    @hook_impl(wrapper=True)
    def before_node_run(self, node: Node, inputs: dict[str, Any]) -> Generator[None, Any, Any]:
        """Open the node's child run, after kedro-mlflow has opened the parent."""
        self._leave("FINISHED")
        result = yield
        if node.namespace and _tracking():
            self._enter(node.namespace, inputs)
        return result

    @hook_impl
    def after_node_run(self, node: Node, outputs: dict[str, Any]) -> None:
        """Log the detector itself and how it was judged."""
        if not self._inside or not node.namespace:
            return
        import mlflow

        for name, value in outputs.items():
            if name.endswith(".metrics"):
                mlflow.log_metrics(flat_metrics(value))
                mlflow.log_dict(value, "metrics.json")
            elif name.endswith(".model"):
                log_detector(node.namespace, value)

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any) -> None:  # noqa: ANN401 (any node's output)
        """Log figures to the run that is open: the detector's, or the parent."""
        if isinstance(data, Figure) and _tracking():
            import mlflow

            mlflow.log_figure(data, f"figures/{dataset_name}.png", save_kwargs={"dpi": 160})

    @hook_impl(tryfirst=True)
    def after_pipeline_run(self) -> None:
        """Close the last child run."""
        self._leave("FINISHED")

    @hook_impl(tryfirst=True)
    def on_pipeline_error(self) -> None:
        """Mark the child run that failed."""
        self._leave("FAILED")

    def _enter(self, namespace: str, inputs: dict[str, Any]) -> None:
        import mlflow

        known = self._children.get(namespace)
        run = mlflow.start_run(run_id=known, run_name=None if known else namespace, nested=True)
        self._children[namespace], self._inside = run.info.run_id, True
        if known is None:
            chosen = {k: v for k, v in self._parameters.items() if k in _SHARED}
            chosen |= family_parameters(self._parameters, namespace)
            mlflow.log_params(dict(flattened(chosen)))
            mlflow.set_tags({"family": namespace, "git_commit": git_commit()})
        for value in inputs.values():
            if isinstance(value, pd.DataFrame) and set(SAMPLE_COLUMNS) <= set(value.columns):
                mlflow.set_tags(sample_tags(value))

    def _leave(self, status: str) -> None:
        if self._inside:
            import mlflow

            mlflow.end_run(status)
            self._inside = False


def family_parameters(parameters: dict[str, Any], namespace: str) -> dict[str, Any]:
    """Return the parameters of the family that a namespace belongs to, under its name, with the namespace's seed."""
    family, _, rest = namespace.partition(".")
    told: dict[str, Any] = parameters[family]
    if rest.startswith("seed_"):
        told = told | {"training": told["training"] | {"seed": int(rest.removeprefix("seed_"))}}
    return {family: told}


_COMPARED = ("auc", "ap", "eer", "accuracy", "f1")
_SHARED = ("preprocessing", "defocus", "feature_split", "evaluation", "dataset")


def flattened(values: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield ``a.b.c`` and the value for each leaf of nested dictionaries."""
    for key, value in values.items():
        if isinstance(value, dict):
            yield from flattened(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def flat_metrics(metrics: dict[str, Any]) -> dict[str, float]:
    """Return what runs are compared by: every value, and the interval of the AUC; the rest is in metrics.json.

    Undefined values are left out.
    """
    judged = {scope: metrics[scope] for scope in ("video", "face", "held_out") if scope in metrics}
    values = {f"test.{scope}.{name}": told[name]["value"] for scope, told in judged.items() for name in _COMPARED}
    for scope, told in judged.items():
        values |= {f"test.{scope}.auc_{end}": told["auc"][end] for end in ("low", "high")}
    values |= {f"test.{method}.auc": told["auc"]["value"] for method, told in metrics["by_method"].items()}
    return {name: value for name, value in values.items() if value is not None}


def sample_tags(samples: pd.DataFrame) -> dict[str, str]:
    """Return hashes of the data and of the split, so that runs on the same of both can be told."""
    videos = samples.drop_duplicates("video_id").sort_values("video_id")
    return {
        "data_fingerprint": _digest(videos["fingerprint"].tolist()),
        "split_hash": _digest(videos[["video_id", "split"]].to_numpy().tolist()),
    }


def log_detector(name: str, model: dict[str, Any]) -> None:
    """Log a detector as an MLflow model with its signature: batches of samples in, probabilities out."""
    import mlflow
    import numpy as np
    from mlflow.models import ModelSignature
    from mlflow.types import Schema, TensorSpec

    architecture = model["architecture"]
    told = architecture["input"]
    chans, side = len(told["channels"]), told["img_size"]
    signature = ModelSignature(
        inputs=Schema([TensorSpec(np.dtype(np.float32), (-1, chans, side, side))]),
        outputs=Schema([TensorSpec(np.dtype(np.float32), (-1,))]),
    )
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        # the signature says more than an example of a million numbers would
        warnings.filterwarnings("ignore", message=".*input example was not provided")
        Detector(filepath=folder).save(model)
        mlflow.pyfunc.log_model(
            name=name.replace(".", "_"),
            python_model=str(Path(__file__).with_name("inference.py")),
            artifacts={"detector": folder},
            signature=signature,
            pip_requirements=[],
        )


def _tracking() -> bool:
    import mlflow

    return mlflow.active_run() is not None


def _digest(values: list[Any]) -> str:
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:16]

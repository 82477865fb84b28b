"""Each detector gets its own MLflow run."""

import hashlib
import json
import re
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog
from kedro.pipeline.node import Node
from matplotlib.figure import Figure

from fakefocus.datasets.champion import ALIAS
from fakefocus.datasets.commit import git_commit
from fakefocus.datasets.detector_folder import DetectorFolder
from fakefocus.hooks.interrupted import process_tags
from fakefocus.hooks.plain_errors import RefusedInputError
from fakefocus.metrics.weighted import all_metrics
from fakefocus.models import find_family
from fakefocus.schemas import SAMPLE_COLUMNS
from fakefocus.stages import detector_of


class FamilyRuns:
    """Gives each detector (a namespace) a child run with parameters, metrics, figures, model and tags.

    kedro-mlflow opens the parent run; epoch metrics come from the training node through Lightning.
    """

    def __init__(self) -> None:
        """Start without runs."""
        self._children: dict[str, str] = {}
        self._inside = False
        self._logged: set[tuple[str, str, str]] = set()
        self._parameters: dict[str, Any] = {}
        self._catalog = DataCatalog()

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Keep the parameters that child runs show."""
        self._children, self._inside = {}, False
        self._parameters = dict(context.config_loader["parameters"])

    @hook_impl
    def before_pipeline_run(self, catalog: DataCatalog) -> None:
        """Keep the catalog, whose figures are logged."""
        self._catalog = catalog

    @hook_impl(wrapper=True)
    def before_node_run(self, node: Node, inputs: dict[str, Any]) -> Generator[None, Any, Any]:
        """Open the node's child run, after kedro-mlflow has opened the parent."""
        self._leave("FINISHED")
        result = yield
        if tracking():
            if detector_of(node.namespace):
                self._enter(detector_of(node.namespace), inputs)
            self._log_data(inputs)
        return result

    @hook_impl
    def after_node_run(self, node: Node, outputs: dict[str, Any]) -> None:
        """Log the detector itself and how it was judged; what compares several detectors goes to the parent."""
        if not tracking():
            if outputs.get("champion"):
                msg = "champion: no run of MLflow is open, so that nothing can be registered: run it with kedro-mlflow"
                raise RefusedInputError(msg)
            return
        import mlflow

        for value in outputs.values():
            if isinstance(value, dict) and {"protocol", "tracked"} <= value.keys():
                _log_protocol(value)
        if outputs.get("champion"):
            register_champion(outputs["champion"], self._parameters["preprocessing"])
        if not self._inside or not detector_of(node.namespace):
            return
        for name, value in outputs.items():
            if name.endswith("_summary"):
                mlflow.log_metrics(flat_metrics(value["metrics"]))
                mlflow.log_dict(value, "summary.json")
            elif name.endswith(".model"):
                log_detector(detector_of(node.namespace), value, self._parameters["preprocessing"])

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any) -> None:  # noqa: ANN401 (any node's output)
        """Log figures and sections to the run that is open: the detector's, or the parent."""
        if not tracking():
            return
        import mlflow

        if isinstance(data, Figure):
            _log_figure(dataset_name, data, self._catalog.load(dataset_name))
        elif dataset_name.endswith("_section"):
            mlflow.log_dict(data, f"sections/{dataset_name.removesuffix('_section')}.json")

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

        child = self._children.get(namespace)
        experiment = str(self._parameters["experiment"])
        run_name = None if child else f"{experiment}: {namespace}"
        # processor, memory and GPU while a detector is trained; elsewhere they would say nothing
        training = any(name.endswith("checkpoints") for name in inputs)
        run = mlflow.start_run(run_id=child, run_name=run_name, nested=True, log_system_metrics=training)
        self._children[namespace], self._inside = run.info.run_id, True
        if child is None:
            chosen = {k: v for k, v in self._parameters.items() if k in _SHARED}
            contract = next(
                (v["contract"] for name, v in inputs.items() if name.endswith((".model", "_summary"))), None
            )
            # a detector that was trained elsewhere is shown with what trained it, not with this environment's recipe
            own = family_parameters(self._parameters, namespace) if contract is None else contract_parameters(contract)
            chosen |= own
            mlflow.log_params(dict(flattened(chosen)))
            tags = {"family": namespace, "experiment": experiment, "git_commit": git_commit()}
            mlflow.set_tags(tags | process_tags())

    def _log_data(self, inputs: dict[str, Any]) -> None:
        """Log the samples that a node sees to the run that is open."""
        import mlflow

        for value in inputs.values():
            if isinstance(value, pd.DataFrame) and set(SAMPLE_COLUMNS) <= set(value.columns):
                mlflow.set_tags(sample_tags(value))
                self._log_sides(value)

    def _log_sides(self, samples: pd.DataFrame) -> None:
        """Log what each side holds as data sets of the run that is open, each once."""
        import mlflow

        run_id = mlflow.active_run().info.run_id
        for side in sorted(set(samples["split"])):
            videos = samples[samples["split"] == side].drop_duplicates("video_id").sort_values("video_id")
            shown = videos[["video_id", "method", "identity"]].assign(
                label=videos["label"].map({0: "real", 1: "fake"}), method=videos["method"].replace("", "none")
            )
            digest = _digest([videos["fingerprint"].tolist(), videos["label"].tolist()])
            if (run_id, side, digest) not in self._logged:
                self._logged.add((run_id, side, digest))
                data = mlflow.data.from_pandas(shown, name=str(self._parameters["dataset"]), digest=digest)
                mlflow.log_input(data, context=side)

    def _leave(self, status: str) -> None:
        if self._inside:
            import mlflow

            mlflow.end_run(status)
            self._inside = False


def _log_figure(name: str, figure: Figure, stored: Figure | bytes) -> None:
    """Log a figure to the run that is open: the file that was saved, as to draw it again takes as long."""
    import mlflow

    if not isinstance(stored, bytes):
        mlflow.log_figure(figure, f"figures/{name}.png")
        return
    with tempfile.TemporaryDirectory() as folder:
        picture = Path(folder) / f"{name}.png"
        picture.write_bytes(stored)
        mlflow.log_artifact(str(picture), "figures")


def family_parameters(parameters: dict[str, Any], namespace: str) -> dict[str, Any]:
    """Return the parameters of the family that a namespace belongs to, under its name, with the namespace's seed.

    A variant's are with what it changes.
    """
    family, _, variant = namespace.partition(".")
    options: dict[str, Any] = parameters[family]
    kind, _, name = variant.partition(".")
    if kind == "ablation":
        name, _, seed = name.rpartition("_seed_")
        changes, share = parameters["ablations"][family][name], parameters["ablation"]["epoch_share"]
        whole = find_family(family).options.model_validate(options)
        options = whole.trained_as(changes, int(seed), share).model_dump(mode="json")
    if variant in parameters["seeds"]:
        options = options | {"training": options["training"] | {"seed": parameters["seeds"][variant]}}
    return {family: options}


def contract_parameters(contract: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters that a detector was trained with, under its family's name."""
    return {contract["family"]: {name: contract[name] for name in ("network", "loss", "training")}}


_MOST_FRAMES = 10_000
"""Where a project knows no limit."""
_SCOPES = ("video", "track", "face", "held_out")
_SHARED = (
    *("preprocessing", "defocus", "feature_split", "evaluation"),
    *("dataset", "experiment", "trained_on", "recipe"),
)


def flattened(values: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield ``a.b.c`` and the value for each leaf of nested dictionaries."""
    for key, value in values.items():
        if isinstance(value, dict):
            yield from flattened(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def flat_metrics(metrics: dict[str, Any]) -> dict[str, float]:
    """Return what runs are compared by: every value, and the interval of the AUC; the others are in summary.json.

    Undefined values are left out.
    """
    scopes = {scope: metrics[scope] for scope in _SCOPES if scope in metrics}
    values = {
        f"test.{scope}.{name}": values[name]["value"]
        for scope, values in scopes.items()
        for name in all_metrics()
        if name in values
    }
    for scope, of_scope in scopes.items():
        values |= {f"test.{scope}.auc_{end}": of_scope["auc"][end] for end in ("low", "high")}
    values |= {f"test.{method}.auc": of_one["auc"]["value"] for method, of_one in metrics["by_method"].items()}
    return {_metric_name(name): value for name, value in values.items() if value is not None}


def _metric_name(name: str) -> str:
    """Return a name that MLflow takes: names of methods and experiments may hold what it refuses."""
    return re.sub(r"[^A-Za-z0-9_./ -]", "_", name)


def sample_tags(samples: pd.DataFrame) -> dict[str, str]:
    """Return hashes of the data and of the split, so that runs on the same of both can be told."""
    videos = samples.drop_duplicates("video_id").sort_values("video_id")
    return {
        "data_fingerprint": _digest(videos["fingerprint"].tolist()),
        "split_hash": _digest(videos[["video_id", "split"]].to_numpy().tolist()),
    }


def log_detector(
    name: str, model: dict[str, Any], preprocessing: dict[str, Any], registered: str | None = None
) -> int | None:
    """Log a detector as an MLflow model that answers of files.

    Args:
        name: Of the detector.
        model: Its ``contract`` and ``weights``.
        preprocessing: How the project samples clips: what the model does where it is not asked otherwise.
        registered: Name of a registered model that gets a version of it.

    Returns:
        The number of that version.
    """
    import mlflow

    from fakefocus.prediction.packaging import model_arguments

    with tempfile.TemporaryDirectory() as folder:
        DetectorFolder(filepath=f"{folder}/detector").save(model)
        defaults = {
            "every": int(preprocessing["sampling"]["every"]),
            "max_frames": int(preprocessing["sampling"]["max_frames"] or _MOST_FRAMES),
            "min_face_size": int(preprocessing["detection"]["min_face_size"]),
            "faces": "main" if preprocessing["faces_per_video"] == 1 else "all",
        }
        arguments = model_arguments(Path(folder) / "detector", Path(folder) / "code", defaults)
        logged = mlflow.pyfunc.log_model(name=name.replace(".", "_"), registered_model_name=registered, **arguments)
    version = logged.registered_model_version
    return None if version is None else int(version)


def register_champion(champion: dict[str, Any], preprocessing: dict[str, Any]) -> None:
    """Register a detector as the version of its data set's model that has the alias champion, with what it beat."""
    import mlflow

    comparison = champion["comparison"]
    registered = comparison["registered_model"]
    version = str(log_detector(comparison["candidate"], champion["model"], preprocessing, registered))
    client = mlflow.MlflowClient()
    shown = ("candidate", "reason", "auc", "former_auc", "former_version", "videos", "groups", "tried", "confidence")
    for name in shown:
        client.set_model_version_tag(registered, version, name, str(comparison[name]))
    for name in ("difference", "low", "high", "p"):
        if comparison["comparison"] is not None:
            client.set_model_version_tag(registered, version, name, str(comparison["comparison"][name]))
    client.set_registered_model_alias(registered, ALIAS, version)


def _log_protocol(result: dict[str, Any]) -> None:
    """Log what a protocol measured to the run that is open."""
    import mlflow

    prefix = result["protocol"]
    mlflow.log_metrics({_metric_name(f"{prefix}.{name}"): number for name, number in result["tracked"].items()})
    mlflow.log_dict(result, f"{prefix}.json")


def tracking() -> bool:
    """Return whether a run of MLflow is open."""
    import mlflow

    return mlflow.active_run() is not None


def _digest(values: list[Any]) -> str:
    return hashlib.sha256(json.dumps(values).encode()).hexdigest()[:16]

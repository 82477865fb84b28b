"""The MLflow run of a whole command: its name, what came of it, and how it ended."""

import atexit
import logging
import os
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl

from fakefocus.hooks.interrupted import kill_dead_runs, kill_own_runs, process_tags
from fakefocus.hooks.tracking import flat_metrics, tracking
from fakefocus.schemas import judged_scope

_SOME_NODES = ("tags", "node_names", "from_nodes", "to_nodes", "from_inputs", "to_outputs", "only_missing_outputs")
"""Options of ``kedro run`` that leave nodes out."""
_log = logging.getLogger(__name__)


class ParentRun:
    """Names the run that kedro-mlflow opens, and gives it report, tables and the best detector's metrics.

    A run that was interrupted is marked as killed: at once where Python still ends in order, else by the next command
    on the same computer. Runs that were open before the command are left as they are.
    """

    def __init__(self) -> None:
        """Start without a run."""
        self._context: KedroContext | None = None
        self._others = self._resumed = False
        self._open: tuple[str, str, str] | None = None

    @hook_impl(tryfirst=True)
    def after_context_created(self, context: KedroContext) -> None:
        """Look whether a run is open already, before kedro-mlflow does; end those of an interrupted cell."""
        import mlflow

        self._context, self._resumed = context, "MLFLOW_RUN_ID" in os.environ
        active = mlflow.active_run()
        if active is not None:
            with _only_warned():
                _end_own(mlflow.get_tracking_uri(), active.info.experiment_id)
        self._others = mlflow.active_run() is not None

    @hook_impl(trylast=True)
    def before_pipeline_run(self, run_params: dict[str, Any]) -> None:
        """Name the run, after kedro-mlflow has opened it, and close those that died."""
        import mlflow

        run = mlflow.active_run()
        if run is None or self._others or self._context is None:
            return
        self._open = mlflow.get_tracking_uri(), run.info.experiment_id, run.info.run_id
        atexit.register(self._interrupted)
        with _only_warned():
            mlflow.set_tags(process_tags())
            if not self._resumed and _is_unnamed(self._context):
                experiment = str(self._context.config_loader["parameters"]["experiment"])
                mlflow.set_tag("mlflow.runName", run_name(experiment, run_params))
            kill_dead_runs(mlflow.MlflowClient(), run.info.experiment_id)

    @hook_impl
    def after_node_run(self, inputs: dict[str, Any], outputs: dict[str, Any]) -> None:
        """Log how the best detector did, to the run of all."""
        if not (tracking() and "comparisons" in outputs and "summaries" in inputs):
            return
        best = best_detector(inputs["summaries"])
        if best:
            import mlflow

            metrics = flat_metrics(inputs["summaries"][best]["metrics"])
            mlflow.log_metrics({f"best.{name}": value for name, value in metrics.items()})
            mlflow.set_tag("best_detector", best)

    @hook_impl
    def after_dataset_saved(self, dataset_name: str, data: Any) -> None:  # noqa: ANN401 (any node's output)
        """Log the report, its tables and cards."""
        if not tracking():
            return
        import mlflow

        if dataset_name == "report":
            mlflow.log_text(data, "report.html")
        elif dataset_name in ("tables", "cards"):
            for name, text in data.items():
                mlflow.log_text(text, f"{dataset_name}/{name}")

    @hook_impl(wrapper=True)
    def after_pipeline_run(self) -> Generator[None, Any, Any]:
        """Close what kedro-mlflow leaves open: it opens its run again at each node, and closes it once."""
        try:
            return (yield)
        finally:
            opened = self._over()
            if opened is not None:
                with _only_warned():
                    _pop({opened[2]}, "FINISHED")

    @hook_impl
    def on_pipeline_error(self) -> None:
        """Leave the ending to kedro-mlflow, which says that the run failed."""
        self._over()

    def _over(self) -> tuple[str, str, str] | None:
        """Return the run that was open: store, experiment and id."""
        opened, self._open = self._open, None
        atexit.unregister(self._interrupted)
        return opened

    def _interrupted(self) -> None:
        """Mark the runs of a command that never came to its end as killed; MLflow would call them finished."""
        opened = self._over()
        if opened is not None:
            with _only_warned():
                _end_own(*opened[:2])


def _end_own(uri: str, experiment_id: str) -> None:
    """Mark the runs that this process keeps open as killed, and take all that it opened off the stack."""
    import mlflow

    client = mlflow.MlflowClient(uri)
    own = kill_own_runs(client, experiment_id)
    while (run := mlflow.active_run()) is not None and run.info.run_id in own:
        mlflow.end_run(client.get_run(run.info.run_id).info.status)


def _pop(run_ids: set[str], status: str) -> None:
    """End the active run as long as it is one of these."""
    import mlflow

    while (run := mlflow.active_run()) is not None and run.info.run_id in run_ids:
        mlflow.end_run(status)


@contextmanager
def _only_warned() -> Iterator[None]:
    """Let no server stop a command, or hide its error, that fails at what only makes runs easier to find."""
    import mlflow

    try:
        yield
    except mlflow.MlflowException as error:
        _log.warning("MLflow: a run could not be named, or an interrupted one not be marked: %s", error)


def _is_unnamed(context: KedroContext) -> bool:
    """Return whether a command's run is a new one to which nobody gave a name."""
    # kedro-mlflow puts its parameters there
    asked = context.mlflow.tracking.run  # type: ignore[attr-defined]
    return not (asked.id or asked.name)


def run_name(experiment: str, run_params: dict[str, Any]) -> str:
    """Return how people find the run of a command: by experiment, stages, and detectors if some were asked for."""
    stages = [name for name in run_params.get("pipeline_names") or [] if name not in ("__default__", "lineage")]
    some = any(run_params.get(option) for option in _SOME_NODES)
    parts = [", ".join(stages) or ("some nodes" if some else "all stages"), *(run_params.get("namespaces") or [])]
    return f"{experiment}: {', '.join(parts)}" + (" (some nodes)" if some and stages else "")


def best_detector(summaries: dict[str, Any]) -> str:
    """Return the detector with the highest AUC of test videos, negative controls aside; empty if none has an AUC."""
    aucs = {
        place: summary["metrics"][judged_scope(summary["metrics"])]["auc"]["value"]
        for place, summary in summaries.items()
        if summary["contract"]["labels"] == "true"
    }
    defined = {place: value for place, value in aucs.items() if value is not None}
    return max(defined, key=lambda place: defined[place], default="")

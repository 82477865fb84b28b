"""The MLflow run of a whole command: its name, what came of it, and how it ended."""

import atexit
import logging
import os
from typing import Any

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl

from fakefocus.hooks.interrupted import PLACE, PROCESS, kill_dead_runs, kill_own_runs, own_runs, process_tags
from fakefocus.hooks.tracking import flat_metrics, tracking
from fakefocus.schemas import judged_scope

_KIND, _ON_RUNS = "mlflow.experimentKind", "custom_model_development"
"""By this tag of an experiment MLflow's pages open on runs and their metrics, not on traces of language models."""
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
        self._others = False
        self._open: tuple[str, str, str] | None = None

    @hook_impl(tryfirst=True)
    def after_context_created(self, context: KedroContext) -> None:
        """Look whether a run is open already, before kedro-mlflow does; end that of an interrupted cell."""
        import mlflow

        self._interrupted()
        self._context, self._others = context, mlflow.active_run() is not None

    @hook_impl(trylast=True)
    def before_pipeline_run(self, run_params: dict[str, Any]) -> None:
        """Name the run, after kedro-mlflow has opened it, and close those that died."""
        import mlflow

        run = mlflow.active_run()
        if run is None or self._others or self._context is None:
            return
        self._open = mlflow.get_tracking_uri(), run.info.experiment_id, run.info.run_id
        atexit.register(self._interrupted)
        try:
            mlflow.set_tags(process_tags())
            if _is_unnamed(self._context):
                experiment = str(self._context.config_loader["parameters"]["experiment"])
                mlflow.set_tag("mlflow.runName", run_name(experiment, run_params))
            client = mlflow.MlflowClient()
            if _KIND not in client.get_experiment(run.info.experiment_id).tags:
                client.set_experiment_tag(run.info.experiment_id, _KIND, _ON_RUNS)
            kill_dead_runs(client, run.info.experiment_id)
        except mlflow.MlflowException as error:
            # a server may forbid what only makes runs easier to find
            _log.warning("MLflow: the run is tracked, but could not be named, or interrupted ones marked: %s", error)

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
        """Log the report and its tables."""
        if not tracking():
            return
        import mlflow

        if dataset_name == "report":
            mlflow.log_text(data, "report.html")
        elif dataset_name == "tables":
            for name, text in data.items():
                mlflow.log_text(text, f"tables/{name}")

    @hook_impl(trylast=True)
    def after_pipeline_run(self) -> None:
        """Close what kedro-mlflow left open: it opens its run again at each node, and closes it once."""
        self._over()

    @hook_impl(trylast=True)
    def on_pipeline_error(self) -> None:
        """Leave the ending to kedro-mlflow, which says that the run failed."""
        self._over()

    def _over(self) -> None:
        if self._open is None:
            return
        import mlflow

        uri, experiment, run_id = self._open
        self._open = None
        atexit.unregister(self._interrupted)
        client = mlflow.MlflowClient(uri)
        status = client.get_run(run_id).info.status
        _pop({run_id}, "FINISHED" if status == "RUNNING" else status)
        for run in client.search_runs([experiment], own_runs()):
            for tag in (PLACE, PROCESS):
                client.delete_tag(run.info.run_id, tag)

    def _interrupted(self) -> None:
        """Mark the runs of a command that never came to its end as killed; MLflow would call them finished."""
        if self._open is None:
            return
        import mlflow

        uri, experiment, _ = self._open
        _pop(kill_own_runs(mlflow.MlflowClient(uri), experiment), "KILLED")
        self._over()


def _pop(run_ids: set[str], status: str) -> None:
    """End the active run as long as it is one of these."""
    import mlflow

    while (run := mlflow.active_run()) is not None and run.info.run_id in run_ids:
        mlflow.end_run(status)


def _is_unnamed(context: KedroContext) -> bool:
    """Return whether a command's run is a new one to which nobody gave a name."""
    # kedro-mlflow puts its parameters there
    asked = context.mlflow.tracking.run  # type: ignore[attr-defined]
    return not (asked.id or asked.name or os.environ.get("MLFLOW_RUN_ID"))


def run_name(experiment: str, run_params: dict[str, Any]) -> str:
    """Return how people find the run of a command: by experiment, stages, and detectors if some were asked for."""
    stages = [name for name in run_params.get("pipeline_names") or [] if name != "__default__"]
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
    known = {place: value for place, value in aucs.items() if value is not None}
    return max(known, key=lambda place: known[place], default="")

"""The MLflow run of a whole command: its name, what came of it, and how it ended."""

import atexit
from typing import Any

from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl

from fakefocus.hooks.interrupted import PROCESS, kill_dead_runs, kill_own_runs, this_process
from fakefocus.hooks.tracking import flat_metrics, tracking

_KIND = ("mlflow.experimentKind", "custom_model_development")
"""By this tag MLflow's pages open on runs and their metrics, not on traces of language models."""


class ParentRun:
    """Names the run that kedro-mlflow opens, and gives it report, tables and the best detector's metrics.

    A run that was interrupted is marked as killed: at once where Python still ends in order, else by the next command
    on the same computer.
    """

    def __init__(self) -> None:
        """Start without a run."""
        self._experiment = ""
        self._open: tuple[str, str] | None = None

    @hook_impl
    def after_context_created(self, context: KedroContext) -> None:
        """Keep the name of the experiment."""
        self._experiment = str(context.config_loader["parameters"]["experiment"])

    @hook_impl(trylast=True)
    def before_pipeline_run(self, run_params: dict[str, Any]) -> None:
        """Name the run, after kedro-mlflow has opened it, and close those that died."""
        import mlflow

        run = mlflow.active_run()
        pipelines = run_params.get("pipeline_names") or ["__default__"]
        if run is None or run.info.run_name != "+".join(pipelines):
            # no tracking, or a run that somebody else opened and named
            return
        client = mlflow.MlflowClient()
        client.set_experiment_tag(run.info.experiment_id, *_KIND)
        kill_dead_runs(client, run.info.experiment_id)
        mlflow.set_tags({"mlflow.runName": run_name(self._experiment, run_params), PROCESS: this_process()})
        self._open = mlflow.get_tracking_uri(), run.info.experiment_id
        atexit.register(self._interrupted)

    @hook_impl
    def after_node_run(self, inputs: dict[str, Any], outputs: dict[str, Any]) -> None:
        """Log how the best detector did, to the run of all."""
        if tracking() and "comparisons" in outputs and "summaries" in inputs:
            import mlflow

            place, summary = best_detector(inputs["summaries"])
            mlflow.log_metrics({f"best.{name}": value for name, value in flat_metrics(summary["metrics"]).items()})
            mlflow.set_tag("best_detector", place)

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

    @hook_impl
    def after_pipeline_run(self) -> None:
        """Leave the ending to kedro-mlflow."""
        self._over()

    @hook_impl
    def on_pipeline_error(self) -> None:
        """Leave the ending to kedro-mlflow."""
        self._over()

    def _over(self) -> None:
        self._open = None
        atexit.unregister(self._interrupted)

    def _interrupted(self) -> None:
        """Mark the runs of this process as killed; MLflow would call them finished when Python ends."""
        if self._open is None:
            return
        import mlflow

        uri, experiment = self._open
        kill_own_runs(mlflow.MlflowClient(uri), experiment)
        while mlflow.active_run() is not None:
            mlflow.end_run("KILLED")


def run_name(experiment: str, run_params: dict[str, Any]) -> str:
    """Return how people find the run of a command: by experiment, stages, and detectors if some were asked for."""
    stages = [name for name in run_params.get("pipeline_names") or [] if name != "__default__"]
    parts = [", ".join(stages) or "all stages", *(run_params.get("namespaces") or [])]
    return f"{experiment}: {', '.join(parts)}"


def best_detector(summaries: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the detector with the highest AUC of test videos, negative controls aside, and its summary."""
    trained = {place: summary for place, summary in summaries.items() if summary["contract"]["labels"] == "true"}
    return max((trained or summaries).items(), key=lambda item: item[1]["metrics"]["video"]["auc"]["value"] or 0)

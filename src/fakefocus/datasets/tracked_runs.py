"""Detectors as the runs of an MLflow store judged them."""

import logging
from datetime import UTC, datetime
from typing import Any

from kedro.io import AbstractDataset, DatasetError

from fakefocus.schemas import SUMMARY_KEYS, SUMMARY_VERSION

_log = logging.getLogger(__name__)
_LOT = 1000
_SUMMARY = "summary.json"


class TrackedRuns(AbstractDataset[None, list[dict[str, Any]]]):
    """Loads every finished run of an MLflow experiment that judged a detector on a data set.

    A run is ``run_id``, ``started`` (ISO, UTC) and ``summary``, the newest first. Runs of other stores are
    asked for with ``MLFLOW_TRACKING_URI``. Runs without a summary, or of another version of it, are passed over.
    """

    def __init__(self, *, experiment: str, dataset: str, metadata: dict[str, Any] | None = None) -> None:
        """Create the dataset; ``experiment`` is MLflow's, ``dataset`` the one whose test side was judged."""
        self._experiment, self._dataset = experiment, dataset
        self.metadata = metadata

    def load(self) -> list[dict[str, Any]]:
        """Return the runs, read from the store."""
        import mlflow

        client = mlflow.MlflowClient()
        experiment = client.get_experiment_by_name(self._experiment)
        if experiment is None:
            return []
        runs: list[Any] = []
        token: str | None = None
        while token != "":
            page = client.search_runs(
                [experiment.experiment_id],
                "attributes.status = 'FINISHED' and tags.family LIKE '%'",
                order_by=["attributes.start_time DESC"],
                max_results=_LOT,
                page_token=token,
            )
            runs += page
            token = page.token or ""
        described = []
        for run in runs:
            if _SUMMARY not in {file.path for file in client.list_artifacts(run.info.run_id)}:
                continue
            summary = mlflow.artifacts.load_dict(f"runs:/{run.info.run_id}/{_SUMMARY}")
            if summary.get("version") != SUMMARY_VERSION or any(key not in summary for key in SUMMARY_KEYS):
                _log.warning("%s: its summary is of another version: passed over", run.info.run_name)
            elif summary["dataset"] == self._dataset:
                described.append({"run_id": run.info.run_id, "started": _begun(run), "summary": summary})
        return described

    def save(self, data: None) -> None:
        """Refuse: runs are written by what is run."""
        msg = "runs of the store are written by the commands that they are of"
        raise DatasetError(msg)

    def _describe(self) -> dict[str, Any]:
        return {"experiment": self._experiment, "dataset": self._dataset}


def _begun(run: Any) -> str:  # noqa: ANN401 (MLflow's)
    return datetime.fromtimestamp(run.info.start_time / 1000, UTC).isoformat(timespec="seconds")

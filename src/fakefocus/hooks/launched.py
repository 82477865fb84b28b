"""Several processes that a launcher started: the first one writes and tracks."""

import os
import tempfile

from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog, MemoryDataset
from kedro.pipeline import Pipeline

from fakefocus.training.launched import launched


class OneWriter:
    """Lets the first of several processes that a launcher started write and track; the others train along."""

    @hook_impl(tryfirst=True)
    def after_context_created(self) -> None:
        """Give other processes a tracking store of their own, which goes with them."""
        if _trains_along():
            self._scratch = tempfile.TemporaryDirectory()
            os.environ["MLFLOW_TRACKING_URI"] = f"sqlite:///{self._scratch.name}/mlflow.db"

    @hook_impl(tryfirst=True)
    def before_pipeline_run(self, pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Keep what other processes make in memory."""
        if _trains_along():
            for name in pipeline.all_outputs():
                catalog[name] = MemoryDataset()


def _trains_along() -> bool:
    place = launched()
    return place is not None and place.rank > 0

"""One way from a trained detector to scores, for MLflow models and whatever asks for a verdict.

MLflow logs this file as the model's code, so that nothing has to be pickled.
"""

from typing import Any

import numpy as np
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel, PythonModelContext

from fakefocus.datasets.detector import Detector


class TrackedDetector(PythonModel):
    """A detector as an MLflow model: ``(N, in_chans, H, W) float32`` in [0, 1] to probabilities of fake."""

    def load_context(self, context: PythonModelContext) -> None:
        """Put the network together from the logged safetensors."""
        from fakefocus.models.build import load_network

        model = Detector(filepath=context.artifacts["detector"]).load()
        self._network = load_network(model["architecture"], model["weights"])

    def predict(
        self, context: PythonModelContext, model_input: np.ndarray, params: dict[str, Any] | None = None
    ) -> np.ndarray:
        """Return ``(N,) float32`` in [0, 1]; .5 and above means fake."""
        import torch

        with torch.inference_mode():
            return np.asarray(torch.sigmoid(self._network(torch.from_numpy(np.asarray(model_input)))))


set_model(TrackedDetector())

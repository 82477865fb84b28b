"""One way from a trained detector to scores, for MLflow models and whatever asks for a verdict."""

from typing import Any

import numpy as np
from mlflow.pyfunc import PythonModel, PythonModelContext
from numpy.typing import NDArray

from fakefocus.datasets.detector import Detector


class TrackedDetector(PythonModel):
    """A detector as an MLflow model: ``(N, in_chans, H, W) float32`` in [0, 1] to probabilities of fake."""

    def load_context(self, context: PythonModelContext) -> None:
        """Put the network together from the logged safetensors."""
        from fakefocus.models.build import load_network

        model = Detector(filepath=context.artifacts["detector"]).load()
        self._network = load_network(model["architecture"], model["weights"])

    def predict(
        self, context: PythonModelContext, model_input: NDArray[np.float32], params: dict[str, Any] | None = None
    ) -> NDArray[np.float32]:
        """Return ``(N,)`` in [0, 1]; .5 and above means fake."""
        import torch

        with torch.inference_mode():
            return torch.sigmoid(self._network(torch.from_numpy(np.asarray(model_input)))).numpy()

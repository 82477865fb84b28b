"""A detector as an MLflow model. MLflow runs this file from the logged copy: nothing else imports it."""

from typing import Any

import numpy as np
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel, PythonModelContext

from fakefocus.datasets.detector_folder import DetectorFolder


class TrackedDetector(PythonModel):
    """Crops ``(N, H, W, 3) uint8, RGB``, made as the detector's contract says, to probabilities of fake ``(N,)``."""

    def load_context(self, context: PythonModelContext) -> None:
        """Put the detector together from the logged safetensors."""
        from fakefocus.inference import Scorer
        from fakefocus.models.contract import read_contract

        model = DetectorFolder(filepath=context.artifacts["detector"]).load()
        self._score = Scorer(read_contract(model["contract"]), model["weights"])

    def predict(
        self, context: PythonModelContext, model_input: np.ndarray, params: dict[str, Any] | None = None
    ) -> np.ndarray:
        """Return probabilities in [0, 1]; the contract holds the threshold from which they mean fake."""
        from functools import partial

        from fakefocus.inference import Crop

        crops = np.asarray(model_input, dtype=np.uint8)
        return self._score([partial(Crop, crop) for crop in crops]).astype(np.float32)


set_model(TrackedDetector())

"""A detector as an MLflow model that answers of files. MLflow runs the logged copy of this file: nothing imports it."""

from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel, PythonModelContext


class ServedDetector(PythonModel):
    """Files, in base64 or by their path, to answers, a row each: see `fakefocus.prediction.served`."""

    def load_context(self, context: PythonModelContext) -> None:
        """Find the logged detector."""
        import atexit

        from fakefocus.prediction.served import Answers

        self._answers = Answers(context.artifacts["detector"])
        atexit.register(self._answers.close)

    def close(self) -> None:
        """End the processes that look at files."""
        self._answers.close()

    def predict(
        self, context: PythonModelContext, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """Return an answer a row; ``params`` say how files are looked at, as the options of `fakefocus predict`."""
        return self._answers(model_input, params or {})


set_model(ServedDetector())

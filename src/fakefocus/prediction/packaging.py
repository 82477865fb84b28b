"""Packs a detector as an MLflow model: code, weights, signature, an example and pinned requirements."""

import base64
import shutil
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
from PIL import Image

from fakefocus.prediction.served import COLUMNS, CONTENT, PATH

_REQUIREMENTS = (
    *("mlflow", "pandas", "numpy", "torch", "timm", "openvino", "opencv-python-headless", "av", "pillow"),
    *("pydantic", "safetensors", "facenet-pytorch", "pebble", "platformdirs", "c2pa-python", "lap"),
)
"""What an answer needs; the code of this package comes with the model."""
_NUMBERS = ("score", "probability")


def model_arguments(detector: Path, code: Path, defaults: dict[str, str | int]) -> dict[str, Any]:
    """Return what ``mlflow.pyfunc.log_model`` and ``save_model`` are told.

    Args:
        detector: The folder with ``architecture.json`` and ``weights.safetensors``.
        code: A folder of its own, into which this package is copied; it is needed until the model is written.
        defaults: How files are looked at where a question does not say: names and values of `Options`.
    """
    package = Path(__file__).parents[1]
    # detectors that come with the package are not part of this one
    shutil.copytree(package, code / package.name, ignore=shutil.ignore_patterns("__pycache__", "*.safetensors"))
    return {
        "python_model": str(Path(__file__).with_name("served_model.py")),
        "artifacts": {"detector": str(detector)},
        "code_paths": [str(code / package.name)],
        "signature": _signature(defaults),
        "input_example": (_example(), {}),
        "pip_requirements": [f"{name}=={version(name)}" for name in _REQUIREMENTS],
    }


def _signature(defaults: dict[str, str | int]) -> Any:  # noqa: ANN401 (mlflow's)
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema

    answers = [ColSpec("double" if name in _NUMBERS else "string", name, required=False) for name in COLUMNS]
    kinds = {str: "string", int: "long"}
    params = [ParamSpec(name, kinds[type(value)], value) for name, value in defaults.items()]
    return ModelSignature(
        inputs=Schema([ColSpec("string", column, required=False) for column in (CONTENT, PATH)]),
        outputs=Schema(answers),
        params=ParamSchema(params),
    )


def _example() -> pd.DataFrame:
    """Return a question: a grey picture, which shows nobody."""
    buffer = BytesIO()
    Image.new("RGB", (64, 64), (128, 128, 128)).save(buffer, "JPEG")
    return pd.DataFrame({CONTENT: [base64.b64encode(buffer.getvalue()).decode()]})

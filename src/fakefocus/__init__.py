"""fakefocus: from face videos and images to trained, compared and explained deepfake detectors."""

import importlib
import os
import sys
import warnings

__version__ = "0.1.0"

os.environ.setdefault("KEDRO_DISABLE_TELEMETRY", "1")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
# OpenVINO reports each conversion of a network to its makers where it can import this, and asks nobody
sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]

warnings.filterwarnings("ignore", message="register_new_resolver")
warnings.filterwarnings("ignore", message="One or more dataset names contain")
# loky replaces a worker whose memory grew (MTCNN sees frames of many sizes) and says so; nothing is lost
warnings.filterwarnings("ignore", message="A worker stopped while some jobs were given to the executor")


def load_kedro_mlflow() -> None:
    """Load kedro-mlflow without MLflow's advice on a model class of kedro-mlflow's own.

    Kedro calls this at the start of its command line (entry point ``kedro.init``), and settings do elsewhere: before
    plugins are loaded. MLflow overrides any filter of warnings while it looks at the class, so that they are collected.
    """
    with warnings.catch_warnings(record=True):
        importlib.import_module("kedro_mlflow.mlflow")

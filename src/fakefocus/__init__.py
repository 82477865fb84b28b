"""fakefocus: from face videos and images to trained, compared and explained deepfake detectors."""

import os
import warnings

__version__ = "0.1.0"

os.environ.setdefault("KEDRO_DISABLE_TELEMETRY", "1")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("DO_NOT_TRACK", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
warnings.filterwarnings("ignore", message="register_new_resolver")
warnings.filterwarnings("ignore", message="One or more dataset names contain")
# loky replaces a worker whose memory grew (MTCNN sees frames of many sizes) and says so; nothing is lost
warnings.filterwarnings("ignore", message="A worker stopped while some jobs were given to the executor")

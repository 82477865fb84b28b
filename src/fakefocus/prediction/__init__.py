"""One answer from a file: whether a face in it looks manipulated, how sure that is, and on what evidence.

`Predictor` takes a clip or an image through the very code that training and evaluation take. Command line, web app,
served model and notebooks ask it; nothing here needs torch once the detector's graph is kept.
"""

from typing import TYPE_CHECKING, Any

from fakefocus.prediction.detectors import find_detector
from fakefocus.prediction.result import Options, Prediction

if TYPE_CHECKING:
    from fakefocus.prediction.predictor import Predictor

__all__ = ["Options", "Prediction", "Predictor", "find_detector"]


def __getattr__(name: str) -> Any:  # noqa: ANN401 (a module's attribute)
    """Import `Predictor`, and with it decoders and networks, only for those who ask for it."""
    if name != "Predictor":
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    from fakefocus.prediction.predictor import Predictor

    return Predictor

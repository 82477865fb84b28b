"""A page about one file that needs no other: what each detector answered, and what shows it."""

import base64
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from fakefocus.page import render
from fakefocus.prediction.explaining import Explanation, coloured, overlaid
from fakefocus.prediction.result import Prediction
from fakefocus.prediction.words import provenance_in_words

Picture = NDArray[np.uint8]
_QUALITY = 88


class Shown(NamedTuple):
    """An answer, what shows it (None where nobody is seen), and how often the detector is wrong, in words."""

    answer: Prediction
    explanation: Explanation | None
    rates: tuple[str, ...]


def answer_page(shown: Sequence[Shown]) -> str:
    """Return the page about a file, as each of some detectors answered it."""
    template = (files("fakefocus.prediction") / "answer.html").read_text("utf-8")
    filters: dict[str, Callable[..., Any]] = {
        "as_image": as_image,
        "coloured": coloured,
        "overlaid": overlaid,
        "in_words": provenance_in_words,
        "name_alone": _name_alone,
    }
    return render(template, filters, shown=shown)


def as_image(picture: Picture) -> str:
    """Return a picture ``(H, W, 3) uint8, RGB`` as the ``src`` of an image: a JPEG within the page."""
    _, encoded = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return f"data:image/jpeg;base64,{base64.b64encode(encoded.tobytes()).decode()}"


def _name_alone(file: str) -> str:
    """Return a file's name without its folders, which say more of a computer than a page that is passed on should."""
    return Path(file).name

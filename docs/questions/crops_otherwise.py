"""What becomes of a detector's numbers when faces are cut, turned, resized or coloured otherwise than it learned.

After ``make demo``: ``.venv/bin/python docs/questions/crops_otherwise.py data/06_models/demo/scade_net``. The detector
and the test faces are the same in each row; only the stored crops are changed, and defocus maps are made of what comes
out. Prints a table in Markdown: AUC of videos, reals and fakes at or above the detector's own threshold, each with its
95 % interval over identity groups. Methods that were held out of training are left out.
"""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fakefocus.datasets.stored_video import open_video
from fakefocus.inference import Crop, Scorer
from fakefocus.metrics.scores import summary
from fakefocus.prediction import find_detector

Picture = NDArray[np.uint8]
CROPS, SAMPLES = Path("data/03_primary/demo/face_crops"), Path("data/05_model_input/demo/samples.parquet")
MEASURES = ("auc", "specificity", "recall")


def smaller(image: Picture, shrink: int) -> Picture:
    """Make a picture half as large by one way of shrinking, and as large as it was."""
    height, width = image.shape[:2]
    half = cv2.resize(image, (width // 2, height // 2), interpolation=shrink)
    return np.asarray(cv2.resize(half, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


def tighter(image: Picture, margin: float) -> Picture:
    """Cut a crop of margin 0 out of one that has ``margin``."""
    side = image.shape[0]
    rest = round(side * (1 - 1 / (1 + margin)) / 2)
    middle = image[rest : side - rest, rest : side - rest]
    return np.asarray(cv2.resize(middle, (side, side), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


def turned(image: Picture, degrees: float) -> Picture:
    """Turn a crop about its middle."""
    side = image.shape[0]
    matrix = cv2.getRotationMatrix2D((side / 2, side / 2), degrees, 1)
    return np.asarray(cv2.warpAffine(image, matrix, (side, side), borderMode=cv2.BORDER_REPLICATE), dtype=np.uint8)


CHANGES: dict[str, Callable[[Picture], Picture]] = {
    "as they are": lambda image: image,
    "red and blue exchanged": lambda image: np.ascontiguousarray(image[..., ::-1]),
    "margin 0 in place of .3": partial(tighter, margin=0.3),
    "turned by 10 degrees": partial(turned, degrees=10),
    "half as large and back, averaged": partial(smaller, shrink=cv2.INTER_AREA),
    "half as large and back, every second pixel": partial(smaller, shrink=cv2.INTER_NEAREST),
}


def main(name: str) -> None:
    """Print the table of the detector in the folder ``name``."""
    detector = find_detector(name)
    contract = detector.contract
    samples = pd.read_parquet(SAMPLES)
    known = samples["method"].isin([*contract.methods, ""]) | (samples["label"] == 0)
    samples = samples[(samples["split"] == "test") & known].reset_index(drop=True)
    reads = [partial(_read, f, Path(c).name) for f, c in zip(samples["folder"], samples["crop"], strict=True)]
    scorer = Scorer(contract, detector.read_weights())
    rows = [f"| {contract.name} | AUC | reals called fake, % | fakes called fake, % |", "|---|---|---|---|"]
    for title, change in CHANGES.items():
        faces = samples.assign(score=scorer(reads, perturb=partial(_changed, change)))
        rows.append(f"| {title} | {' | '.join(_measured(faces, contract.threshold.value))} |")
    sys.stdout.write("\n".join(rows) + "\n")


def _read(folder: str, name: str) -> Crop:
    video = open_video(CROPS / folder, ".jpg")
    if video is None:
        msg = f"{CROPS / folder}: no crops are there, run make demo"
        raise FileNotFoundError(msg)
    return Crop(video.read(name))


def _changed(change: Callable[[Picture], Picture], image: Picture, _number: int) -> Picture:
    return change(image)


def _measured(faces: pd.DataFrame, threshold: float) -> list[str]:
    videos = faces.groupby("video_id").agg({"score": "mean", "label": "first", "group": "first"})
    measured = summary(
        videos["label"], videos["score"], videos["group"], threshold=threshold, confidence=0.95, only=MEASURES
    )
    area, kept, caught = (measured[name] for name in MEASURES)
    alarms = {"value": 1 - kept["value"], "low": 1 - kept["high"], "high": 1 - kept["low"]}
    return [
        f"{area['value']:.3f} [{area['low']:.3f}, {area['high']:.3f}]",
        *(f"{100 * m['value']:.0f} [{100 * m['low']:.0f}, {100 * m['high']:.0f}]" for m in (alarms, caught)),
    ]


if __name__ == "__main__":
    main(*sys.argv[1:])

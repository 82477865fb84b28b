"""Calibrates verdicts on validation videos, and counts them on test videos.

Limits are those of split conformal prediction (Angelopoulos & Bates 2021, https://arxiv.org/abs/2107.07511): of so many
scores alike, the next one is beyond the limit with a probability of at most what is promised.
"""

from math import ceil, floor

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fakefocus.errors import InputError
from fakefocus.metrics.calibration import fit_calibration
from fakefocus.metrics.videos import Aggregation, score_by_video
from fakefocus.models.contract import Verdict
from fakefocus.parameters import Release

VERDICTS = ("real", "uncertain", "fake")


def score_videos(faces: pd.DataFrame, by: str, aggregation: Aggregation) -> pd.DataFrame:
    """Score videos within each value of the column ``by``, with ``method`` and ``group`` of each."""
    parts = []
    for value, rows in faces.groupby(by):
        about = [name for name in ("method", "group") if name in rows]
        parts.append(score_by_video(rows, aggregation, about).reset_index().assign(**{by: str(value)}))
    return (
        pd.concat(parts, ignore_index=True)
        if parts
        else pd.DataFrame(columns=["video_id", "label", "score", by, "method", "group"])
    )


def calibrate(plain: pd.DataFrame, edited: pd.DataFrame, blends: pd.DataFrame, release: Release) -> Verdict:
    """Choose from which scores on a video is called fake, and below which real, and fit the temperature.

    Args:
        plain: Validation videos as they are: ``label``, ``method``, ``compression``, ``score``.
        edited: The real ones once an edit: ``edit``, ``score``.
        blends: Pseudo-fakes, which stand in where no video is fake: ``label``, ``compression``, ``score``.
        release: What is promised.

    Raises:
        InputError: If there are too few real videos, or no fake, on the side of validation.
    """
    reals, fakes, what = plain[plain["label"] == 0], plain[plain["label"] == 1], "fake ones"
    if fakes.empty:
        fakes, what = blends[blends["label"] == 1], "pseudo-fakes"
    sets = [rows["score"].to_numpy() for _, rows in (*reals.groupby("compression"), *edited.groupby("edit"))]
    fewest, needed = min((len(scores) for scores in sets), default=0), ceil(1 / release.false_alarms) - 1
    if fewest < needed or fakes.empty:
        msg = (
            f"release.false_alarms: to promise at most {release.false_alarms:g} on validation videos needs {needed} "
            f"real ones and some fake, there are {fewest} real and {len(fakes)} fake ones: give the side of validation "
            "more videos, or promise less (a larger release.false_alarms)"
        )
        raise InputError(msg)
    fake_from = max(_exceeded_by(scores, release.false_alarms) for scores in sets)
    hardly = fakes[fakes["compression"] == _usual(fakes)]["score"].to_numpy()
    real_below = min(1 - _exceeded_by(1 - hardly, release.missed), fake_from)
    scores = pd.concat([reals["score"], edited["score"], fakes["score"]])
    labels = np.repeat([0, 1], [len(reals) + len(edited), len(fakes)])
    fitted = fit_calibration(labels, scores, "temperature")
    return Verdict(
        temperature=1.0 if fitted is None else fitted["parameters"]["temperature"],
        real_below=real_below,
        fake_from=fake_from,
        source=(
            f"validation videos: at most {100 * release.false_alarms:g} % of {fewest} real ones at or above fake_from "
            f"after any one of {len(sets)} benign edits and compressions, at most {100 * release.missed:g} % of "
            f"{len(hardly)} {what} below real_below"
        ),
    )


def verdicts_of(scores: NDArray[np.float64], verdict: Verdict) -> dict[str, float]:
    """Return the share of scores that each of `VERDICTS` is given, in [0, 1]."""
    verdicts = np.array([verdict.of(float(score)) for score in scores])
    return {name: float((verdicts == name).mean()) for name in VERDICTS}


def _exceeded_by(scores: NDArray[np.float64], share: float) -> float:
    """Return what another score of this kind reaches with a probability of at most ``share``; 1 if they are too few."""
    ordered = np.sort(scores)[::-1]
    beyond = floor(share * (len(ordered) + 1) + 1e-9)
    return float(np.nextafter(ordered[beyond - 1], 2)) if beyond else 1.0


def _usual(videos: pd.DataFrame) -> str:
    """Return c23, or the only compression there is."""
    names = sorted(set(videos["compression"]))
    return "c23" if "c23" in names else str(names[0])

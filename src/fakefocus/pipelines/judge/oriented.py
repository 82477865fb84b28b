"""A detector's scores, high for fake: their scale, their threshold, and what stands for missing ones."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fakefocus.errors import InputError
from fakefocus.metrics.scores import equal_error_threshold
from fakefocus.pipelines.judge.protocol import SCORE


@dataclass(frozen=True)
class Oriented:
    """Scores of the rows of one detector, high for fake.

    Attributes:
        scores: ``(N,)``, NaN where there is none; in [0, 1] where ``probability``.
        labels: ``(N,)``, 0 or 1.
        groups: ``(N,)``.
        probability: Whether scores are probabilities.
        threshold: From which score on a row is called fake.
    """

    scores: NDArray[np.float64]
    labels: NDArray[np.int64]
    groups: NDArray[Any]
    probability: bool
    threshold: float = 0.5

    def at(self, chosen: NDArray[Any]) -> "Oriented":
        """Return some of the rows."""
        return replace(self, scores=self.scores[chosen], labels=self.labels[chosen], groups=self.groups[chosen])


def is_probability(scores: pd.Series, scale: str, name: str) -> bool:
    """Tell whether scores are probabilities.

    Raises:
        InputError: If they are said to be, and are not.
    """
    present = scores.dropna()
    inside = bool(present.between(0, 1).all())
    if scale == "probability" and not inside:
        outside = present[~present.between(0, 1)]
        msg = (
            f"judge.scale: {len(outside)} scores of {name} are no probability in [0, 1], such as {outside.iloc[0]:g}: "
            "say any, or mend them"
        )
        raise InputError(msg)
    return inside and scale != "any"


def orient(rows: pd.DataFrame, name: str, polarity: str, *, probability: bool) -> Oriented:
    """Return scores that are high for fake: as they are, or 1 - p of probabilities and -s of others."""
    raw = rows[SCORE + name].to_numpy(dtype=float)
    scores = raw if polarity == "fake" else to_file_scale(raw, polarity, probability=probability)
    labels, groups = rows["label"].to_numpy(dtype=np.int64), rows["group"].to_numpy()
    return Oriented(scores, labels, groups, probability)


def to_file_scale(value: Any, polarity: str, *, probability: bool) -> Any:  # noqa: ANN401 (a number or an array of them)
    """Turn a score of ours into one of the file, or back."""
    if polarity == "fake":
        return value
    return 1 - value if probability else -value


def choose_threshold(rule: float | str, test: Oriented, validation: Oriented, polarity: str) -> tuple[float, str]:
    """Return the threshold on oriented scores, and in words where it comes from."""
    if not isinstance(rule, str):
        return float(to_file_scale(rule, polarity, probability=test.probability)), "as given (judge.threshold)"
    scored = validation.at(~np.isnan(validation.scores))
    if rule == "validation" or (rule == "auto" and len(set(scored.labels.tolist())) == 2):
        if len(set(scored.labels.tolist())) < 2:
            msg = (
                "judge.threshold: validation needs scored rows of both labels on side val (judge.columns.split), got "
                f"{int((scored.labels == 0).sum())} real and {int((scored.labels == 1).sum())} fake: give a number"
            )
            raise InputError(msg)
        return equal_errors(scored), f"of equal errors on {len(scored.labels)} validation rows"
    if rule == "auto" and test.probability:
        return 0.5, ".5, scores being probabilities"
    own = test.at(~np.isnan(test.scores))
    return equal_errors(own), "adapted: of equal errors on the judged rows"


def equal_errors(rows: Oriented) -> float:
    """Return the threshold of equal errors on any scale, halfway between two scores; NaN where a class is missing."""
    if len(set(rows.labels.tolist())) < 2:
        return float("nan")
    values = np.unique(rows.scores)
    above = _places(values, equal_error_threshold(rows.labels, _ranked(rows.scores, values)))
    if above in (0, len(values)):
        return float(values[0] if above == 0 else np.nextafter(values[-1], np.inf))
    return float((values[above - 1] + values[above]) / 2)


def under_policy(rows: Oriented, policy: str, source: str) -> tuple[Oriented, NDArray[np.bool_]]:
    """Return the rows that are judged under a policy for missing scores, and which of all they are."""
    absent = np.isnan(rows.scores)
    if policy == "exclude" or absent.all():
        return rows.at(~absent), ~absent
    filled = np.where(absent, stand_in(rows, policy, source), rows.scores)
    return replace(rows, scores=filled), np.full(len(filled), fill_value=True)


def stand_in(rows: Oriented, policy: str, source: str) -> float:
    """Return the score that stands for a missing one.

    ``as_real`` and ``as_fake``: 0 and 1 of probabilities, else the detector's own extremes. ``as_chance``: .5 of
    probabilities, else the threshold; the median where that was fitted on the judged rows.
    """
    scores = rows.scores[~np.isnan(rows.scores)]
    if policy == "as_chance":
        middle = float(np.median(scores)) if source.startswith("adapted") else rows.threshold
        return 0.5 if rows.probability else middle
    if policy == "as_real":
        return 0.0 if rows.probability else float(scores.min())
    return 1.0 if rows.probability else float(scores.max())


def _ranked(scores: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    return (np.searchsorted(values, scores) + 0.5) / max(1, len(values))


def _places(values: NDArray[np.float64], rank: float) -> int:
    """Return how many values are below a threshold on their ranks."""
    return int(np.ceil(rank * len(values) - 0.5))

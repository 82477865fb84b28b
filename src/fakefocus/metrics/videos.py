"""Scores of tracks and of videos from scores of faces."""

from collections.abc import Callable, Sequence
from typing import Literal

import pandas as pd

Aggregation = Literal["mean", "max", "top_k_mean", "median"]
TOP = 5
"""The faces whose mean is taken by ``top_k_mean``: those that look most fake."""


def score_by_track(faces: pd.DataFrame, aggregation: Aggregation = "mean") -> pd.DataFrame:
    """Score each person of each video from their faces.

    Args:
        faces: A row a face, with ``video_id``, ``track`` (the person), ``label`` and ``score`` in [0, 1].
        aggregation: The mean, the largest, the mean of the five largest, or the median.

    Returns:
        By ``video_id`` and ``track``, in order: ``label``, 1 where a face is fake; ``faces``, how many; ``score``.
    """
    people = faces.groupby(["video_id", "track"])
    about = people.agg(label=("label", "max"), faces=("score", "size"))
    return about.assign(score=_AGGREGATIONS[aggregation](people["score"]))


def score_by_video(faces: pd.DataFrame, aggregation: Aggregation = "mean", about: Sequence[str] = ()) -> pd.DataFrame:
    """Score each video by the person in it who looks most fake.

    In a fake, others may be real; a real video is scored in the same way, as nobody knows beforehand which it is.

    Args:
        faces: A row a face, with ``video_id``, ``track`` (the person), ``label`` and ``score`` in [0, 1].
        aggregation: How a person is scored: see `score_by_track`.
        about: Columns of texts that are kept, such as ``method``, which bystanders of a fake do not have.

    Returns:
        By ``video_id``, in its order: ``label``, 1 where anybody is fake; ``faces``, how many; ``score``; ``about``.
    """
    people = score_by_track(faces, aggregation).groupby("video_id")
    videos = people.agg(label=("label", "max"), faces=("faces", "sum"), score=("score", "max"))
    return videos.join(faces.groupby("video_id")[list(about)].max()) if about else videos


def _mean_of_most_fake(scores: "pd.api.typing.SeriesGroupBy") -> pd.Series:
    return scores.nlargest(TOP).groupby(level=[0, 1]).mean()


_AGGREGATIONS: dict[str, Callable[["pd.api.typing.SeriesGroupBy"], pd.Series]] = {
    "mean": lambda scores: scores.mean(),
    "max": lambda scores: scores.max(),
    "top_k_mean": _mean_of_most_fake,
    "median": lambda scores: scores.median(),
}

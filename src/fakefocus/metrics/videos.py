"""Scores of videos from scores of faces."""

import pandas as pd


def score_by_video(faces: pd.DataFrame) -> pd.DataFrame:
    """Score each video by the mean over a person's faces: that of the person who looks most fake.

    In a fake, others may be real; a real video is scored in the same way, as nobody knows beforehand which it is.

    Args:
        faces: A row a face, with ``video_id``, ``track`` (the person), ``label`` and ``score`` in [0, 1].

    Returns:
        By ``video_id``, in its order: ``label``, 1 where anybody is fake; ``faces``, how many; ``score``.
    """
    people = faces.groupby(["video_id", "track"])["score"].mean()
    videos = faces.groupby("video_id").agg(label=("label", "max"), faces=("score", "size"))
    return videos.assign(score=people.groupby("video_id").max())

"""Which faces and videos are looked at: spread over videos, the same at every run."""

from typing import Any

import numpy as np
import pandas as pd


def middle_faces(rows: pd.DataFrame, most: int) -> pd.DataFrame:
    """Return one face a video, the middle one, of at most ``most`` videos, of every method alike."""
    order = rows.sort_values(["video_id", "track", "frame"])
    place = order.groupby("video_id").cumcount()
    size = order.groupby("video_id")["crop"].transform("size")
    return _spread(order[place == size // 2], most)


def spread_faces(rows: pd.DataFrame, most: int) -> pd.DataFrame:
    """Return at most ``most`` faces, as many of every video as can be had, spread over its frames."""
    order = rows.sort_values(["video_id", "track", "frame"])
    each = max(1, most // max(1, order["video_id"].nunique()))
    place, size = order.groupby("video_id").cumcount(), order.groupby("video_id")["crop"].transform("size")
    # of n faces, those whose share of the way passes the next k-th
    share = np.minimum(each, size)
    chosen = (place + 1) * share // size > place * share // size
    return _spread(order[chosen], most)


def _spread(rows: pd.DataFrame, most: int) -> pd.DataFrame:
    """Return at most ``most`` rows, of the methods in turn."""
    turn = rows.groupby("method").cumcount()
    by_turn = rows.assign(turn=turn).sort_values(["turn", "method", "video_id", "frame"]).drop(columns="turn")
    if len(by_turn) <= most:
        return by_turn.reset_index(drop=True)
    # evenly over people, who are neighbours in this order
    chosen = np.unique(np.linspace(0, len(by_turn) - 1, most).round().astype(int))
    return by_turn.iloc[chosen].reset_index(drop=True)


def worst_videos(videos: pd.DataFrame, threshold: float, label: int, most: int) -> pd.DataFrame:
    """Return the videos of a label that are farthest on the wrong side of a threshold, the worst first."""
    scored = videos[(videos["label"] == label) & videos["score"].notna()]
    wrong = scored[scored["score"] >= threshold] if label == 0 else scored[scored["score"] < threshold]
    return wrong.sort_values(["score", "video_id"], ascending=[label == 1, True]).head(most).reset_index(drop=True)


def surest_videos(videos: pd.DataFrame, threshold: float, label: int, most: int) -> pd.DataFrame:
    """Return the videos of a label that are farthest on the right side of a threshold, the surest first."""
    scored = videos[(videos["label"] == label) & videos["score"].notna()]
    right = scored[scored["score"] < threshold] if label == 0 else scored[scored["score"] >= threshold]
    return right.sort_values(["score", "video_id"], ascending=[label == 0, True]).head(most).reset_index(drop=True)


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a table as dictionaries by the names of columns."""
    return [{str(name): value for name, value in row.items()} for row in table.to_dict("records")]

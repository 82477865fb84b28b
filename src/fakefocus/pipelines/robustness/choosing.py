"""Which videos and faces of the test side are perturbed: a fixed number, drawn evenly over people and methods."""

import numpy as np
import pandas as pd


def choose_videos(samples: pd.DataFrame, budget: int, seed: int) -> pd.DataFrame:
    """Return up to ``budget`` videos, a row each, in the order in which they were drawn.

    Any number of them from the first on is as even over methods (the reals count as one) and over groups as it can be:
    a round takes one video of each group, its methods in turn.

    Args:
        samples: Rows of faces.
        budget: How many videos.
        seed: The same seed gives the same videos.

    Returns:
        ``video_id``, ``label`` (1 where anybody is fake), ``method``, ``group``.
    """
    # bystanders of a fake have no method
    videos = samples.groupby("video_id")[["label", "method", "group"]].max().sort_index().reset_index()
    rng = np.random.default_rng(seed)
    videos = videos.iloc[rng.permutation(len(videos))].reset_index(drop=True)
    group, method = (pd.factorize(videos[name])[0] for name in ("group", "method"))
    again = videos.groupby(["group", "method"]).cumcount().to_numpy()
    turn = (group + method) % (method.max() + 1)
    return videos.iloc[np.lexsort((group, turn, again))].head(budget).reset_index(drop=True)


def choose_faces(samples: pd.DataFrame, budget: int, seed: int) -> pd.DataFrame:
    """Return up to ``budget`` rows of faces: one of each person of each video, then a second one, and so on.

    Videos come in the order of `choose_videos`; faces of a person are drawn.
    """
    place = {name: i for i, name in enumerate(choose_videos(samples, len(samples), seed)["video_id"])}
    table = samples.sort_values("crop").reset_index(drop=True)
    table = table.iloc[np.random.default_rng([seed, 1]).permutation(len(table))]
    again = table.groupby(["video_id", "track"]).cumcount().to_numpy()
    order = np.lexsort((table["track"].to_numpy(), table["video_id"].map(place).to_numpy(), again))
    return table.iloc[order].head(budget).reset_index(drop=True)

"""How much of what a protocol names was scored, and what stands for the rest."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from fakefocus.metrics.scores import auc
from fakefocus.schemas import STATUSES

POLICIES = ("exclude", "as_chance", "as_real", "as_fake")
STAND_IN = {"as_chance": 0.5, "as_real": 0.0, "as_fake": 1.0}
"""The probability that stands for a missing score. .5 is what published evaluations fill in; it is chance only for a
detector whose scores lie on both sides of it, which is why 0 and 1 are offered: they bound what is missing."""


def with_missing(videos: pd.DataFrame, policy: str) -> pd.DataFrame:
    """Return the videos that are judged: those with a score, or all of them, with a score for what is missing.

    Args:
        videos: A row a video that the protocol names, with ``score`` in [0, 1], NaN where there is none.
        policy: One of `POLICIES`.
    """
    if policy == "exclude":
        return videos[videos["score"].notna()]
    return videos.assign(score=videos["score"].fillna(STAND_IN[policy]))


def coverage(videos: pd.DataFrame, policy: str) -> dict[str, Any]:
    """Return how many videos are named, how many have which status, and the shares that have a score, by label.

    Returns:
        ``named``, a number for each of ``ok``, ``no_face``, ``rejected`` and ``error``; ``share``, ``real`` and
        ``fake`` in [0, 1], None of no videos; ``missing``: the policy.
    """
    scored = videos["score"].notna().to_numpy(dtype=bool)
    labels = videos["label"].to_numpy()
    return {
        "named": len(videos),
        **{status: int((videos["status"] == status).sum()) for status in STATUSES},
        "share": _share(scored),
        "real": _share(scored[labels == 0]),
        "fake": _share(scored[labels == 1]),
        "missing": policy,
    }


def auc_by_policy(videos: pd.DataFrame) -> dict[str, float | None]:
    """Return the AUC of videos under each policy: how much hangs on those without a score."""
    values = {policy: _auc(with_missing(videos, policy)) for policy in POLICIES}
    return {policy: None if np.isnan(value) else value for policy, value in values.items()}


def _auc(videos: pd.DataFrame) -> float:
    return auc(videos["label"], videos["score"])


def _share(scored: np.ndarray) -> float | None:
    return float(scored.mean()) if len(scored) else None


def judged_videos(summary: Mapping[str, Any]) -> pd.DataFrame:
    """Return the test videos that a summary's metrics are of, under its policy for those without a score.

    Which have none depends on their faces alone, not on the detector: they are the same for all detectors of a split.
    """
    videos = pd.DataFrame(summary["videos"]).astype({"score": float})
    return with_missing(videos, summary["coverage"]["missing"])

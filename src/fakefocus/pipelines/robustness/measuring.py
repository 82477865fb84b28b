"""Compares scores of the same videos before and after: AUC, its drop, and what becomes of the reals."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import pandas as pd

from fakefocus.metrics.comparison import compare_auc
from fakefocus.metrics.scores import summary
from fakefocus.metrics.shifts import score_shift
from fakefocus.metrics.videos import Aggregation, score_by_video

LOST_SCORE = 0.5
"""What a video without a face any more is scored as, where lost videos are not left out."""


class Judge(NamedTuple):
    """How scores are judged: threshold, confidence, and the methods whose fakes count: all if there is none of them.

    ``aggregation`` is how a person's faces make a score.
    """

    threshold: float
    confidence: float
    methods: frozenset[str]
    aggregation: Aggregation = "mean"


def compare(clean: pd.DataFrame, faces: pd.DataFrame, judge: Judge) -> dict[str, Any]:
    """Judge what a change of the input did to the scores of videos.

    Args:
        clean: By ``video_id``: ``label``, ``method``, ``group``, and the ``score`` before.
        faces: Scored faces after the change; a video of ``clean`` that has none is lost.
        judge: How.

    Returns:
        ``videos`` and ``lost`` are counted. ``auc``, ``clean_auc``, ``drop`` (clean less changed) and ``reals`` are
        over the videos present on both sides; ``lost_as_chance`` has ``auc`` and ``drop`` over all videos, None where
        none is lost; ``held_out`` the ``auc`` of reals and the other methods, None where there are none.
    """
    after = score_by_video(faces, judge.aggregation)["score"] if len(faces) else pd.Series(dtype=float)
    table = clean.assign(after=after.reindex(clean.index))
    main, present = counted(table, judge), table[table["after"].notna()]
    shown, lost = main[main["after"].notna()], int(main["after"].isna().sum())
    filled = main.fillna({"after": LOST_SCORE})
    reals = shown[shown["label"] == 0]
    return {
        "videos": len(main),
        "lost": lost,
        "auc": _auc(shown, "after", judge),
        "clean_auc": _auc(shown, "score", judge),
        "drop": _drop(shown, judge),
        "lost_as_chance": {"auc": _auc(filled, "after", judge), "drop": _drop(filled, judge)} if lost else None,
        "held_out": auc_of_held_out(present.assign(score=present["after"]), judge),
        "reals": score_shift(
            reals["score"], reals["after"], reals["group"], threshold=judge.threshold, confidence=judge.confidence
        ),
    }


def clean_videos(clean: pd.DataFrame, names: Iterable[str], judge: Judge) -> pd.DataFrame:
    """Return videos by ``video_id`` with their scores before any change; bystanders of a fake have no method."""
    faces = clean[clean["video_id"].isin(set(names))]
    return score_by_video(faces, judge.aggregation, ["method", "group"])


def auc_of_held_out(videos: pd.DataFrame, judge: Judge) -> dict[str, Any] | None:
    """Return the AUC of reals and of fakes by methods that do not count; None where there are no such fakes."""
    others = _held_out(videos, judge)
    return auc_of(videos[(videos["label"] == 0) | others], judge) if others.any() else None


def auc_of(videos: pd.DataFrame, judge: Judge) -> dict[str, Any]:
    """Return the AUC of videos by the column ``score``: value, interval, and the counts behind it."""
    return _auc(videos, "score", judge)


def counted(videos: pd.DataFrame, judge: Judge) -> pd.DataFrame:
    """Return the reals, and the fakes of methods that count."""
    return videos[~_held_out(videos, judge)]


def _held_out(videos: pd.DataFrame, judge: Judge) -> "pd.Series[bool]":
    """Return which videos are fakes by methods that do not count; none where no other fakes would be left."""
    fake, counts = videos["label"] == 1, videos["method"].isin(judge.methods)
    return fake & ~counts & bool((fake & counts).any())


def _auc(table: pd.DataFrame, column: str, judge: Judge) -> dict[str, Any]:
    kept = (table[name] for name in ("label", column, "group"))
    metrics = summary(*kept, threshold=judge.threshold, confidence=judge.confidence)
    return metrics["auc"] | {name: metrics[name] for name in ("real", "fake", "groups", "no_interval")}


def _drop(table: pd.DataFrame, judge: Judge) -> dict[str, Any]:
    """Return by how much the AUC fell: that of the clean scores less that of the changed ones."""
    return dict(compare_auc(table["label"], table["after"], table["score"], table["group"], judge.confidence))

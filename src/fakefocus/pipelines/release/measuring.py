"""What a detector is worth on people whom neither its training nor its verdicts saw: the tables of its card."""

from typing import Any

import pandas as pd

from fakefocus.imaging.benign import EDITS
from fakefocus.metrics.scores import summary as summarise
from fakefocus.models.contract import Verdict
from fakefocus.pipelines.release.verdicts import verdicts_of

Row = dict[str, Any]
_METRICS = ("auc", "recall", "specificity")
AS_THEY_ARE = "as they are"


def by_method(videos: pd.DataFrame, verdict: Verdict, confidence: float) -> list[Row]:
    """Return a row for the fakes of each method, and one for all of them, at each compression, against its reals.

    Of each: ``auc``; ``caught``, the share of fakes that are called fake; ``verdicts``, shares of fakes by verdict.
    """
    rows = []
    for compression, of_one in videos.groupby("compression"):
        reals, fakes = of_one[of_one["label"] == 0], of_one[of_one["label"] == 1]
        if fakes.empty:
            continue
        for method in ["", *sorted(set(fakes["method"]))]:
            chosen = fakes if not method else fakes[fakes["method"] == method]
            metrics = _judge(pd.concat([reals, chosen]), verdict, confidence)
            rows.append(
                {
                    "compression": compression,
                    "method": method,
                    "auc": metrics["auc"],
                    "caught": metrics["recall"],
                    "real": metrics["real"],
                    "fake": metrics["fake"],
                    "groups": metrics["groups"],
                    "verdicts": verdicts_of(chosen["score"].to_numpy(), verdict),
                }
            )
    return rows


def by_edit(plain: pd.DataFrame, edited: pd.DataFrame, verdict: Verdict, confidence: float) -> list[Row]:
    """Return a row for real videos at each compression, and after each edit: ``called_fake`` and shares by verdict."""
    reals = plain[plain["label"] == 0]
    sets = [(f"{AS_THEY_ARE}, {name}".removesuffix(", "), rows) for name, rows in reals.groupby("compression")]
    sets += [(EDITS[name].title, edited[edited["edit"] == name]) for name in EDITS]
    rows = []
    for title, videos in sets:
        metrics = _judge(videos, verdict, confidence)
        rows.append(
            {
                "edit": title,
                "called_fake": _complement(metrics["specificity"]),
                "real": metrics["real"],
                "groups": metrics["groups"],
                "score": float(videos["score"].mean()),
                "verdicts": verdicts_of(videos["score"].to_numpy(), verdict),
            }
        )
    return rows


def by_blend(blends: pd.DataFrame, verdict: Verdict, confidence: float) -> list[Row]:
    """Return a row for pseudo-fakes of each kind at each compression, against their own targets: ``auc`` of faces."""
    rows = []
    for (kind, compression), faces in blends.groupby(["kind", "compression"], sort=False):
        metrics = _judge(faces, verdict, confidence)
        row = {"kind": kind, "compression": compression, "auc": metrics["auc"]}
        rows.append(row | {name: metrics[name] for name in ("real", "fake", "groups")})
    return rows


def _judge(rows: pd.DataFrame, verdict: Verdict, confidence: float) -> dict[str, Any]:
    return summarise(
        rows["label"],
        rows["score"],
        rows["group"],
        threshold=verdict.fake_from,
        confidence=confidence,
        draw_rates=False,
        only=_METRICS,
    )


def _complement(metric: dict[str, float | None]) -> dict[str, float | None]:
    """Return 1 less a metric, and its interval."""
    ends = {"value": metric["value"], "low": metric["high"], "high": metric["low"]}
    return {name: None if end is None else 1 - end for name, end in ends.items()}

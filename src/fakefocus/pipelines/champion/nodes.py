"""Chooses the detector that a data set's registered model answers by: on validation videos, by a paired test."""

import re
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from fakefocus.datasets.stored_video import VideoFolder
from fakefocus.errors import InputError
from fakefocus.metrics.comparison import compare_auc
from fakefocus.metrics.scores import auc
from fakefocus.metrics.videos import score_by_video
from fakefocus.models.contract import Contract, Side, read_contract
from fakefocus.models.overlap import find_overlap
from fakefocus.parameters import Defocus, Evaluation, Preprocessing

_PLAIN = re.compile(r"\w+(\.seed_\d+)?")
"""Names of detectors that may become champion: no controls, variants or those that lack a method."""


def compare_with_champion(
    trained_detectors: dict[str, dict[str, Any]],
    former_champion: dict[str, Any],
    samples: pd.DataFrame,
    face_crops: dict[str, VideoFolder],
    defocus_maps: dict[str, VideoFolder],
    splits_json: dict[str, Any],
    preprocessing: Preprocessing,
    defocus: Defocus,
    evaluation: Evaluation,
    dataset: str,
) -> dict[str, Any]:
    """Compare the best detector of an experiment with the champion, on the side of validation; no test video is read.

    The candidate's epoch and threshold were chosen on the same videos: where the former champion was validated on
    others, the comparison favours the candidate a little. What both are worth is said by an evaluation on a test side.

    Args:
        trained_detectors: All of the experiment (``contract`` and ``weights``), by name.
        former_champion: The one that is registered, with its ``version``; empty if there is none.
        samples: The index of faces; the side val is read.
        face_crops: Crops by the column ``folder``.
        defocus_maps: Maps of the crops.
        splits_json: The split.
        preprocessing: Parameters that crops must have been made with.
        defocus: Parameters that maps must have been made with.
        evaluation: Device, faces a batch, how a video is scored, and confidence.
        dataset: Name of the data set, after which the registered model is called.

    Returns:
        ``registered_model``; ``candidate``: its name; ``promoted`` and ``reason``; ``auc`` of the candidate and
        ``former_auc`` on ``videos`` validation videos of ``groups`` identity groups; ``former_version``;
        ``comparison``: difference, interval and p of a paired test, the latter times the number ``tried`` of detectors
        (Bonferroni), None without a former one.

    Raises:
        InputError: If no detector is trained, one does not fit, the side of validation lacks a label, or the former
            champion was trained on what is validation here.
    """
    # torch takes seconds to import: only this node needs it
    from fakefocus.inference import prepare

    name, candidate, tried = _best(trained_detectors, splits_json["hash"])
    rows = samples[samples["split"] == "val"].reset_index(drop=True)
    options = (face_crops, defocus_maps, splits_json, preprocessing, defocus, evaluation)
    shown = prepare(candidate, rows, *options)
    videos = score_by_video(rows.assign(score=shown.scorer(shown.crops)), evaluation.aggregation, ["group"])
    result: dict[str, Any] = {
        "registered_model": f"fakefocus_{dataset}",
        "candidate": name,
        "tried": tried,
        "confidence": evaluation.confidence,
        "auc": auc(videos["label"], videos["score"]),
        "videos": len(videos),
        "groups": int(videos["group"].nunique()),
        "former_version": former_champion.get("version"),
        "former_auc": None,
        "comparison": None,
    }
    if np.isnan(result["auc"]):
        msg = (
            f"champion: the {len(videos)} validation videos with a face are all of one label, no AUC says which "
            "detector is better: run kedro run --pipelines=split with real and fake videos on the side of validation"
        )
        raise InputError(msg)
    if not former_champion:
        return result | {"promoted": True, "reason": "there was none"}
    former = read_contract(former_champion["contract"])
    _check_knows_none(former, rows, former_champion["version"])
    shown = prepare(former_champion, rows, *options)
    former_scores = score_by_video(rows.assign(score=shown.scorer(shown.crops)), evaluation.aggregation)["score"]
    result["former_auc"] = auc(videos["label"], former_scores)
    if _same(candidate, former_champion):
        return result | {"promoted": False, "reason": "it is the champion already"}
    compared = compare_auc(
        videos["label"], former_scores, videos["score"], videos["group"], confidence=evaluation.confidence
    )
    # the best of several is better than another one by chance more often than a single one
    corrected = None if compared["p"] is None else min(1.0, compared["p"] * tried)
    better = (compared["difference"] or 0) > 0 and corrected is not None and corrected < 1 - evaluation.confidence
    return result | {
        "comparison": dict(compared) | {"p": corrected},
        "promoted": better,
        "reason": "better on validation" if better else "not shown to be better on validation",
    }


def promote(trained_detectors: dict[str, dict[str, Any]], champion_comparison: dict[str, Any]) -> dict[str, Any]:
    """Return the detector that becomes champion, with its comparison; empty if the former one stays.

    What tracks runs registers it (`fakefocus.hooks.tracking`).
    """
    if not champion_comparison["promoted"]:
        return {}
    return {"model": trained_detectors[champion_comparison["candidate"]], "comparison": champion_comparison}


def _best(detectors: Mapping[str, dict[str, Any]], split: str) -> tuple[str, dict[str, Any], int]:
    """Return the detector of the best validation AUC, of how many: those of this very split alone compare."""
    aucs = {}
    for name in filter(_PLAIN.fullmatch, detectors):
        contract = read_contract(detectors[name]["contract"])
        same = contract.split.hash == split
        if same and contract.labels == "true" and contract.val_video_auc is not None:
            aucs[name] = contract.val_video_auc
    if not aucs:
        msg = (
            "champion: no detector is trained on this split: run kedro run --pipelines=train, seeds or baselines first"
        )
        raise InputError(msg)
    name = max(aucs, key=lambda one: aucs[one])
    return name, detectors[name], len(aucs)


def _check_knows_none(former: Contract, rows: pd.DataFrame, version: int) -> None:
    nobody = Side(videos=(), people=(), sha256=())
    overlapping = find_overlap(former.train, nobody, rows).trained_on
    if overlapping:
        msg = (
            f"champion: version {version}, {former.name}, was trained on {overlapping} of these validation videos or "
            "people in them, so that nothing can be said of both: compare on its own split, or take the alias champion "
            "from it"
        )
        raise InputError(msg)


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    mine, theirs = one["weights"], other["weights"]
    return mine.keys() == theirs.keys() and all(
        mine[name].shape == theirs[name].shape and bool((mine[name] == theirs[name]).all()) for name in mine
    )

"""Divides videos into training, validation and test by group, never by frame; indexes what training reads."""

import hashlib
import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from fakefocus.datasets.stored_video import VideoFolder
from fakefocus.errors import InputError
from fakefocus.imaging.media import IMAGE_SUFFIXES, VIDEO_SUFFIXES
from fakefocus.parameters import FeatureSplit
from fakefocus.pipelines.feature_split import audit, bystanders, grouping, shortcuts, strategies
from fakefocus.pipelines.feature_split.strategies import Division
from fakefocus.schemas import SAMPLE_COLUMNS, SPLIT_COLUMNS, SPLITS, folder_keys
from fakefocus.sources.provenance import originals

_log = logging.getLogger(__name__)


def split_videos(
    videos: pd.DataFrame,
    faces: pd.DataFrame,
    listed_media: pd.DataFrame,
    unreadable_media: pd.DataFrame,
    previous_split_identities: dict[str, Any],
    listed_splits: dict[str, Any],
    feature_split: FeatureSplit,
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Put every video on one side, or set it aside with the reason.

    Who had a side in the run before keeps it, as long as strategy, seed and shares are the same: new videos move no
    old one. A new video that connects people of two sides is set aside.

    Args:
        videos: All usable media.
        faces: Sampled frames; a video without a face is not used.
        listed_media: What the layout says of every file, readable or not.
        unreadable_media: The files that cannot be read, with their reason: they have a side as well.
        previous_split_identities: The second output of the run before; empty at first, or to divide anew.
        listed_splits: A ``splits.json`` for the strategy ``imported``; else not read.
        feature_split: Strategy, shares, seed and the rest.

    Returns:
        The table of sides, and the sides of all people, for the next run. ``side`` is where a video belongs, ``split``
        where it is used; a video with a side that is not used has a ``status`` other than ok: it is part of what the
        split names, and whoever evaluates counts it.

    Raises:
        InputError: If a side stays empty, or what the strategy needs is not there.
    """
    _check_held_out(videos, feature_split)
    recipe = _recipe(feature_split)
    parts = _parts_before(previous_split_identities, recipe)
    table = _with_status(videos, faces, listed_media, unreadable_media)
    division = _divide(table, parts, listed_splits, feature_split)
    splits = _sides(table, division, feature_split)
    used = splits[splits["split"] != ""]
    if set(used["split"]) != set(strategies.sides_of(feature_split)):
        raise strategies.too_few(set(used["split"]), used["group"].nunique(), feature_split)
    _log_sides(splits)
    return splits, {"recipe": recipe, "parts": dict(sorted(division.parts.items()))}


def describe_splits(splits: pd.DataFrame, feature_split: FeatureSplit) -> dict[str, Any]:
    """Return ``splits.json``: videos by side as published tools read it, how they came there, and what is not used.

    ``hash`` is of the sides alone, of those also that cannot be used: two runs with the same hash have the same sides.
    """
    keys = folder_keys(splits)
    sides: dict[str, Any] = {side: keys[splits["split"] == side].tolist() for side in SPLITS}
    named = sorted(zip(keys, splits["side"], strict=True))
    digest = hashlib.sha256(json.dumps([sides, named], sort_keys=True).encode()).hexdigest()[:16]
    aside = splits["split"] == ""
    quarantine = dict(zip(keys[aside], splits.loc[aside, "reason"], strict=True))
    fold = {} if feature_split.folds is None else {"fold": feature_split.fold}
    return {"version": 2, **_recipe(feature_split), **fold, "hash": digest, **sides, "quarantine": quarantine}


def audit_splits(
    splits: pd.DataFrame,
    videos: pd.DataFrame,
    faces: pd.DataFrame,
    face_crops: dict[str, VideoFolder],
    feature_split: FeatureSplit,
    face_weights: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return ``leakage_report``: what is on two sides, and whether files give the label away.

    ``checks`` has a row a check, with what was found between two sides; ``leaks`` names what strict mode stops at.
    Nothing of it is read by training or by the choice of a model.
    """
    sides = splits[["video_id", "group", "split", "reason"]]
    table = videos.merge(sides, on="video_id", validate="one_to_one", how="outer")
    used = table[table["split"].fillna("") != ""].reset_index(drop=True)
    checks = audit.cross_side_checks(used, faces, face_crops, feature_split, _embedder(face_weights))
    shortcut = shortcuts.find_shortcut(used, feature_split.seed)
    leaks = [_leak_text(c["check"], f) for c in checks for f in c["findings"]]
    leaks += [_shortcut_text(shortcut)] if shortcut["given_away"] else []
    for text in leaks:
        _log.warning("leakage: %s", text)
    return {
        "rows": {"in": len(splits), "used": len(used), "set_aside": len(splits) - len(used)},
        "checks": checks,
        "near_duplicate_distance": feature_split.near_duplicate_distance,
        "shortcut": shortcut,
        "sharpness": shortcuts.judge_sharpness(used, faces, feature_split.seed),
        "by_label": shortcuts.describe_by_label(used, faces),
        "balance": audit.balance(used),
        "leaks": leaks,
    }


def index_samples(
    splits: pd.DataFrame,
    faces: pd.DataFrame,
    videos: pd.DataFrame,
    leakage_report: dict[str, Any],
    feature_split: FeatureSplit,
) -> pd.DataFrame:
    """List every face of a used video: what training reads.

    ``track`` is the person, 0 whom the clip shows most; ``fingerprint`` the source file's hash; ``identity`` the person
    whose clip it is; ``people`` everybody in it, as ``<dataset>/<name>``, one a line; ``original`` the ``video_id`` of
    the real clip that a fake was made from, if it is there; ``landmarks`` five points in pixels of the crop, as JSON,
    empty where unknown; ``crops`` the fingerprint of the folder that the crop is in. ``label`` is that of the video
    (``labelled_by`` video), but for the people of a fake of whom its mask, or its original, tells who was altered
    (``labelled_by`` face): bystanders are real, of no method, and persons of their own.

    Raises:
        InputError: In strict mode, if the audit found a leak.
    """
    if feature_split.strict and leakage_report["leaks"]:
        msg = (
            f"feature_split.strict: the audit found {'; '.join(leakage_report['leaks'])}. Choose another "
            "feature_split.strategy or mend the data (details in leakage_report.json), or set strict to false"
        )
        raise InputError(msg)
    used = splits[splits["split"] != ""]
    shown = faces.loc[faces["found"], ["video_id", "frame", "track", "crop", "crop_landmarks", "crops", "altered"]]
    by_video = videos.set_index("video_id")
    table = shown.rename(columns={"crop_landmarks": "landmarks"}).merge(used, on="video_id", validate="many_to_one")
    table["fingerprint"] = table["video_id"].map(by_video["sha256"])
    table["identity"] = table["video_id"].map(by_video["target_identity"])
    table["original"] = table["video_id"].map(originals(videos)).fillna("")
    table["people"] = table["video_id"].map(grouping.people(by_video).map("\n".join))
    table["folder"] = folder_keys(table)
    table["crop"] = table["folder"] + "/" + table["crop"]
    table = bystanders.labelled(table)
    return table.sort_values(["folder", "crop"], ignore_index=True)[list(SAMPLE_COLUMNS)]


def _with_status(
    videos: pd.DataFrame, faces: pd.DataFrame, listed_media: pd.DataFrame, unreadable_media: pd.DataFrame
) -> pd.DataFrame:
    """Return usable videos and unreadable ones, with ``status``, ``usable``, and ``why_unusable``."""
    shows_a_face = faces.groupby("video_id")["found"].any()
    usable = videos["video_id"].map(shows_a_face).fillna(False).astype(bool)
    first = faces[~faces["found"]].groupby("video_id")["reason"].agg(lambda reasons: reasons.value_counts().index[0])
    reason = videos["video_id"].map(first).fillna("no face").where(~usable, "")
    status = reason.map(lambda text: {"": "ok", "no face": "no_face"}.get(text, "rejected"))
    reason = reason.replace("no face", "no face was found")
    readable = videos.assign(status=status, usable=usable, why_unusable=reason)
    # what the layout itself sets aside belongs to no protocol, and notes beside the clips do not either
    media = listed_media["path"].map(_is_media).astype(bool) & (listed_media["reason"] == "")
    placed = listed_media[media & ~listed_media["video_id"].isin(videos["video_id"])]
    if placed.empty:
        return readable
    why = placed["path"].map(unreadable_media.drop_duplicates("path").set_index("path")["reason"]).fillna("unreadable")
    unreadable = placed.drop(columns="reason").assign(status="error", usable=False, why_unusable=why)
    return pd.concat([readable, unreadable], ignore_index=True)


def _is_media(path: str) -> bool:
    """Return whether a name is that of a clip, a picture, or a folder of frames."""
    suffix = Path(path).suffix.lower()
    return suffix in VIDEO_SUFFIXES | IMAGE_SUFFIXES | {""}


def _divide(
    table: pd.DataFrame, parts: Mapping[str, str], imported: Mapping[str, Any], options: FeatureSplit
) -> Division:
    if options.strategy == "test_only":
        return strategies.all_on_test(table)
    if options.strategy == "official":
        return strategies.divide_as_published(table, options, parts)
    if options.strategy != "imported":
        return strategies.divide(table, options, strategies.shares_of(options), parts)
    if not imported:
        msg = (
            "imported_splits: there is no such file: name one with --params=splits=<splits.json>, or choose another "
            "feature_split.strategy"
        )
        raise InputError(msg)
    if unknown := strategies.unknown_entries(table, imported):
        _log.warning("imported splits: %d entries name no video, such as %s", len(unknown), ", ".join(unknown[:3]))
    return strategies.divide_as_imported(table, imported)


def _sides(table: pd.DataFrame, division: Division, options: FeatureSplit) -> pd.DataFrame:
    """Turn parts into sides, and set aside what cannot be used."""
    splits = table[["video_id", "label", "method"]].assign(group=division.group)
    folds = {} if options.folds is None else strategies.folds_to_sides(options.folds, options.fold)
    splits["split"] = division.part.map(lambda part: folds.get(part, part)).astype(object)
    splits["reason"] = division.reason
    held_out = splits["method"].isin(options.held_out_methods) & ~splits["split"].isin(["test", ""])
    splits.loc[held_out, ["split", "reason"]] = ("", "method held out of training and validation")
    splits["side"] = splits["split"]
    splits["status"] = table["status"]
    splits.loc[~table["usable"], "split"] = ""
    splits["reason"] = splits["reason"].mask(~table["usable"], table["why_unusable"])
    return splits[list(SPLIT_COLUMNS)]


def _embedder(weights: Mapping[str, Any] | None) -> Any:  # noqa: ANN401 (a FaceEmbedder or None)
    if not weights:
        return None
    # torch takes seconds to import
    from fakefocus.detection.embedding import FaceEmbedder

    return FaceEmbedder(weights)


def _leak_text(check: str, finding: audit.Finding) -> str:
    return f"{finding['count']} {check} in {finding['left']} and {finding['right']} (such as {finding['examples'][0]})"


def _shortcut_text(shortcut: dict[str, Any]) -> str:
    auc, first = shortcut["auc"], shortcut["features"][0]
    return (
        f"the file alone gives the label away, AUC {auc['value']:.3f} [{auc['low']:.3f}, {auc['high']:.3f}] "
        f"(most of all {first['name']})"
    )


def _recipe(options: FeatureSplit) -> dict[str, Any]:
    """Return what decides on sides; which fold is tested on does not."""
    recipe: dict[str, Any] = {"strategy": options.strategy, "seed": options.seed}
    if options.folds is not None:
        return {**recipe, "folds": options.folds}
    held_out = {"held_out_methods": list(options.held_out_methods)} if options.strategy == "method" else {}
    return {**recipe, "shares": {side: getattr(options, side) for side in SPLITS}, **held_out}


def _parts_before(previous: Mapping[str, Any], recipe: dict[str, Any]) -> dict[str, str]:
    if previous and previous.get("recipe") != recipe:
        _log.info("split: parameters differ from the last run's, everything is divided anew")
        return {}
    return dict(previous.get("parts", {}))


def _check_held_out(videos: pd.DataFrame, options: FeatureSplit) -> None:
    methods = sorted(set(videos["method"]) - {""})
    missing = [name for name in options.held_out_methods if name not in methods]
    if missing and options.strategy == "method":
        msg = f"feature_split.held_out_methods: {', '.join(missing)} is no method of these videos: {', '.join(methods)}"
        raise InputError(msg)
    if missing:
        _log.warning("feature_split.held_out_methods: %s is no method of these videos", ", ".join(missing))


def _log_sides(splits: pd.DataFrame) -> None:
    for side in SPLITS:
        part = splits[splits["split"] == side]
        kinds = part["method"].where(part["label"] == 1, "real").value_counts().to_dict()
        _log.info("split: %s %d videos (%s)", side, len(part), ", ".join(f"{k} {n}" for k, n in kinds.items()))
    for reason, count in splits.loc[splits["split"] == "", "reason"].value_counts().items():
        _log.info("split: %d videos set aside: %s", count, reason)

"""Divides videos into training, validation and test by identity, never by frame or video."""

import hashlib
import json
import logging
from typing import Any

import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from fakefocus.parameters import FeatureSplit
from fakefocus.schemas import SAMPLE_COLUMNS, SPLIT_COLUMNS, SPLITS, InputError, folder_keys

_log = logging.getLogger(__name__)


def identity_groups(videos: pd.DataFrame) -> pd.Series:
    """Return each video's identity group: videos that share a person, as target or source, directly or not.

    A group is named by the smallest identity in it; people are those of one data set.
    """
    target = videos["dataset"] + "/" + videos["target_identity"]
    source = (videos["dataset"] + "/" + videos["source_identity"]).where(videos["source_identity"] != "", target)
    people = sorted(set(target) | set(source))
    number = {person: i for i, person in enumerate(people)}
    rows, columns = target.map(number).to_numpy(), source.map(number).to_numpy()
    graph = coo_array(([1] * len(rows), (rows, columns)), shape=(len(people), len(people)))
    component = connected_components(graph, directed=False)[1]
    names: dict[int, str] = {}
    for person, c in zip(people, component, strict=True):
        names.setdefault(int(c), person)
    return pd.Series([names[int(component[r])] for r in rows], index=videos.index, name="group")


def split_by_identity(videos: pd.DataFrame, faces: pd.DataFrame, feature_split: FeatureSplit) -> pd.DataFrame:
    """Put every identity group on one side; what is not used is kept with its reason.

    Groups are taken in the order of a hash of the seed and their name, until each side has its share of
    the videos. A held-out method is tested on people of the test side, and set aside elsewhere.

    Raises:
        InputError: If the groups cannot fill all three sides.
    """
    table = pd.DataFrame({c: videos[c] for c in ("video_id", "label", "method")})
    table["group"] = identity_groups(videos)
    with_face = set(faces.loc[faces["found"], "video_id"])
    table["split"] = table["group"].map(_sides(table[table["video_id"].isin(with_face)], feature_split)).fillna("")
    table["reason"] = ""
    held_out = table["method"].isin(feature_split.held_out_methods) & (table["split"] != "test")
    table.loc[held_out, ["split", "reason"]] = ("", "method held out of training and validation")
    faceless = ~table["video_id"].isin(with_face)
    table.loc[faceless, ["split", "reason"]] = ("", "no face was found")
    _log.info("split: %s videos, %d set aside", _counts(table), int((table["split"] == "").sum()))
    return table[list(SPLIT_COLUMNS)]


def describe_splits(splits: pd.DataFrame, feature_split: FeatureSplit) -> dict[str, Any]:
    """Return ``splits.json``: videos by side as published tools read it, with strategy, seed and hash."""
    sides: dict[str, Any] = {side: folder_keys(splits)[splits["split"] == side].tolist() for side in SPLITS}
    digest = hashlib.sha256(json.dumps(sides, sort_keys=True).encode()).hexdigest()[:16]
    return {"version": 1, "strategy": "identity", "seed": feature_split.seed, "hash": digest, **sides}


def index_samples(splits: pd.DataFrame, faces: pd.DataFrame, videos: pd.DataFrame) -> pd.DataFrame:
    """List every face of a used video: what training reads. ``fingerprint`` is the source file's hash."""
    used = splits[splits["split"] != ""]
    table = faces.loc[faces["found"], ["video_id", "frame", "crop"]].merge(used, on="video_id", validate="many_to_one")
    table["fingerprint"] = table["video_id"].map(videos.set_index("video_id")["sha256"])
    table["folder"] = folder_keys(table)
    table["crop"] = table["folder"] + "/" + table["crop"]
    return table.sort_values(["folder", "crop"], ignore_index=True)[list(SAMPLE_COLUMNS)]


def _sides(table: pd.DataFrame, options: FeatureSplit) -> dict[str, str]:
    """Map groups to sides, by a hash of seed and name, until each side has its share of the videos."""
    sizes = table.groupby("group").size()
    if len(sizes) < len(SPLITS):
        msg = (
            f"feature_split: {len(sizes)} identity groups cannot fill train, val and test: add clips of other people, "
            "or name the folders by person (see README)"
        )
        raise InputError(msg)
    order = sorted(sizes.index, key=lambda g: hashlib.sha256(f"{options.seed}:{g}".encode()).hexdigest())
    # test and val first, each at least one group: they must never be empty
    goals = {"test": options.test * sizes.sum(), "val": options.val * sizes.sum()}
    sides: dict[str, str] = {}
    for side, later in (("test", 2), ("val", 1)):
        taken = 0
        while not taken or (taken + sizes[order[0]] / 2 <= goals[side] and len(order) > later):
            group = order.pop(0)
            sides[group] = side
            taken += int(sizes[group])
    return sides | dict.fromkeys(order, "train")


def _counts(table: pd.DataFrame) -> str:
    counts = table["split"].value_counts()
    return ", ".join(f"{side} {counts.get(side, 0)}" for side in SPLITS)

"""How videos come to their sides: by identity, by source video, by published list, by an imported one, alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from fakefocus.errors import InputError
from fakefocus.parameters import FeatureSplit
from fakefocus.pipelines.feature_split.dealing import Kind, Unit, deal
from fakefocus.pipelines.feature_split.grouping import NODES, groups_of, order_of, parts_of_new_nodes
from fakefocus.schemas import SPLITS, folder_keys

_TOO_FEW = (
    "add clips of other people, name the folders by person (docs/how-to/own-folder.md), or only test on them: "
    "feature_split.strategy=test_only with the experiment of a trained detector, trained_on=<experiment>"
)


@dataclass(frozen=True)
class Division:
    """``part`` and ``reason`` where there is none, and ``group``, by video; ``parts`` of all nodes."""

    part: pd.Series
    reason: pd.Series
    group: pd.Series
    parts: dict[str, str] = field(default_factory=dict)


def divide(
    videos: pd.DataFrame, options: FeatureSplit, shares: Mapping[str, float], previous: Mapping[str, str]
) -> Division:
    """Put whole groups on parts, in shares; who has a part from before keeps it.

    A group that is too large for the shares is broken up: its people are dealt, and what connects people of two parts
    is on none. Too large means that without it less than half would be left of what is not for the largest part, or
    that there are fewer groups than parts.

    Args:
        videos: With the column ``usable``: what has a face counts, what has none connects people all the same.
        options: Strategy, seed and held-out methods.
        shares: Share of each part, in the order of dealing.
        previous: Parts of people (or what the strategy holds together) from an earlier division.
    """
    nodes = NODES[options.strategy](videos)
    parts = dict(previous) | parts_of_new_nodes(nodes, videos["video_id"], previous)
    parts |= _held_out_alone(videos, nodes, parts, options)
    unit_of = _units(videos, nodes, parts, shares)
    counted = videos["usable"]
    if options.strategy == "method":
        counted = counted & ~videos["method"].isin(options.held_out_methods)
    units = _count(videos[counted], nodes[counted], unit_of)
    unit_parts = deal(units, shares, {f"part {part}": part for part in shares}, options.seed)
    parts |= {node: unit_parts[unit] for node, unit in unit_of.items()}
    touched = [sorted({parts[node] for node in own}) for own in nodes]
    part = pd.Series([p[0] if len(p) == 1 else "" for p in touched], index=videos.index, dtype=object)
    crossing = ["" if len(p) == 1 else _crossing(p, options) for p in touched]
    reason = pd.Series(crossing, index=videos.index, dtype=object)
    return Division(part, reason, groups_of(nodes, parts), parts)


def divide_as_published(videos: pd.DataFrame, options: FeatureSplit, previous: Mapping[str, str]) -> Division:
    """Take the published sides; where train or val is not published, it is divided from the rest by identity.

    Raises:
        InputError: If no test side is published.
    """
    official = videos["official_split"].astype(object)
    published = set(official[videos["usable"]])
    if "test" not in published:
        msg = (
            "feature_split.strategy: official needs a published test side, and no usable video has one (sides: "
            f"{sorted(published - {''}) or 'none'}): put the published lists beside the clips, or use identity"
        )
        raise InputError(msg)
    pool = official == ("train" if "train" in published else "")
    part, reason, parts = official.copy(), pd.Series("", index=videos.index, dtype=object), dict(previous)
    if "val" not in published and pool.any():
        total = options.train + options.val
        shares = {"val": options.val / total, "train": options.train / total}
        divided = divide(videos[pool], options, shares, previous)
        part[pool], reason[pool], parts = divided.part, divided.reason, divided.parts
    elif "train" not in published:
        part[pool] = "train"
    reason[(part == "") & (reason == "")] = "no published side"
    return Division(part, reason, _groups_within(videos, part), parts)


def all_on_test(videos: pd.DataFrame) -> Division:
    """Put everything on the test side: nobody is trained on."""
    part = pd.Series("test", index=videos.index, dtype=object)
    return Division(part, pd.Series("", index=videos.index, dtype=object), groups_of(NODES["identity"](videos)))


def sides_of(options: FeatureSplit) -> tuple[str, ...]:
    """Return the sides that a strategy has to fill."""
    return ("test",) if options.strategy == "test_only" else SPLITS


def divide_as_imported(videos: pd.DataFrame, listed: Mapping[str, object]) -> Division:
    """Take the sides of an imported ``splits.json``; what it does not list is not used.

    An entry is a key ``<real or fake>/<video_id>``, a ``video_id``, or the name of a file, with or without suffix.

    Raises:
        InputError: If a side is missing, an entry names several videos, a video is on two sides, or none is known.
    """
    ids = _names(videos)
    sides: dict[str, str] = {}
    for side in SPLITS:
        for name in _entries(listed, side):
            for video_id in _one_video(name, ids):
                if sides.setdefault(video_id, side) != side:
                    msg = f"imported_splits: {name} is listed in {sides[video_id]} and in {side}: remove it from one"
                    raise InputError(msg)
    if not sides:
        msg = "imported_splits: lists none of the videos: entries are keys as in splits.json, video ids or file names"
        raise InputError(msg)
    part = videos["video_id"].map(sides).fillna("").astype(object)
    reason = pd.Series("", index=videos.index, dtype=object).mask(part == "", "not in the imported splits.json")
    return Division(part, reason, _groups_within(videos, part))


def unknown_entries(videos: pd.DataFrame, listed: Mapping[str, object]) -> list[str]:
    """Return the entries of an imported ``splits.json`` that name none of the videos."""
    ids = _names(videos)
    return [name for side in SPLITS for name in _entries(listed, side) if not _lookup(name, ids)]


def folds_to_sides(folds: int, fold: int) -> dict[str, str]:
    """Map the names of ``folds`` parts to sides: one is the test side, the next one val."""
    named = {fold: "test", (fold + 1) % folds: "val"}
    return {str(i): named.get(i, "train") for i in range(folds)}


def shares_of(options: FeatureSplit) -> dict[str, float]:
    """Return the share of each part, in the order of dealing: test and val first, they must not be empty."""
    if options.folds is not None:
        return {str(i): 1 / options.folds for i in range(options.folds)}
    return {"test": options.test, "val": options.val, "train": options.train}


def _units(
    videos: pd.DataFrame, nodes: pd.Series, parts: Mapping[str, str], shares: Mapping[str, float]
) -> dict[str, str]:
    """Map each node to what is dealt as a whole: what has a part, a group, or a person of a group too large."""
    group = groups_of(nodes, parts)
    free = pd.Series([own[0] not in parts for own in nodes], index=nodes.index) & videos["usable"]
    sizes = group[free].value_counts()
    broken = _too_large(sizes, nodes, group, int(videos["usable"].sum()), shares, fresh=bool(free.any()) and not parts)
    atoms = _atoms(videos, nodes)
    unit_of: dict[str, str] = {}
    for own, name in zip(nodes, group, strict=True):
        for node in own:
            whole = atoms.get(node, node) if name in broken else name
            unit_of[node] = f"part {parts[node]}" if node in parts else whole
    return unit_of


def _too_large(
    sizes: pd.Series, nodes: pd.Series, group: pd.Series, total: int, shares: Mapping[str, float], *, fresh: bool
) -> set[str]:
    """Return groups that must be broken up; see `divide`."""
    limit = (1 + max(shares.values())) / 2 * total
    members = {name: len({node for own in nodes[group == name] for node in own}) for name in sizes.index[:3]}
    broken = {str(name) for name, size in sizes.items() if size > limit}
    units = len(sizes) + sum(members[name] - 1 for name in broken)
    for name in sorted(members, key=lambda n: (-sizes[n], order_of(n))):
        if fresh and units < len(shares) and name not in broken:
            broken.add(name)
            units += members[name] - 1
    return broken


def _atoms(videos: pd.DataFrame, nodes: pd.Series) -> dict[str, str]:
    """Map nodes of real videos to what cannot be taken apart: a person and the videos that show them."""
    real = nodes[videos["label"] == 0]
    names = groups_of(real)
    return {node: name for own, name in zip(real, names, strict=True) for node in own}


def _count(videos: pd.DataFrame, nodes: pd.Series, unit_of: Mapping[str, str]) -> list[Unit]:
    units = {name: Unit(name) for name in sorted(set(unit_of.values()))}
    for dataset, label, method, own in zip(videos["dataset"], videos["label"], videos["method"], nodes, strict=True):
        owners = {unit_of[node] for node in own}
        for owner in owners:
            kind: Kind = (dataset, int(label), method)
            units[owner].kinds[kind] += 1 / len(owners)  # type: ignore[assignment]  # counts may be halves
    return list(units.values())


def _held_out_alone(
    videos: pd.DataFrame, nodes: pd.Series, parts: Mapping[str, str], options: FeatureSplit
) -> dict[str, str]:
    """Strategy method: groups of nothing but held-out fakes are all tested on, at no cost to the others."""
    if options.strategy != "method":
        return {}
    group = groups_of(nodes, parts)
    alone = videos["method"].isin(options.held_out_methods).groupby(group).transform("all")
    return {node: "test" for own in nodes[alone] for node in own if node not in parts}


def _crossing(parts: list[str], options: FeatureSplit) -> str:
    what = "people" if options.strategy != "source_video" else "people or source videos"
    return f"connects {what} of {'folds ' if options.folds is not None else ''}{' and '.join(parts)}"


def _groups_within(videos: pd.DataFrame, part: pd.Series) -> pd.Series:
    """Return identity groups within each side; a list may have put one person on two, which are two groups then."""
    nodes = NODES["identity"](videos)
    group = pd.concat([groups_of(nodes[part == side]) for side in sorted(set(part))]).reindex(videos.index)
    several = part[part != ""].groupby(group).transform("nunique").reindex(videos.index, fill_value=0) > 1
    return group.mask(several, group + " (" + part + ")")


def _entries(listed: Mapping[str, object], side: str) -> list[str]:
    """Return what a side lists; by label too, as ``{"real": […], "fake": […]}``."""
    entries = listed.get(side)
    if isinstance(entries, dict) and all(isinstance(names, list) for names in entries.values()):
        return [f"{label}/{name}" for label, names in entries.items() for name in names]
    if not isinstance(entries, list):
        msg = f"imported_splits: {side} must be a list of videos, got {type(entries).__name__}: all sides must be there"
        raise InputError(msg)
    return [str(name) for name in entries]


def _names(videos: pd.DataFrame) -> dict[str, set[str]]:
    """Map whatever names a video to the ids that it may mean."""
    stems = videos["path"].str.replace("\\", "/").str.rsplit("/", n=1).str[-1].str.rsplit(".", n=1).str[0]
    keys = folder_keys(videos)
    labels = keys.str.split("/").str[0]
    names: dict[str, set[str]] = {}
    for column in (videos["video_id"], keys, stems, labels + "/" + stems):
        for name, video_id in zip(column, videos["video_id"], strict=True):
            names.setdefault(name, set()).add(video_id)
    return names


def _lookup(name: str, ids: Mapping[str, set[str]]) -> set[str]:
    return ids.get(name) or ids.get(name.rsplit(".", 1)[0]) or set()


def _one_video(name: str, ids: Mapping[str, set[str]]) -> set[str]:
    matches = _lookup(name, ids)
    if len(matches) > 1:
        msg = f"imported_splits: {name} may be any of {', '.join(sorted(matches)[:4])}: list video ids instead"
        raise InputError(msg)
    return matches


def too_few(used: set[str], groups: int, options: FeatureSplit) -> InputError:
    """Return the error of a division that leaves a side empty."""
    sides = sides_of(options)
    lacking = ", ".join(side for side in sides if side not in used)
    wanted = " and ".join(", ".join(sides).rsplit(", ", 1))
    msg = f"feature_split: {groups} identity groups cannot fill {wanted} ({lacking} is empty): {_TOO_FEW}"
    return InputError(msg)

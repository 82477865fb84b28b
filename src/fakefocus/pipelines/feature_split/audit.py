"""Looks for what is on two sides of a split, and for what gives the label away besides the picture."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fakefocus.datasets.stored_video import VideoFolder
from fakefocus.imaging.phash import nearest, perceptual_hash
from fakefocus.parameters import FeatureSplit
from fakefocus.pipelines.feature_split.grouping import people
from fakefocus.schemas import SPLITS, folder_keys

_EXAMPLES = 5
_PAIRS = tuple(combinations(SPLITS, 2))
Finding = dict[str, Any]
"""``left``, ``right``: sides; ``count``; ``examples``: texts."""


def cross_side_checks(
    used: pd.DataFrame,
    faces: pd.DataFrame,
    face_crops: Mapping[str, VideoFolder],
    options: FeatureSplit,
    embed: Callable[[list[NDArray[np.uint8]]], NDArray[np.float32]] | None = None,
) -> list[dict[str, Any]]:
    """Return a row a check: ``check``, ``severity`` (none or leak), ``videos`` looked at and its ``findings``.

    A person on two sides, as target or source; a video that clips of two sides were cut from; one file under several
    names; crops of two sides that differ in few bits of their perceptual hash; and, where faces can be embedded, people
    of two sides who look alike.
    """
    findings = {
        "identities": shared_values(used, people(used)),
        "source videos": shared_values(used, _source_videos(used)),
        "identical files": shared_values(used, _files(used)),
    }
    if options.near_duplicate_distance is not None:
        hashes = hash_crops(used, faces, face_crops, options.near_duplicate_crops)
        findings["near-duplicate faces"] = near_duplicates(used, hashes, options.near_duplicate_distance)
    if embed is not None:
        embeddings = embed_videos(used, faces, face_crops, options.near_duplicate_crops, embed)
        findings["people by their faces"] = same_people(used, embeddings, options.same_person_similarity)
    return [
        {"check": name, "severity": "leak" if leaks else "none", "videos": len(used), "findings": leaks}
        for name, leaks in findings.items()
    ]


def shared_values(used: pd.DataFrame, values: pd.Series) -> list[Finding]:
    """Return values that occur on two sides.

    Args:
        used: Videos with the column ``split``.
        values: A tuple of values for each video; empty texts are no values.
    """
    on = {side: {v for own in values[used["split"] == side] for v in own if v} for side in SPLITS}
    return [_finding(a, b, sorted(on[a] & on[b])) for a, b in _PAIRS if on[a] & on[b]]


def near_duplicates(used: pd.DataFrame, hashes: Mapping[str, NDArray[np.uint64]], distance: int) -> list[Finding]:
    """Return videos of one side that show nearly the same face as one of another side.

    Args:
        used: Videos with the columns ``video_id`` and ``split``.
        hashes: ``(K, 4)`` perceptual hashes of crops, by ``video_id``.
        distance: Bits in which near-duplicates differ at most, in [0, 256].
    """
    sides = {side: _stack(used.loc[used["split"] == side, "video_id"], hashes) for side in SPLITS}
    findings = []
    for a, b in _PAIRS:
        (left_ids, left), (right_ids, right) = sides[a], sides[b]
        matches = nearest(left, right, distance)
        pairs = {(right_ids[r], left_ids[n]): int(bits) for r, n, bits in matches[np.argsort(-matches[:, 2])].tolist()}
        names = {right: f"{left} and {right}: {bits} bits" for (right, left), bits in pairs.items()}
        if names:
            findings.append(_finding(a, b, [names[key] for key in sorted(names)]))
    return findings


def hash_crops(
    used: pd.DataFrame, faces: pd.DataFrame, face_crops: Mapping[str, VideoFolder], crops: int
) -> dict[str, NDArray[np.uint64]]:
    """Hash up to ``crops`` faces of each video, spread over it; returns ``(K, 4)`` by ``video_id``."""
    return {
        video_id: np.stack([perceptual_hash(picture) for picture in pictures])
        for video_id, pictures in _chosen_crops(used, faces, face_crops, crops)
    }


def _chosen_crops(
    used: pd.DataFrame, faces: pd.DataFrame, face_crops: Mapping[str, VideoFolder], crops: int
) -> Iterator[tuple[str, list[NDArray[np.uint8]]]]:
    """Yield ``video_id`` and up to ``crops`` faces of each video, spread over it."""
    keys = dict(zip(used["video_id"], folder_keys(used), strict=True))
    shown = faces[faces["found"] & faces["video_id"].isin(keys)].sort_values(["video_id", "frame"])
    for video_id, names in shown.groupby("video_id")["crop"]:
        chosen = names.iloc[np.unique(np.linspace(0, len(names) - 1, crops).round().astype(int))]
        folder = face_crops[keys[str(video_id)]]
        yield str(video_id), [folder.read(name) for name in chosen]


def same_people(used: pd.DataFrame, embeddings: Mapping[str, NDArray[np.float32]], similarity: float) -> list[Finding]:
    """Return videos of one side whose face is, by its embedding, that of a person on another side.

    Args:
        used: Videos with the columns ``video_id`` and ``split``.
        embeddings: A unit vector ``(D,)`` for each video, by ``video_id``.
        similarity: Cosine from which on two faces are one person's, in [-1, 1].
    """
    sides = {side: [v for v in used.loc[used["split"] == side, "video_id"] if v in embeddings] for side in SPLITS}
    findings = []
    for a, b in _PAIRS:
        if sides[a] and sides[b]:
            cosine = np.stack([embeddings[v] for v in sides[b]]) @ np.stack([embeddings[v] for v in sides[a]]).T
            best = cosine.argmax(axis=1)
            alike = [
                f"{sides[a][best[row]]} and {name}: {cosine[row, best[row]]:.2f}"
                for row, name in enumerate(sides[b])
                if cosine[row, best[row]] >= similarity
            ]
            findings += [_finding(a, b, alike)] if alike else []
    return findings


def embed_videos(
    used: pd.DataFrame,
    faces: pd.DataFrame,
    face_crops: Mapping[str, VideoFolder],
    crops: int,
    embed: Callable[[list[NDArray[np.uint8]]], NDArray[np.float32]],
) -> dict[str, NDArray[np.float32]]:
    """Return the mean direction ``(D,)`` of up to ``crops`` embedded faces of each video, by ``video_id``."""
    means = {}
    for video_id, pictures in _chosen_crops(used, faces, face_crops, crops):
        mean = embed(pictures).mean(axis=0)
        means[video_id] = mean / np.linalg.norm(mean)
    return means


def balance(used: pd.DataFrame) -> list[dict[str, Any]]:
    """Return videos by side: reals, fakes, fakes a real, and fakes by method."""
    rows = []
    for side in SPLITS:
        part = used[used["split"] == side]
        reals, fakes = int((part["label"] == 0).sum()), int((part["label"] == 1).sum())
        methods = part.loc[part["label"] == 1, "method"].value_counts().sort_index().to_dict()
        ratio = round(fakes / reals, 2) if reals else None
        rows.append({"side": side, "real": reals, "fake": fakes, "fakes_per_real": ratio, "methods": methods})
    return rows


def _source_videos(used: pd.DataFrame) -> pd.Series:
    sources = [(f"{d}/{v}" if v else "",) for d, v in zip(used["dataset"], used["source_video"], strict=True)]
    return pd.Series(sources, index=used.index, dtype=object)


def _files(used: pd.DataFrame) -> pd.Series:
    return pd.Series([(str(sha),) for sha in used["sha256"]], index=used.index, dtype=object)


def _stack(ids: Iterable[str], hashes: Mapping[str, NDArray[np.uint64]]) -> tuple[list[str], NDArray[np.uint64]]:
    hashed = [name for name in ids if name in hashes]
    names = [name for name in hashed for _ in hashes[name]]
    return names, np.concatenate([np.empty((0, 4), np.uint64), *(hashes[name] for name in hashed)])


def _finding(left: str, right: str, names: list[str]) -> Finding:
    return {"left": left, "right": right, "count": len(names), "examples": names[:_EXAMPLES]}

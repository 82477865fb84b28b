"""Whether the label can be told without looking at the picture: from the file alone, or from sharpness alone."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fakefocus.metrics.intervals import group_interval
from fakefocus.metrics.scores import auc
from fakefocus.pipelines.feature_split.grouping import order_of

CONFIDENCE = 0.95
_FOLDS, _REPEATS, _TREES, _AT_MOST = 5, 5, 60, 4000
_LEAF = 0.05
"""Share of the videos in a leaf: with small leaves the forest learns single scenes by heart and guesses others."""
_NUMBERS = ("width", "height", "rate", "frames", "duration", "rotation", "bytes")
_WORDS = ("codec", "compression", "kind", "suffix")


def file_features(videos: pd.DataFrame) -> pd.DataFrame:
    """Return what the file tells of each video, in numbers; words become a column for each value."""
    numbers = videos[list(_NUMBERS)].astype(float)
    pixels = (numbers["width"] * numbers["height"] * numbers["frames"].clip(lower=1)).clip(lower=1)
    numbers = numbers.assign(bits_per_pixel=8 * numbers["bytes"] / pixels)
    words = videos.assign(suffix=videos["path"].str.extract(r"(\.[^./\\]+)$")[0].fillna(""))[list(_WORDS)]
    return pd.concat([numbers, pd.get_dummies(words.astype(str), dtype=float)], axis=1).fillna(-1.0)


def find_shortcut(used: pd.DataFrame, seed: int) -> dict[str, Any]:
    """Judge a small classifier that sees the file's attributes only, on groups that it was not trained on.

    A random forest, cross-validated by identity group; the score of a video is the mean over five divisions into
    folds. The label is given away where the whole interval of the AUC lies above one half; no interval, no verdict.

    Args:
        used: Videos with the columns of ``videos`` and ``group``; of more than 4000 as many are taken, in whole groups.
        seed: Seed of forest and folds.

    Returns:
        ``auc`` with ``value``, ``low``, ``high`` (None where there is none); ``given_away``; ``features``: the AUC of
        single attributes, those that tell most first; ``videos``: how many were judged.
    """
    table = _at_most(used, seed)
    features, labels = file_features(table), table["label"].to_numpy(dtype=np.int64)
    scores = _held_out_scores(features.to_numpy(), labels, table["group"].to_numpy(), seed)
    interval = {"value": None, "low": None, "high": None} if scores is None else _auc(table, scores)
    single = {name: auc(labels, features[name]) for name in features}
    strongest = sorted(single, key=lambda name: (-abs(single[name] - 0.5), name))[:4] if scores is not None else []
    return {
        "auc": interval,
        "given_away": interval["low"] is not None and interval["low"] > 0.5,
        "features": [{"name": name, "auc": round(single[name], 3)} for name in strongest],
        "videos": len(table),
    }


def judge_sharpness(used: pd.DataFrame, faces: pd.DataFrame, seed: int) -> dict[str, Any]:
    """Return the AUC of calling the less sharp faces fake, by mean sharpness of a video's crops, with its interval."""
    mean = faces[faces["found"]].groupby("video_id")["sharpness"].mean()
    table = _at_most(used.assign(sharpness=used["video_id"].map(mean)).dropna(subset=["sharpness"]), seed)
    softness = 1 - table["sharpness"].rank(pct=True)
    return _auc(table, np.asarray(softness, dtype=np.float64))


def describe_by_label(used: pd.DataFrame, faces: pd.DataFrame) -> list[dict[str, Any]]:
    """Return medians of size (pixels), bits a pixel and sharpness, and codecs and compressions, of reals and fakes."""
    mean = faces[faces["found"]].groupby("video_id")["sharpness"].mean()
    table = used.assign(sharpness=used["video_id"].map(mean), bits=file_features(used)["bits_per_pixel"])
    return [
        {
            "label": "fake" if label else "real",
            "videos": len(part),
            "width": float(part["width"].median()),
            "height": float(part["height"].median()),
            "bits_per_pixel": round(float(part["bits"].median()), 4),
            "sharpness": round(float(part["sharpness"].median()), 1),
            "codecs": sorted(set(part["codec"].astype(str))),
            "compressions": sorted(set(part["compression"].astype(str))),
        }
        for label, part in table.groupby("label")
    ]


def _held_out_scores(
    features: NDArray[np.float64], labels: NDArray[np.int64], groups: NDArray[Any], seed: int
) -> NDArray[np.float64] | None:
    """Score every row by a forest that saw none of its group; None where there are too few groups or one label."""
    # scikit-learn takes a second to import: only the audit needs it
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import StratifiedGroupKFold

    folds = min([_FOLDS, *(len(set(groups[labels == label])) for label in (0, 1))])
    if folds < 2:
        return None
    scores = np.zeros(len(labels))
    for repeat in range(_REPEATS):
        draw = StratifiedGroupKFold(folds, shuffle=True, random_state=seed + repeat)
        for seen, unseen in draw.split(features, labels, groups):
            forest = RandomForestClassifier(
                _TREES, min_samples_leaf=_LEAF, max_features=None, class_weight="balanced", random_state=seed + repeat
            )
            forest.fit(features[seen], labels[seen])
            # a forest that saw one label only knows nothing
            scores[unseen] += forest.predict_proba(features[unseen])[:, 1] if len(forest.classes_) == 2 else 0.5
    return scores / _REPEATS


def _auc(table: pd.DataFrame, scores: NDArray[np.float64]) -> dict[str, float | None]:
    value = auc(table["label"], scores)
    interval = group_interval(auc, table["label"], scores, table["group"], CONFIDENCE)
    low, high = (interval["low"], interval["high"]) if interval else (None, None)
    return {"value": None if np.isnan(value) else value, "low": low, "high": high}


def _at_most(used: pd.DataFrame, seed: int) -> pd.DataFrame:
    """Take whole groups, in the order of a hash, until there are enough videos."""
    sizes = used.groupby("group").size()
    ordered = sizes.loc[sorted(sizes.index, key=lambda name: order_of(str(name), seed))]
    chosen = ordered.index[(ordered.cumsum() - ordered) < _AT_MOST]
    return used[used["group"].isin(chosen)].sort_values("video_id", ignore_index=True)

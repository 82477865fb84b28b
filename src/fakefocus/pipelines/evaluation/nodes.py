"""Scores faces and videos with a trained detector, judges the scores, and sums all of it up."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from fakefocus.datasets.stored_video import VideoFolder
from fakefocus.metrics.comparison import hierarchical_interval
from fakefocus.metrics.coverage import auc_by_policy, coverage, judged_videos
from fakefocus.metrics.videos import score_by_track, score_by_video
from fakefocus.models.contract import Contract, read_contract
from fakefocus.models.fitting import check_judged
from fakefocus.models.overlap import find_overlap
from fakefocus.parameters import Defocus, Evaluation, Preprocessing
from fakefocus.pipelines.evaluation.attributes import describe_videos
from fakefocus.pipelines.evaluation.judgement import Scores, calibrate, judged_first, measure
from fakefocus.schemas import SCORE_COLUMNS, SUMMARY_VERSION, TRACK_SCORE_COLUMNS, VIDEO_SCORE_COLUMNS


def score_faces(
    model: dict[str, Any],
    samples: pd.DataFrame,
    face_crops: dict[str, VideoFolder],
    defocus_maps: dict[str, VideoFolder],
    splits_json: dict[str, Any],
    preprocessing: Preprocessing,
    defocus: Defocus,
    evaluation: Evaluation,
) -> pd.DataFrame:
    """Score every face of the sides val and test with the probability of fake, in [0, 1].

    Raises:
        InputError: If the detector does not fit: crops or maps are of another kind than it was trained on, or it knows
            test videos or people (see ``evaluation.seen``).
    """
    # torch takes seconds to import: only this node needs it
    from fakefocus.inference import prepare

    rows = samples[samples["split"] != "train"].reset_index(drop=True)
    shown = prepare(model, rows, face_crops, defocus_maps, splits_json, preprocessing, defocus, evaluation)
    table = rows.assign(score=shown.scorer(shown.crops))
    return table[list(SCORE_COLUMNS)]


def score_tracks(face_scores: pd.DataFrame, evaluation: Evaluation) -> pd.DataFrame:
    """Score each person of each video (`metrics.videos.score_by_track`)."""
    about = face_scores.groupby(["video_id", "track"])[["method", "group", "split"]].max()
    tracks = score_by_track(face_scores, evaluation.aggregation).join(about)
    return tracks.reset_index()[list(TRACK_SCORE_COLUMNS)]


def score_videos(face_scores: pd.DataFrame, splits: pd.DataFrame, evaluation: Evaluation) -> pd.DataFrame:
    """Score each video of the sides val and test by the person in it who looks most fake.

    Every video that the split names has a row, scored or not: ``status`` and ``reason`` say why not.
    """
    named = splits[splits["side"].isin(["val", "test"])]
    table = named.drop(columns=["split"]).rename(columns={"side": "split"})
    scored = score_by_video(face_scores, evaluation.aggregation)
    table = table.join(scored[["faces", "score"]], on="video_id")
    table["faces"] = table["faces"].fillna(0).astype(int)
    return table.reset_index(drop=True)[list(VIDEO_SCORE_COLUMNS)]


def summarise_detector(
    model: dict[str, Any],
    history: pd.DataFrame,
    samples: pd.DataFrame,
    videos: pd.DataFrame,
    faces: pd.DataFrame,
    face_scores: pd.DataFrame,
    track_scores: pd.DataFrame,
    video_scores: pd.DataFrame,
    home_scores: pd.DataFrame,
    home_evaluation: dict[str, Any],
    attributes: pd.DataFrame,
    splits_json: dict[str, Any],
    evaluation: Evaluation,
    dataset: str,
    experiment: str,
) -> dict[str, Any]:
    """Judge the scores of the test side, and say all that a report needs of one detector.

    Args:
        model: The detector.
        history: Its metrics by epoch.
        samples: The faces of the split.
        videos: All usable media.
        faces: Sampled frames.
        face_scores: A row a face.
        track_scores: A row a person.
        video_scores: A row a video that the split names.
        home_scores: Scores of faces of the detector's own experiment: threshold and calibration are of its validation
            videos; empty where it was not evaluated there.
        home_evaluation: What that evaluation says of the detector; empty likewise.
        attributes: Columns of the user's on videos; empty without.
        splits_json: The split that it is judged on.
        evaluation: How it is judged.
        dataset: Name of the data set.
        experiment: Name of the judgement.

    Returns:
        ``contract``: what the detector is, people and videos counted; ``parameters``: how many numbers it has learned
        or could; ``dataset``, ``experiment`` and ``split_hash``: what it was judged on; ``overlap``: how many of the
        test videos it knows; ``coverage``: how many it scored, and the AUC by policy; ``metrics``: see
        `judgement.measure`; ``calibration``: see `judgement.calibrate`; ``history``: a row an epoch; ``videos``: the
        test side, column by column.

    Raises:
        InputError: If the detector was trained again since it was evaluated on its own experiment.
    """
    contract = read_contract(model["contract"])
    tables = (face_scores, track_scores, video_scores, samples)
    test_faces, test_tracks, test_videos, test_samples = (table[table["split"] == "test"] for table in tables)
    own = contract.experiment == experiment
    at_home = face_scores if own else _home(model["contract"], home_scores, home_evaluation)
    scores = Scores(test_faces, test_tracks, test_videos, _validation(at_home, evaluation))
    about = describe_videos(scores.videos, videos, faces, attributes)
    metrics = measure(contract, scores, about, evaluation, dataset)
    first = judged_first(contract, scores.videos, dataset)
    shown = scores.videos[["video_id", "label", "method", "group", "status", "score"]]
    return {
        "version": SUMMARY_VERSION,
        "contract": _described(contract),
        "parameters": _count_parameters(model["weights"]),
        "dataset": dataset,
        "experiment": experiment,
        "split_hash": splits_json["hash"],
        "overlap": find_overlap(contract.train, contract.val, test_samples).model_dump(mode="json"),
        "coverage": coverage(scores.videos, evaluation.missing)
        | {"least": evaluation.min_coverage, "auc": auc_by_policy(first)},
        "metrics": metrics,
        "calibration": calibrate(scores._replace(videos=first), own, metrics["threshold"], evaluation),
        "history": history.to_dict("records"),
        # JSON knows no NaN
        "videos": shown.astype(object).where(shown.notna(), None).to_dict("list"),
    }


def list_evaluated(*summaries: dict[str, Any]) -> dict[str, Any]:
    """Name the detectors of the lineage, in its order: what reads all summaries waits for these."""
    return {"detectors": [{name: s["contract"][name] for name in ("family", "labels")} for s in summaries]}


def compare_seeds(first: dict[str, Any], second: dict[str, Any], third: dict[str, Any]) -> dict[str, Any]:
    """Return mean and deviation over three seeds of what was measured on the test side.

    Returns:
        ``{"seeds": [...], "video": {"auc": {"mean", "deviation", "values"}, …}, "face": …, "held_out": …}``; the
        deviation is that of a sample (n - 1); None where a value is undefined for one of the seeds. ``auc`` of videos
        has ``low`` and ``high`` too: see `metrics.comparison.hierarchical_interval`.
    """
    summaries = sorted((first, second, third), key=lambda s: int(s["contract"]["training"]["seed"]))
    by_seed = {s["contract"]["training"]["seed"]: s["metrics"] for s in summaries}
    seeds = sorted(by_seed)
    template = by_seed[seeds[0]]
    scopes = [scope for scope in ("video", "face", "held_out") if scope in template]
    compared: dict[str, Any] = {"seeds": seeds} | {
        scope: {
            name: _over_seeds([by_seed[seed][scope][name]["value"] for seed in seeds])
            for name, value in template[scope].items()
            if isinstance(value, dict)
        }
        for scope in scopes
    }
    for scope in set(scopes) - {"face"}:
        interval = _interval_over_seeds(summaries, held_out=scope == "held_out")
        compared[scope]["auc"] |= {end: interval[end] for end in ("low", "high")}
    return compared


def _interval_over_seeds(summaries: list[dict[str, Any]], *, held_out: bool) -> dict[str, float | None]:
    """Return the interval of the mean AUC over seeds, of the videos that the mean is of: under the same policy."""
    metrics = summaries[0]["metrics"]
    other = {name for name, of_method in metrics["by_method"].items() if of_method["held_out"]}
    tables = [judged_videos(summary).set_index("video_id") for summary in summaries]
    scores = pd.concat([table["score"] for table in tables], axis=1, join="inner")
    about = tables[0].loc[scores.index]
    chosen = (about["label"] == 0) | (about["method"].isin(other) == held_out)
    confidence = metrics["interval"]["confidence"]
    return hierarchical_interval(
        about.loc[chosen, "label"], scores[chosen].to_numpy().T, about.loc[chosen, "group"], confidence
    )


def _home(contract: Mapping[str, Any], scores: pd.DataFrame, summary: Mapping[str, Any]) -> pd.DataFrame:
    """Return scores of a detector's own experiment, of this very training; none where it was not judged to the end."""
    if not summary:
        return scores.head(0)
    remedy = f"judge it on its experiment {contract['experiment']} again first: kedro run --pipelines=evaluate"
    check_judged(contract, summary, remedy)
    return scores


def _validation(face_scores: pd.DataFrame, evaluation: Evaluation) -> pd.DataFrame:
    """Return the validation videos that were scored; a detector that was never evaluated at home has none."""
    if face_scores.empty:
        return pd.DataFrame(columns=["label", "score"])
    return score_by_video(face_scores[face_scores["split"] == "val"], evaluation.aggregation)


def _described(contract: Contract) -> dict[str, Any]:
    """Return a contract with numbers of videos and people in the place of their names."""
    sides = {
        side: {"videos": len(who.videos), "people": len(who.people)}
        for side, who in (("train", contract.train), ("val", contract.val))
    }
    return contract.model_dump(mode="json") | sides | {"name": contract.name}


def _count_parameters(weights: Mapping[str, Any]) -> int:
    statistics = ("running_mean", "running_var", "num_batches_tracked")
    return sum(int(tensor.numel()) for name, tensor in weights.items() if not name.endswith(statistics))


def _over_seeds(values: list[float | None]) -> dict[str, Any]:
    defined = [value for value in values if value is not None]
    if len(defined) < len(values):
        return {"mean": None, "deviation": None, "values": values}
    return {"mean": float(np.mean(defined)), "deviation": float(np.std(defined, ddof=1)), "values": values}

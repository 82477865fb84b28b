"""Shows detectors the test side as it looks after compression, sharing, blur and the like, and judges them anew."""

import logging
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from fakefocus.datasets.stored_video import VideoFolder, VideoWork
from fakefocus.errors import InputError
from fakefocus.imaging.perturbations import STRENGTHS, perturbations
from fakefocus.imaging.reencoding import CONDITIONS
from fakefocus.metrics.intervals import METHOD
from fakefocus.models.contract import Contract
from fakefocus.models.fitting import check_judged, result_of, trainings_in
from fakefocus.parameters import Defocus, Evaluation, Preprocessing, Robustness
from fakefocus.pipelines.robustness import figures, tables
from fakefocus.pipelines.robustness.choosing import choose_faces, choose_videos
from fakefocus.pipelines.robustness.files import plan_file
from fakefocus.pipelines.robustness.measuring import Judge, auc_of, auc_of_held_out, clean_videos, counted

_log = logging.getLogger(__name__)


def plan_reencoded_crops(
    videos: pd.DataFrame, samples: pd.DataFrame, preprocessing: Preprocessing, robustness: Robustness
) -> dict[str, VideoWork]:
    """Plan for each chosen test video and each way of encoding it again how its crops are made.

    The dataset does it side by side, and goes on where a killed run stopped.

    Raises:
        InputError: If a video of ``samples`` is not in ``videos``.
    """
    chosen = choose_videos(_test(samples), robustness.videos, robustness.seed)
    files = videos.set_index("video_id")
    missing = sorted(set(chosen["video_id"]) - set(files.index))
    if missing:
        msg = (
            f"videos: {len(missing)} of {len(chosen)} test videos are not listed any more (such as {missing[0]}): "
            "run kedro run --pipelines=ingest,preprocess,defocus,split again"
        )
        raise InputError(msg)
    return {
        f"{condition}/{name}": plan_file(condition, str(name), files.loc[name], preprocessing)
        for condition in CONDITIONS
        for name in chosen["video_id"]
    }


def measure_robustness(
    model: dict[str, Any],
    summary: dict[str, Any],
    samples: pd.DataFrame,
    videos: pd.DataFrame,
    face_crops: dict[str, VideoFolder],
    defocus_maps: dict[str, VideoFolder],
    reencoded_crops: dict[str, VideoFolder],
    splits_json: dict[str, Any],
    face_scores: pd.DataFrame,
    preprocessing: Preprocessing,
    defocus: Defocus,
    evaluation: Evaluation,
    robustness: Robustness,
    dataset: str,
    experiment: str,
) -> dict[str, Any]:
    """Score test faces after every change, and judge what it does to the AUC of videos and to the scores of reals.

    Maps are made anew of what each change leaves of a crop.

    Returns:
        ``media``: a row a way of encoding files again, with videos whose face was lost and why; ``crops``: a row each
        perturbation and strength of stored crops; both as `measuring.compare` has them. ``compression``: AUC by the
        compression of the files as they are, empty where all have the same. ``tracked`` are numbers by name.

    Raises:
        InputError: If the detector does not fit, was not evaluated or was trained again since, or crops are of other
            parameters.
    """
    check_judged(model["contract"], summary)
    # torch takes seconds to import: only this node needs it
    from fakefocus.inference import prepare, stored_scores
    from fakefocus.pipelines.robustness.scoring import measure_crops, measure_files

    test = _test(samples)
    faces = choose_faces(test, robustness.faces, robustness.seed)
    shown = prepare(model, faces, face_crops, defocus_maps, splits_json, preprocessing, defocus, evaluation)
    judge = _judge(shown.contract, summary, evaluation, dataset)
    clean = test.assign(score=stored_scores(test, face_scores, shown.contract.name))
    chosen = choose_videos(test, robustness.videos, robustness.seed)

    originals = clean_videos(clean, chosen["video_id"], judge)
    before = clean_videos(clean[clean["crop"].isin(set(faces["crop"]))], faces["video_id"], judge)
    media = [
        measure_files(condition, shown.scorer, clean, chosen, videos, reencoded_crops, preprocessing, judge)
        for condition in CONDITIONS
    ]
    crops = [
        measure_crops(name, strength, robustness.seed, shown, before, judge)
        for name in perturbations()
        for strength in range(1, STRENGTHS + 1)
    ]
    contract = shown.contract
    _log.info("%s: %s", contract.name, tables.in_a_line(media, crops))
    return {
        **result_of("robustness", model["contract"], dataset, experiment, splits_json["hash"]),
        "split": "test",
        "parameters": robustness.model_dump(),
        "threshold": judge.threshold,
        "interval": {"method": METHOD, "confidence": evaluation.confidence},
        "faces": len(faces),
        "videos": {"media": len(chosen), "crops": len(before)},
        "clean": {
            "media": auc_of(counted(originals, judge), judge),
            "media_held_out": auc_of_held_out(originals, judge),
            "crops": auc_of(counted(before, judge), judge),
        },
        "media": media,
        "crops": crops,
        "compression": _by_compression(clean, videos, judge),
        "tracked": tables.tracked(media, crops),
    }


def describe_robustness(*results: dict[str, Any]) -> dict[str, Any]:
    """Return the report's section: what was measured, the tables, and what they do not show."""
    return {
        "title": "Robustness",
        "order": 20,
        "split_hash": results[0]["split_hash"],
        "trainings": trainings_in(results),
        "text": tables.paragraphs(results),
        "tables": tables.tables(results),
        "caption": tables.caption(results),
    }


def draw_robustness(*results: dict[str, Any]) -> Figure:
    """Draw the AUC of test videos by strength, a panel a perturbation, and by how files were encoded again."""
    return figures.robustness_figure(results)


def _test(samples: pd.DataFrame) -> pd.DataFrame:
    return samples[samples["split"] == "test"].reset_index(drop=True)


def _judge(contract: Contract, summary: dict[str, Any], evaluation: Evaluation, dataset: str) -> Judge:
    """Return how a detector is judged: as in its evaluation, by fakes of the methods that it was trained on.

    Raises:
        InputError: If it was evaluated otherwise.
    """
    metrics = summary["metrics"]
    if metrics["aggregation"] != evaluation.aggregation:
        msg = (
            f"evaluation.aggregation: {contract.name} was evaluated by {metrics['aggregation']}, this run asks for "
            f"{evaluation.aggregation}: run kedro run --pipelines=evaluate with the same --params first"
        )
        raise InputError(msg)
    threshold = metrics["threshold"]
    # two data sets need not mean the same by a method without a name
    unnamed = set() if dataset == contract.dataset else {"unknown"}
    return Judge(threshold, evaluation.confidence, frozenset(contract.methods) - unnamed, evaluation.aggregation)


def _by_compression(clean: pd.DataFrame, videos: pd.DataFrame, judge: Judge) -> list[dict[str, Any]]:
    """Return the AUC by the compression of files, where a data set comes in several."""
    table = clean_videos(clean, clean["video_id"], judge)
    compression = videos.set_index("video_id")["compression"].reindex(table.index)
    names = sorted(set(compression) - {""})
    if len(names) < 2:
        return []
    kept = counted(table.assign(compression=compression), judge)
    return [{"compression": name} | {"auc": auc_of(kept[kept["compression"] == name], judge)} for name in names]

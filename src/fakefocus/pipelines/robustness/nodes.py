"""Shows detectors the test side as it looks after compression, sharing, blur and the like, and judges them anew."""

import logging
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fakefocus.datasets.stored_video import VideoFolder, VideoWork, fingerprint
from fakefocus.errors import InputError
from fakefocus.extraction import NO_FACE, OTHER_FACES, extract_reencoded
from fakefocus.imaging.perturbations import PERTURBATIONS, STRENGTHS, perturb
from fakefocus.imaging.reencoding import CONDITIONS
from fakefocus.metrics.intervals import METHOD
from fakefocus.metrics.videos import score_by_video
from fakefocus.models.contract import Contract
from fakefocus.parameters import Defocus, Evaluation, Preprocessing, Robustness
from fakefocus.pipelines.robustness import figures, tables
from fakefocus.pipelines.robustness.choosing import choose_faces, choose_videos
from fakefocus.pipelines.robustness.measuring import Judge, auc_of, compare, counted

RECIPE = 1
"""Raise when the same parameters give other files or crops, so that finished videos are made again."""

_AGAIN = "run kedro run --pipelines=robustness again"
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
        f"{condition}/{name}": _planned(condition, str(name), files.loc[name], preprocessing)
        for condition in CONDITIONS
        for name in chosen["video_id"]
    }


def measure_robustness(
    model: dict[str, Any],
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
        InputError: If the detector does not fit, was not evaluated, or crops are of other parameters.
    """
    # torch takes seconds to import: only this node needs it
    from fakefocus.inference import prepare

    test = _test(samples)
    faces = choose_faces(test, robustness.faces, robustness.seed)
    shown = prepare(model, faces, face_crops, defocus_maps, splits_json, preprocessing, defocus, evaluation)
    judge = _judge(shown.contract, evaluation, dataset)
    clean = _clean_faces(test, face_scores, shown.contract)
    chosen = choose_videos(test, robustness.videos, robustness.seed)

    media = []
    for condition in CONDITIONS:
        found, statuses = _reencoded(condition, chosen, videos, reencoded_crops, preprocessing)
        reads = [partial(_read_crop, reencoded_crops[key], name) for key, name in found[["key", "crop"]].to_numpy()]
        scored = found.assign(score=shown.scorer(reads))
        compared = compare(_clean_videos(clean, statuses.index), scored, judge)
        media.append({"condition": condition, "title": CONDITIONS[condition].title} | compared | _losses(statuses))

    crops, before = [], _clean_videos(clean[clean["crop"].isin(set(faces["crop"]))], faces["video_id"])
    for name, strength in ((name, strength) for name in PERTURBATIONS for strength in range(1, STRENGTHS + 1)):
        changed = partial(_perturbed, name=name, strength=strength, seed=robustness.seed)
        compared = compare(before, faces.assign(score=shown.scorer(shown.crops, changed)), judge)
        value = PERTURBATIONS[name].values[strength - 1]
        crops.append({"perturbation": name, "strength": strength, "value": value} | compared)

    contract = shown.contract
    _log.info("%s: %s", contract.name, tables.in_a_line(media, crops))
    return {
        "protocol": "robustness",
        "detector": contract.name,
        "family": contract.family,
        "dataset": dataset,
        "experiment": experiment,
        "split": "test",
        "split_hash": splits_json["hash"],
        "parameters": robustness.model_dump(),
        "threshold": judge.threshold,
        "interval": {"method": METHOD, "confidence": evaluation.confidence},
        "faces": len(faces),
        "videos": {"media": len(chosen), "crops": len(before)},
        "clean": {
            "media": auc_of(counted(_clean_videos(clean, chosen["video_id"]), judge), judge),
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
        "text": tables.paragraphs(results),
        "tables": tables.tables(results),
        "caption": tables.caption(results),
    }


def draw_robustness(*results: dict[str, Any]) -> Figure:
    """Draw the AUC of test videos by strength, a panel a perturbation, and by how files were encoded again."""
    return figures.robustness_figure(results)


def _planned(condition: str, name: str, video: "pd.Series[Any]", preprocessing: Preprocessing) -> VideoWork:
    path, steps = Path(video["path"]).absolute(), CONDITIONS[condition].steps
    made_with = _made_with(condition, preprocessing)
    return VideoWork(
        fingerprint(RECIPE, video["sha256"], made_with),
        partial(extract_reencoded, path, name, video["kind"], steps, preprocessing),
        made_with,
    )


def _made_with(condition: str, preprocessing: Preprocessing) -> dict[str, dict[str, Any]]:
    steps = {str(number): vars(step) for number, step in enumerate(CONDITIONS[condition].steps)}
    return {"reencoding": steps, "preprocessing": preprocessing.model_dump(mode="json")}


def _test(samples: pd.DataFrame) -> pd.DataFrame:
    return samples[samples["split"] == "test"].reset_index(drop=True)


def _judge(contract: Contract, evaluation: Evaluation, dataset: str) -> Judge:
    """Return how a detector is judged: as in its evaluation, by fakes of the methods that it was trained on."""
    threshold = contract.threshold.value if evaluation.threshold == "validation" else evaluation.threshold
    # two data sets need not mean the same by a method without a name
    unnamed = set() if dataset == contract.dataset else {"unknown"}
    return Judge(threshold, evaluation.confidence, frozenset(contract.methods) - unnamed)


def _clean_faces(test: pd.DataFrame, face_scores: pd.DataFrame, contract: Contract) -> pd.DataFrame:
    """Return the test faces with the scores that evaluation gave them.

    Raises:
        InputError: If it gave none to some of them.
    """
    scores = face_scores.set_index("crop")["score"]
    missing = int((~test["crop"].isin(scores.index)).sum())
    if missing:
        msg = (
            f"face_scores: {contract.name} has not scored {missing} of {len(test)} test faces: "
            "run kedro run --pipelines=evaluate first"
        )
        raise InputError(msg)
    return test.assign(score=test["crop"].map(scores))


def _clean_videos(clean: pd.DataFrame, names: Iterable[str]) -> pd.DataFrame:
    """Return videos by ``video_id`` with their scores before any change; bystanders of a fake have no method."""
    faces = clean[clean["video_id"].isin(set(names))]
    return score_by_video(faces).join(faces.groupby("video_id")[["method", "group"]].max())


def _reencoded(
    condition: str,
    chosen: pd.DataFrame,
    videos: pd.DataFrame,
    reencoded_crops: Mapping[str, VideoFolder],
    preprocessing: Preprocessing,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return faces that were found again, and by ``video_id`` a ``status`` (ok, no_face, error) and the file's size.

    Raises:
        InputError: If a video was not encoded again, or by other parameters.
    """
    sizes = videos.set_index("video_id")["bytes"]
    faces, statuses, made_with = [], [], _made_with(condition, preprocessing)
    for video in chosen.to_dict("records"):
        key = f"{condition}/{video['video_id']}"
        if key not in reencoded_crops or reencoded_crops[key].made_with != made_with:
            msg = f"reencoded_crops: {key} is missing or of other parameters: {_AGAIN}"
            raise InputError(msg)
        rows = reencoded_crops[key].rows
        of_video = {name: video[name] for name in ("video_id", "label")}
        faces += [of_video | {"key": key, "crop": r["crop"], "track": r["track"]} for r in rows if r["found"]]
        statuses.append(
            {
                "video_id": video["video_id"],
                "status": _status(rows),
                "bytes": rows[0]["bytes"],
                "original": sizes[video["video_id"]],
            }
        )
    columns = ["video_id", "label", "key", "crop", "track"]
    return pd.DataFrame(faces, columns=columns), pd.DataFrame(statuses).set_index("video_id")


def _status(rows: list[dict[str, Any]]) -> str:
    if any(row["found"] for row in rows):
        return "ok"
    return "no_face" if all(row["reason"] in (NO_FACE, OTHER_FACES) for row in rows) else "error"


def _losses(statuses: pd.DataFrame) -> dict[str, Any]:
    """Count all chosen videos by status; ``size`` is that of the new files together, a share of the originals'."""
    counts = {status: int((statuses["status"] == status).sum()) for status in ("ok", "no_face", "error")}
    return {"statuses": counts, "size": float(statuses["bytes"].sum() / statuses["original"].sum())}


def _read_crop(folder: VideoFolder, name: str) -> Any:  # noqa: ANN401 (its type is of a module that needs torch)
    """Return a crop without a map: one is made of it."""
    from fakefocus.inference import Crop

    return Crop(folder.read(name))


def _perturbed(image: NDArray[np.uint8], number: int, *, name: str, strength: int, seed: int) -> NDArray[np.uint8]:
    return perturb(image, name, strength, (seed, number))


def _by_compression(clean: pd.DataFrame, videos: pd.DataFrame, judge: Judge) -> list[dict[str, Any]]:
    """Return the AUC by the compression of files, where a data set comes in several."""
    table = _clean_videos(clean, clean["video_id"])
    compression = videos.set_index("video_id")["compression"].reindex(table.index)
    names = sorted(set(compression) - {""})
    if len(names) < 2:
        return []
    kept = counted(table.assign(compression=compression), judge)
    return [{"compression": name} | {"auc": auc_of(kept[kept["compression"] == name], judge)} for name in names]

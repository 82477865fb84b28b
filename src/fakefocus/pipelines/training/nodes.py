"""Trains one detector: on the labels, with a seed of its own, or, as a negative control, on shuffled labels."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any, Literal

import numpy as np
import pandas as pd

from fakefocus.datasets.stored_video import VideoFolder
from fakefocus.models import DetectorOptions
from fakefocus.parameters import CropSpec, Defocus, Group, LeaveOneOut, Preprocessing, Retraining
from fakefocus.pipelines.training.making import (
    check_crops,
    contract_of,
    digest_of,
    learned_from,
    machine_of,
    making_of,
    parameters_on_disk,
    states_of,
    warn_of_overlap,
)

_log = logging.getLogger(__name__)
Trained = tuple[dict[str, Any], pd.DataFrame]


def shuffle_labels(samples: pd.DataFrame, control_seed: int) -> pd.DataFrame:
    """Shuffle the labels of training and validation videos: nothing can be learned from them.

    Whole videos are relabelled. Among the real videos of a side, and among the fakes of each method,
    as large a share is called fake as in the whole side, so that the shuffled label says nothing of the
    true one. Test rows keep theirs.
    """
    rng = np.random.default_rng(control_seed)
    by_video = samples.groupby("video_id", as_index=False, sort=False)[["label", "method", "split"]].max()
    new: dict[str, int] = dict(zip(by_video["video_id"], by_video["label"], strict=True))
    for side in ("train", "val"):
        videos = by_video[by_video["split"] == side]
        share = float(videos["label"].mean())
        for _, stratum in videos.groupby(["label", "method"]):
            fakes = int(np.floor(share * len(stratum) + rng.random()))
            labels = rng.permutation(np.arange(len(stratum)) < fakes).astype(int)
            new |= dict(zip(stratum["video_id"], labels.tolist(), strict=True))
    return samples.assign(label=samples["label"].where(samples["split"] == "test", samples["video_id"].map(new)))


def train_detector(
    samples: pd.DataFrame,
    face_crops: dict[str, VideoFolder],
    defocus_maps: dict[str, VideoFolder],
    splits_json: dict[str, Any],
    options: DetectorOptions,
    preprocessing: Preprocessing,
    defocus: Defocus,
    dataset: str,
    experiment: str,
    recipe: str,
    checkpoints: Path,
) -> Trained:
    """Train a detector on the labels.

    Args:
        samples: The index of faces; side ``test`` is not read.
        face_crops: Crops by the column ``folder``.
        defocus_maps: Maps of the crops, read by networks that see them.
        splits_json: How videos came to their sides.
        options: All parameters of the detector.
        preprocessing: Parameters that crops must have been made with.
        defocus: Parameters that maps must have been made with, if the network sees maps.
        dataset: Name of the data set.
        experiment: Name of the training.
        recipe: Name of the recipe that it began with.
        checkpoints: A folder of this training alone, where a stopped one goes on.

    Returns:
        The detector (``contract`` and ``weights``), and one row of metrics an epoch.

    Raises:
        InputError: If crops or maps on disk are others than asked for, or the recipe does not fit the data.
    """
    made_with = {"preprocessing": preprocessing, "defocus": defocus}
    names = {"dataset": dataset, "experiment": experiment, "recipe": recipe}
    folders = (face_crops, defocus_maps)
    return _train(samples, folders, splits_json, options, made_with, names, checkpoints, "true")


def train_with_seed(
    samples: pd.DataFrame,
    face_crops: dict[str, VideoFolder],
    defocus_maps: dict[str, VideoFolder],
    splits_json: dict[str, Any],
    options: DetectorOptions,
    seed: int,
    preprocessing: Preprocessing,
    defocus: Defocus,
    dataset: str,
    experiment: str,
    recipe: str,
    checkpoints: Path,
) -> Trained:
    """Train a detector on the labels with ``seed`` in the place of its parameters'; else as `train_detector`."""
    training = options.training.model_copy(update={"seed": seed})
    seeded = options.model_copy(update={"training": training})
    made_with = {"preprocessing": preprocessing, "defocus": defocus}
    names = {"dataset": dataset, "experiment": experiment, "recipe": recipe}
    folders = (face_crops, defocus_maps)
    return _train(samples, folders, splits_json, seeded, made_with, names, checkpoints, "true")


def train_variant(
    samples: pd.DataFrame,
    face_crops: dict[str, VideoFolder],
    defocus_maps: dict[str, VideoFolder],
    splits_json: dict[str, Any],
    options: DetectorOptions,
    changes: dict[str, dict[str, Any]],
    seed: int,
    ablation: Retraining,
    preprocessing: Preprocessing,
    defocus: Defocus,
    dataset: str,
    experiment: str,
    recipe: str,
    earlier_model: dict[str, Any],
    earlier_history: pd.DataFrame,
    checkpoints: Path,
) -> Trained:
    """Train a detector with ``changes`` of its parameters; one of the same making that is there is not trained again.

    Args:
        samples: As for `train_detector`, and so are all that are not named here.
        face_crops: Crops.
        defocus_maps: Maps.
        splits_json: The split.
        options: All parameters of the unchanged detector.
        changes: What differs from them, nested; empty for the unchanged detector.
        seed: In the place of their seed.
        ablation: For how many of the epochs.
        preprocessing: Parameters of crops.
        defocus: Parameters of maps.
        dataset: Name of the data set.
        experiment: Name of the training.
        recipe: Name of the recipe.
        earlier_model: What lies in the detector's place, if there is something.
        earlier_history: Its metrics.
        checkpoints: A folder of this training alone.
    """
    varied = options.trained_as(changes, seed, ablation.epoch_share)
    made_with = {"preprocessing": preprocessing, "defocus": defocus}
    names = {"dataset": dataset, "experiment": experiment, "recipe": recipe}
    folders = (face_crops, defocus_maps)
    earlier = (earlier_model, earlier_history)
    return _train(samples, folders, splits_json, varied, made_with, names, checkpoints, "true", earlier)


def train_control(
    shuffled_samples: pd.DataFrame,
    face_crops: dict[str, VideoFolder],
    defocus_maps: dict[str, VideoFolder],
    splits_json: dict[str, Any],
    options: DetectorOptions,
    preprocessing: Preprocessing,
    defocus: Defocus,
    dataset: str,
    experiment: str,
    recipe: str,
    checkpoints: Path,
) -> Trained:
    """Train a negative control on shuffled labels; else as `train_detector`."""
    made_with = {"preprocessing": preprocessing, "defocus": defocus}
    names = {"dataset": dataset, "experiment": experiment, "recipe": recipe}
    folders = (face_crops, defocus_maps)
    return _train(shuffled_samples, folders, splits_json, options, made_with, names, checkpoints, "shuffled")


def leave_untrained(
    samples: pd.DataFrame,
    face_crops: dict[str, VideoFolder],
    defocus_maps: dict[str, VideoFolder],
    splits_json: dict[str, Any],
    options: DetectorOptions,
    preprocessing: Preprocessing,
    defocus: Defocus,
    dataset: str,
    experiment: str,
    recipe: str,
) -> Trained:
    """Build a detector and train nothing, as a negative control: what it scores comes from the picture alone.

    It has the random weights of its seed, whatever weights others start from, the threshold .5, and no history; else
    as `train_detector`.
    """
    from fakefocus.models.build import build_network, input_channels
    from fakefocus.training.engine import MONITOR, Fitted, seed_all

    options = options.model_copy(update={"network": options.network.model_copy(update={"weights": "none"})})
    network = options.network.model_dump()
    learned = learned_from(samples, options)
    sees_maps = input_channels(options.family, network) > 3
    made_with = {"preprocessing": preprocessing, "defocus": defocus}
    crop_options, map_options = parameters_on_disk(learned, (face_crops, defocus_maps), made_with, sees_maps=sees_maps)
    seed_all(options.training.seed)
    fitted = Fitted(build_network(options.family, network).eval(), pd.DataFrame(columns=list(_NO_HISTORY)), 0)
    kept = {"epoch": 0, MONITOR: None, "val.threshold": 0.5}
    split = {name: splits_json[name] for name in ("strategy", "seed", "hash")}
    about = {"dataset": dataset, "experiment": experiment, "recipe": recipe, "labels": "none", "split": split}
    crops = CropSpec.of(Preprocessing(**crop_options))
    contract = contract_of(fitted, kept, options, learned, crops, map_options, about, ".5: it was not trained")
    return {"contract": contract, "weights": fitted.weights}, fitted.history


_NO_HISTORY = ("epoch", "train.loss", "val.loss", "val.video_auc")


def train_left_out(
    samples: pd.DataFrame,
    face_crops: dict[str, VideoFolder],
    defocus_maps: dict[str, VideoFolder],
    splits_json: dict[str, Any],
    options: DetectorOptions,
    leave_one_out: LeaveOneOut,
    preprocessing: Preprocessing,
    defocus: Defocus,
    dataset: str,
    experiment: str,
    recipe: str,
    checkpoints: Path,
) -> dict[str, dict[str, Any]]:
    """Train a detector for each method of fakes, without its videos in training and validation.

    A training that was stopped goes on with the method where it was: those that are complete are read from their
    checkpoints, which stay until all detectors are saved. Each method has a folder of ``checkpoints`` and a tracked run
    of its own. The other arguments are those of `train_detector`.

    Returns:
        Detectors (``contract`` and ``weights``) by the name of their folder.

    Raises:
        InputError: If there are not two methods to train on, or none of the name that is to be left out.
    """
    from fakefocus.training.left_out import folder_of, methods_to_leave_out, without_method

    made_with = {"preprocessing": preprocessing, "defocus": defocus}
    names = {"dataset": dataset, "experiment": experiment, "recipe": recipe}
    folders = (face_crops, defocus_maps)
    models = {}
    for method in methods_to_leave_out(samples, leave_one_out, options.training):
        shown, place = without_method(samples, method), folder_of(method)
        with _run_of_its_own(f"without {method}"):
            _log.info("%s is trained without %s", options.family, method)
            model, _ = _train(shown, folders, splits_json, options, made_with, names, checkpoints / place, "true")
        models[place] = model
    return models


def _train(
    samples: pd.DataFrame,
    folders: tuple[dict[str, VideoFolder], dict[str, VideoFolder]],
    splits_json: dict[str, Any],
    options: DetectorOptions,
    made_with: dict[str, Group],
    names: dict[str, str],
    checkpoints: Path,
    labels: Literal["true", "shuffled"],
    earlier: Trained | None = None,
) -> Trained:
    # torch takes seconds to import: commands that train nothing do without
    from fakefocus.models.build import build_loss, build_network, input_channels
    from fakefocus.training.data import Faces
    from fakefocus.training.engine import fit
    from fakefocus.training.samples import MapSource

    face_crops, defocus_maps = folders
    network, loss = options.network.model_dump(), options.loss.model_dump()
    learned = learned_from(samples, options)
    sees_maps = input_channels(options.family, network) > 3
    crop_options, map_options = parameters_on_disk(learned, folders, made_with, sees_maps=sees_maps)
    warn_of_overlap(samples, learned)
    identity = [options.family, network, loss, names["dataset"], crop_options, map_options, labels]
    about = json.dumps([identity, digest_of(samples, face_crops), states_of(network.get("weights", "none"))])
    made_of = making_of(about, options, names, splits_json)
    if earlier is not None and made_of and earlier[0].get("contract", {}).get("made_of") == made_of:
        _log.info("%s: a detector of the same parameters, samples and code is there", checkpoints.parent.name)
        return earlier
    started = monotonic()
    fitted = fit(
        partial(_build, build_network, build_loss, options.family, network, loss),
        Faces(samples, face_crops, MapSource(Defocus(**map_options), defocus_maps)),
        options.training,
        _mlflow_logger(),
        checkpoints,
        about,
    )
    check_crops(learned, face_crops, "they were changed while this detector was trained on them: train it again")
    split = {name: splits_json[name] for name in ("strategy", "seed", "hash")}
    machine = {"machine": machine_of(options), "seconds": round(monotonic() - started, 1)}
    notes = names | {"labels": labels, "split": split, "made_of": made_of} | machine
    crops, source = CropSpec.of(Preprocessing(**crop_options)), "equal errors on validation videos"
    contract = contract_of(fitted, fitted.best, options, learned, crops, map_options, notes, source)
    _log.info(
        "%s, %s labels: best validation video AUC %.3f in epoch %d of %d",
        *(contract["title"], labels, contract["val_video_auc"], contract["best_epoch"] + 1, len(fitted.history)),
    )
    return {"contract": contract, "weights": fitted.weights}, fitted.history


def _build(build_network: Any, build_loss: Any, family: str, network: dict[str, Any], loss: dict[str, Any]) -> Any:  # noqa: ANN401
    """Return a network and its loss."""
    return build_network(family, network), build_loss(family, loss)


@contextmanager
def _run_of_its_own(name: str) -> Iterator[None]:
    """Open a run inside the active MLflow run; nothing in a notebook without one."""
    import mlflow

    if mlflow.active_run() is None:
        yield
        return
    with mlflow.start_run(run_name=name, nested=True):
        yield


def _mlflow_logger() -> Any:  # noqa: ANN401 (mlflow and lightning are imported only where a run is active)
    """Return Lightning's logger for the active MLflow run; None in a notebook without one."""
    import mlflow

    run = mlflow.active_run()
    if run is None:
        return None
    from pytorch_lightning.loggers import MLFlowLogger

    return MLFlowLogger(tracking_uri=mlflow.get_tracking_uri(), run_id=run.info.run_id)

"""Trains one detector: on the labels, with a seed of its own, or, as a negative control, on shuffled labels."""

import json
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from time import monotonic
from typing import Any, Literal

import numpy as np
import pandas as pd

from fakefocus import __version__
from fakefocus.datasets.commit import git_commit
from fakefocus.datasets.stored_video import VideoFolder, check_made_with, check_unchanged, fingerprint
from fakefocus.machine import processor_name
from fakefocus.models import DetectorOptions, find_family
from fakefocus.parameters import CropSpec, Defocus, Group, LeaveOneOut, MapSpec, Preprocessing, Retraining

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
    learned = _learned(samples, options)
    sees_maps = input_channels(options.family, network) > 3
    made_with = {"preprocessing": preprocessing, "defocus": defocus}
    crop_options, map_options = _made_with(learned, (face_crops, defocus_maps), made_with, sees_maps=sees_maps)
    seed_all(options.training.seed)
    fitted = Fitted(build_network(options.family, network).eval(), pd.DataFrame(columns=list(_NO_HISTORY)), 0)
    kept = {"epoch": 0, MONITOR: None, "val.threshold": 0.5}
    split = {name: splits_json[name] for name in ("strategy", "seed", "hash")}
    about = {"dataset": dataset, "experiment": experiment, "recipe": recipe, "labels": "none", "split": split}
    crops = CropSpec.of(Preprocessing(**crop_options))
    contract = _contract(fitted, kept, options, learned, crops, map_options, about, ".5: it was not trained")
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
    learned = _learned(samples, options)
    sees_maps = input_channels(options.family, network) > 3
    crop_options, map_options = _made_with(learned, folders, made_with, sees_maps=sees_maps)
    _warn_of_overlap(samples, learned)
    identity = [options.family, network, loss, names["dataset"], crop_options, map_options, labels]
    about = json.dumps([identity, _digest(samples, face_crops), _files(network.get("weights", "none"))])
    made_of = _making(about, options, names, splits_json)
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
    _check_crops(learned, face_crops, "they were changed while this detector was trained on them: train it again")
    split = {name: splits_json[name] for name in ("strategy", "seed", "hash")}
    machine = {"machine": _machine(options), "seconds": round(monotonic() - started, 1)}
    notes = names | {"labels": labels, "split": split, "made_of": made_of} | machine
    crops, source = CropSpec.of(Preprocessing(**crop_options)), "equal errors on validation videos"
    contract = _contract(fitted, fitted.best, options, learned, crops, map_options, notes, source)
    _log.info(
        "%s, %s labels: best validation video AUC %.3f in epoch %d of %d",
        *(contract["title"], labels, contract["val_video_auc"], contract["best_epoch"] + 1, len(fitted.history)),
    )
    return {"contract": contract, "weights": fitted.weights}, fitted.history


def _making(about: str, options: DetectorOptions, names: dict[str, str], splits_json: dict[str, Any]) -> str:
    """Return what tells a training from all others; empty where nobody knows the code: changed, or of no commit."""
    commit = git_commit()
    if commit.endswith("+changes") or commit.startswith("unknown"):
        return ""
    return fingerprint(
        [about, options.training.model_dump(mode="json"), names, splits_json["hash"], _versions(), commit]
    )


def _machine(options: DetectorOptions) -> str:
    import torch

    from fakefocus.training.data import on_gpu

    return f"{torch.cuda.get_device_name()}, {processor_name()}" if on_gpu(options.training) else processor_name()


def _versions() -> dict[str, str]:
    return {"fakefocus": __version__, "python": python_version()} | {name: version(name) for name in ("torch", "timm")}


def _learned(samples: pd.DataFrame, options: DetectorOptions) -> pd.DataFrame:
    """Return what is trained and validated on; who blends real faces reads no fake there."""
    labelled = {"train": options.training.fakes == "labelled", "val": options.training.validates_labelled}
    read = samples["split"].map(labelled).fillna(value=False).astype(bool) | (samples["method"] == "")
    return samples[(samples["split"] != "test") & read]


def _warn_of_overlap(samples: pd.DataFrame, learned: pd.DataFrame) -> None:
    """Say before an evening of training that its evaluation will ask for a word."""
    from fakefocus.models.contract import find_overlap, in_words, side_of

    train, val = (side_of(learned[learned["split"] == side]) for side in ("train", "val"))
    overlap = find_overlap(train, val, samples[samples["split"] == "test"])
    if overlap.known:
        _log.warning("%s: what is trained here can only be judged with evaluation.seen=allow", in_words(overlap))


def _contract(
    fitted: Any,  # noqa: ANN401 (torch is imported with its type)
    kept: Mapping[str, float | None],
    options: DetectorOptions,
    learned: pd.DataFrame,
    crops: CropSpec,
    map_options: dict[str, Any],
    about: dict[str, Any],
    threshold_source: str,
) -> dict[str, Any]:
    """Return the contract of a network as JSON holds it; ``kept`` is the row of the epoch that was kept."""
    from fakefocus.models.build import input_spec, starting_weights
    from fakefocus.models.contract import Contract, Threshold, side_of
    from fakefocus.training.engine import MONITOR

    network, taken = options.network.model_dump(), input_spec(fitted.network)
    sides = {side: learned[learned["split"] == side] for side in ("train", "val")}
    contract = Contract(
        **about,
        family=options.family,
        title=find_family(options.family).title,
        network=network,
        loss=options.loss.model_dump(),
        training=options.training,
        input=taken,
        crops=crops,
        maps=MapSpec.of(Defocus(**map_options)) if taken.maps else None,
        methods=tuple(sorted(set(sides["train"]["method"]) - {""})),
        train=side_of(sides["train"]),
        val=side_of(sides["val"]),
        best_epoch=int(kept["epoch"] or 0),
        val_video_auc=kept[MONITOR],
        threshold=Threshold(value=float(kept["val.threshold"] or 0), source=threshold_source),
        starting_weights=starting_weights(network, fitted.network),
        versions=_versions(),
        commit=git_commit(),
    )
    return contract.model_dump(mode="json")


def _build(build_network: Any, build_loss: Any, family: str, network: dict[str, Any], loss: dict[str, Any]) -> Any:  # noqa: ANN401
    """Return a network and its loss."""
    return build_network(family, network), build_loss(family, loss)


def _made_with(
    samples: pd.DataFrame,
    folders: tuple[dict[str, VideoFolder], dict[str, VideoFolder]],
    asked: dict[str, Group],
    *,
    sees_maps: bool,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the parameters that crops and maps on disk were made with, if they are those that are asked for."""
    wanted = {stage: options.model_dump(mode="json") for stage, options in asked.items()}
    face_crops, defocus_maps = folders
    crop_options = check_made_with(face_crops, samples["folder"], "preprocessing", wanted["preprocessing"])
    _check_crops(samples, face_crops, "run kedro run --pipelines=split again")
    if not sees_maps:
        return crop_options, wanted["defocus"]
    return crop_options, check_made_with(defocus_maps, samples["folder"], "defocus", wanted["defocus"])


def _check_crops(samples: pd.DataFrame, face_crops: dict[str, VideoFolder], remedy: str) -> None:
    """Check that samples are of the crops that are on disk."""
    check_unchanged(face_crops, zip(samples["folder"], samples["crops"], strict=True), remedy)


def _digest(samples: pd.DataFrame, face_crops: dict[str, VideoFolder]) -> list[Any]:
    """Return what tells samples and crops from others."""
    hashed = pd.util.hash_pandas_object(samples, index=False).to_numpy().sum(dtype=np.uint64)
    return [int(hashed), fingerprint(sorted(face_crops[key].fingerprint for key in samples["folder"].unique()))]


def _files(weights: str | dict[str, str]) -> list[int]:
    """Return size and time of the files that a network starts from, if there are any."""
    names = weights.values() if isinstance(weights, dict) else [weights]
    states = [path.stat() for path in map(Path, names) if path.is_file()]
    return [number for state in states for number in (state.st_size, state.st_mtime_ns)]


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

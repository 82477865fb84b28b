"""What a training is made of: its rows, its parameters, its contract, and what tells it from others."""

import logging
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from typing import Any

import numpy as np
import pandas as pd

from fakefocus import __version__
from fakefocus.datasets.commit import git_commit
from fakefocus.datasets.stored_video import VideoFolder, check_made_with, check_unchanged, fingerprint
from fakefocus.machine import processor_name
from fakefocus.models import DetectorOptions, find_family
from fakefocus.parameters import CropSpec, Defocus, Group, MapSpec

_log = logging.getLogger(__name__)


def making_of(about: str, options: DetectorOptions, names: dict[str, str], splits_json: dict[str, Any]) -> str:
    """Return what tells a training from all others; empty where nobody knows the code: changed, or of no commit."""
    commit = git_commit()
    if commit.endswith("+changes") or commit.startswith("unknown"):
        return ""
    return fingerprint(
        [about, options.training.model_dump(mode="json"), names, splits_json["hash"], _versions(), commit]
    )


def machine_of(options: DetectorOptions) -> str:
    """Return the processor, and the graphics card if the training runs on one."""
    import torch

    from fakefocus.training.data import on_gpu

    return f"{torch.cuda.get_device_name()}, {processor_name()}" if on_gpu(options.training) else processor_name()


def _versions() -> dict[str, str]:
    return {"fakefocus": __version__, "python": python_version()} | {name: version(name) for name in ("torch", "timm")}


def learned_from(samples: pd.DataFrame, options: DetectorOptions) -> pd.DataFrame:
    """Return what is trained and validated on; who blends real faces reads no fake there."""
    labelled = {"train": options.training.fakes == "labelled", "val": options.training.validates_labelled}
    read = samples["split"].map(labelled).fillna(value=False).astype(bool) | (samples["method"] == "")
    return samples[(samples["split"] != "test") & read]


def warn_of_overlap(samples: pd.DataFrame, learned: pd.DataFrame) -> None:
    """Say before an evening of training that its evaluation will ask for a word."""
    from fakefocus.models.overlap import find_overlap, in_words, side_of

    train, val = (side_of(learned[learned["split"] == side]) for side in ("train", "val"))
    overlap = find_overlap(train, val, samples[samples["split"] == "test"])
    if overlap.known:
        _log.warning("%s: what is trained here can only be judged with evaluation.seen=allow", in_words(overlap))


def contract_of(
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
    from fakefocus.models.contract import Contract, Threshold
    from fakefocus.models.overlap import side_of
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


def parameters_on_disk(
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
    check_crops(samples, face_crops, "run kedro run --pipelines=split again")
    if not sees_maps:
        return crop_options, wanted["defocus"]
    return crop_options, check_made_with(defocus_maps, samples["folder"], "defocus", wanted["defocus"])


def check_crops(samples: pd.DataFrame, face_crops: dict[str, VideoFolder], remedy: str) -> None:
    """Check that samples are of the crops that are on disk."""
    check_unchanged(face_crops, zip(samples["folder"], samples["crops"], strict=True), remedy)


def digest_of(samples: pd.DataFrame, face_crops: dict[str, VideoFolder]) -> list[Any]:
    """Return what tells samples and crops from others."""
    hashed = pd.util.hash_pandas_object(samples, index=False).to_numpy().sum(dtype=np.uint64)
    return [int(hashed), fingerprint(sorted(face_crops[key].fingerprint for key in samples["folder"].unique()))]


def states_of(weights: str | dict[str, str]) -> list[int]:
    """Return size and time of the files that a network starts from, if there are any."""
    names = weights.values() if isinstance(weights, dict) else [weights]
    states = [path.stat() for path in map(Path, names) if path.is_file()]
    return [number for state in states for number in (state.st_size, state.st_mtime_ns)]

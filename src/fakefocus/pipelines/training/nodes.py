"""Trains one family, on the labels or, as a negative control, on shuffled ones."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from fakefocus.datasets.video_folders import VideoFolder, fingerprint
from fakefocus.parameters import FAMILY_GROUPS, Defocus, Family

_log = logging.getLogger(__name__)
Trained = tuple[dict[str, Any], pd.DataFrame]


def shuffle_labels(samples: pd.DataFrame, control_seed: int) -> pd.DataFrame:
    """Shuffle the labels of training and validation videos: nothing can be learned from them.

    Whole videos are relabelled. Among the real videos of a side, and among the fakes of each method,
    as large a share is called fake as in the whole side, so that the shuffled label says nothing of the
    true one. Test rows keep theirs.
    """
    rng = np.random.default_rng(control_seed)
    by_video = samples.drop_duplicates("video_id")
    new: dict[str, int] = dict(zip(by_video["video_id"], by_video["label"], strict=True))
    for side in ("train", "val"):
        videos = by_video[by_video["split"] == side]
        share = float(videos["label"].mean())
        for _, stratum in videos.groupby(["label", "method"]):
            fakes = int(np.floor(share * len(stratum) + rng.random()))
            labels = rng.permutation(np.arange(len(stratum)) < fakes).astype(int)
            new |= dict(zip(stratum["video_id"], labels.tolist(), strict=True))
    return samples.assign(label=samples["video_id"].map(new))


def trainer_of(family: str, seed: int | None = None) -> Callable[..., Trained]:
    """Return the node function that trains a family; a ``seed`` takes the place of its parameters'."""

    def train(
        samples: pd.DataFrame,
        face_crops: dict[str, VideoFolder],
        defocus_maps: dict[str, VideoFolder],
        defocus: Defocus,
        options: Family,
        dataset: str,
        checkpoints: Path,
    ) -> Trained:
        """Train a detector; returns the model (architecture and weights) and one row of metrics an epoch."""
        # torch takes seconds to import: commands that train nothing do without
        from fakefocus.models.build import build_loss, build_network, input_contract
        from fakefocus.training.data import Faces
        from fakefocus.training.engine import MONITOR, fit
        from fakefocus.training.samples import MapSource

        network, loss, recipe = options.network.model_dump(), options.loss.model_dump(), options.training
        recipe = recipe if seed is None else recipe.model_copy(update={"seed": seed})
        told: dict[str, Any] = {
            "family": family,
            "network": network,
            "loss": loss,
            "trained_on": dataset,
            "defocus": defocus.model_dump(exclude={"store"}),
        }
        fitted = fit(
            lambda: (build_network(family, network), build_loss(family, loss)),
            Faces(samples, face_crops, MapSource(defocus, defocus_maps)),
            recipe,
            _mlflow_logger(),
            checkpoints,
            json.dumps([told, _digest(samples, face_crops), _weights_file(network)]),
        )
        best = fitted.best
        epoch, epochs = int(best["epoch"]), len(fitted.history)
        _log.info("%s: best validation video AUC %.3f in epoch %d of %d", family, best[MONITOR], epoch + 1, epochs)
        told |= {
            "training": recipe.model_dump(),
            "input": input_contract(fitted.network),
            "best_epoch": epoch,
            "val_video_auc": best[MONITOR],
            "threshold": best["val.threshold"],
        }
        return {"architecture": told, "weights": fitted.weights}, fitted.history

    # Kedro checks parameters by the annotations of a node's function
    train.__annotations__["options"] = FAMILY_GROUPS[family]
    train.__name__ = f"train_{family}" if seed is None else f"train_{family}_seed_{seed}"
    return train


def _digest(samples: pd.DataFrame, face_crops: dict[str, VideoFolder]) -> list[Any]:
    """Return what tells samples and crops from others."""
    hashed = pd.util.hash_pandas_object(samples, index=False).to_numpy().sum(dtype=np.uint64)
    return [int(hashed), fingerprint(sorted(face_crops[key].fingerprint for key in samples["folder"].unique()))]


def _weights_file(network: dict[str, Any]) -> list[int]:
    """Return size and time of the file that a network starts from, if there is one."""
    path = Path(network["weights"])
    return [path.stat().st_size, path.stat().st_mtime_ns] if path.is_file() else []


def _mlflow_logger() -> Any:  # noqa: ANN401 (mlflow and lightning are imported only where a run is active)
    """Return Lightning's logger for the active MLflow run; None in a notebook without one."""
    import mlflow

    run = mlflow.active_run()
    if run is None:
        return None
    from pytorch_lightning.loggers import MLFlowLogger

    return MLFlowLogger(tracking_uri=mlflow.get_tracking_uri(), run_id=run.info.run_id)

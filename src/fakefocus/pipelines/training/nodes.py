"""Trains one family, on the labels or, as a negative control, on shuffled ones."""

import logging
from typing import Any

import numpy as np
import pandas as pd

from fakefocus.datasets.video_folders import VideoFolder
from fakefocus.parameters import Defocus, MultistreamFamily, ScadeFamily

_log = logging.getLogger(__name__)
Family = ScadeFamily | MultistreamFamily


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


def train_scade_net(
    samples: pd.DataFrame,
    face_crops: dict[str, VideoFolder],
    defocus_maps: dict[str, VideoFolder],
    defocus: Defocus,
    options: ScadeFamily,
    dataset: str,
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Train SCADE-Net; returns the model (architecture and weights) and one row of metrics an epoch."""
    return _train("scade_net", samples, face_crops, defocus_maps, defocus, options, dataset)


def train_multistream(
    samples: pd.DataFrame,
    face_crops: dict[str, VideoFolder],
    defocus_maps: dict[str, VideoFolder],
    defocus: Defocus,
    options: MultistreamFamily,
    dataset: str,
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Train the three-stream detector; returns the model and one row of metrics an epoch."""
    return _train("multistream", samples, face_crops, defocus_maps, defocus, options, dataset)


def _train(
    family: str,
    samples: pd.DataFrame,
    face_crops: dict[str, VideoFolder],
    defocus_maps: dict[str, VideoFolder],
    defocus: Defocus,
    options: Family,
    dataset: str,
) -> tuple[dict[str, Any], pd.DataFrame]:
    # torch takes seconds to import: commands that train nothing do without
    from fakefocus.models.build import build_loss, build_network
    from fakefocus.training.engine import MONITOR, fit
    from fakefocus.training.samples import choose_maps

    network, loss = options.network.model_dump(), options.loss.model_dump()
    weights, history = fit(
        lambda: (build_network(family, network), build_loss(family, loss)),
        samples,
        face_crops,
        choose_maps(face_crops, defocus_maps, defocus),
        options.training,
        _mlflow_logger(),
    )
    best = history.iloc[int(history[MONITOR].to_numpy().argmax())]
    _log.info(
        "%s: best validation video AUC %.3f in epoch %d of %d", family, best[MONITOR], best["epoch"] + 1, len(history)
    )
    architecture = {
        "family": family,
        "network": network,
        "trained_on": dataset,
        "training": options.training.model_dump(),
        "defocus": defocus.model_dump(exclude={"store"}),
        "input": "RGB and defocus map, in [0, 1]" if network.get("in_chans", 3) > 3 else "RGB, in [0, 1]",
        "best_epoch": int(best["epoch"]),
        "val_video_auc": float(best[MONITOR]),
    }
    return {"architecture": architecture, "weights": weights}, history


def _mlflow_logger() -> Any:  # noqa: ANN401 (mlflow and lightning are imported only where a run is active)
    """Return Lightning's logger for the active MLflow run; None in a notebook without one."""
    import mlflow

    run = mlflow.active_run()
    if run is None:
        return None
    from pytorch_lightning.loggers import MLFlowLogger

    return MLFlowLogger(tracking_uri=mlflow.get_tracking_uri(), run_id=run.info.run_id)

"""Fits one detector with Lightning's Trainer and scores samples with a trained one."""

import ctypes
import logging
import sys
import tempfile
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from pytorch_lightning.callbacks import Callback, EarlyStopping, ModelCheckpoint, TQDMProgressBar
from pytorch_lightning.loggers import Logger
from torch import Tensor, nn
from torch.utils.data import DataLoader, WeightedRandomSampler

from fakefocus.parameters import Augmentation, Training
from fakefocus.schemas import InputError
from fakefocus.training.augmentation import Augment
from fakefocus.training.module import DetectorModule
from fakefocus.training.samples import FaceSamples, Folder

MONITOR = "val.video_auc"
_HINTS = (".*does not have many workers", ".*lr_scheduler.step", ".*epoch parameter in `scheduler.step", ".*LeafSpec")
"""Warnings of Lightning and torch that ask for nothing that a user could do."""


def fit(
    build: Callable[[], tuple[nn.Module, nn.Module]],
    table: pd.DataFrame,
    crops: Mapping[str, Folder],
    maps: Mapping[str, Folder],
    recipe: Training,
    logger: Logger | None = None,
) -> tuple[dict[str, Tensor], pd.DataFrame]:
    """Train on the rows of side ``train``, choose the epoch on side ``val``; side ``test`` is not read.

    Args:
        build: Makes the network and its loss; called after the seed was set.
        table: Samples, with the columns of ``fakefocus.schemas.SAMPLE_COLUMNS``.
        crops: Face crops by the column ``folder``.
        maps: Defocus maps by the column ``folder``; not read for a network of three channels.
        recipe: The parameters ``<family>.training``.
        logger: Where Lightning sends the metrics of each epoch.

    Returns:
        The weights of the epoch with the best validation video AUC, and one row an epoch.

    Raises:
        InputError: If a side lacks one of the classes.
    """
    sides = {side: table[table["split"] == side].reset_index(drop=True) for side in ("train", "val")}
    for side, rows in sides.items():
        if set(rows["label"]) != {0, 1}:
            msg = f"samples: side {side} needs real and fake faces, got {rows['label'].value_counts().to_dict()}"
            raise InputError(msg)
    _keep_freed_memory()
    pl.seed_everything(recipe.seed, workers=True, verbose=False)
    network, loss = build()
    module = DetectorModule(network.to(memory_format=torch.channels_last), loss, recipe, sides["val"])
    loaders = [_loader(sides[s], crops, maps, recipe, network, train=s == "train") for s in ("train", "val")]
    history = _History()
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        for hint in _HINTS:
            warnings.filterwarnings("ignore", message=hint)
        best = ModelCheckpoint(Path(folder), monitor=MONITOR, mode="max", save_weights_only=True)
        trainer = _trainer(
            recipe, [best, EarlyStopping(MONITOR, mode="max", patience=recipe.patience), history], logger
        )
        trainer.fit(module, *loaders)
        state = torch.load(best.best_model_path, weights_only=True)["state_dict"]
    weights = {
        name.removeprefix("network."): v.contiguous() for name, v in state.items() if name.startswith("network.")
    }
    return weights, pd.DataFrame(history.rows)


@torch.inference_mode()
def score(
    network: nn.Module,
    table: pd.DataFrame,
    crops: Mapping[str, Folder],
    maps: Mapping[str, Folder],
    augmentation: Augmentation,
    batch_size: int,
) -> NDArray[np.float64]:
    """Return the probability of fake for each row of ``table``: ``(N,)`` in [0, 1], in float32 arithmetic."""
    _keep_freed_memory()
    samples = FaceSamples(table, crops, maps, Augment(augmentation, random=False), with_map=_with_map(network))
    scores = np.full(len(table), np.nan)
    for x, _, rows in DataLoader(samples, batch_size=batch_size):
        logits = network(x.contiguous(memory_format=torch.channels_last))
        scores[rows.numpy()] = torch.sigmoid(logits.float()).numpy()
    return scores


class _History(Callback):
    """Keeps one row of metrics an epoch."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        metrics = {k: float(v) for k, v in trainer.callback_metrics.items() if k != "step"}
        self.rows.append({"epoch": trainer.current_epoch, **metrics})


def _loader(
    table: pd.DataFrame,
    crops: Mapping[str, Folder],
    maps: Mapping[str, Folder],
    recipe: Training,
    network: nn.Module,
    *,
    train: bool,
) -> DataLoader[Any]:
    samples = FaceSamples(table, crops, maps, Augment(recipe.augmentation, random=train), with_map=_with_map(network))
    sampler = _balanced_sampler(table, recipe.seed) if train and recipe.balanced else None
    return DataLoader(
        samples,
        batch_size=recipe.batch_size,
        sampler=sampler,
        shuffle=train and sampler is None,
        drop_last=train and len(table) > recipe.batch_size,
        num_workers=recipe.num_workers if train else 0,
        persistent_workers=train and recipe.num_workers > 0,
        generator=torch.Generator().manual_seed(recipe.seed),
    )


def _balanced_sampler(table: pd.DataFrame, seed: int) -> WeightedRandomSampler:
    """Draw real and fake equally often, with as many draws as samples."""
    counts = table["label"].value_counts()
    weights = (1 / table["label"].map(counts)).to_numpy()
    return WeightedRandomSampler(weights.tolist(), len(table), generator=torch.Generator().manual_seed(seed))


def _trainer(recipe: Training, callbacks: list[Callback], logger: Logger | None) -> pl.Trainer:
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    on_terminal = sys.stderr.isatty()
    return pl.Trainer(
        accelerator="auto",
        devices=1,
        max_epochs=recipe.epochs,
        precision=recipe.precision,
        gradient_clip_val=recipe.gradient_clip,
        callbacks=[*callbacks, TQDMProgressBar()] if on_terminal else callbacks,
        logger=logger or False,
        enable_progress_bar=on_terminal,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        log_every_n_steps=1,
        deterministic="warn",
    )


def _with_map(network: nn.Module) -> bool:
    return int(getattr(network, "in_chans", 3)) > 3


def _keep_freed_memory() -> None:
    """Let glibc keep the memory of freed activations instead of giving it back at each step.

    With its defaults, every large tensor is mapped and zeroed anew by the kernel: on a CPU that is the
    larger part of SCADE-Net's step. Elsewhere than on glibc nothing is changed.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        trim_threshold, mmap_threshold = -1, -3
        mallopt(mmap_threshold, 1 << 30)
        mallopt(trim_threshold, (1 << 31) - 1)

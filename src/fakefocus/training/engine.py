"""Fits one detector with Lightning's Trainer."""

import json
import logging
import re
import shutil
import sys
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pytorch_lightning as pl
import torch
from pytorch_lightning.callbacks import (
    Callback,
    EarlyStopping,
    ModelCheckpoint,
    TQDMProgressBar,
    WeightAveraging,
)
from pytorch_lightning.loggers import Logger
from pytorch_lightning.plugins.io import TorchCheckpointIO
from pytorch_lightning.utilities.rank_zero import rank_zero_only
from torch import Tensor, nn
from torch.multiprocessing.spawn import ProcessRaisedException

from fakefocus.errors import InputError
from fakefocus.imaging import gradient_ratio
from fakefocus.parameters import Defocus, Training
from fakefocus.training import batched_maps
from fakefocus.training.data import FaceData, Faces, on_gpu, stored_side
from fakefocus.training.launched import launched
from fakefocus.training.module import DetectorModule

MONITOR = "val.video_auc"
_log = logging.getLogger(__name__)
_HINTS = (
    ".*does not have many workers",
    ".*exists and is not empty",
    ".*lr_scheduler.step",
    ".*epoch parameter in `scheduler.step",
    ".*LeafSpec",
)
"""Warnings of Lightning and torch that ask for nothing that a user could do."""
_BEST, _LAST = "best.ckpt", "last.ckpt"
_NO_MATTER = {"num_workers", "devices", "num_nodes", "accelerator", "strategy", "compile"}
"""What may differ between a training and its continuation."""


class Fitted(NamedTuple):
    """A trained network, ready to score, one row of metrics an epoch, and the epoch that was kept."""

    network: nn.Module
    history: pd.DataFrame
    epoch: int

    @property
    def weights(self) -> dict[str, Tensor]:
        """Weights by name, each in a memory of its own."""
        return {name: value.detach().cpu().contiguous() for name, value in self.network.state_dict().items()}

    @property
    def best(self) -> dict[str, float]:
        """The row of the epoch that was kept."""
        row = self.history[self.history["epoch"] == self.epoch].iloc[0]
        return {str(name): float(value) for name, value in row.items()}


def seed_all(seed: int) -> None:
    """Seed every generator that builds or trains a network."""
    pl.seed_everything(seed, workers=True, verbose=False)


def map_channels(network: nn.Module) -> int:
    """Return how many maps a network looks at beside RGB."""
    return int(getattr(network, "in_chans", 3)) - 3


def fit(
    build: Callable[[], tuple[nn.Module, nn.Module]],
    faces: Faces,
    recipe: Training,
    logger: Logger | None = None,
    checkpoints: Path | None = None,
    about: str = "",
) -> Fitted:
    """Train on side ``train``, choose the epoch on side ``val``; side ``test`` is not read.

    Args:
        build: Makes the network and its loss; called after the seed was set.
        faces: Samples, with the columns of ``fakefocus.schemas.SAMPLE_COLUMNS``.
        recipe: The parameters ``<family>.training``.
        logger: Where Lightning sends the metrics of each epoch.
        checkpoints: A folder of this training alone; what a killed run left there is continued, to the same result. It
            stays until the detector is saved.
        about: What network, loss and data are; a checkpoint of anything else is not continued.

    Returns:
        The detector of the epoch with the best validation video AUC.

    Raises:
        InputError: If a side lacks one of the classes, or the recipe does not fit the data or the launched processes.
    """
    _check(faces, recipe)
    seed_all(recipe.seed)
    network, loss = build()
    faces = replace(faces, channels=map_channels(network))
    make_maps = _map_maker(faces, recipe)
    data = FaceData(faces, recipe, maps_on_device=make_maps is not None)
    network = network.to(memory_format=torch.channels_last)
    module = DetectorModule(network, loss, recipe, data.validation.outcomes, make_maps)
    with tempfile.TemporaryDirectory() as scratch, warnings.catch_warnings():
        for hint in _HINTS:
            warnings.filterwarnings("ignore", message=hint)
        folder = checkpoints or Path(scratch) / "checkpoints"
        left = _opened(folder, about + recipe.model_dump_json(exclude=_NO_MATTER))
        trainer = make_trainer(recipe, _callbacks(folder, recipe), logger)
        try:
            trainer.fit(module, data, ckpt_path=left, weights_only=True)
        except ProcessRaisedException as error:
            raise _plain(error) from error
        best = torch.load(folder / _BEST, weights_only=True)
        history = torch.load(folder / _LAST, weights_only=True)["callbacks"][_History.state_key]["rows"]
    network.load_state_dict(
        {name.removeprefix("network."): v for name, v in best["state_dict"].items() if name.startswith("network.")}
    )
    return Fitted(network.eval(), pd.DataFrame(history), int(best["epoch"]))


class _History(Callback):
    """Keeps one row of metrics an epoch, over restarts too."""

    state_key = "_History"

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Tell a new run of the epochs before the restart."""
        for row in self.rows:
            for logger in trainer.loggers:
                metrics = {name: value for name, value in row.items() if name != "epoch"}
                logger.log_metrics(metrics, step=int(row["epoch"]))

    def on_train_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        metrics = {k: float(v) for k, v in trainer.callback_metrics.items() if k != "step"}
        self.rows.append({"epoch": trainer.current_epoch, **metrics})

    def state_dict(self) -> dict[str, Any]:
        return {"rows": self.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.rows = state_dict["rows"]


class _Patience(EarlyStopping):
    """Stops a training that had stopped already, whose detector could not be saved, at its restart."""

    def on_train_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        if self.wait_count >= self.patience:
            trainer.should_stop = True


class _MovingAverage(WeightAveraging):
    """Averages on the device of training; what counts or numbers, such as rings of frequencies, is taken as it is."""

    def __init__(self, decay: float) -> None:
        super().__init__(avg_fn=partial(_moved_on, decay))

    def setup(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        self._device = trainer.strategy.root_device
        super().setup(trainer, pl_module, stage)


def _moved_on(decay: float, average: Tensor, value: Tensor, _: Tensor | int) -> Tensor:
    return torch.lerp(average, value, 1 - decay) if average.is_floating_point() else value


class _AtomicCheckpoints(TorchCheckpointIO):
    """Writes a checkpoint beside its place and renames it: whole or absent, whoever is killed when."""

    def save_checkpoint(self, checkpoint: dict[str, Any], path: Any, storage_options: Any = None) -> None:  # noqa: ANN401
        part = Path(path).with_suffix(".part")
        part.parent.mkdir(parents=True, exist_ok=True)
        torch.save(checkpoint, part)
        part.replace(path)


def _opened(folder: Path, about: str) -> Path | None:
    """Return the checkpoint to go on from, if there is one of the same training; what else is there is removed."""
    note = folder / "about.json"
    same = _read(note) == about
    if not same and rank_zero_only.rank == 0:
        if (folder / _LAST).is_file():
            _log.warning("%s is of another training and removed", folder)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        note.write_text(json.dumps(about), encoding="utf-8")
    left = folder / _LAST
    if not same or not left.is_file():
        return None
    _log.info("training goes on where it stopped: %s", left)
    return left


def _read(note: Path) -> str | None:
    # among launched processes the first one may be writing it
    try:
        return str(json.loads(note.read_text("utf-8")))
    except (OSError, ValueError):
        return None


def _plain(error: ProcessRaisedException) -> Exception:
    """Return what a user needs to read of an error in another process."""
    messages = re.findall(r"InputError: (.+)", str(error))
    return InputError(messages[-1]) if messages else error


def _callbacks(folder: Path, recipe: Training) -> list[Callback]:
    # averaged weights are put only into whole checkpoints
    whole = recipe.ema_decay is not None
    options: dict[str, Any] = {"dirpath": folder, "enable_version_counter": False}
    best = ModelCheckpoint(
        filename=Path(_BEST).stem, monitor=MONITOR, mode="max", save_weights_only=not whole, **options
    )
    last = ModelCheckpoint(filename=Path(_LAST).stem, save_on_train_epoch_end=True, **options)
    averaged: list[Callback] = [] if recipe.ema_decay is None else [_MovingAverage(recipe.ema_decay)]
    return [*averaged, _Patience(MONITOR, mode="max", patience=recipe.patience), _History(), best, last]


def _check(faces: Faces, recipe: Training) -> None:
    _check_classes(faces.table, recipe)
    crop, stored = recipe.augmentation.crop, stored_side(faces)
    if crop > stored:
        msg = f"augmentation.crop: must be at most the stored crop's {stored} pixels, got {crop}"
        raise InputError(msg)
    place, processes = launched(), recipe.devices * recipe.num_nodes
    if place is not None and place.processes != processes:
        msg = f"training.devices x num_nodes: must be the {place.processes} launched processes, got {processes}"
        raise InputError(msg)


def _check_classes(table: pd.DataFrame, recipe: Training) -> None:
    for side, labelled in (("train", recipe.fakes == "labelled"), ("val", recipe.validates_labelled)):
        needed = {0, 1} if labelled else {0}
        labels = table.loc[table["split"] == side, "label"]
        if not needed <= set(labels):
            kinds = "real and fake" if len(needed) > 1 else "real"
            remedy = "add real media"
            if 0 in set(labels):
                asked = "fakes: self_blended" if recipe.fakes == "labelled" else "validated_on: as_trained"
                remedy = f"add fakes, or set training.{asked} to do with real faces alone"
            msg = f"samples: side {side} needs {kinds} faces, got {labels.value_counts().to_dict()}: {remedy}"
            raise InputError(msg)


def _map_maker(faces: Faces, recipe: Training) -> Callable[[Tensor], Tensor] | None:
    """Return what makes maps on the device where the recipe wants them anew."""
    defocus: Defocus = faces.maps.defocus
    options = recipe.augmentation
    if not faces.channels or not options.recompute_map or not on_gpu(recipe):
        return None
    # what only the processor's version can do is done while loading
    if defocus.method != "gradient_ratio" or options.crop % gradient_ratio.CELL:
        return None
    make = batched_maps.gradient_ratio if faces.channels == 1 else batched_maps.blur_and_confidence
    return partial(make, sigma_max=defocus.sigma_max)


def make_trainer(recipe: Training, callbacks: list[Callback], logger: Logger | None) -> pl.Trainer:
    """Return Lightning's Trainer for a recipe; ``fit`` chooses its callbacks."""
    logging.getLogger("pytorch_lightning").setLevel(logging.WARNING)
    # deterministic runs would fill all fresh memory first, a fifth of SCADE-Net's step; nothing here reads it unwritten
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    on_terminal = sys.stderr.isatty()
    return pl.Trainer(
        accelerator=recipe.accelerator,
        devices=recipe.devices,
        num_nodes=recipe.num_nodes,
        strategy=_strategy(recipe),
        use_distributed_sampler=False,
        sync_batchnorm=on_gpu(recipe) and recipe.devices * recipe.num_nodes > 1,
        max_epochs=recipe.epochs,
        precision=recipe.precision,
        gradient_clip_val=recipe.gradient_clip,
        accumulate_grad_batches=recipe.accumulate,
        plugins=[_AtomicCheckpoints()],
        callbacks=[*callbacks, TQDMProgressBar()] if on_terminal else callbacks,
        logger=logger or False,
        enable_progress_bar=on_terminal,
        enable_model_summary=False,
        enable_checkpointing=any(isinstance(callback, ModelCheckpoint) for callback in callbacks),
        num_sanity_val_steps=0,
        log_every_n_steps=1,
        deterministic="warn",
    )


def _strategy(recipe: Training) -> str:
    """Return Lightning's strategy: processes started from here, unless a launcher has started them already."""
    if recipe.strategy != "auto" or recipe.devices * recipe.num_nodes == 1:
        return recipe.strategy
    return "ddp_spawn" if launched() is None else "ddp"

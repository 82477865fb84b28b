"""Lightning's data module: training and validation samples for each process, on any number of devices."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import cv2
import pandas as pd
import pytorch_lightning as pl
import torch
from torch.utils.data import DataLoader

from fakefocus.datasets.stored_video import VideoFolder
from fakefocus.errors import InputError
from fakefocus.parameters import Augmentation, PseudoFakes, Training
from fakefocus.training.augmentation import Augment
from fakefocus.training.samples import FaceSamples, MapSource, blendable
from fakefocus.training.sampling import Batches, Draw


@dataclass(frozen=True)
class Faces:
    """The faces of ``table``: ``crops`` and maps by its column ``folder``, ``channels`` maps a face (0 to 2)."""

    table: pd.DataFrame
    crops: Mapping[str, VideoFolder]
    maps: MapSource
    channels: int = 0

    def on_side(self, side: str) -> "Faces":
        """Return those of side train, val or test."""
        return replace(self, table=self.table[self.table["split"] == side].reset_index(drop=True))

    def plain(self, options: Augmentation, pseudo_fakes: PseudoFakes | None = None) -> FaceSamples:
        """Return samples as they are judged: the middle of each crop, and with ``pseudo_fakes`` a fake of each."""
        return self._samples(Augment(options, random=False), pseudo_fakes=pseudo_fakes)

    def changed(self, recipe: Training, *, maps_on_device: bool) -> FaceSamples:
        """Return samples as they are learned from."""
        options = recipe.augmentation
        remake = "no" if not options.recompute_map else "on_device" if maps_on_device else "here"
        made = recipe.pseudo_fakes if recipe.fakes == "self_blended" else None
        return self._samples(Augment(options, random=True), remake_maps=remake, pseudo_fakes=made)

    def _samples(self, augment: Augment, **options: Any) -> FaceSamples:  # noqa: ANN401 (passed on)
        return FaceSamples(self.table, self.crops, self.maps, augment, self.channels, **options)


class FaceData(pl.LightningDataModule):
    """Loads both sides; each process its share of the same batches."""

    def __init__(self, faces: Faces, recipe: Training, *, maps_on_device: bool) -> None:
        """Take what is trained on from sides ``train`` and ``val``; side ``test`` is not read."""
        super().__init__()
        self._recipe = recipe
        self._train = _usable(faces.on_side("train"), recipe)
        self._maps_on_device = maps_on_device
        self.validation = validation(faces, recipe)

    def train_dataloader(self) -> DataLoader[Any]:
        """Return the loader of an epoch's draws."""
        samples = self._train.changed(self._recipe, maps_on_device=self._maps_on_device)
        batches = Batches(self._train.table, self._recipe, *self._place())
        return loader(samples, batches, workers(self._recipe))

    def val_dataloader(self) -> DataLoader[Any]:
        """Return the loader of all validation samples in order."""
        rank, world = self._place()
        batches = in_order(len(self.validation), self._recipe.batch_size // world, rank, world)
        return loader(self.validation, batches, workers(self._recipe))

    def _place(self) -> tuple[int, int]:
        return self.trainer.global_rank, self.trainer.world_size


def validation(faces: Faces, recipe: Training) -> FaceSamples:
    """Return what an epoch is chosen on: side ``val``, its labelled faces or pseudo-fakes of its real ones."""
    side = faces.on_side("val")
    if recipe.validates_labelled:
        return side.plain(recipe.augmentation)
    return _usable(side, recipe).plain(recipe.augmentation, recipe.pseudo_fakes)


def _usable(faces: Faces, recipe: Training) -> Faces:
    """Return the faces that a recipe can use: blends are made of real faces whose landmarks are known."""
    if recipe.fakes == "labelled":
        return faces
    # whatever labels say, shuffled ones too: what is fake is not blended
    reals = faces.table[faces.table["method"] == ""].reset_index(drop=True)
    if reals.empty:
        msg = "training.fakes: self_blended needs real faces in training and in validation, a side has none"
        raise InputError(msg)
    return replace(faces, table=blendable(reals, stored_side(replace(faces, table=reals)), recipe.augmentation.crop))


def stored_side(faces: Faces) -> int:
    """Return the side of the stored crops in pixels, from the first one."""
    folder, _, name = str(faces.table["crop"].iloc[0]).rpartition("/")
    return int(faces.crops[folder].read(name).shape[0])


def in_order(count: int, batch_size: int, rank: int = 0, world: int = 1) -> list[list[Draw]]:
    """Return batches of all rows from ``rank`` on, each ``world``-th; a row is its own seed."""
    rows = range(rank, count, world)
    return [[Draw(row, row) for row in rows[i : i + batch_size]] for i in range(0, len(rows), batch_size)]


def on_gpu(recipe: Training) -> bool:
    """Return whether a recipe is trained on a CUDA device here."""
    return torch.cuda.is_available() and recipe.accelerator in ("auto", "gpu")


def workers(recipe: Training) -> int:
    """Return how many processes load samples: auto is none where a processor trains, whose cores are busy already."""
    if recipe.num_workers != "auto":
        return recipe.num_workers
    return max(1, min(12, (os.cpu_count() or 2) // recipe.devices - 1)) if on_gpu(recipe) else 0


def loader(samples: FaceSamples, batches: Any, num_workers: int) -> DataLoader[Any]:  # noqa: ANN401 (list or sampler)
    """Return a loader; workers stay between epochs and compute in one thread each."""
    return DataLoader(
        samples,
        sampler=batches,
        batch_size=None,
        # its own generator: what the network draws must not depend on how often the loader does
        generator=torch.Generator(),
        num_workers=num_workers,
        worker_init_fn=_in_one_thread,
        persistent_workers=num_workers > 0,
        pin_memory=torch.cuda.is_available(),
    )


def _in_one_thread(_: int) -> None:
    torch.set_num_threads(1)
    cv2.setNumThreads(0)

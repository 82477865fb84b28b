"""Reads samples: a face crop, its blur maps if the network wants them, and the label; and puts batches together."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from fakefocus.imaging.blending import blend_with_itself
from fakefocus.imaging.defocus import estimate_map
from fakefocus.imaging.gradient_ratio import blur_and_confidence
from fakefocus.parameters import Defocus
from fakefocus.schemas import InputError
from fakefocus.training.augmentation import Augment, Sample
from fakefocus.training.sampling import Draw


class Folder(Protocol):
    """Something that reads the frames of one video by name."""

    def read(self, name: str) -> NDArray[Any]:
        """Return the frame ``name``."""


class Batch(NamedTuple):
    """Samples side by side.

    ``images`` ``(B, 3, H, W) uint8``, in memory pixel by pixel; ``maps`` ``(B, K, H, W) float32`` in [0, 1], or None;
    ``labels`` ``(B,) float32``, 0 real or 1 fake; ``rows`` ``(B,)`` of the table.
    """

    images: Tensor
    maps: Tensor | None
    labels: Tensor
    rows: Tensor


class MapMaker(NamedTuple):
    """Makes the ``channels`` maps of a crop: blur, or blur and confidence."""

    defocus: Defocus
    channels: int

    def __call__(self, crop: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return ``(K, H, W)`` in [0, 1] for ``(H, W, 3) uint8, RGB``."""
        if self.channels == 1:
            return estimate_map(crop, self.defocus.method, self.defocus.sigma_max)[None]
        return np.stack(blur_and_confidence(crop, self.defocus.sigma_max))


@dataclass(frozen=True)
class MapSource:
    """Where the maps of crops come from: stored ones, or made when they are read."""

    defocus: Defocus
    stored: Mapping[str, Folder]

    def read(self, folder: str, name: str, crop: NDArray[np.uint8], channels: int) -> NDArray[np.float32]:
        """Return the ``channels`` maps of a crop, ``(K, H, W)`` in [0, 1]; confidence is not stored."""
        if channels == 1 and self.defocus.store != "none":
            return self.stored[folder].read(name)[None]
        return self.maker(channels)(crop)

    def maker(self, channels: int) -> MapMaker:
        """Return what makes ``channels`` maps of a crop.

        Raises:
            InputError: If the method knows no confidence.
        """
        if channels == 2 and self.defocus.method != "gradient_ratio":
            msg = f"in_chans: a fifth channel needs defocus.method gradient_ratio, got {self.defocus.method}"
            raise InputError(msg)
        return MapMaker(self.defocus, channels)


Item = tuple[Tensor, Tensor | None, int, int]
"""Picture ``(H, W, 3) uint8``, maps, label and row."""


class FaceSamples(Dataset[Batch]):
    """Batches of a table's faces, changed as the augmentation says: of each draw a sample, or a real and its blend.

    Rows of blends follow the rows of the table.
    """

    def __init__(
        self,
        table: pd.DataFrame,
        crops: Mapping[str, Folder],
        maps: MapSource,
        augment: Augment,
        channels: int,
        *,
        remake_maps: Literal["no", "here", "on_device"] = "no",
        blended: bool = False,
    ) -> None:
        """Read the rows of ``table``; ``crops`` by the column ``folder``; ``channels`` of maps, 0 to 2.

        ``remake_maps`` here: from the changed picture; on_device: whoever gets the batch makes them.

        Raises:
            InputError: If blends are asked for and rows have no landmarks.
        """
        self._rows = list(zip(table["folder"], table["crop"], table["label"], strict=True))
        self._landmarks = _landmarks(table) if blended else None
        self._crops, self._maps, self._augment, self._channels = crops, maps, augment, channels
        self._make = maps.maker(channels) if channels else None
        self._remake = "here" if blended and remake_maps == "no" else remake_maps
        self.outcomes = _outcomes(table, blended=blended)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._rows)

    def __getitem__(self, draws: Sequence[Draw]) -> Batch:
        """Return the samples of draws; their seeds decide on every random change."""
        return collate([item for draw in draws for item in self._items(draw)])

    def _items(self, draw: Draw) -> list[Item]:
        folder, crop, label = self._rows[draw.row]
        name = str(crop).rpartition("/")[2]
        pixels = self._crops[folder].read(name)
        read_maps = self._channels and self._remake == "no"
        maps = torch.from_numpy(self._maps.read(folder, name, pixels, self._channels)) if read_maps else None
        image = torch.from_numpy(pixels).permute(2, 0, 1)
        with _seeded(draw.seed):
            if self._landmarks is None:
                return [self._item(self._augment(Sample(image, maps)), int(label), draw.row)]
            moved = self._augment.move(Sample(image, None, torch.from_numpy(self._landmarks[draw.row])))
        return self._pair(moved, draw)

    def _pair(self, moved: Sample, draw: Draw) -> list[Item]:
        """Blend a face with itself, and change both in the same way."""
        pixels = np.ascontiguousarray(moved.image.permute(1, 2, 0).numpy())
        landmarks = torch.as_tensor(moved.landmarks).numpy()
        target, fake, _ = blend_with_itself(pixels, landmarks, np.random.default_rng(draw.seed))
        items = []
        for label, array in enumerate((target, fake)):
            with _seeded(draw.seed):
                changed = self._augment.change(Sample(torch.from_numpy(array).permute(2, 0, 1)))
            items.append(self._item(changed, label, draw.row + label * len(self)))
        return items

    def _item(self, sample: Sample, label: int, row: int) -> Item:
        image, maps = sample.image.permute(1, 2, 0), sample.maps
        if self._make is not None and self._remake == "here":
            maps = torch.from_numpy(self._make(np.ascontiguousarray(image.numpy())))
        return image, maps, label, row


def collate(items: Sequence[Item]) -> Batch:
    """Put samples side by side."""
    images, maps, labels, rows = zip(*items, strict=True)
    stacked = None if maps[0] is None else torch.stack(list(maps))
    pixels = torch.stack(list(images)).permute(0, 3, 1, 2)
    return Batch(pixels, stacked, torch.tensor(labels, dtype=torch.float32), torch.tensor(rows))


def assemble(batch: Batch, img_size: int, maps: Tensor | None = None) -> Tensor:
    """Return what a network sees, ``(B, in_chans, img_size, img_size) float32`` in [0, 1], on the batch's device.

    ``maps`` take the place of those of the batch.
    """
    x, maps = batch.images.float().div_(255), batch.maps if maps is None else maps
    if maps is not None:
        x = torch.cat([x, maps], 1)
    if x.shape[-1] != img_size:
        x = F.interpolate(x, (img_size, img_size), mode="bilinear", antialias=True)
    return x.contiguous(memory_format=torch.channels_last)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed torch's global generator for a while: torchvision knows no other."""
    state = torch.get_rng_state()
    torch.default_generator.manual_seed(seed)
    try:
        yield
    finally:
        torch.set_rng_state(state)


def _landmarks(table: pd.DataFrame) -> NDArray[np.float32]:
    """Return ``(N, 5, 2)`` pixels of the crop."""
    without = int((table["landmarks"] == "").sum())
    if without:
        msg = (
            f"training.fakes: self_blended needs landmarks, {without} of {len(table)} faces have none: "
            "set preprocessing.detection.detector to mtcnn and preprocessing.region to face"
        )
        raise InputError(msg)
    return np.array([json.loads(text) for text in table["landmarks"]], dtype=np.float32).reshape(-1, 5, 2)


def _outcomes(table: pd.DataFrame, *, blended: bool) -> pd.DataFrame:
    """Return ``video_id`` and ``label`` of every row that a batch can name."""
    known = table[["video_id", "label"]].reset_index(drop=True)
    if not blended:
        return known
    made = known.assign(video_id=known["video_id"] + " blended", label=1)
    return pd.concat([known, made], ignore_index=True)

"""Reads samples: a face crop, its blur maps if the network wants them, and the label; and puts batches together."""

import json
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal, NamedTuple

import cv2
import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from fakefocus.datasets.stored_video import VideoFolder
from fakefocus.errors import InputError
from fakefocus.imaging.blending import Face, face_in_crop, make_fake
from fakefocus.imaging.maps import MapMaker
from fakefocus.parameters import Defocus, PseudoFakes
from fakefocus.training.augmentation import Augment, Plan, Sample, change
from fakefocus.training.pseudo_fakes import Casting
from fakefocus.training.sampling import Draw

_log = logging.getLogger(__name__)
_CELLS = 16
"""Side of the masks of blends that a batch holds, in cells."""


class Batch(NamedTuple):
    """Samples side by side.

    ``images`` ``(B, 3, H, W) uint8``, in memory pixel by pixel; ``maps`` ``(B, K, H, W) float32`` in [0, 1], or None;
    ``labels`` ``(B,) float32``, 0 real or 1 fake; ``rows`` ``(B,)`` of the table; ``masks`` ``(B, 1, 16, 16) float32``,
    which share of each cell of a picture was blended in, None where fakes are not made here.
    """

    images: Tensor
    maps: Tensor | None
    labels: Tensor
    rows: Tensor
    masks: Tensor | None = None


@dataclass(frozen=True)
class MapSource:
    """Where the maps of crops come from: stored ones, or made when they are read."""

    defocus: Defocus
    stored: Mapping[str, VideoFolder]

    def read(self, folder: str, name: str, crop: NDArray[np.uint8], channels: int) -> NDArray[np.float32]:
        """Return the ``channels`` maps of a crop, ``(H, W, K)`` in [0, 1]; confidence is not stored."""
        if channels == 1 and self.defocus.store != "none":
            return self.stored[folder].read(name)[..., None]
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


class Item(NamedTuple):
    """A sample, its label and its row, and the ``(16, 16) float32`` mask of what was blended into it."""

    sample: Sample
    label: int
    row: int
    mask: NDArray[np.float32] | None = None


class FaceSamples(Dataset[Batch]):
    """Batches of a table's faces, changed as the augmentation says: of each draw a sample, or a real and its blend.

    Rows of blends follow the rows of the table.
    """

    def __init__(
        self,
        table: pd.DataFrame,
        crops: Mapping[str, VideoFolder],
        maps: MapSource,
        augment: Augment,
        channels: int,
        *,
        remake_maps: Literal["no", "here", "on_device"] = "no",
        pseudo_fakes: PseudoFakes | None = None,
    ) -> None:
        """Read the rows of ``table``; ``crops`` by the column ``folder``; ``channels`` of maps, 0 to 2.

        ``remake_maps`` here: from the changed picture; on_device: whoever gets the batch makes them. With
        ``pseudo_fakes``, all rows are real, and each gives a pair.

        Raises:
            InputError: If blends are asked for and rows have no landmarks.
        """
        self._rows = list(zip(table["folder"], table["crop"], table["label"], strict=True))
        blended = pseudo_fakes is not None
        self._landmarks = _landmarks(table) if blended else None
        self._casting = self._cast(pseudo_fakes, table)
        self._crops, self._maps, self._augment, self._channels = crops, maps, augment, channels
        self._make = maps.maker(channels) if channels else None
        self._remake = "here" if blended and remake_maps == "no" else remake_maps
        self.outcomes = _outcomes(table, blended=blended)

    def _cast(self, pseudo_fakes: PseudoFakes | None, table: pd.DataFrame) -> Casting | None:
        if pseudo_fakes is None or self._landmarks is None:
            return None
        return Casting(pseudo_fakes, table["identity"], self._landmarks)

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self._rows)

    def __getitem__(self, draws: Sequence[Draw]) -> Batch:
        """Return the samples of draws; their seeds decide on every random change."""
        plans = [self._augment.plan(draw.seed, draw.strength) for draw in draws]
        # reading and warping leave Python's lock: threads share them, in a worker process there is one
        with ThreadPoolExecutor(torch.get_num_threads()) as threads:
            return collate([item for items in threads.map(self._items, draws, plans) for item in items])

    def _items(self, draw: Draw, plan: Plan) -> list[Item]:
        folder, crop, label = self._rows[draw.row]
        name = str(crop).rpartition("/")[2]
        image = self._crops[folder].read(name)
        if self._casting is not None and self._landmarks is not None:
            return self._pair(Sample(image, None, self._landmarks[draw.row]), draw, plan, self._casting)
        read_maps = self._channels and self._remake == "no"
        maps = self._maps.read(folder, name, image, self._channels) if read_maps else None
        return [self._item(self._augment(Sample(image, maps), plan), int(label), draw.row)]

    def _pair(self, face: Sample, draw: Draw, plan: Plan, casting: Casting) -> list[Item]:
        """Make a pseudo-fake of a face, and change both in the same way."""
        moved = self._augment.move(face, plan)
        if _why_not(moved):
            # drawn too far out of the picture
            moved = self._augment.move(face, Plan())
        rng = np.random.default_rng(draw.seed)
        kind = casting.kind(rng)
        donor = self._face(casting.donor(draw.row, rng)) if kind == "swapped" else None
        target, fake, mask = make_fake(kind, _as_face(moved), rng, donor)
        rows, masks = (draw.row, draw.row + len(self)), (np.zeros((_CELLS, _CELLS), np.float32), _in_cells(mask))
        items = (self._item(change(Sample(p), plan), n, rows[n]) for n, p in enumerate((target, fake)))
        return [item._replace(mask=mask) for item, mask in zip(items, masks, strict=True)]

    def _face(self, row: int) -> Face:
        """Return a face as it is stored."""
        folder, crop, _ = self._rows[row]
        image = self._crops[folder].read(str(crop).rpartition("/")[2])
        return Face(image, np.asarray(self._landmarks)[row])

    def _item(self, sample: Sample, label: int, row: int) -> Item:
        if self._make is not None and self._remake == "here":
            sample = sample._replace(maps=self._make(np.ascontiguousarray(sample.image)))
        return Item(sample, label, row)


def _in_cells(mask: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return which share of each cell is blended in at least half as much as anything is."""
    inside = (mask >= mask.max() / 2).astype(np.float32)
    return np.asarray(cv2.resize(inside, (_CELLS, _CELLS), interpolation=cv2.INTER_AREA), dtype=np.float32)


def _as_face(sample: Sample) -> Face:
    return Face(np.ascontiguousarray(sample.image), np.asarray(sample.landmarks))


def collate(items: Sequence[Item]) -> Batch:
    """Put samples side by side."""
    images = torch.from_numpy(np.stack([item.sample.image for item in items])).permute(0, 3, 1, 2)
    planes = [item.sample.maps for item in items if item.sample.maps is not None]
    maps = torch.from_numpy(np.stack(planes)).permute(0, 3, 1, 2) if planes else None
    labels = torch.tensor([item.label for item in items], dtype=torch.float32)
    blended = [item.mask for item in items if item.mask is not None]
    masks = torch.from_numpy(np.stack(blended)).unsqueeze(1) if blended else None
    return Batch(images, maps, labels, torch.tensor([item.row for item in items]), masks)


def assemble(batch: Batch, img_size: int, maps: Tensor | None = None) -> Tensor:
    """Return what a network sees, ``(B, in_chans, img_size, img_size) float32`` in [0, 1], on the batch's device.

    ``maps`` take the place of those of the batch.
    """
    images = batch.images.permute(0, 2, 3, 1).float().div_(255).permute(0, 3, 1, 2)
    return network_input(images, batch.maps if maps is None else maps, img_size)


def network_input(images: Tensor, maps: Tensor | None, img_size: int) -> Tensor:
    """Return what a network sees of pictures ``(B, 3, H, W) float32`` in [0, 1] and their maps; see `assemble`."""
    # pixel by pixel throughout: to turn planes around would take longer than the rest
    x = images.permute(0, 2, 3, 1)
    if maps is not None:
        x = torch.cat([x, maps.permute(0, 2, 3, 1)], 3)
    x = x.permute(0, 3, 1, 2)
    if x.shape[-1] != img_size:
        x = F.interpolate(x, (img_size, img_size), mode="bilinear", antialias=True)
    return x.contiguous(memory_format=torch.channels_last)


def blendable(table: pd.DataFrame, side: int, crop: int) -> pd.DataFrame:
    """Return the rows whose face can be blended with itself; the others are left out, and the log says why.

    ``side`` of the stored crop and of what is cut from its middle, ``crop``, in pixels.
    """
    corner, blank = (side - crop) // 2, np.empty((crop, crop, 3), np.uint8)
    reasons = [_why_not(Sample(blank, None, points - corner)) for points in _landmarks(table)]
    if any(reasons):
        first = next(reason for reason in reasons if reason)
        left_out = sum(map(bool, reasons))
        _log.warning("self-blending: %d of %d faces are left out, the first for: %s", left_out, len(table), first)
    usable = table[[not reason for reason in reasons]].reset_index(drop=True)
    if usable.empty:
        msg = f"training.fakes: self_blended can blend none of {len(table)} real faces of a side: {reasons[0]}"
        raise InputError(msg)
    return usable


def _why_not(face: Sample) -> str:
    """Return why a face cannot be blended with itself; empty if it can."""
    try:
        face_in_crop(np.asarray(face.landmarks), (face.image.shape[1], face.image.shape[0]))
    except ValueError as error:
        return str(error)
    return ""


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
    """Return ``video_id``, ``track`` and ``label`` of every row that a batch can name."""
    stored = table[["video_id", "track", "label"]].reset_index(drop=True)
    if not blended:
        return stored
    blends = stored.assign(video_id=stored["video_id"] + " blended", label=1)
    return pd.concat([stored, blends], ignore_index=True)

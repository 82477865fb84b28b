"""Reads samples one by one: a face crop, its defocus map if the network wants it, and the label."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from fakefocus.imaging.defocus import estimate_map
from fakefocus.parameters import Defocus
from fakefocus.training.augmentation import Augment


class Folder(Protocol):
    """Something that reads the frames of one video by name."""

    def read(self, name: str) -> NDArray[Any]:
        """Return the frame ``name``."""


@dataclass(frozen=True)
class _MadeMaps:
    """The maps of a video, made when they are read."""

    crops: Folder
    defocus: Defocus

    def read(self, name: str) -> NDArray[Any]:
        return estimate_map(self.crops.read(name), self.defocus.method, self.defocus.sigma_max)


class _AllMadeMaps(Mapping[str, Folder]):
    def __init__(self, crops: Mapping[str, Folder], defocus: Defocus) -> None:
        self._crops, self._defocus = crops, defocus

    def __getitem__(self, key: str) -> Folder:
        return _MadeMaps(self._crops[key], self._defocus)

    def __iter__(self) -> Iterator[str]:
        return iter(self._crops)

    def __len__(self) -> int:
        return len(self._crops)


def choose_maps(crops: Mapping[str, Folder], stored: Mapping[str, Folder], defocus: Defocus) -> Mapping[str, Folder]:
    """Return the stored maps, or with ``store`` none maps that are made from crops when they are read."""
    return _AllMadeMaps(crops, defocus) if defocus.store == "none" else stored


class FaceSamples(Dataset[tuple[Tensor, Tensor, int]]):
    """Samples of ``(in_chans, H, W) float32`` in [0, 1], their label 0 or 1, and their row."""

    def __init__(
        self,
        table: pd.DataFrame,
        crops: Mapping[str, Folder],
        maps: Mapping[str, Folder],
        augment: Augment,
        *,
        with_map: bool,
    ) -> None:
        """Read ``table``'s rows; ``crops`` and ``maps`` by the column ``folder``."""
        self._rows = list(zip(table["folder"], table["crop"], table["label"], strict=True))
        self._crops = crops
        self._maps = maps
        self._augment = augment
        self._with_map = with_map

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self._rows)

    def __getitem__(self, row: int) -> tuple[Tensor, Tensor, int]:
        """Return the sample of a row, changed at random if the augmentation says so."""
        folder, crop, label = self._rows[row]
        name = str(crop).rpartition("/")[2]
        image = torch.from_numpy(self._crops[folder].read(name)).permute(2, 0, 1)
        blur = torch.from_numpy(self._maps[folder].read(name))[None] if self._with_map else None
        return self._augment(image, blur), torch.tensor(float(label)), row

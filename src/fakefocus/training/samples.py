"""Reads samples one by one: a face crop, its defocus map if the network wants it, and the label."""

from collections.abc import Mapping
from typing import Any, Protocol

import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from fakefocus.training.augmentation import Augment


class Folder(Protocol):
    """Something that reads the frames of one video by name."""

    def read(self, name: str) -> NDArray[Any]:
        """Return the frame ``name``."""


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

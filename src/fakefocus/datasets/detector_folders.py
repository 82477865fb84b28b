"""Several trained detectors of one training, a folder each."""

import shutil
from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset, DatasetError

from fakefocus.datasets.detector_folder import DetectorFolder

_CHECKPOINTS = "checkpoints"


class DetectorFolders(AbstractDataset[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]):
    """Saves and loads ``{name: {"contract": …, "weights": …}}``, a folder a name below one.

    The folder ``checkpoints`` beside them, where a stopped training goes on, is removed when all detectors are saved.
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        """Create the dataset; ``filepath`` is the folder of folders."""
        self._filepath = Path(filepath)
        self.metadata = metadata

    def save(self, data: dict[str, dict[str, Any]]) -> None:
        """Write all detectors; those of an earlier training that are not among them are removed."""
        for name in set(self._names()) - set(data):
            shutil.rmtree(self._filepath / name)
        for name, model in data.items():
            DetectorFolder(filepath=str(self._filepath / name)).save(model)
        shutil.rmtree(self._filepath / _CHECKPOINTS, ignore_errors=True)

    def load(self) -> dict[str, dict[str, Any]]:
        """Read all detectors.

        Raises:
            DatasetError: If there is none.
        """
        if not self._names():
            msg = f"no trained detectors in {self._filepath}: run the pipeline that trains them, with these --params"
            raise DatasetError(msg)
        return {name: DetectorFolder(filepath=str(self._filepath / name)).load() for name in self._names()}

    def _names(self) -> list[str]:
        return sorted(file.parent.name for file in self._filepath.glob("*/architecture.json"))

    def _exists(self) -> bool:
        return bool(self._names())

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath)}

"""Arrays on disk that another run never sees half written."""

from pathlib import Path
from typing import Any

import numpy as np
from kedro.io import AbstractDataset
from numpy.typing import NDArray

from fakefocus.datasets.aside import file_aside
from fakefocus.errors import InputError


class Arrays(AbstractDataset[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]):
    """Saves and loads arrays by name: a compressed ``.npz`` without pickles."""

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        """Create the dataset."""
        self._filepath = Path(filepath)
        self.metadata = metadata

    def load(self) -> dict[str, NDArray[Any]]:
        """Return all arrays.

        Raises:
            InputError: If nothing has written them.
        """
        if not self._filepath.is_file():
            msg = f"{self._filepath} is not there: run the whole pipeline that writes it, without --namespaces"
            raise InputError(msg)
        with np.load(self._filepath, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}

    def save(self, data: dict[str, NDArray[Any]]) -> None:
        """Write all arrays beside their place, and rename the file."""
        with file_aside(self._filepath) as part, part.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **data)

    def _exists(self) -> bool:
        return self._filepath.is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath)}

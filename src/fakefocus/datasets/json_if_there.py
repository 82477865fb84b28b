"""A JSON object that may not be there yet."""

import json
from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset, DatasetError

from fakefocus.schemas import InputError


class JsonIfThere(AbstractDataset[None, dict[str, Any]]):
    """Loads a JSON object, or an empty one where there is no file: what an earlier run or a user may have left."""

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        """Create the dataset."""
        self._filepath = Path(filepath)
        self.metadata = metadata

    def load(self) -> dict[str, Any]:
        """Return the object.

        Raises:
            InputError: If the file holds something else.
        """
        if not self._filepath.is_file():
            return {}
        try:
            loaded = json.loads(self._filepath.read_text(encoding="utf-8"))
        except ValueError as error:
            msg = f"{self._filepath} must hold JSON: {error}"
            raise InputError(msg) from error
        if not isinstance(loaded, dict):
            msg = f"{self._filepath} must hold a JSON object, got {type(loaded).__name__}"
            raise InputError(msg)
        return loaded

    def save(self, data: None) -> None:
        """Refuse: another entry of the catalog writes the file.

        Raises:
            DatasetError: Always.
        """
        msg = f"{self._filepath} is only read here"
        raise DatasetError(msg)

    def _exists(self) -> bool:
        return self._filepath.is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath)}

"""JSON objects on disk that another run never sees half written."""

import json
from math import isnan
from pathlib import Path
from typing import Any, NewType

from kedro.io import AbstractDataset, DatasetError

from fakefocus.datasets.aside import file_aside
from fakefocus.errors import InputError

JSONPreview = NewType("JSONPreview", str)
"""Kedro-Viz shows what a method ``preview`` of this return type gives as JSON."""


class JsonFile(AbstractDataset[dict[str, Any], dict[str, Any]]):
    """Saves and loads a JSON object.

    With ``optional``, it loads an empty one where there is no file: what an earlier run or a user may have left.
    """

    def __init__(self, *, filepath: str, optional: bool = False, metadata: dict[str, Any] | None = None) -> None:
        """Create the dataset."""
        self._filepath = Path(filepath)
        self._optional = optional
        self.metadata = metadata

    def load(self) -> dict[str, Any]:
        """Return the object.

        Raises:
            InputError: If the file holds something else.
        """
        if self._optional and not self._filepath.is_file():
            return {}
        return read_object(self._filepath)

    def save(self, data: dict[str, Any]) -> None:
        """Write the object beside its place, and rename it; NaN, which JSON lacks, is written as null.

        Raises:
            DatasetError: If it is something else.
        """
        if not isinstance(data, dict):
            msg = f"{self._filepath} holds a JSON object, got {type(data).__name__}"
            raise DatasetError(msg)
        with file_aside(self._filepath) as part:
            part.write_text(json.dumps(_without_nan(data), indent=1, allow_nan=False) + "\n", encoding="utf-8")

    def preview(self) -> JSONPreview:
        """Show the object in Kedro-Viz."""
        return JSONPreview(json.dumps(self.load()))

    def _exists(self) -> bool:
        return self._filepath.is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath)}


def _without_nan(content: Any) -> Any:  # noqa: ANN401 (whatever JSON holds)
    if isinstance(content, dict):
        return {name: _without_nan(value) for name, value in content.items()}
    if isinstance(content, list | tuple):
        return [_without_nan(value) for value in content]
    return None if isinstance(content, float) and isnan(content) else content


def read_object(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file.

    Raises:
        InputError: If the file holds something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        msg = f"{path} must hold JSON: {error}"
        raise InputError(msg) from error
    if not isinstance(content, dict):
        msg = f"{path} must hold a JSON object, got {type(content).__name__}"
        raise InputError(msg)
    return content

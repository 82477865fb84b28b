"""The files of a detector that is given away."""

from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset, DatasetError

from fakefocus.datasets.aside import written_aside


class ReleasedFiles(AbstractDataset[dict[str, bytes], dict[str, bytes]]):
    """Saves and loads files by name in one folder; what lay there before is gone."""

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        """Create the dataset; ``filepath`` is the folder."""
        self._filepath = Path(filepath)
        self.metadata = metadata

    def save(self, data: dict[str, bytes]) -> None:
        """Write all files beside the folder's place, and put them there at once."""
        with written_aside(self._filepath) as aside:
            for name, content in data.items():
                (aside / name).write_bytes(content)

    def load(self) -> dict[str, bytes]:
        """Read all files.

        Raises:
            DatasetError: If nothing was released.
        """
        if not self._exists():
            msg = f"nothing in {self._filepath}: run kedro run --pipelines=release --namespaces={self._filepath.name}"
            raise DatasetError(msg)
        return {path.name: path.read_bytes() for path in sorted(self._filepath.iterdir())}

    def _exists(self) -> bool:
        return self._filepath.is_dir()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath)}

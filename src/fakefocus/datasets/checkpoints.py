"""Where a training leaves what it needs to go on after it was stopped."""

from pathlib import Path
from typing import Any, NoReturn

from kedro.io import AbstractDataset, DatasetError


class CheckpointFolder(AbstractDataset[None, Path]):
    """Loads the path of a folder that one training alone writes to; it may not exist yet."""

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        """Create the dataset; ``filepath`` is the folder."""
        # training in several processes has other working directories
        self._filepath = Path(filepath).absolute()
        self.metadata = metadata

    def load(self) -> Path:
        """Return the path."""
        return self._filepath

    def save(self, data: None) -> NoReturn:
        """Refuse: a training writes its checkpoints while it runs."""
        msg = f"{self._filepath}: checkpoints are written by the training itself"
        raise DatasetError(msg)

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath)}

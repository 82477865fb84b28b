"""A matplotlib figure on disk, loaded as the bytes of its PNG."""

import base64
from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset
from matplotlib.figure import Figure

from fakefocus.datasets.video_folders import ImagePreview


class PngFigure(AbstractDataset[Figure, bytes]):
    """Saves a figure as PNG at twice its size on screen, loads the file's bytes, shows it in Kedro-Viz."""

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        """Create the dataset."""
        self._filepath = Path(filepath)
        self.metadata = metadata

    def save(self, data: Figure) -> None:
        """Write the figure."""
        self._filepath.parent.mkdir(parents=True, exist_ok=True)
        data.savefig(self._filepath, dpi=200)

    def load(self) -> bytes:
        """Return the PNG."""
        return self._filepath.read_bytes()

    def preview(self) -> ImagePreview:
        """Show the figure."""
        return ImagePreview(base64.b64encode(self.load()).decode())

    def _exists(self) -> bool:
        return self._filepath.is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath)}

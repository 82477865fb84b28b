"""A matplotlib figure on disk, loaded as the bytes of its PNG."""

import base64
from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset
from matplotlib import rc_context
from matplotlib.figure import Figure

from fakefocus.datasets.video_folders import ImagePreview

_SVG = {"svg.hashsalt": "fakefocus", "svg.fonttype": "none"}
"""The same figure gives the same file, in which text is text."""


class PngFigure(AbstractDataset[Figure, bytes]):
    """Saves a figure as PNG at twice its size on screen, loads the file's bytes, shows it in Kedro-Viz.

    One without pictures in it is saved as SVG too, for papers.
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        """Create the dataset."""
        self._filepath = Path(filepath)
        self.metadata = metadata

    def save(self, data: Figure) -> None:
        """Write the figure."""
        self._filepath.parent.mkdir(parents=True, exist_ok=True)
        data.savefig(self._filepath, dpi=200)
        if not any(axes.images for axes in data.get_axes()):
            with rc_context(_SVG):
                data.savefig(self._filepath.with_suffix(".svg"), metadata={"Date": None})

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

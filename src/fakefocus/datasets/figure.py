"""A matplotlib figure on disk, loaded as the bytes of its PNG."""

import base64
from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset
from matplotlib import rc_context
from matplotlib.figure import Figure

from fakefocus.datasets.aside import file_aside
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
        with file_aside(self._filepath) as png:
            data.savefig(png, dpi=200, format="png")
        drawing = self._filepath.with_suffix(".svg")
        if any(axes.images for axes in data.get_axes()):
            # an earlier one would be of another figure
            drawing.unlink(missing_ok=True)
            return
        with rc_context(_SVG), file_aside(drawing) as svg:
            data.savefig(svg, format="svg", metadata={"Date": None})

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

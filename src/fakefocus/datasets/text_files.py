"""Texts in a folder, a file each."""

import json
from typing import Any

from kedro_datasets.partitions import PartitionedDataset

from fakefocus.datasets.json_file import JSONPreview

_SHOWN = 600
"""Characters of each text that Kedro-Viz shows."""


class TextFiles(PartitionedDataset):
    """Saves texts by the names of their files, in the place of all earlier ones; Kedro-Viz shows how each begins."""

    def __init__(self, *, path: str, metadata: dict[str, Any] | None = None) -> None:
        """Create the dataset; ``path`` is the folder."""
        super().__init__(path=path, dataset="text.TextDataset", overwrite=True, metadata=metadata)

    def preview(self) -> JSONPreview:
        """Show how each text begins."""
        texts = {name: load() for name, load in sorted(self.load().items())}
        return JSONPreview(json.dumps({name: text[:_SHOWN] for name, text in texts.items()}))

"""Readers of published layouts: a folder in, one row a file out, labels 0 real and 1 fake."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from fakefocus.sources import ffpp, folder

Row = dict[str, Any]
READERS: dict[str, Callable[[Path, str], Iterable[Row]]] = {"ffpp": ffpp.read_layout, "folder": folder.read_layout}
"""Names of ``params:ingestion.layout``."""


def read_layout(root: Path, layout: str, dataset: str) -> list[Row]:
    """List the media of a data set below ``root``.

    Args:
        root: Folder that holds the data set as published.
        layout: A name of ``READERS``.
        dataset: Name that makes ``video_id`` unique over data sets.

    Returns:
        Rows with ``video_id``, ``path``, ``dataset``, ``label``, ``method``, ``compression``,
        ``target_identity``, ``source_identity``, ``official_split`` and ``mask_path``, by ``video_id``;
        what a layout does not know is "".

    Raises:
        InputError: If nothing below the root looks like the layout.
    """
    return sorted(READERS[layout](root, dataset), key=lambda row: str(row["video_id"]))

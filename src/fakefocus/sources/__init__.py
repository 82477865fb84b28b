"""Readers of published layouts: a folder in, one row a file out, labels 0 real and 1 fake."""

import logging
from functools import cache
from pathlib import Path

from fakefocus.errors import InputError
from fakefocus.extensions import LAYOUTS, extended
from fakefocus.sources import celebdf, deepfakebench, dfd, dfdc, dfdcp, ffpp, folder, images
from fakefocus.sources.layout import Layout, peek
from fakefocus.sources.rows import Row, readable, unique_names

_MODULES = (ffpp, dfd, celebdf, dfdc, dfdcp, deepfakebench, images, folder)

_SHOWN = 8
_log = logging.getLogger(__name__)


@cache
def layouts() -> dict[str, Layout]:
    """Return all layouts by the names of ``params:ingestion.layout``, which are those of their environments too.

    Another package adds one by the entry point ``fakefocus.layouts``, under the layout's own name.

    Raises:
        InputError: If a package adds something else, or a name that is taken.
    """
    ours = {module.LAYOUT.name: module.LAYOUT for module in _MODULES}
    return extended(LAYOUTS, ours, Layout, "a fakefocus.sources.layout.Layout")


def read_layout(root: Path, layout: str, dataset: str, dataset_json: str | None = None) -> list[Row]:
    """List the media of a data set below ``root``; what a complete download would also hold is logged.

    Args:
        root: Folder that holds the data set as published.
        layout: A name of `layouts`.
        dataset: Name that makes ``video_id`` unique over data sets.
        dataset_json: The list that is read, of a layout that has several.

    Returns:
        Rows with ``video_id``, ``path``, ``dataset``, ``label``, ``method``, ``compression``, ``target_identity``,
        ``source_identity``, ``source_video``, ``official_split``, ``mask_path`` and ``reason``, by ``video_id``;
        what a layout does not know is "". A row with a reason is a file that cannot be used.

    Raises:
        InputError: If nothing below the root looks like the layout, or a list is named and it has none.
    """
    chosen = _chosen(layout, dataset_json)
    if not chosen.recognises(root):
        raise InputError(wrong_root(root, layout))
    for line in chosen.missing(root):
        _log.warning("raw_media of %s: %s; the run goes on", dataset, line)
    rows = unique_names([readable(row) for row in chosen.read(root, dataset)])
    return sorted(rows, key=lambda row: str(row["video_id"]))


def _chosen(layout: str, dataset_json: str | None) -> Layout:
    chosen = layouts()[layout]
    if dataset_json is None:
        return chosen
    if chosen.choose is None:
        msg = (
            f"ingestion.dataset_json: the layout {layout!r} has no lists to choose from, got {dataset_json!r}: leave "
            "it out, or say null"
        )
        raise InputError(msg)
    return chosen.choose(dataset_json)


def wrong_root(root: Path, layout: str) -> str:
    """Say what was expected in a folder, what was found, and what may have been meant."""
    chosen = layouts()[layout]
    return (
        f"raw_media: {root} is not in the layout {layout!r}: expected {chosen.expected}, found {_found(root)}"
        + _one_further_down(root, chosen)
        + looks_like(root)
    )


def looks_like(root: Path) -> str:
    """Offer the environments whose layouts a folder is in; "" where there is none."""
    names = [name for name, other in layouts().items() if other.recognises(root)]
    if any(path.suffix == ".parquet" for path in peek(root)):
        names.append("hf")
    offers = [f"'--env {name}'" for name in names]
    return f"; it looks like another layout, use {' or '.join(offers)}" if offers else ""


def _found(root: Path) -> str:
    names = sorted(p.name for p in root.iterdir())
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{names[:_SHOWN] or 'nothing'}{more}"


def _one_further_down(root: Path, chosen: Layout) -> str:
    folders = sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith("."))
    fitting = [folder for folder in folders[:100] if chosen.recognises(folder)]
    return f"; it is one folder further down: --params=data_root={fitting[0]}" if len(fitting) == 1 else ""

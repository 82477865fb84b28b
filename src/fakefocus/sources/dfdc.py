"""Deepfake Detection Challenge, DFDC (Dolhansky et al. 2020, https://ai.meta.com/datasets/dfdc/).

Training parts ``dfdc_train_part_N`` (often unzipped into a folder of nearly the same name) each hold clips and
``metadata.json``: ``{file: {"label": "FAKE" or "REAL", "split": "train", "original": file}}``. The test set has
``labels.csv`` (``filename,label``, 1 is fake) or, in newer downloads, ``metadata.json`` with ``is_fake``. Nobody is
named: a fake shows who its original shows, and clips of one person may be in several groups. The methods are
not told either: all fakes are of the method ``dfdc``.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fakefocus.errors import InputError
from fakefocus.sources.layout import Layout, files_below, folders_below, inside, read_json
from fakefocus.sources.rows import Row, media_row, set_aside

METADATA, LABELS = "metadata.json", "labels.csv"

_DEPTH = 4
"""Folders below the root that may lie above the metadata."""
_SIDES = {"train": "train", "validation": "val", "val": "val", "test": "test"}
_WORDS = {"FAKE": 1, "REAL": 0, "1": 1, "0": 0, "1.0": 1, "0.0": 0}
OUTSIDE = "its metadata name a file outside the data set's folder"


@dataclass(frozen=True)
class _Part:
    """One folder of clips and what its metadata tell of each file."""

    folder: Path
    entries: dict[str, dict[str, Any]]


def _recognises(root: Path) -> bool:
    return any(_has_metadata(folder) for folder in folders_below(root, _DEPTH))


def _has_metadata(folder: Path) -> bool:
    return (folder / METADATA).is_file() or (folder / LABELS).is_file()


def _read(root: Path, dataset: str) -> Iterator[Row]:
    listed: set[Path] = set()
    for part in _parts(root):
        for name, entry in part.entries.items():
            path = _find(part.folder, name)
            if path is None:
                yield set_aside(dataset, part.folder / name, OUTSIDE)
            elif path.is_file() or path.is_symlink():
                listed.add(path)
                yield _row(part, path, entry, dataset)
    for path in files_below(root):
        if path not in listed and path.name not in (METADATA, LABELS):
            yield set_aside(dataset, path, f"no {METADATA} or {LABELS} lists it")


def _row(part: _Part, path: Path, entry: dict[str, Any], dataset: str) -> Row:
    label = _WORDS.get(str(entry["label"]).strip().upper())
    if label is None:
        return set_aside(dataset, path, "its metadata give it no label FAKE or REAL")
    original = Path(str(entry.get("original") or path.name)).stem if label else path.stem
    return media_row(
        dataset,
        path,
        *(part.folder.name, path.stem),
        label=label,
        method="dfdc" if label else "",
        target_identity=original,
        source_video=original,
        official_split=_side(part, entry),
    )


def _side(part: _Part, entry: dict[str, Any]) -> str:
    folder = next((side for word, side in _SIDES.items() if part.folder.name.lower().startswith(word)), "")
    return _SIDES.get(str(entry.get("split")).lower(), folder or "train")


def _parts(root: Path) -> Iterator[_Part]:
    for folder in folders_below(root, _DEPTH):
        if (folder / LABELS).is_file():
            yield _Part(folder, _read_labels(folder / LABELS))
        elif (folder / METADATA).is_file():
            metadata = read_json(folder / METADATA, dict)
            yield _Part(folder, {name: _entry(value) for name, value in metadata.items()})


def _entry(value: Any) -> dict[str, Any]:  # noqa: ANN401 (whatever JSON holds)
    entry = value if isinstance(value, dict) else {}
    return {**entry, "label": entry.get("label", entry.get("is_fake"))}


def _read_labels(path: Path) -> dict[str, dict[str, Any]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.DictReader(file)
        if not {"filename", "label"} <= set(rows.fieldnames or ()):
            msg = (
                f"raw_media: {path} must have the columns filename and label, got {rows.fieldnames}: take the file "
                "as it was published"
            )
            raise InputError(msg)
        return {row["filename"]: {"label": row["label"], "split": "test"} for row in rows}


def _find(folder: Path, name: str) -> Path | None:
    """Return where a listed clip lies, in the folder or in ``videos/`` below; None outside of it."""
    path = inside(folder, name)
    below = inside(folder / "videos", name)
    return below if below is not None and below.is_file() else path


def _missing(root: Path) -> list[str]:
    lacking: list[str] = []
    for part in _parts(root):
        paths = [path for name in part.entries if (path := _find(part.folder, name)) is not None]
        absent = sum(not (path.is_file() or path.is_symlink()) for path in paths)
        if absent:
            place = part.folder.relative_to(root).as_posix()
            lacking.append(f"{place}: {absent} of {len(part.entries)} listed clips are not there")
    return lacking


LAYOUT = Layout(
    name="dfdc",
    expected=f"folders of clips with a {METADATA} (training parts) or a {LABELS} (test) in each",
    recognises=_recognises,
    read=_read,
    missing=_missing,
)

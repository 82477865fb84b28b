"""Preview of the Deepfake Detection Challenge, DFDCP (Dolhansky et al. 2019, https://arxiv.org/abs/1910.08854).

``dataset.json`` tells of every clip ``{path: {"label": "real" or "fake", "set": "train" or "test",
"augmentations": […], "target_id": number, "swapped_id": number}}``; the clips are in
``original_videos/<actor>/…``, ``method_A/<actor>/…`` and ``method_B/<actor>/…``. The target is ``target_id``, and
where that is empty the number of the actor's folder.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fakefocus.sources.dfdc import OUTSIDE
from fakefocus.sources.layout import Layout, files_below, inside, read_json
from fakefocus.sources.rows import Row, media_row, set_aside

LIST = "dataset.json"

_LABELS = {"real": 0, "fake": 1}
_SIDES = {"train": "train", "validation": "val", "val": "val", "test": "test"}


def _recognises(root: Path) -> bool:
    return (root / LIST).is_file()


def _read(root: Path, dataset: str) -> Iterator[Row]:
    listed: set[Path] = set()
    for name, entry in _entries(root).items():
        path = inside(root, name)
        if path is None:
            yield set_aside(dataset, root / name, OUTSIDE)
        elif path.is_file() or path.is_symlink():
            listed.add(path)
            yield _row(root, path, entry, dataset)
    for path in files_below(root):
        if path not in listed and path != root / LIST:
            yield set_aside(dataset, path, f"{LIST} does not list it")


def _row(root: Path, path: Path, entry: dict[str, Any], dataset: str) -> Row:
    label = _LABELS.get(str(entry.get("label")).lower())
    folders = path.relative_to(root).parts[:-1]
    if label is None or not folders:
        return set_aside(dataset, path, f"{LIST} gives it no label real or fake, or no folder of a method")
    actor = folders[1] if len(folders) > 1 else path.stem
    original = Path(str(entry.get("original") or "")).stem
    return media_row(
        dataset,
        path,
        *(*folders, path.stem),
        label=label,
        method=folders[0] if label else "",
        target_identity=_number(entry.get("target_id")) or actor,
        source_identity=_number(entry.get("swapped_id")) if label else "",
        source_video=original if label else path.stem,
        official_split=_SIDES.get(str(entry.get("set")).lower(), ""),
    )


def _number(value: Any) -> str:  # noqa: ANN401 (whatever JSON holds)
    return "" if value is None else str(value)


def _entries(root: Path) -> dict[str, dict[str, Any]]:
    entries = read_json(root / LIST, dict)
    return {name: entry if isinstance(entry, dict) else {} for name, entry in entries.items()}


def _missing(root: Path) -> list[str]:
    paths = [path for name in _entries(root) if (path := inside(root, name)) is not None]
    absent = sum(not (path.is_file() or path.is_symlink()) for path in paths)
    return [f"{LIST}: {absent} of {len(paths)} listed clips are not there"] if absent else []


LAYOUT = Layout(
    name="dfdcp",
    expected=f"{LIST} beside original_videos/, method_A/ and method_B/",
    recognises=_recognises,
    read=_read,
    missing=_missing,
)

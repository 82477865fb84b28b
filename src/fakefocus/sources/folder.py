"""A folder of the user's: ``real/`` and ``fake/``, with clips or images, nested or not.

``fake/<method>/…`` names the method. A folder below that, or below ``real/``, names a person (or the clip
that frames were cut from): ``real/<person>/<file>``, ``fake/<method>/<person>/<file>``; the same name is
the same person, and folders further down (days, cameras) change nothing. Where there is no such folder nothing
is known of who is shown, and each file counts as an identity of its own.
"""

from collections.abc import Iterator
from pathlib import Path

from fakefocus.sources.layout import Layout, files_below
from fakefocus.sources.rows import Row, flat_name, media_row

_LABELS = {"real": 0, "fake": 1}


def _recognises(root: Path) -> bool:
    return any((root / name).is_dir() for name in _LABELS)


def _read(root: Path, dataset: str) -> Iterator[Row]:
    for name in _LABELS:
        for path in files_below(root / name):
            yield _row(path, path.relative_to(root / name), name, dataset)


def _row(path: Path, inner: Path, name: str, dataset: str) -> Row:
    fake = name == "fake"
    folders = inner.parts[:-1]
    method, people = (folders[:1], folders[1:]) if fake else ((), folders)
    return media_row(
        dataset,
        path,
        *(name, flat_name(inner)),
        label=_LABELS[name],
        method="".join(method) or "unknown" if fake else "",
        target_identity=people[0] if people else f"{name}/{inner.with_suffix('').as_posix()}",
    )


def _missing(root: Path) -> list[str]:
    return [f"no {name}/: only files of the other kind are read" for name in _LABELS if not (root / name).is_dir()]


LAYOUT = Layout(
    name="folder",
    expected="a folder real/ or fake/ (or both)",
    recognises=_recognises,
    read=_read,
    missing=_missing,
)

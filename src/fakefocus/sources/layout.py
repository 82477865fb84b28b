"""What a reader of a published layout is, and how it looks at folders: file names are data, not paths to follow."""

import json
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePosixPath
from typing import Any

from fakefocus.errors import InputError
from fakefocus.sources.rows import Row

PEEK = 20_000
"""So many files are looked at, at most, to tell a layout by the names of its files."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Layout:
    """A published layout.

    ``expected`` says in words what lies below its root, ``recognises`` whether that is so, ``read`` yields
    one row a file, and ``missing`` tells what a complete download would hold and what contradicts itself.
    ``choose`` returns the layout that reads one of several lists; None where a layout has no lists to choose from.
    """

    name: str
    expected: str
    recognises: Callable[[Path], bool]
    read: Callable[[Path, str], Iterator[Row]]
    missing: Callable[[Path], list[str]]
    choose: Callable[[str], "Layout"] | None = None


def files_below(folder: Path) -> Iterator[Path]:
    """Yield what is no folder below ``folder``, sorted: dangling links too, hidden names not.

    Links to folders are followed, but never in a circle.
    """
    yield from _walk(folder, ())


def folders_below(folder: Path, depth: int) -> Iterator[Path]:
    """Yield ``folder`` and the folders below it, parents first, down to ``depth`` levels; hidden names not."""
    yield folder
    if depth:
        for entry in _entries(folder):
            if _is_folder(entry):
                yield from folders_below(Path(entry.path), depth - 1)


def peek(folder: Path) -> Iterator[Path]:
    """Yield the first files below ``folder``: enough to tell a layout, few enough not to wait for."""
    return islice(files_below(folder), PEEK)


def inside(folder: Path, name: str) -> Path | None:
    """Return where a name that metadata give lies below ``folder``; None where it would lead out of it."""
    inner = PurePosixPath(name.replace("\\", "/"))
    if inner.is_absolute() or not inner.parts or ".." in inner.parts or ":" in inner.parts[0] or "\0" in name:
        return None
    return folder / inner


def read_json(path: Path, kind: type[dict] | type[list]) -> Any:  # noqa: ANN401 (whatever JSON holds)
    """Read a list or an object that a data set comes with.

    Raises:
        InputError: If the file is not JSON, or holds something else.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError as error:
        msg = f"raw_media: {path} is not JSON ({error}): download it again"
        raise InputError(msg) from error
    if not isinstance(content, kind):
        rule = {dict: "an object {name: …}", list: "a list"}[kind]
        msg = f"raw_media: {path} must hold {rule}, got {type(content).__name__}: download it again"
        raise InputError(msg)
    return content


def fewer(place: str, present: int, published: int) -> list[str]:
    """Say that fewer clips are there than were published, if so."""
    return [f"{place}: {present} of {published} clips"] if present < published else []


def _walk(folder: Path, above: tuple[Path, ...]) -> Iterator[Path]:
    here = folder.resolve()
    if here in above:
        return
    for entry in _entries(folder):
        if _is_folder(entry):
            yield from _walk(Path(entry.path), (*above, here))
        else:
            yield Path(entry.path)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    # a link that points to itself makes entry.is_dir() raise
    return Path(entry.path).is_dir() if entry.is_symlink() else entry.is_dir()


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as listed:
            return sorted((e for e in listed if not e.name.startswith(".")), key=lambda e: e.name)
    except FileNotFoundError:
        return []
    except OSError as error:
        _log.warning("%s: cannot be listed, nothing in it is read: %s", folder, error.strerror)
        return []

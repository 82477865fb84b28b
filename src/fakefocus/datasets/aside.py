"""Folders and files that are complete or absent: written aside, then put in place."""

import errno
import os
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from fakefocus.errors import InputError

_NAME_BYTES = 200
"""Of the folder's own name; with process id and random part the aside's stays below the usual limit of 255."""


@contextmanager
def written_aside(folder: Path) -> Iterator[Path]:
    """Give an empty folder to write to, which takes the place of ``folder`` when the block ends well.

    Its name is nobody else's, so that two processes may make the same folder: the later one stays, whole.

    Raises:
        InputError: If the disk is full.
    """
    aside = _part(folder)
    try:
        with explaining_a_full_disk(folder):
            aside.mkdir(parents=True)
            yield aside
            _put(aside, folder)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


@contextmanager
def file_aside(file: Path) -> Iterator[Path]:
    """Give a file to write to, which takes the place of ``file`` when the block ends well.

    Raises:
        InputError: If the disk is full.
    """
    aside = _part(file)
    try:
        with explaining_a_full_disk(file):
            file.parent.mkdir(parents=True, exist_ok=True)
            yield aside
            aside.replace(file)
    finally:
        aside.unlink(missing_ok=True)


def parts_of(folder: Path) -> list[Path]:
    """Return what killed runs left beside ``folder``, half written or half deleted."""
    name = re.compile(rf"\.+{re.escape(_short(folder.name))}(\.\d+-[0-9a-f]{{8}}\.part)+")
    return [path for path in folder.parent.glob(".*.part") if name.fullmatch(path.name)]


def remove_parts(parts: Iterable[Path]) -> None:
    """Delete leftovers; a process that outlived its run and still writes to one fails by that.

    Each is renamed first: what such a process goes on to write would keep the folder from being empty.
    """
    for part in list(parts):
        doomed = _part(part)
        try:
            part.rename(doomed)
        except FileNotFoundError:
            continue  # its process has put it in place, or removed it
        shutil.rmtree(doomed)


@contextmanager
def explaining_a_full_disk(folder: Path) -> Iterator[None]:
    """Say what to do where writing to ``folder`` fails because the disk is full.

    Raises:
        InputError: If no space, or none of the user's quota, is left.
    """
    try:
        yield
    except Exception as error:
        if not is_disk_full(error):
            raise
        msg = f"{folder}: cannot be written, the disk is full: free space and run again; what is finished is kept"
        raise InputError(msg) from error


def is_disk_full(error: BaseException) -> bool:
    """Tell whether an error says that no space, or none of the user's quota, is left on a disk."""
    return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def _part(folder: Path) -> Path:
    return folder.with_name(f".{_short(folder.name)}.{os.getpid()}-{secrets.token_hex(4)}.part")


def _short(name: str) -> str:
    return name.encode()[:_NAME_BYTES].decode(errors="ignore")


def _put(aside: Path, folder: Path) -> None:
    """Rename a complete folder into place; one that is there moves away first, and is never seen half deleted."""
    while True:
        try:
            aside.rename(folder)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            remove_parts([folder])
        else:
            return

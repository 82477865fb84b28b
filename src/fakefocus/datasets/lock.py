"""One writer at a time: a second run that would make the same folder waits for the first."""

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

_log = logging.getLogger(__name__)


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder that is made; who holds it is logged, and waited for.

    The lock goes with its process, however that ends. It is a file beside the folder.
    """
    place = folder.with_name(f".{folder.name}.lock")
    place.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(place)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        _log.warning("%s is being made by %s: waiting until it is done", folder, _holder(place))
        lock.acquire()
    try:
        with suppress(OSError):  # who holds it is a courtesy: on a full disk the work itself says so
            _note(place).write_text(f"process {os.getpid()} on {socket.gethostname()}", encoding="utf-8")
        yield
    finally:
        _note(place).unlink(missing_ok=True)
        lock.release()


def _note(place: Path) -> Path:
    return place.with_suffix(".holder")


def _holder(place: Path) -> str:
    try:
        return _note(place).read_text(encoding="utf-8")
    except OSError:
        return "another run"

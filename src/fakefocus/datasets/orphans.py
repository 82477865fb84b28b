"""Ends a process with the one that started it: killed itself, that one can tell nobody."""

import os
import time
from threading import Thread

_POLL_SECONDS = 0.2


def end_with_parent(parent: int | None = None) -> None:
    """End this process as soon as its parent is gone: ``parent``, or whoever it is now."""
    Thread(target=_watch, args=(parent or os.getppid(),), daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_POLL_SECONDS)
    os._exit(1)

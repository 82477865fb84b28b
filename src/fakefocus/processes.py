"""How processes that answer are started: from one that has imported what all need, and runs no threads.

A fork of this process would inherit locks that its threads hold.
"""

import multiprocessing
import os
from typing import Any

_NEEDED = ["fakefocus.prediction.predictor", "fakefocus.graphs.scorer"]
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


_ALSO: list[str] = []


def context() -> Any:  # noqa: ANN401 (multiprocessing's)
    """Return the way to start processes, which compute with a thread each."""
    os.environ.update({name: os.environ.get(name, one) for name, one in _ONE_THREAD.items()})
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    chosen = multiprocessing.get_context("forkserver")
    chosen.set_forkserver_preload(_NEEDED + _ALSO)
    return chosen


def begin(*also: str) -> None:
    """Let the process that others are forked from import what they need, while this one does.

    ``also`` names modules that they need besides.
    """
    _ALSO.extend(name for name in also if name not in _ALSO)
    if context().get_start_method() == "forkserver":
        from multiprocessing.forkserver import ensure_running

        ensure_running()

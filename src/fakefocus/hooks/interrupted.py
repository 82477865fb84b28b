"""Runs of MLflow whose process ended without closing them."""

import os
import platform
from typing import Any

PROCESS = "process"
"""Tag of runs: which process of which computer keeps them open."""


def this_process() -> str:
    """Return what tells this process from others, on this computer and elsewhere."""
    return f"{_here()}{os.getpid()}"


def kill_own_runs(client: Any, experiment_id: str) -> None:  # noqa: ANN401 (mlflow takes seconds to import)
    """Mark the runs that this process keeps open as killed."""
    _kill(client, experiment_id, this_process())


def kill_dead_runs(client: Any, experiment_id: str) -> None:  # noqa: ANN401 (as above)
    """Mark runs as killed whose process was on this computer and is gone."""
    running = client.search_runs([experiment_id], f"attributes.status = 'RUNNING' and tags.{PROCESS} LIKE '{_here()}%'")
    for process in {run.data.tags[PROCESS] for run in running}:
        if not _lives(int(process.removeprefix(_here()))):
            _kill(client, experiment_id, process)


def _here() -> str:
    return f"{platform.node()}:"


def _lives(pid: int) -> bool:
    if os.name != "posix":
        return True  # elsewhere this signal is one that ends processes
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _kill(client: Any, experiment_id: str, process: str) -> None:  # noqa: ANN401 (as above)
    which = f"attributes.status = 'RUNNING' and tags.{PROCESS} = '{process}'"
    for run in client.search_runs([experiment_id], which):
        client.set_terminated(run.info.run_id, "KILLED")

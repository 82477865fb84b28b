"""Runs of MLflow whose process ended without closing them.

A process is told by its number and when it started, and both by the computer's last start, the namespace that gives the
numbers, and the user, who may not see those of others: numbers come again, and computers may have equal names. Where
the system says none of this (elsewhere than on Linux), a process knows its own runs and nobody else's.
"""

import hashlib
import os
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

PLACE, PROCESS = "process_place", "process"
"""Tags of a run that is open: where its process is, and which one it is there."""


def process_tags() -> dict[str, str]:
    """Return the tags of this process."""
    return {PLACE: _place(), PROCESS: f"{os.getpid()}-{_start_of(os.getpid())}"}


def kill_own_runs(client: Any, experiment_id: str) -> set[str]:  # noqa: ANN401 (mlflow takes seconds to import)
    """Mark the runs that this process keeps open as killed; returns the ids of all that it opened."""
    mine = " and ".join(f"tags.{name} = '{value}'" for name, value in process_tags().items())
    runs = client.search_runs([experiment_id], mine)
    for run in runs:
        if run.info.status == "RUNNING":
            client.set_terminated(run.info.run_id, "KILLED")
    return {run.info.run_id for run in runs}


def kill_dead_runs(client: Any, experiment_id: str) -> None:  # noqa: ANN401 (as above)
    """Mark open runs as killed whose process was where this one is, and is gone."""
    for run in client.search_runs([experiment_id], f"attributes.status = 'RUNNING' and tags.{PLACE} = '{_place()}'"):
        pid, _, start = run.data.tags.get(PROCESS, "").partition("-")
        if pid.isdigit() and _start_of(int(pid)) != start:
            client.set_terminated(run.info.run_id, "KILLED")


@cache
def _place() -> str:
    try:
        last_start = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8")
        namespace = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return uuid4().hex[:16]
    return hashlib.sha256(f"{last_start} {namespace} {os.getuid()}".encode()).hexdigest()[:16]


def _start_of(pid: int) -> str:
    """Return when a process started, in ticks since the computer did; empty if none of this user has that number."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    behind_the_name = stat.rpartition(")")[2].split()
    return behind_the_name[19]

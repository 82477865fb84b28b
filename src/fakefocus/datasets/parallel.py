"""Runs independent jobs on local processes or on a Dask cluster, with a progress bar on a terminal."""

import logging
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, fields
from typing import Any, TypeVar

from joblib import cpu_count
from joblib.externals.loky import ProcessPoolExecutor
from tqdm import tqdm

from fakefocus.datasets.orphans import end_with_parent
from fakefocus.errors import InputError, did_you_mean

T = TypeVar("T")
_log = logging.getLogger(__name__)

BACKENDS = ("processes", "dask")
_ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)
_CONNECT_SECONDS = 8
_IDLE_SECONDS = 10
_kept: dict[tuple[int, int], ProcessPoolExecutor] = {}
"""The processes of the last stage, by this process and their number."""


@dataclass(frozen=True)
class Executor:
    """Where jobs run: ``workers`` local processes (None: one a core), or the Dask cluster at ``address``."""

    backend: str = "processes"
    workers: int | None = None
    address: str | None = None

    def __post_init__(self) -> None:
        """Refuse what cannot be meant.

        Raises:
            InputError: With the place, the rule, the value and the remedy.
        """
        if self.backend not in BACKENDS:
            near = did_you_mean(self.backend, BACKENDS)
            _refuse(f"backend: must be one of {', '.join(BACKENDS)}, got {self.backend!r}{near}")
        if self.workers is not None and (type(self.workers) is not int or self.workers < 1):
            _refuse(f"workers: must be at least 1, or null for one a core, got {self.workers!r}")
        if self.backend == "dask" and not self.address:
            _refuse(f"address: backend dask needs its scheduler's, like tcp://127.0.0.1:8786, got {self.address!r}")
        if self.backend == "dask" and self.workers is not None:
            _refuse(f"workers: counts local processes, got {self.workers!r} with backend dask: set it to null")
        if self.backend != "dask" and self.address is not None:
            _refuse(f"address: is for backend dask, got {self.address!r} with backend {self.backend}: set one of both")


def read_executor(options: Mapping[str, Any] | None) -> Executor:
    """Return what ``executor`` in ``globals.yml`` asks for; None asks for nothing special.

    Raises:
        InputError: If a key is unknown, or a value cannot be meant.
    """
    names = [field.name for field in fields(Executor)]
    for key in set(options or {}) - set(names):
        _refuse(f"{key}: unknown (keys are {', '.join(names)}){did_you_mean(key, names)}")
    return Executor(**(options or {}))


def run_jobs(jobs: Sequence[Callable[[], T]], executor: Executor, title: str) -> Iterator[T]:
    """Run jobs side by side and yield results as they come.

    Each job has a process of its own while it runs, and one thread: several processes with a thread a core
    slow each other down, and sums in another order are not the same to the last bit. An exception in a job
    ends the run; what other jobs had written by then stays.

    Raises:
        InputError: If a process was killed, or the cluster cannot be reached.
    """
    results = _on_dask(jobs, str(executor.address)) if executor.backend == "dask" else _on_processes(jobs, executor)
    with tqdm(total=len(jobs), desc=title, unit="video", disable=None) as bar:
        for result in results:
            bar.update()
            yield result


def _on_processes(jobs: Sequence[Callable[[], T]], executor: Executor) -> Iterator[T]:
    count = min(executor.workers or cpu_count(), len(jobs))
    if not count:
        return
    # also where one is enough: the same thread count gives the same bytes, however many videos are left to do
    pool = _processes(count)
    finished = False
    try:
        for future in as_completed([pool.submit(job) for job in jobs]):
            yield future.result()
        finished = True
    except BrokenProcessPool as error:
        msg = (
            f"executor: one of {count} worker processes was killed, most likely because memory ran out: "
            "run again, finished videos are kept; if it happens again, lower executor.workers in globals.yml"
        )
        raise InputError(msg) from error
    finally:
        # the next stage goes on with the same processes
        if not finished:
            _kept.clear()
            pool.shutdown(kill_workers=True)


def _processes(count: int) -> ProcessPoolExecutor:
    """Return the processes of the stage before, if there are as many, else new ones.

    They are not those that joblib keeps for itself: it takes every pool that it finds there for its own.
    """
    key = (os.getpid(), count)
    if key not in _kept:
        for pool in _kept.values():
            pool.shutdown()
        _kept.clear()
        _kept[key] = ProcessPoolExecutor(
            count, timeout=_IDLE_SECONDS, env=_ONE_THREAD, initializer=_begin_process, initargs=(os.getpid(),)
        )
    return _kept[key]


def _on_dask(jobs: Sequence[Callable[[], T]], address: str) -> Iterator[T]:
    if not jobs:
        return
    import distributed

    # traces of broken connections; what matters of them is told below
    for name in ("distributed", "distributed.client"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    with _connected(address) as client:
        try:
            for future in distributed.as_completed(client.map(_on_worker, jobs, pure=False, retries=1)):
                yield future.result()
        except distributed.KilledWorker as error:
            msg = (
                f"executor: the cluster at {address} lost several workers over the same video, most likely because "
                "memory ran out: run again, finished videos are kept; give workers more memory, or one thread each"
            )
            raise InputError(msg) from error
        except (CancelledError, distributed.comm.CommClosedError) as error:
            msg = (
                f"executor: the Dask scheduler at {address} went away, or the work was cancelled there: "
                "see that it runs, and run again: finished videos are kept"
            )
            raise InputError(msg) from error


def _connected(address: str) -> Any:  # noqa: ANN401 (distributed is imported only where it is used)
    from distributed import Client

    try:
        client = Client(address, timeout=_CONNECT_SECONDS)
    except (OSError, ValueError, TimeoutError) as error:
        msg = (
            f"executor.address: no Dask scheduler answers at {address} within {_CONNECT_SECONDS} s: start one with "
            "dask scheduler, correct the address, or set executor.backend to processes"
        )
        raise InputError(msg) from error
    if not client.nthreads():
        _log.warning("the cluster at %s has no worker yet: waiting for one", address)
    return client


def _begin_process(parent: int) -> None:
    """Prepare a local process."""
    # loky's would take the jobs that are left, then idle for minutes
    end_with_parent(parent)
    _use_one_thread()


def _on_worker(job: Callable[[], T]) -> T:
    """Run a job on a worker of a cluster, which serves other runs too."""
    os.environ.update(_ONE_THREAD)
    _use_one_thread()
    return job()


def _use_one_thread() -> None:
    """Limit the pools that no environment variable reaches; a torch that a job imports later reads one."""
    import cv2

    cv2.setNumThreads(1)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


def _refuse(mistake: str) -> None:
    msg = f"executor.{mistake}"
    raise InputError(msg)

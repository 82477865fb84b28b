"""Runs independent jobs on local processes, with a progress bar on a terminal."""

from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from joblib import Parallel, cpu_count, delayed, parallel_config
from tqdm import tqdm

T = TypeVar("T")


def run_jobs(jobs: Sequence[Callable[[], T]], *, workers: int | None, title: str) -> Iterator[T]:
    """Run jobs on ``workers`` processes (all cores if None) and yield results as they come.

    Each process computes with one thread: several processes with a thread a core slow each other down.
    An exception in a job ends the run; what other jobs had written by then stays.
    """
    count = min(workers or cpu_count(), len(jobs))
    with tqdm(total=len(jobs), desc=title, unit="video", disable=None) as bar:
        for result in _results(jobs, count):
            bar.update()
            yield result


def _results(jobs: Sequence[Callable[[], T]], count: int) -> Iterator[T]:
    if count <= 1:
        yield from (job() for job in jobs)
        return
    with parallel_config(backend="loky", inner_max_num_threads=1):
        parallel = Parallel(n_jobs=count, return_as="generator_unordered")
    yield from parallel(delayed(job)() for job in jobs)

"""Answers of files in processes of their own: a file that kills a decoder, or keeps it for ever, costs its own answer.

Pebble's pool (https://github.com/noxdafox/pebble) ends a process whose time is up and replaces one that died; the
pools of the standard library and joblib do neither.
"""

import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import TimeoutError as TimeIsUpError
from concurrent.futures import as_completed
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pebble import ProcessExpired, ProcessFuture, ProcessPool

from fakefocus.prediction.detectors import Detector
from fakefocus.prediction.notes import note_of, unanswered
from fakefocus.prediction.result import Options, Prediction

if TYPE_CHECKING:
    from fakefocus.prediction.predictor import Predictor

LEAST_SECONDS = 25.0
"""What any file may take."""
_SECONDS_A_MEGABYTE = 2.0
_EXPLAINED = 5
"""How many times as long a file may take whose answer is drawn: all its frames are encoded again."""
_PREPARING_SECONDS = 300.0
"""What it may take to make the graph of a detector, once."""
_GIGABYTES = 6
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")


class Isolated:
    """A `Predictor` that works in other processes, several files at a time."""

    def __init__(
        self,
        detector: Detector,
        options: Options,
        workers: int = 1,
        *,
        explain: Path | None = None,
        ask: Callable[[Path], Prediction] | None = None,
    ) -> None:
        """Start ``workers`` processes, a core each.

        Args:
            detector: Which answers.
            options: How files are looked at.
            workers: Files at a time.
            explain: A folder for pictures that show each answer.
            ask: What is done with a file in a process, by default what `Predictor` does.
        """
        self._note, self._options, self._predict = note_of(detector, options), options, ask or _predict
        self._more = 1 if explain is None else _EXPLAINED
        os.environ.update({name: os.environ.get(name, one) for name, one in _ONE_THREAD.items()})
        self._pool = ProcessPool(
            max_workers=workers, initializer=_begin, initargs=(detector, options, explain), context=_context()
        )

    def prepare(self) -> None:
        """Wait until the detector is ready in one process: what the others then need is made.

        Raises:
            InputError: If its weights are not of its contract, or are no safetensors.
        """
        self._pool.schedule(_prepare, timeout=_PREPARING_SECONDS).result()

    @property
    def nothing(self) -> Prediction:
        """A result that names detector and options, of no file."""
        return unanswered(Path(), self._note, self._options, "not asked")

    def __enter__(self) -> "Isolated":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.stop()
        self._pool.join()

    def __call__(self, files: Sequence[Path]) -> Iterator[Prediction]:
        """Yield the answers to files as they come; one whose process died or hung has failed, with that reason."""
        asked = {self._ask(file): file for file in files}
        for future in as_completed(asked):
            yield self._answer(future, asked[future])

    def _ask(self, file: Path) -> ProcessFuture:
        return self._pool.schedule(self._predict, args=[file], timeout=seconds_for(file) * self._more)

    def _answer(self, future: ProcessFuture, file: Path) -> Prediction:
        try:
            return future.result()
        except TimeIsUpError:
            reason = f"not finished after {seconds_for(file) * self._more:.0f} s, which is long for a file of its size"
        except MemoryError:
            reason = "it takes more memory than any honest file needs"
        except ProcessExpired as error:
            reason = f"its decoder brought the process down (exit code {error.exitcode})"
        return unanswered(file, self._note, self._options, reason)


def seconds_for(file: Path) -> float:
    """Return how long a file may take, by its size."""
    with suppress(OSError):
        return LEAST_SECONDS + _SECONDS_A_MEGABYTE * file.stat().st_size / 2**20
    return LEAST_SECONDS


def _context() -> Any:  # noqa: ANN401 (multiprocessing's)
    """Return how processes are started: from one that has imported what all need, and runs no threads.

    A fork of this process would inherit locks that its threads hold.
    """
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["fakefocus.prediction.predictor", "fakefocus.graphs.scorer"])
    return context


_predictor: "Predictor | None" = None


def _begin(detector: Detector, options: Options, explain: Path | None) -> None:
    """Prepare a process: a core, and memory within bounds."""
    global _predictor
    import cv2

    from fakefocus.prediction.predictor import Predictor

    cv2.setNumThreads(1)
    _limit_memory()
    _predictor = Predictor(detector, options, explain)


def _predict(file: Path) -> Prediction:
    return _ready()(file)


def _prepare() -> None:
    _ready().prepare()


def _ready() -> "Predictor":
    if _predictor is None:
        msg = "the process was not prepared"
        raise RuntimeError(msg)
    return _predictor


def _limit_memory() -> None:
    """Refuse this process more memory than any honest file needs, where the system can."""
    if sys.platform != "linux":
        return
    import resource

    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    limit = _GIGABYTES * 2**30
    resource.setrlimit(resource.RLIMIT_DATA, (limit if hard < 0 else min(limit, hard), hard))

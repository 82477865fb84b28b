"""Answers of files in processes of their own: a file that kills a decoder, or keeps it for ever, costs its own answer.

Pebble's pool (https://github.com/noxdafox/pebble) ends a process whose time is up and replaces one that died; the
pools of the standard library and joblib do neither.
"""

import logging
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError, as_completed
from concurrent.futures import TimeoutError as TimeIsUpError
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

from pebble import ProcessExpired, ProcessFuture, ProcessPool

from fakefocus.datasets.orphans import end_with_parent
from fakefocus.prediction.detectors import Detector
from fakefocus.prediction.notes import note_of, unanswered
from fakefocus.prediction.result import Options, Prediction
from fakefocus.processes import context

if TYPE_CHECKING:
    from fakefocus.prediction.predictor import Predictor

_log = logging.getLogger(__name__)
LEAST_SECONDS = 25.0
"""What any file may take."""
_SECONDS_A_MEGABYTE, _SECONDS_A_FRAME = 2.0, 1.0
_FRAMES_A_MEGABYTE = 100
"""More sampled frames than that are not in a megabyte of any honest clip."""
_EXPLAINED = 5
"""How many times as long a file may take whose answer is drawn: all its frames are encoded again."""
_PREPARING_SECONDS = 300.0
"""What it may take to make the graph of a detector, once."""
_GIGABYTES = 6


class Isolated:
    """`Predictor`s that work in other processes, several files at a time; threads may ask side by side."""

    def __init__(
        self,
        detector: Detector,
        workers: int = 1,
        *,
        explain: Path | None = None,
        ask: Callable[[Path, Options], Prediction] | None = None,
        draws: bool = False,
    ) -> None:
        """Get ready for ``workers`` processes, a core each.

        Args:
            detector: Which answers.
            workers: Files at a time.
            explain: A folder for pictures that show each answer.
            ask: What is done with a file in a process, by default what `Predictor` does.
            draws: Whether ``ask`` takes the time for pictures too.
        """
        self._detector, self._workers, self._explain, self._ask_of = detector, workers, explain, ask or _predict
        self._more = _EXPLAINED if draws or explain is not None else 1
        self._lock = Lock()
        self._pool = self._new_pool()

    def prepare(self, options: Options) -> None:
        """Wait until the detector is ready in one process: what the others then need is made.

        Raises:
            InputError: If its weights are not of its contract, or are no safetensors.
            TimeoutError: If that takes more than minutes.
            ProcessExpired: If the process died.
        """
        self.begin_preparing(options).result()

    def begin_preparing(self, options: Options) -> ProcessFuture:
        """Begin what `prepare` waits for."""
        return self._pool.schedule(_prepare, args=[options], timeout=_PREPARING_SECONDS)

    def __enter__(self) -> "Isolated":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End all processes."""
        self._pool.stop()
        self._pool.join()

    def __call__(self, files: Sequence[Path], options: Options) -> Iterator[Prediction]:
        """Yield the answers to files as they come; one that could not be had has failed, with the reason."""
        asked = {self._schedule(file, options): file for file in files}
        for future in as_completed(asked):
            yield self._answer(future, asked[future], options, again=True)

    def begin(self, file: Path, options: Options) -> "Pending":
        """Ask about a file, and go on without its answer."""
        future = self._schedule(file, options)
        return Pending(future, partial(self._answer, future, file, options, again=True))

    def _new_pool(self) -> ProcessPool:
        made_for = (self._detector, self._explain)
        return ProcessPool(max_workers=self._workers, initializer=_begin, initargs=made_for, context=context())

    def _schedule(self, file: Path, options: Options) -> ProcessFuture:
        """Ask about a file; a pool that broke, as one does whose idle process was killed, is replaced."""
        seconds = self._seconds(file, options)
        with self._lock:
            try:
                return self._pool.schedule(self._ask_of, args=[file, options], timeout=seconds)
            except RuntimeError:
                self._pool = self._new_pool()
                return self._pool.schedule(self._ask_of, args=[file, options], timeout=seconds)

    def _seconds(self, file: Path, options: Options) -> float:
        return seconds_for(file, options) * self._more

    def _answer(self, future: ProcessFuture, file: Path, options: Options, *, again: bool) -> Prediction:
        try:
            return future.result()
        except TimeIsUpError:
            reason = f"not finished after {self._seconds(file, options):.0f} s, which is long for a file of its size"
        except MemoryError:
            reason = "it takes more memory than any honest file needs"
        except ProcessExpired as error:
            reason = f"its decoder brought the process down (exit code {error.exitcode})"
        except (BrokenProcessPool, CancelledError) as error:
            if again:
                return self._answer(self._schedule(file, options), file, options, again=False)
            reason = f"the processes that look at files broke down ({error})"
        except Exception as error:
            # whatever one file does, the others are answered
            _log.exception("%s could not be judged", file)
            reason = f"{type(error).__name__}: {error}"
        return unanswered(file, note_of(self._detector, options), options, reason)


class Pending(NamedTuple):
    """An answer that is being worked on: whoever no longer wants it cancels the ``future``, which ends the work."""

    future: ProcessFuture
    answer: Callable[[], Prediction]


def seconds_for(file: Path, options: Options) -> float:
    """Return how long a file may take, by its size and by how many frames of it are looked at."""
    with suppress(OSError):
        size = file.stat().st_size / 2**20
        frames = min(options.max_frames, size * _FRAMES_A_MEGABYTE)
        return LEAST_SECONDS + _SECONDS_A_MEGABYTE * size + _SECONDS_A_FRAME * frames
    return LEAST_SECONDS


_predictor: "Predictor | None" = None


def _begin(detector: Detector, explain: Path | None) -> None:
    """Prepare a process: a core, memory within bounds, and an end with its parent's."""
    global _predictor
    import cv2

    from fakefocus.prediction.predictor import Predictor

    cv2.setNumThreads(1)
    end_with_parent()
    _limit_memory()
    _predictor = Predictor(detector, explain=explain)


def _predict(file: Path, options: Options) -> Prediction:
    return ready(options)(file)


def _prepare(options: Options) -> None:
    ready(options).prepare()


def ready(options: Options) -> "Predictor":
    """Return, in a process that `Isolated` started, what looks at files as ``options`` say.

    Its network is that of the one before where it computes the same.
    """
    global _predictor
    if _predictor is None:
        msg = "the process was not prepared"
        raise RuntimeError(msg)
    if _predictor.options != options:
        _predictor = _predictor.asked(options)
    return _predictor


def _limit_memory() -> None:
    """Refuse this process more memory than any honest file needs, where the system can."""
    if sys.platform != "linux":
        return
    import resource

    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    limit = _GIGABYTES * 2**30
    resource.setrlimit(resource.RLIMIT_DATA, (limit if hard < 0 else min(limit, hard), hard))

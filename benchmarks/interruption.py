"""Kills runs at random moments and checks that a plain rerun repairs everything.

    python benchmarks/interruption.py --kills 20

Ingestion, preprocessing, defocus and split run once undisturbed, on a small demo corpus. Then, for each kill, they
start in a fresh folder, the run gets SIGKILL at a moment drawn evenly from the undisturbed duration, and is started
again. Afterwards every file below ``data`` must hold the same bytes as undisturbed, nothing else may lie there, and
the rerun must have made exactly the videos that were not finished: their folders are new and the others untouched,
and faces were looked for in their frames alone. Exit code 1 where anything differs.
"""

import argparse
import hashlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import mlflow
import psutil
import yaml

ROOT = Path(__file__).resolve().parents[1]
STAGES = ("03_primary/tiny/face_crops", "04_feature/tiny/defocus_maps")
ORPHAN_SECONDS = 30
Folders = dict[Path, tuple[int, int]]


@dataclass(frozen=True)
class Corpus:
    """How large the demo corpus is; each person has a clip and three fakes."""

    people: int
    frames: int

    @property
    def videos(self) -> int:
        """Number of clips that go through preprocessing."""
        return 4 * self.people


@dataclass(frozen=True)
class Undisturbed:
    """What an undisturbed run gives: every path with its hash, seconds, and frames in which faces were looked for."""

    held: dict[str, str]
    seconds: float
    detections: int


@dataclass(frozen=True)
class Trial:
    """What one kill came to."""

    start: str
    after: float
    orphans: float
    finished: tuple[int, ...]
    made: tuple[int, ...]
    detections: int
    expected: int
    faults: tuple[str, ...]

    def row(self) -> str:
        """Return a line of the table."""
        faults = "; ".join(self.faults) or "same"
        return (
            f"{self.start:>8} {self.after:7.2f} {self.orphans:8.2f} "
            f"{self.finished[0]:6d} {self.finished[1]:6d} {self.made[0]:6d} {self.made[1]:6d} "
            f"{self.detections:6d} {self.expected:6d}  {faults}"
        )


HEADER = (
    "                             finished         made    detections\n"
    "  corpus  killed  orphans  crops   maps  crops   maps  calls   due  files"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and print its table."""
    options = _parse(arguments)
    if options.run:
        run_stages(options.run, options.pipelines.split(","))
        return 0
    corpus, rng = Corpus(options.people, options.frames), random.Random(options.seed)
    with tempfile.TemporaryDirectory(prefix="interruption-") as work:
        bench = Bench(Path(work), corpus, options.pipelines)
        whole = bench.undisturbed(ready=False)
        short = bench.undisturbed(ready=True) if options.kills > options.from_nothing else whole
        print(f"{corpus.videos} videos; undisturbed {whole.seconds:.1f} s, with a ready corpus {short.seconds:.1f} s")
        print(HEADER)
        faults = _differences(whole.held, short.held)
        spans = {False: whole.seconds, True: short.seconds}
        for i in range(options.kills):
            ready = i >= options.from_nothing
            trial = None
            while trial is None:
                begun = time.monotonic()
                trial = bench.kill(short if ready else whole, rng.uniform(0, spans[ready]), ready=ready)
                # a run that had ended by then was faster than the undisturbed one: drawn again
                spans[ready] = min(spans[ready], time.monotonic() - begun) if trial is None else spans[ready]
            print(trial.row(), flush=True)
            faults += trial.faults
    print(f"{options.kills} kills, {len(faults)} faults" + "".join(f"\n  {fault}" for fault in faults))
    return 1 if faults else 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--from-nothing", type=int, default=5, help="kills that begin without a corpus")
    parser.add_argument("--people", type=int, default=12)
    parser.add_argument("--frames", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pipelines", default="data,feature_split", help="what is run, below the training")
    parser.add_argument("--run", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


class Bench:
    """Makes projects, always at the same path: tables hold the paths of media."""

    def __init__(self, work: Path, corpus: Corpus, pipelines: str) -> None:
        """Work below a folder of its own."""
        self._project = work / "project"
        self._ready = work / "ready"
        self._log = work / "log"
        self._corpus = corpus
        self._pipelines = pipelines
        self._ready.mkdir()
        # its migrations take seconds
        mlflow.MlflowClient(f"sqlite:///{self._ready}/mlflow.db").search_experiments()

    def undisturbed(self, *, ready: bool) -> Undisturbed:
        """Run once, and keep the corpus for later projects."""
        self._fresh(ready=ready)
        begun = time.monotonic()
        self._rerun()
        seconds = time.monotonic() - begun
        if not ready:
            shutil.copytree(self._data / "01_raw", self._ready / "01_raw")
        if not self._detections():
            msg = "no frame was looked at: counting them would say nothing"
            raise SystemExit(msg)
        return Undisturbed(_held(self._data), seconds, self._detections())

    def kill(self, calm: Undisturbed, after: float, *, ready: bool) -> Trial | None:
        """Kill a run ``after`` seconds and repair it by a rerun; None if it had ended before."""
        self._fresh(ready=ready)
        with self._started() as run:
            with suppress(subprocess.TimeoutExpired):
                run.wait(after)
            if run.poll() is not None:
                self._check(run)
                return None
            orphans = _kill(run)
        before = [_finished(self._data / stage) for stage in STAGES]
        self._log.unlink(missing_ok=True)
        self._rerun()
        now = [_finished(self._data / stage) for stage in STAGES]
        made = tuple(
            sum(marks.get(path) != mark for path, mark in new.items()) for marks, new in zip(before, now, strict=True)
        )
        finished = tuple(map(len, before))
        due = calm.detections * (self._corpus.videos - finished[0]) // self._corpus.videos
        calls = self._detections()
        faults = _differences(calm.held, _held(self._data))
        if orphans >= ORPHAN_SECONDS:
            faults.append(f"worker processes outlived their run by {ORPHAN_SECONDS} s")
        for stage, done, again in zip(STAGES, finished, made, strict=True):
            if done + again != self._corpus.videos:
                faults.append(f"{stage}: {done} finished, {again} made, of {self._corpus.videos}")
        if calls != due:
            faults.append(f"{calls} frames looked at where {due} were due")
        start = "ready" if ready else "none"
        return Trial(start, after, orphans, finished, made, calls, due, tuple(faults))

    @property
    def _data(self) -> Path:
        return self._project / "data"

    def _fresh(self, *, ready: bool) -> None:
        shutil.rmtree(self._project, ignore_errors=True)
        self._log.unlink(missing_ok=True)
        shutil.copytree(ROOT / "conf", self._project / "conf", ignore=shutil.ignore_patterns("local"))
        shutil.copytree(ROOT / "tests/conf", self._project / "conf/test")
        shutil.copy(ROOT / "pyproject.toml", self._project)
        catalog = self._project / "conf/test/catalog.yml"
        entries = yaml.safe_load(catalog.read_text(encoding="utf-8"))
        entries["raw_media"]["maker_args"] |= {"people": self._corpus.people, "frames": self._corpus.frames}
        catalog.write_text(yaml.safe_dump(entries), encoding="utf-8")
        if ready:
            shutil.copytree(self._ready / "01_raw", self._data / "01_raw")
        shutil.copy(self._ready / "mlflow.db", self._project)

    @contextmanager
    def _started(self) -> Iterator[subprocess.Popen[str]]:
        environment = os.environ | {
            "MLFLOW_TRACKING_URI": f"sqlite:///{self._project}/mlflow.db",
            "PYTHONPATH": os.pathsep.join((str(ROOT / "src"), str(Path(__file__).parent))),
            "INTERRUPTION_LOG": str(self._log),
        }
        command = [sys.executable, str(Path(__file__)), "--run", str(self._project), "--pipelines", self._pipelines]
        with (self._project / "output").open("w") as output:
            run = subprocess.Popen(command, cwd=self._project, env=environment, stdout=output, stderr=output, text=True)
            try:
                yield run
            finally:
                run.kill()
                run.wait()

    def _rerun(self) -> None:
        with self._started() as run:
            run.wait()
            self._check(run)

    def _check(self, run: subprocess.Popen[str]) -> None:
        if run.returncode:
            raise SystemExit((self._project / "output").read_text(encoding="utf-8"))

    def _detections(self) -> int:
        return len(self._log.read_text(encoding="utf-8").split()) if self._log.exists() else 0


def _kill(run: subprocess.Popen[str]) -> float:
    """Kill a run alone; return after how many seconds its worker processes had ended by themselves."""
    children = psutil.Process(run.pid).children(recursive=True)
    workers = list(filter(_computes, children))
    run.kill()
    run.wait()
    begun = time.monotonic()
    while any(map(_works, workers)) and time.monotonic() - begun < ORPHAN_SECONDS:
        time.sleep(0.01)
    for worker in filter(_works, workers):
        worker.kill()
    return time.monotonic() - begun


def _computes(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):  # a worker that was idle may end at any moment
        return any("Process-" in word for word in process.cmdline())
    return False


def _works(process: psutil.Process) -> bool:
    with suppress(psutil.NoSuchProcess):
        # one that nobody has asked for its exit status stays listed
        return process.status() != psutil.STATUS_ZOMBIE
    return False


def _held(folder: Path) -> dict[str, str]:
    """Return every path below a folder, hidden ones too, with a hash of its bytes."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in sorted(folder.rglob("*"))
        # when and where on the disk a file was made differs between runs
        if path.name != "probed_media.parquet"
    }


def _differences(calm: dict[str, str], now: dict[str, str]) -> list[str]:
    missing = [f"missing: {path}" for path in calm if path not in now]
    left = [f"left over: {path}" for path in now if path not in calm]
    return missing + left + [f"other bytes: {path}" for path in calm if now.get(path, calm[path]) != calm[path]]


def _finished(stage: Path) -> Folders:
    """Return the folders of finished videos, each with what changes when it is made again."""
    abouts = [path for path in stage.glob("*/*/about.json") if not path.parent.name.startswith(".")]
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in abouts}


def run_stages(project: Path, pipelines: list[str]) -> None:
    """Run what the benchmark looks at, as a command line would, and note each frame in which faces are looked for."""
    from kedro.framework.session import KedroSession
    from kedro.framework.startup import bootstrap_project

    from fakefocus.datasets import video_folders

    bootstrap_project(ROOT)
    run_jobs = video_folders.run_jobs
    video_folders.run_jobs = lambda jobs, executor, title: run_jobs(_noted(jobs, title), executor, title)
    with KedroSession.create(project_path=project, env="test") as session:
        session.run(pipeline_names=pipelines)


def _noted(jobs: Sequence[Callable[[], Any]], title: str) -> Sequence[Callable[[], Any]]:
    # by its own name: as a script this module has another, which worker processes do not know
    from interruption import noting

    return [partial(noting, job) for job in jobs] if title == "face_crops" else jobs


def noting(job: Callable[[], Any]) -> Any:  # noqa: ANN401 (whatever the job returns)
    """Run a job and write a line whenever faces are looked for in a frame."""
    from fakefocus.detection.following import FaceFollower

    look = FaceFollower.__call__

    def noted(follower: FaceFollower, image: Any) -> Any:  # noqa: ANN401 (as FaceFollower has it)
        with Path(os.environ["INTERRUPTION_LOG"]).open("a", encoding="utf-8") as log:
            log.write("detect\n")
        return look(follower, image)

    FaceFollower.__call__ = noted  # type: ignore[method-assign]
    try:
        return job()
    finally:
        FaceFollower.__call__ = look  # type: ignore[method-assign]


if __name__ == "__main__":
    sys.exit(main())

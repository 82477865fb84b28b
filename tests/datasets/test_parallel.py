"""Jobs on local processes and on a Dask cluster of real processes."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from threading import Thread

import numpy as np
import psutil
import pytest
from kedro.framework.project import configure_project
from kedro.framework.session import KedroSession
from kedro.io import DatasetError

from fakefocus.datasets.parallel import Executor, read_executor, run_jobs
from fakefocus.datasets.stored_video import FrameWriter, VideoWork
from fakefocus.datasets.video_folders import VideoFolders
from fakefocus.errors import InputError
from fakefocus.hooks.plain_errors import RefusedInputError

HERE = Path(__file__).parent
SOURCES = HERE.parents[1] / "src"


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _threads() -> tuple[int, int, int]:
    import cv2
    import torch

    return os.getpid(), cv2.getNumThreads(), torch.get_num_threads()


def _nap() -> tuple[float, float]:
    begin = time.monotonic()
    time.sleep(0.2)
    return begin, time.monotonic()


def _slow_video(log: Path, name: str, seconds: float, write: FrameWriter) -> list[dict]:
    with log.open("a") as file:
        file.write(f"begin {name} {os.getpid()}\n")
    for i in range(4):
        write(f"frame_{i:06d}", np.full((8, 8), i / 4))
        time.sleep(seconds / 4)
    with log.open("a") as file:
        file.write(f"end {name} {os.getpid()}\n")
    return [{"frame": i} for i in range(4)]


def _slow_works(log: Path, count: int, seconds: float) -> dict[str, VideoWork]:
    return {f"real/{i:02d}": VideoWork("1", partial(_slow_video, log, f"{i:02d}", seconds)) for i in range(count)}


def _wait_until(holds: Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"not so after {seconds} s"
        time.sleep(0.02)


def _wait_for(text: str, log: Path) -> str:
    _wait_until(lambda: log.exists() and text in log.read_text(), seconds=30)
    return log.read_text()


def _works(pid: int) -> bool:
    try:
        # a process that nobody has asked for its exit status stays listed
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"backend": "dsk"}, r"executor\.backend: must be one of processes, dask, got 'dsk', did you mean 'dask'\?"),
        ({"bckend": "dask"}, r"executor\.bckend: unknown \(keys are backend.*\), did you mean 'backend'\?"),
        ({"workers": 0}, r"executor\.workers: must be at least 1, or null for one a core, got 0"),
        ({"workers": True}, r"executor\.workers: must be at least 1, or null for one a core, got True"),
        ({"backend": "dask"}, r"executor\.address: backend dask needs its scheduler's, like tcp://.*, got None"),
        ({"address": "tcp://a:1"}, r"executor\.address: is for backend dask, got 'tcp://a:1' with backend processes"),
        (
            {"backend": "dask", "address": "tcp://a:1", "workers": 2},
            r"executor\.workers: counts local processes, got 2",
        ),
    ],
)
def test_an_executor_that_cannot_be_meant_is_an_error_with_its_remedy(given: dict, told: str) -> None:
    with pytest.raises(InputError, match=told):
        read_executor(given)


def test_an_environment_overrides_one_key_of_the_executor() -> None:
    assert read_executor(None) == Executor()
    assert read_executor({"backend": "processes", "workers": 3, "address": None}) == Executor(workers=3)


@pytest.fixture(autouse=True)
def _no_limit_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests that run side by side have a thread each by the environment; here it is the code that sees to that."""
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)


@pytest.mark.parametrize("workers", [1, 2])
def test_each_local_process_computes_with_one_thread(workers: int) -> None:
    told = list(run_jobs([_threads] * 4, Executor(workers=workers), "threads"))
    assert {pair[1:] for pair in told} == {(1, 1)}
    assert os.getpid() not in {pair[0] for pair in told}


@pytest.mark.parametrize("workers", [1, 2])
def test_no_more_jobs_run_at_once_than_there_are_workers(workers: int) -> None:
    spans = list(run_jobs([_nap] * 6, Executor(workers=workers), "naps"))
    at_once = [sum(begin <= start < end for begin, end in spans) for start, _ in spans]
    assert max(at_once) <= workers


def test_two_stages_that_follow_each_other_share_processes() -> None:
    first, second = (set(run_jobs([os.getpid] * 2, Executor(workers=1), "processes")) for _ in range(2))
    assert first == second
    assert os.getpid() not in first


def test_a_killed_process_is_one_message_that_says_what_to_do() -> None:
    with pytest.raises(InputError, match=r"one of 2 worker processes was killed.*memory.*run again.*executor\.workers"):
        list(run_jobs([_die, _threads], Executor(workers=2), "dying"))
    # the next run has processes of its own
    assert len(list(run_jobs([_threads], Executor(workers=2), "living"))) == 1


def test_local_processes_end_soon_after_their_run_was_killed(tmp_path: Path) -> None:
    log = tmp_path / "log"
    code = (
        "import sys; from pathlib import Path; import test_parallel as t\n"
        "folders = t.VideoFolders(filepath=sys.argv[1], suffix='.npy', executor={'workers': 2})\n"
        "folders.save(t._slow_works(Path(sys.argv[2]), 10, 1.5))"
    )
    with _process("-c", code, str(tmp_path / "maps"), str(log)) as run:
        _wait_for("begin 01", log)
        workers = [int(line.split()[2]) for line in log.read_text().splitlines()]
        run.kill()
        run.wait()
        # without their watch they would work on for seconds: ten videos of 1.5 s, two at a time
        _wait_until(lambda: not any(map(_works, workers)), seconds=3)
    folders = VideoFolders(filepath=str(tmp_path / "maps"), suffix=".npy", executor={"workers": 2})
    folders.save(_slow_works(log, 4, 0.0))
    assert len(folders.load()) == 4
    assert list(tmp_path.rglob("*.part")) == []


@contextmanager
def _process(*arguments: str) -> Iterator[subprocess.Popen]:
    environment = os.environ | {"PYTHONPATH": f"{SOURCES}:{HERE}"}
    process = subprocess.Popen(
        [sys.executable, *arguments], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def _cluster(folder: Path, workers: int) -> Iterator[tuple[str, list[subprocess.Popen]]]:
    """Start a scheduler and workers as a user does, each a process, on the loopback interface."""
    file = folder / "scheduler.json"
    with ExitStack() as stack:
        scheduler = ("-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        stack.enter_context(_process(*scheduler, "--scheduler-file", str(file)))
        _wait_for("tcp://", file)
        address = next(part for part in file.read_text().split('"') if part.startswith("tcp://"))
        worker = ("-m", "distributed.cli.dask_worker", address, "--host", "127.0.0.1", "--nthreads", "1", "--no-nanny")
        options = ("--no-dashboard", "--local-directory", str(folder))
        yield address, [stack.enter_context(_process(*worker, *options)) for _ in range(workers)]


def test_a_cluster_worker_killed_at_work_leaves_nothing_missing_or_doubled(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with _cluster(tmp_path, 2) as (address, workers):
        folders = VideoFolders(
            filepath=str(tmp_path / "maps"), suffix=".npy", executor={"backend": "dask", "address": address}
        )
        killed: list[int] = []

        def kill_one() -> None:
            # both are at work then, and one video has been finished
            told = _wait_for("begin 03", log)
            pid = int(told.split("begin 03 ")[1].split()[0])
            assert pid in {worker.pid for worker in workers}
            os.kill(pid, signal.SIGKILL)
            killed.append(pid)

        killer = Thread(target=kill_one)
        killer.start()
        folders.save(_slow_works(log, 10, 0.4))
        killer.join()
    assert len(killed) == 1
    videos = folders.load()
    assert list(videos) == [f"real/{i:02d}" for i in range(10)]
    assert all(len(video.names) == len(video.rows) == 4 for video in videos.values())
    assert list(tmp_path.rglob("*.part")) == []
    lines = [line.split() for line in log.read_text().splitlines()]
    finished = Counter(name for what, name, _ in lines if what == "end")
    assert set(finished.values()) == {1}
    assert len(finished) == 10
    # what the killed one had begun was done by the other
    again = [name for name, times in Counter(name for what, name, _ in lines if what == "begin").items() if times > 1]
    assert again == ["03"]


def test_cluster_workers_compute_with_one_thread_and_errors_arrive(tmp_path: Path) -> None:
    with _cluster(tmp_path, 1) as (address, (worker,)):
        executor = Executor("dask", address=address)
        assert set(run_jobs([_threads] * 3, executor, "threads")) == {(worker.pid, 1, 1)}
        with pytest.raises(InputError, match="what you gave"):
            list(run_jobs([_refuse], executor, "refusing"))


def test_a_scheduler_that_goes_away_is_one_message(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with _cluster(tmp_path, 1) as (address, _):
        folders = VideoFolders(
            filepath=str(tmp_path / "maps"), suffix=".npy", executor={"backend": "dask", "address": address}
        )
        (scheduler,) = [p for p in psutil.Process().children() if "dask_scheduler" in " ".join(p.cmdline())]
        killer = Thread(target=lambda: (_wait_for("begin 02", log), scheduler.kill()))
        killer.start()
        with pytest.raises(DatasetError, match=r"the Dask scheduler at tcp://.* went away.*run again"):
            folders.save(_slow_works(log, 10, 0.4))
        killer.join()
    assert 0 < len(folders.load()) < 10


def _refuse() -> None:
    msg = "what you gave"
    raise InputError(msg)


def test_a_cluster_that_does_not_answer_is_one_message_within_ten_seconds() -> None:
    begun = time.monotonic()
    with pytest.raises(InputError, match=r"executor\.address: no Dask scheduler answers at tcp://127\.0\.0\.1:9"):
        list(run_jobs([_threads], Executor("dask", address="tcp://127.0.0.1:9"), "nowhere"))
    assert time.monotonic() - begun < 10


def test_an_environment_changes_one_key_and_a_mistyped_one_stops_the_run(
    make_project: Callable[[str], Path], run_kedro: Callable[..., dict], monkeypatch: pytest.MonkeyPatch
) -> None:
    project = make_project("executor")
    monkeypatch.chdir(project)
    globals_file = project / "conf/test/globals.yml"
    globals_file.write_text("dataset: tiny\nexecutor: {workers: 3}\n")
    configure_project("fakefocus")
    with KedroSession.create(project_path=project, env="test") as session:
        catalog = session.load_context().catalog
        assert {catalog[name]._executor for name in ("raw_media", "face_crops", "defocus_maps")} == {
            Executor(workers=3)
        }
    globals_file.write_text("dataset: tiny\nexecutor: {wrkers: 3}\n")
    with pytest.raises(RefusedInputError, match=r"globals\.yml: executor\.wrkers: unknown .* did you mean 'workers'\?"):
        run_kedro(project, "data")

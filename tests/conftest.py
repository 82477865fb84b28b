"""One tiny corpus and one run of the whole lineage on it, shared by all tests that look at results."""

import os
import re
import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from filelock import FileLock
from hypothesis import settings

from fakefocus.sources.demo import make_corpus
from fakefocus.sources.demo.corpus import write_clip

# how long an example takes says how busy the machine is
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")

if "PYTEST_XDIST_WORKER" in os.environ:
    # tests run side by side, a core each; processes that they start are told so too
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    cv2.setNumThreads(1)

ROOT = Path(__file__).resolve().parents[1]
# graphs of networks are kept between runs of the tests, and away from the user's
os.environ.setdefault("FAKEFOCUS_CACHE", str(ROOT / ".pytest_cache/fakefocus"))
STREET = ROOT.parent / "shared/data/street_1080p.mp4"
SLOW_FIXTURES = frozenset({"make_project", "run_kedro", "tiny_project", "browser"})
SLOW_MODULE = re.compile(r"^(import subprocess|pytestmark = pytest\.mark\.slow)$", re.MULTILINE)
"""What a module of slow tests alone has in it: it starts processes, or says so."""


def pytest_configure(config: pytest.Config) -> None:
    """Name the mark of tests that `make test-fast` leaves out."""
    config.addinivalue_line("markers", "slow: takes seconds of a core, or starts the lineage, processes or a browser")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Do not import modules of slow tests where these are left out: that takes as long as many fast tests."""
    if config.getoption("markexpr") == "not slow" and collection_path.match("test_*.py"):
        return SLOW_MODULE.search(collection_path.read_text("utf-8")) is not None or None
    return None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests as slow that use the lineage or a browser, and those of modules that start processes."""
    for item in items:
        if isinstance(item, pytest.Function) and (
            SLOW_FIXTURES.intersection(item.fixturenames) or hasattr(item.module, "subprocess")
        ):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def make_project(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Return a function that copies the project's configuration to a folder of its own, with env ``test``."""
    # seconds to import, which fast tests need not wait for; below likewise
    from kedro.framework.startup import bootstrap_project

    bootstrap_project(ROOT)

    def make(name: str) -> Path:
        folder = tmp_path_factory.mktemp(name)
        shutil.copytree(ROOT / "conf", folder / "conf")
        shutil.copytree(ROOT / "tests/conf", folder / "conf/test")
        shutil.copy(ROOT / "pyproject.toml", folder)
        (folder / "src").symlink_to(ROOT / "src")
        return folder

    return make


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a tracking store without runs: to make its tables takes seconds, to copy them does not."""
    import mlflow

    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    mlflow.MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture(scope="session")
def run_kedro(empty_store: Path) -> Callable[..., dict[str, Any]]:
    """Return a function that runs pipelines of a project folder, with a tracking store of its own."""
    import mlflow
    from kedro.framework import project as kedro_project
    from kedro.framework.session import KedroSession

    def run(
        project: Path,
        *pipelines: str,
        env: str = "test",
        namespaces: list[str] | None = None,
        store: str | None = None,
        node_names: list[str] | None = None,
        **params: Any,
    ) -> dict[str, Any]:
        # to make all pipelines takes a second
        if kedro_project.PACKAGE_NAME != "fakefocus":
            kedro_project.configure_project("fakefocus")
        if store is None and not (project / "mlflow.db").exists():
            shutil.copy(empty_store, project / "mlflow.db")
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MLFLOW_TRACKING_URI", store or f"sqlite:///{project}/mlflow.db")
            patch.chdir(project)
            try:
                with KedroSession.create(project_path=project, env=env, runtime_params=params) as session:
                    return session.run(
                        pipeline_names=list(pipelines) or None, namespaces=namespaces, node_names=node_names
                    )
            finally:
                while mlflow.active_run():
                    mlflow.end_run()

    return run


@pytest.fixture(scope="session")
def tiny_project(
    make_project: Callable[[str], Path],
    run_kedro: Callable[..., Any],
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """Return a project folder in which the whole lineage has run once; of workers side by side, one runs it."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        project = make_project("tiny")
        run_kedro(project)
        return project
    place = tmp_path_factory.getbasetemp().parent / "tiny_project.txt"
    with FileLock(place.with_suffix(".lock")):
        if not place.exists():
            finished = make_project("finished")
            run_kedro(finished)
            place.write_text(str(finished))
    # each worker changes what is its own
    project = tmp_path_factory.mktemp("tiny") / "project"
    shutil.copytree(place.read_text(), project, symlinks=True)
    return project


@pytest.fixture(scope="session")
def two_people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a corpus of two people with clips of eight frames."""
    root = tmp_path_factory.mktemp("two_people")
    for job in make_corpus(people=2, frames=8, seed=7).values():
        job(root)
    return root


@pytest.fixture(scope="session")
def face_clip(two_people: Path) -> Path:
    """Return a clip that shows one face in each of its eight frames."""
    return two_people / "original_sequences/youtube/c23/videos/000.mp4"


@pytest.fixture(scope="session")
def faceless_clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a clip of noise."""
    rng = np.random.default_rng(0)
    frames = [cv2.resize(rng.integers(0, 255, (9, 12, 3), dtype=np.uint8), (320, 240)) for _ in range(5)]
    path = tmp_path_factory.mktemp("noise") / "faceless.mp4"
    write_clip(path, frames, crf="23")
    return path


@pytest.fixture(scope="session")
def audio_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an MP4 file that holds sound only."""
    path = tmp_path_factory.mktemp("sound") / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate, frame.time_base = 44100, Fraction(1, 44100)
        for packet in (*stream.encode(frame), *stream.encode(None)):
            container.mux(packet)
    return path


@pytest.fixture
def street_clip() -> Path:
    """Return a real 1080p clip with several walking people, where there is one."""
    if not STREET.is_file():
        pytest.skip("the 1080p street clip is not beside the project")
    return STREET

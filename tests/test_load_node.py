"""Every node as a user opens it in Jupyter: ``%load_node`` gives cells that run, or at least lack nothing."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from kedro.framework.project import pipelines
from kedro.framework.session import KedroSession
from kedro.io import DataCatalog
from kedro.ipython import _load_node
from kedro.pipeline import Pipeline
from kedro.pipeline.node import Node
from matplotlib.figure import Figure

from fakefocus.datasets.stored_video import VideoWork
from fakefocus.pipeline_registry import register_pipelines

SMALL = {"meso4": {"training": {"epochs": 1}}, "scade_net": {"training": {"epochs": 2, "batch_size": 16}}}
REGISTERED: dict[str, Pipeline] = register_pipelines()
DEFAULT = REGISTERED["__default__"].nodes
BASELINE = [node for node in REGISTERED["baselines"].nodes if str(node.namespace) == "meso4"]
SEED = [node for node in REGISTERED["seeds"].nodes if str(node.namespace) == "scade_net.seed_42"]
RUN = {node.name: node for node in [*DEFAULT, *BASELINE, *SEED]}
ALL = {node.name: node for pipeline in REGISTERED.values() for node in pipeline.nodes}


def _cells(node: Node) -> list[str]:
    with pytest.warns(UserWarning, match="experimental feature"):
        return _load_node(node.name, pipelines)


@pytest.fixture(scope="module")
def project(
    tiny_project: Path, tmp_path_factory: pytest.TempPathFactory, run_kedro: Callable[..., Any]
) -> Iterator[Path]:
    """Enter a copy of the project in which the lineage, a baseline and the seeds of a family have run."""
    folder = tmp_path_factory.mktemp("notebook") / "project"
    shutil.copytree(tiny_project, folder, symlinks=True, ignore=shutil.ignore_patterns("mlflow.db"))
    # paths of media, and the summaries of more detectors, are those of this folder
    run_kedro(folder, "ingest")
    run_kedro(folder, "baselines", namespaces=["meso4"], experiment="tiny", meso4=SMALL["meso4"])
    run_kedro(folder, "seeds", namespaces=["scade_net.seed_42"], experiment="tiny")
    run_kedro(folder, "report")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
        yield folder


@pytest.fixture(scope="module")
def catalog(project: Path) -> DataCatalog:
    """Return the catalog as ``%load_ext kedro.ipython`` gives it."""
    params = {"experiment": "tiny", "meso4": SMALL["meso4"]}
    with KedroSession.create(project_path=project, env="test", runtime_params=params) as session:
        return session.load_context().catalog


@pytest.mark.parametrize("name", RUN)
def test_cells_of_a_node_run_and_give_what_the_catalog_holds(name: str, catalog: DataCatalog) -> None:
    *preparation, call = _cells(RUN[name])
    notebook: dict[str, Any] = {"catalog": catalog, "__name__": "__main__"}
    for cell in preparation:
        exec(compile(cell, name, "exec"), notebook)
    result = eval(compile(call, name, "eval"), notebook)
    outputs = RUN[name].outputs
    for output, value in zip(outputs, result if len(outputs) > 1 else [result], strict=True):
        _assert_as_stored(value, catalog, output)


def _assert_as_stored(value: Any, catalog: DataCatalog, output: str) -> None:
    if isinstance(value, Figure):
        assert catalog.load(output).startswith(b"\x89PNG")
        return
    stored = catalog.load(output)
    if output == "probed_media":
        # all files are remembered
        stored = {row["path"]: row for row in stored.to_dict("records")}
    if isinstance(value, pd.DataFrame):
        pd.testing.assert_frame_equal(value.reset_index(drop=True), stored.reset_index(drop=True), check_dtype=False)
    elif isinstance(value, dict) and value and all(callable(part) for part in stored.values()):
        assert value == {name: load() for name, load in stored.items()}
    elif isinstance(value, dict) and value and all(isinstance(work, VideoWork) for work in value.values()):
        assert {key: work.fingerprint for key, work in value.items()} == {k: v.fingerprint for k, v in stored.items()}
    elif isinstance(value, dict) and "weights" in value:
        # how long it took is another number each time
        assert value["contract"] | {"seconds": 0} == stored["contract"] | {"seconds": 0}
        assert all(np.array_equal(tensor, stored["weights"][key]) for key, tensor in value["weights"].items())
    else:
        assert value == stored


def test_cells_of_all_other_nodes_compile_and_lack_no_name(tmp_path: Path) -> None:
    others = [node for name, node in ALL.items() if name not in RUN]
    assert len(others) > 100
    for number, node in enumerate(others):
        text = "\n\n".join(_cells(node))
        compile(text, node.name, "exec")
        # inputs of seeds are named by position, all others by a word
        assert not re.search(r"^[\w]+\.[\w.]+ = ", text, re.MULTILINE), node.name
        (tmp_path / f"node_{number}.py").write_text(text)
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", "F821", "--config"]
    options = ['builtins = ["catalog"]', str(tmp_path)]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_inputs_are_named_and_functions_are_of_a_module() -> None:
    for node in ALL.values():
        assert "." not in node.func.__qualname__, node.name
        assert node.func.__module__.endswith(".nodes"), node.name

"""A shared MLflow server: runs, metrics of the machine and artifacts go through it, and none stays behind."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

PATIENCE = 120


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a server that keeps artifacts itself, and yield its address."""
    folder = tmp_path_factory.mktemp("server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    store = ["--backend-store-uri", f"sqlite:///{folder}/mlflow.db", "--artifacts-destination", str(folder / "kept")]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", port, "--workers", "1"]
    with (folder / "log").open("w") as log:
        environment = os.environ | {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
        running = subprocess.Popen([*command, *store], stdout=log, stderr=log, env=environment)
    begun = time.monotonic()
    while True:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2).close()
            break
        except OSError:
            assert running.poll() is None, (folder / "log").read_text()
            assert time.monotonic() - begun < PATIENCE, "the server did not answer"
            time.sleep(0.5)
    yield f"http://127.0.0.1:{port}"
    running.terminate()
    running.wait(30)


@pytest.fixture(scope="module")
def project(
    tiny_project: Path, tmp_path_factory: pytest.TempPathFactory, run_kedro: Callable[..., Any], server: str
) -> Path:
    """Return a copy of the project in which a baseline was trained and all was compared, tracked by the server."""
    folder = tmp_path_factory.mktemp("remote") / "project"
    shutil.copytree(tiny_project, folder, symlinks=True, ignore=shutil.ignore_patterns("mlflow.db", "mlruns"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.2")
        one = {"experiment": "tiny", "meso4": {"training": {"epochs": 1}}}
        run_kedro(folder, "baselines", namespaces=["meso4"], store=server, **one)
    run_kedro(folder, "report", store=server)
    run_kedro(folder, "compare", store=server)
    return folder


def test_artifacts_are_with_the_server_and_not_here(project: Path, server: str) -> None:
    client = MlflowClient(server)
    runs = client.search_runs([client.get_experiment_by_name("fakefocus").experiment_id])
    named = {run.info.run_name: run for run in runs}
    child, parent = named["tiny: meso4"], named["tiny: report"]
    assert child.info.artifact_uri.startswith("mlflow-artifacts:")
    assert {"summary.json", "figures"} <= {file.path for file in client.list_artifacts(child.info.run_id)}
    assert {"report.html", "tables", "cards"} <= {file.path for file in client.list_artifacts(parent.info.run_id)}
    assert "cards/data.md" in {file.path for file in client.list_artifacts(parent.info.run_id, "cards")}
    assert not (project / "mlruns").exists()


def test_a_training_is_tracked_with_what_the_machine_did(project: Path, server: str) -> None:
    client = MlflowClient(server)
    runs = client.search_runs([client.get_experiment_by_name("fakefocus").experiment_id])
    measured = {run.info.run_name: {name for name in run.data.metrics if name.startswith("system/")} for run in runs}
    assert {"system/cpu_utilization_percentage", "system/system_memory_usage_megabytes"} <= measured["tiny: meso4"]
    assert measured["tiny: report"] == set()


def test_runs_of_the_server_are_compared(project: Path) -> None:
    compared = json.loads((project / "data/07_model_output/tiny/compared_runs.json").read_text())
    (row,) = compared["runs"]
    summary = json.loads((project / "data/07_model_output/tiny/meso4/summary.json").read_text())
    assert row["auc"] == summary["metrics"]["video"]["auc"]["value"]

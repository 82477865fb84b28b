"""Runs say how they ended, however they did."""

import shutil
import subprocess
import sys
from pathlib import Path

import mlflow
import pytest
from mlflow import MlflowClient

from fakefocus.hooks.interrupted import PROCESS, kill_dead_runs, this_process

INTERRUPTED = """
import sys
import mlflow
from fakefocus.hooks import ParentRun

mlflow.set_tracking_uri(sys.argv[1])
mlflow.set_experiment("fakefocus")
mlflow.start_run(run_name=sys.argv[2])
hook = ParentRun()
hook.before_pipeline_run({"pipeline_names": ["train"], "namespaces": ["lite"]})
if sys.argv[3] == "ends":
    hook.after_pipeline_run()
    mlflow.end_run()
else:
    raise KeyboardInterrupt
"""


@pytest.fixture
def store(empty_store: Path, tmp_path: Path) -> str:
    return f"sqlite:///{shutil.copy(empty_store, tmp_path / 'mlflow.db')}"


def _run(store: str, name: str, how: str) -> mlflow.entities.Run:
    subprocess.run([sys.executable, "-c", INTERRUPTED, store, name, how], capture_output=True, check=False)
    client = MlflowClient(store)
    (run,) = client.search_runs([client.get_experiment_by_name("fakefocus").experiment_id])
    return run


@pytest.mark.parametrize(("how", "status"), [("interrupted", "KILLED"), ("ends", "FINISHED")])
def test_interrupted_run_is_killed_and_another_finished(store: str, how: str, status: str) -> None:
    run = _run(store, "train", how)
    assert (run.info.status, run.info.run_name) == (status, ": train, lite")


def test_run_that_somebody_else_opened_is_left_alone(store: str) -> None:
    run = _run(store, "mine", "ends")
    assert run.info.run_name == "mine"
    assert PROCESS not in run.data.tags


def test_next_command_closes_runs_of_dead_processes_alone(store: str) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    here = this_process().rpartition(":")[0]
    client = MlflowClient(store)
    experiment = client.create_experiment("fakefocus")
    holders = {"dead": f"{here}:{gone.pid}", "own": this_process(), "elsewhere": f"not-{here}:{gone.pid}"}
    runs = {name: client.create_run(experiment, tags={PROCESS: process}) for name, process in holders.items()}
    kill_dead_runs(client, experiment)
    statuses = {name: client.get_run(run.info.run_id).info.status for name, run in runs.items()}
    assert statuses == {"dead": "KILLED", "own": "RUNNING", "elsewhere": "RUNNING"}

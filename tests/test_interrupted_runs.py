"""Runs say how they ended, however they did."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from mlflow import MlflowClient

from fakefocus.hooks.interrupted import PLACE, PROCESS, kill_dead_runs, process_tags
from fakefocus.hooks.parent_run import run_name

COMMAND = """
import sys
from types import SimpleNamespace

import mlflow
from fakefocus.hooks import ParentRun
from fakefocus.hooks.interrupted import process_tags

store, how = sys.argv[1:]
mlflow.set_tracking_uri(store)
mlflow.set_experiment("fakefocus")
asked = SimpleNamespace(id=None, name=None)
context = SimpleNamespace(
    config_loader={"parameters": {"experiment": "mine"}}, mlflow=SimpleNamespace(tracking=SimpleNamespace(run=asked))
)


def command(hook, again=False):
    # what kedro and kedro-mlflow do in a command with one node of a detector
    hook.after_context_created(context)
    others = mlflow.active_run() is not None
    parent = mlflow.active_run() or mlflow.start_run(run_name="train")
    hook.before_pipeline_run({"pipeline_names": ["train"], "namespaces": ["lite"]})
    mlflow.start_run(run_id=parent.info.run_id, nested=True)
    mlflow.start_run(run_name="child", nested=True)
    mlflow.set_tags(process_tags())
    if how in ("interrupted", "interrupted cell") and not again:
        raise KeyboardInterrupt
    mlflow.end_run()
    if not others:
        mlflow.end_run()
    for _ in hook.after_pipeline_run():
        pass


if how == "notebook":
    mlflow.start_run(run_name="notebook")
if how == "interrupted cell":
    try:
        command(ParentRun())
    except KeyboardInterrupt:
        # as %reload_kedro does: all is imported anew
        command(ParentRun(), again=True)
else:
    command(ParentRun())
    if how == "twice":
        command(ParentRun())
"""


@pytest.fixture
def store(empty_store: Path, tmp_path: Path) -> str:
    return f"sqlite:///{shutil.copy(empty_store, tmp_path / 'mlflow.db')}"


def _runs(store: str, how: str) -> list[tuple[str, str]]:
    done = subprocess.run([sys.executable, "-c", COMMAND, store, how], capture_output=True, text=True, check=False)
    assert done.returncode == 0 or "KeyboardInterrupt" in done.stderr, done.stderr
    client = MlflowClient(store)
    runs = client.search_runs([client.get_experiment_by_name("fakefocus").experiment_id])
    return sorted((run.info.run_name, run.info.status) for run in runs)


def test_interrupted_command_leaves_killed_runs(store: str) -> None:
    assert _runs(store, "interrupted") == [("child", "KILLED"), ("mine: train, lite", "KILLED")]


def test_next_cell_has_a_run_of_its_own_after_an_interrupted_one(store: str) -> None:
    names = ("child", "mine: train, lite")
    assert _runs(store, "interrupted cell") == [(name, how) for name in names for how in ("FINISHED", "KILLED")]


def test_each_command_of_a_process_has_its_own_finished_run(store: str) -> None:
    once = [("child", "FINISHED"), ("mine: train, lite", "FINISHED")]
    assert _runs(store, "twice") == sorted(2 * once)


def test_run_that_was_open_before_is_left_as_it_is(store: str) -> None:
    assert ("notebook", "FINISHED") in _runs(store, "notebook")


def test_next_command_closes_runs_of_dead_processes_alone(store: str) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    own = process_tags()
    holders = {
        "dead": own | {PROCESS: f"{gone.pid}-1"},
        "number given again": own | {PROCESS: own[PROCESS].partition("-")[0] + "-1"},
        "own": own,
        "elsewhere": {PLACE: "another", PROCESS: f"{gone.pid}-1"},
        "somebody's": own | {PROCESS: "a word"},
    }
    client = MlflowClient(store)
    experiment = client.create_experiment("fakefocus")
    runs = {name: client.create_run(experiment, tags=tags) for name, tags in holders.items()}
    kill_dead_runs(client, experiment)
    killed = {name for name, run in runs.items() if client.get_run(run.info.run_id).info.status == "KILLED"}
    assert killed == {"dead", "number given again"}


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ({}, "demo: all stages"),
        ({"pipeline_names": ["train", "evaluate"]}, "demo: train, evaluate"),
        ({"pipeline_names": ["train"], "namespaces": ["lite"]}, "demo: train, lite"),
        ({"node_names": ["write_report"]}, "demo: some nodes"),
        ({"pipeline_names": ["report"], "from_nodes": ["draw_roc"]}, "demo: report (some nodes)"),
    ],
)
def test_run_is_named_by_what_was_asked_for(asked: dict, name: str) -> None:
    assert run_name("demo", asked) == name

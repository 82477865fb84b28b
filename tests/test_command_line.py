"""What a person sees who types a command wrong: one message, no trace, no node run."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def kedro(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    # in the project itself: a command line does not accept linked sources, and no node gets to write
    store = tmp_path_factory.mktemp("typed") / "mlflow.db"

    def run(*arguments: str) -> str:
        environment = os.environ | {"MLFLOW_TRACKING_URI": f"sqlite:///{store}"}
        command = [sys.executable, "-m", "kedro", "run", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode != 0
        assert "Running node" not in done.stderr
        return done.stdout + done.stderr

    return run


def test_mistyped_parameter_is_one_message(kedro: Callable[..., str]) -> None:
    told = kedro("--params=preprocessing.sampling.evry=3")
    assert "preprocessing.sampling.evry: unknown (value 3), did you mean 'every'?" in told
    assert "Traceback" not in told


def test_missing_folder_says_how_to_name_one(kedro: Callable[..., str]) -> None:
    told = kedro("--env=folder", "--pipelines=data")
    assert "Error: raw_media: no folder given; name yours with --params=data_root=<folder>" in told
    assert "Traceback" not in told


def test_unknown_pipeline_names_near_ones(kedro: Callable[..., str]) -> None:
    told = kedro("--pipelines=trian")
    assert "trian" in told
    assert "train" in told.split("trian")[-1]


def test_unknown_backbone_stops_before_the_first_node(kedro: Callable[..., str]) -> None:
    told = kedro("--params=multistream.network.spatial=efficientnet_bo")
    assert (
        "Error: multistream.network.spatial: timm has no model 'efficientnet_bo', did you mean 'efficientnet_b" in told
    )
    assert "Traceback" not in told


def test_commands_begin_without_warnings_of_libraries() -> None:
    command = [sys.executable, "-m", "kedro", "registry", "list"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "- train" in done.stdout
    assert "Warning" not in done.stdout + done.stderr

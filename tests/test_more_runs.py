"""What is run beside the lineage: several seeds, baselines, several processes."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient

from fakefocus.models import baselines, main_families
from fakefocus.pipeline_registry import register_pipelines
from fakefocus.schemas import SEEDS


@pytest.fixture(scope="module")
def project(tiny_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the project in which the lineage has run, without its detectors."""
    folder = tmp_path_factory.mktemp("more") / "project"
    shutil.copytree(tiny_project, folder, symlinks=True, ignore=shutil.ignore_patterns("06_models", "mlflow.db"))
    return folder


def _runs(store: Path) -> dict[str, Any]:
    client = MlflowClient(f"sqlite:///{store}")
    runs = client.search_runs([client.get_experiment_by_name("fakefocus").experiment_id])
    return {run.data.tags["family"]: run for run in runs if "family" in run.data.tags}


def test_one_command_trains_three_seeds_and_tells_their_mean_and_deviation(
    project: Path, run_kedro: Callable[..., Any]
) -> None:
    run_kedro(project, "seeds", namespaces=["scade_net"])
    folder = project / "data/07_model_output/tiny/scade_net"
    told = json.loads((folder / "seed_metrics.json").read_text())
    each = [json.loads((folder.parent / f"scade_net.seed_{s}/summary.json").read_text()) for s in SEEDS]
    values = [summary["metrics"]["video"]["auc"]["value"] for summary in each]
    assert told["seeds"] == [3, 42, 123]
    assert told["video"]["auc"]["values"] == values
    assert told["video"]["auc"]["mean"] == pytest.approx(np.mean(values))
    assert told["video"]["auc"]["deviation"] == pytest.approx(np.std(values, ddof=1))
    runs = _runs(project / "mlflow.db")
    assert {f"scade_net.seed_{s}" for s in SEEDS} <= set(runs)
    seeds = {runs[f"scade_net.seed_{s}"].data.params["scade_net.training.seed"] for s in SEEDS}
    assert seeds == {"3", "42", "123"}


def test_best_seed_becomes_champion_once_and_answers_by_its_alias(
    project: Path, run_kedro: Callable[..., Any], face_clip: Path
) -> None:
    run_kedro(project, "champion")
    told = json.loads((project / "data/07_model_output/tiny/champion.json").read_text())
    assert (told["promoted"], told["former_version"]) == (True, None)
    assert told["candidate"] in {f"scade_net.seed_{seed}" for seed in SEEDS}
    contract = json.loads((project / f"data/06_models/tiny/{told['candidate']}/architecture.json").read_text())
    assert told["auc"] == pytest.approx(contract["val_video_auc"], abs=0.02)
    client = MlflowClient(f"sqlite:///{project / 'mlflow.db'}")
    assert int(client.get_model_version_by_alias("fakefocus_tiny", "champion").version) == 1
    script = (
        "import sys; from fakefocus.prediction import *; "
        "print([Predictor(find_detector(name))(sys.argv[3]).score for name in sys.argv[1:3]])"
    )
    names = ["models:/fakefocus_tiny@champion", str(project / f"data/06_models/tiny/{told['candidate']}")]
    environment = os.environ | {"MLFLOW_TRACKING_URI": f"sqlite:///{project / 'mlflow.db'}"}
    command = [sys.executable, "-c", script, *names, str(face_clip)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    registered, trained = json.loads(done.stdout.strip().splitlines()[-1])
    assert registered == trained
    run_kedro(project, "champion")
    again = json.loads((project / "data/07_model_output/tiny/champion.json").read_text())
    assert (again["promoted"], again["reason"]) == (False, "it is the champion already")
    assert len(client.search_model_versions("name='fakefocus_tiny'")) == 1


def test_baseline_is_trained_and_judged_like_a_family(project: Path, run_kedro: Callable[..., Any]) -> None:
    run_kedro(project, "baselines", namespaces=["meso4"], meso4={"training": {"epochs": 1}}, experiment="tiny")
    summary = json.loads((project / "data/07_model_output/tiny/meso4/summary.json").read_text())
    contract = json.loads((project / "data/06_models/tiny/meso4/architecture.json").read_text())
    assert 0 <= summary["metrics"]["video"]["auc"]["value"] <= 1
    assert summary["metrics"]["threshold"] == contract["threshold"]["value"]
    assert contract["input"]["channels"] == ["red", "green", "blue"]
    assert not (project / "data/06_models/tiny/meso4/checkpoints").exists()


def _sides(project: Path, experiment: str) -> dict[str, set[str]]:
    samples = pd.read_parquet(project / f"data/05_model_input/{experiment}/samples.parquet")
    return {side: set(rows["folder"]) for side, rows in samples.groupby("split")}


def test_fold_is_the_test_side_of_a_whole_run(project: Path, run_kedro: Callable[..., Any]) -> None:
    tested = []
    for fold in range(3):
        run_kedro(project, "split", feature_split={"folds": 3, "fold": fold, "held_out_methods": []})
        # three folds lie side by side
        tested.append(_sides(project, f"tiny-fold{fold}of3-no_held_out_methods")["test"])
    assert all(tested)
    assert sum(map(len, tested)) == len(set.union(*tested)) == 12 * 4


def test_imported_splits_are_followed_by_a_whole_run(project: Path, run_kedro: Callable[..., Any]) -> None:
    run_kedro(project, "split")
    told = json.loads((project / "data/05_model_input/tiny/splits.json").read_text())
    swapped = told | {"val": told["test"], "test": told["val"]}
    (project / "theirs.json").write_text(json.dumps(swapped))
    options = {"strategy": "imported", "held_out_methods": []}
    run_kedro(project, "split", feature_split=options, splits=str(project / "theirs.json"))
    sides = _sides(project, "tiny-no_held_out_methods-imported-theirs.json")
    assert sides == {side: set(swapped[side]) for side in ("train", "val", "test")}


def test_published_lists_are_followed_by_a_whole_run(project: Path, run_kedro: Callable[..., Any]) -> None:
    lists = {"train": range(6), "val": range(6, 9), "test": range(9, 12)}
    for side, people in lists.items():
        (project / f"data/01_raw/tiny/{side}.json").write_text(json.dumps([[f"{i:03d}"] for i in people]))
    options = {"strategy": "official", "held_out_methods": []}
    run_kedro(project, "ingest", "split", feature_split=options, experiment="published")
    sides = _sides(project, "published")
    found = {side: {int(key.split("-")[-1][:3]) for key in keys} for side, keys in sides.items()}
    assert found == {side: set(people) for side, people in lists.items()}
    told = json.loads((project / "data/05_model_input/published/leakage_report.json").read_text())
    # sources of fakes are people of other sides in such lists, and the report names them
    assert any("identities" in leak for leak in told["leaks"])


def test_two_launched_processes_write_one_detector_and_one_run(project: Path) -> None:
    shutil.rmtree(project / "data/06_models", ignore_errors=True)
    script, store = Path(__file__).with_name("run_project.py"), project / "launched.db"
    recipe = {"scade_net": {"training": {"devices": 2, "accelerator": "cpu", "epochs": 1}}, "experiment": "tiny"}
    options = json.dumps({"params": recipe, "namespaces": ["scade_net"]})
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", str(script)]
    environment = os.environ | {"MLFLOW_TRACKING_URI": f"sqlite:///{store}", "OMP_NUM_THREADS": "1"}
    arguments = [str(project), "train", options]
    done = subprocess.run([*command, *arguments], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert (project / "data/06_models/tiny/scade_net/weights.safetensors").is_file()
    client = MlflowClient(f"sqlite:///{store}")
    runs = client.search_runs([client.get_experiment_by_name("fakefocus").experiment_id])
    families = sorted(run.data.tags.get("family", "") for run in runs)
    assert families == ["", "scade_net", "scade_net.control", "scade_net.untrained"]


def test_pipelines_beside_the_lineage_hold_what_their_names_say() -> None:
    made = register_pipelines()
    trained = {name: {n.namespace for n in made[name].nodes if n.short_name == "train"} for name in made}
    assert trained["baselines"] == set(baselines())
    assert trained["seeds"] == {f"{family}.seed_{seed}" for family in main_families() for seed in SEEDS}
    assert trained["baseline_seeds"] == {f"{family}.seed_{seed}" for family in baselines() for seed in SEEDS}

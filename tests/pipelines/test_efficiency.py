import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SMALL = {"batches": [2, 1], "repetitions": 2, "rounds": 2, "warm_up": 1, "map_crops": 3}


@pytest.fixture(scope="module")
def project(tiny_project: Path, tmp_path_factory: pytest.TempPathFactory, run_kedro: Callable[..., Any]) -> Path:
    """Return a copy of the project in which costs were measured."""
    folder = tmp_path_factory.mktemp("costs") / "project"
    shutil.copytree(tiny_project, folder, symlinks=True, ignore=shutil.ignore_patterns("mlflow.db"))
    run_kedro(folder, "efficiency", efficiency=SMALL)
    return folder


def _result(project: Path, family: str) -> dict[str, Any]:
    return json.loads((project / f"data/07_model_output/tiny/{family}/efficiency.json").read_text())


def test_costs_are_those_of_the_trained_network_and_beside_them_of_the_published_one(project: Path) -> None:
    scade, streams = _result(project, "scade_net"), _result(project, "multistream")
    assert scade["counted"] == scade["published"]
    assert scade["counted"]["parameters"] == 28055
    # the tiny recipe has small backbones at 64 pixels: 3 real transforms of 4096 numbers and back, 2.5 N log2 N each
    assert streams["counted"]["fft_flops"] == 2 * 3 * 2.5 * 4096 * 12
    assert streams["published"]["parameters"] == 21_874_881
    file = project / "data/06_models/tiny/scade_net/weights.safetensors"
    assert scade["weights_bytes"] == pytest.approx(file.stat().st_size, abs=64)


def test_each_batch_is_measured_and_the_map_apart(project: Path) -> None:
    scade, streams = _result(project, "scade_net"), _result(project, "multistream")
    cpu = [row for row in scade["measured"] if row["device"] == "cpu"]
    assert [row["batch"] for row in cpu] == [1, 2]
    assert all(0 < row["p50_ms"] <= row["p95_ms"] and row["crops_per_s"] > 0 for row in cpu)
    assert 0 < cpu[0]["peak_mib"] <= cpu[1]["peak_mib"] < cpu[1]["process_mib"]
    assert (scade["maps"]["crops"], scade["maps"]["side"]) == (3, 256)
    assert streams["maps"] is None
    assert scade["tracked"]["cpu.batch_1.p50_ms"] == cpu[0]["p50_ms"]


def test_section_says_how_it_was_measured(project: Path) -> None:
    section = json.loads((project / "data/08_reporting/tiny/sections/efficiency.json").read_text())
    assert "1 thread(s) of torch" in section["text"][1]
    assert "2 rounds of 2 forward passes" in section["text"][1]
    counted, measured, maps = section["tables"]
    assert ["SCADE-Net", "this detector", "256", "28,055", "64,766,064", "0", "64,766,064"] in [
        row[:-1] for row in counted["rows"]
    ]
    assert len(measured["rows"]) >= 4
    assert [row[1] for row in maps["rows"]] == ["sees no map", "gradient_ratio"]
    assert (project / "data/08_reporting/tiny/figures/efficiency.png").is_file()

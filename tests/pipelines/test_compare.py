"""All runs of a data set, read back from the store and compared."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fakefocus.errors import InputError
from fakefocus.parameters import Evaluation
from fakefocus.pipelines.compare.nodes import compare_runs, describe_runs, draw_runs

EVALUATION = Evaluation(threshold="validation", batch_size=8, confidence=0.95)


@pytest.fixture(scope="module")
def project(tiny_project: Path, tmp_path_factory: pytest.TempPathFactory, run_kedro: Callable[..., Any]) -> Path:
    """Return a copy of the project and its store, whose runs were compared."""
    folder = tmp_path_factory.mktemp("compared") / "project"
    shutil.copytree(tiny_project, folder, symlinks=True)
    run_kedro(folder, "compare")
    return folder


def _run(name: str, order: float, *, split: str = "s", labels: str = "true", epoch: int = 1) -> dict[str, Any]:
    """Return a run of twelve people that ranks all fakes right but for ``order`` of them."""
    videos = {"video_id": [], "label": [], "method": [], "group": [], "status": [], "score": []}
    for person in range(12):
        for label in (0, 1):
            wrong = label == 1 and person < order
            score = 0.1 + 0.01 * person + 0.6 * label - 0.65 * wrong
            row = (f"{person}-{label}", label, "A" if label else "", str(person), "ok", score)
            for column, value in zip(videos, row, strict=True):
                videos[column].append(value)
    auc = {"value": 1 - order / 12, "low": 0.5, "high": 1.0}
    contract = {"name": name, "family": name, "labels": labels, "experiment": "e", "best_epoch": epoch}
    summary = {
        "contract": contract | {"training": {"seed": 3}},
        "experiment": "e",
        "split_hash": split,
        "videos": videos,
        "coverage": {"ok": 24},
        "metrics": {"video": {"fake": 12, "auc": auc}, "by_method": {"A": {"held_out": False}}},
    }
    return {"run_id": f"id-{name}-{split}-{epoch}", "name": name, "started": "2026-01-01T00:00:00", "summary": summary}


def test_every_detector_of_the_store_is_listed_by_its_auc(project: Path) -> None:
    compared = json.loads((project / "data/07_model_output/tiny/compared_runs.json").read_text())
    names = [row["detector"] for row in compared["runs"]]
    assert {"SCADE-Net", "Multi-stream", "SCADE-Net, shuffled labels", "Multi-stream, untrained"} <= set(names)
    controls = [row["control"] for row in compared["runs"]]
    assert controls == sorted(controls), "controls come last"
    aucs = [row["auc"] for row in compared["runs"] if not row["control"]]
    assert aucs == sorted(aucs, reverse=True)
    for row in compared["runs"]:
        place = {"SCADE-Net": "scade_net", "Multi-stream": "multistream"}.get(row["detector"])
        if place:
            summary = json.loads((project / f"data/07_model_output/tiny/{place}/summary.json").read_text())
            assert row["auc"] == summary["metrics"]["video"]["auc"]["value"]
    assert (project / "data/08_reporting/tiny/figures/compare.png").is_file()
    section = json.loads((project / "data/08_reporting/tiny/sections/compare.json").read_text())
    assert len(section["tables"][0]["rows"]) == len(names)


def test_each_is_compared_with_the_best_of_its_split_and_controls_with_none() -> None:
    runs = [_run("worse", 5), _run("best", 1), _run("control", 8, labels="shuffled"), _run("alone", 3, split="t")]
    rows = {row["detector"]: row for row in compare_runs(runs, "d", EVALUATION)["runs"]}
    assert list(rows) == ["best", "worse", "control", "alone"]
    # of 144 pairs 12 are lost for each fake that is below all reals
    assert rows["worse"]["difference"] == pytest.approx(-4 / 12, abs=0.02)
    assert rows["worse"]["ends"][1] < 0
    assert rows["worse"]["p_holm"] < 0.05
    assert [rows[name]["difference"] for name in ("best", "control", "alone")] == [None, None, None]


def test_of_one_training_the_newest_run_counts() -> None:
    newest, older, other = _run("a", 1), _run("a", 1), _run("a", 1, epoch=2)
    compared = compare_runs([newest | {"run_id": "newest"}, older, other], "d", EVALUATION)
    assert [row["run_id"] for row in compared["runs"]] == ["newest", "id-a-s-2"]
    assert compared["repeated"] == 1
    text = describe_runs(compared, {"hash": "s"})["text"][0]
    assert "2 detectors on 1 split. 1 older runs of the same trainings are left out." in text
    assert len(draw_runs(compared).axes[0].get_yticklabels()) == 2


def test_an_empty_store_is_said_with_the_remedy() -> None:
    with pytest.raises(InputError, match="no finished run that judged a detector on d: run kedro run first"):
        compare_runs([], "d", EVALUATION)

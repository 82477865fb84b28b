"""Scores over several views: their mean, and whether it is better than one."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fakefocus.pipelines.tta.nodes import describe_tta, mean_of


def test_mean_of_logits_and_of_probabilities() -> None:
    views = {"plain": np.array([0.5, 0.2]), "mirrored": np.array([0.9, 0.2])}
    # odds 1 and 9: their geometric mean is 3, a probability of 3/4
    assert mean_of(views, "logit") == pytest.approx([0.75, 0.2])
    assert mean_of(views, "probability") == pytest.approx([0.7, 0.2])


def test_a_view_that_is_sure_does_not_decide_alone() -> None:
    sure = {"plain": np.array([1.0, 1.0]), "mirrored": np.array([0.0, 0.9])}
    scores = mean_of(sure, "logit")
    assert scores[0] == pytest.approx(0.5)
    assert 0.9 < scores[1] < 1


def test_section_says_how_many_videos_have_no_view() -> None:
    metric = {"value": 0.8, "low": None, "high": None}
    metrics = {"auc": metric, "real": 4, "fake": 5, "groups": 4, "no_interval": "too few groups"}
    result = {
        "detector": "Meso-4",
        "split_hash": "h",
        "training": {"meso4 of demo on demo": "0123"},
        "parameters": {"mean": "logit"},
        "confidence": 0.95,
        "plain": metrics,
        "averaged": metrics,
        "difference": {"difference": 0.0, "low": None, "high": None, "method": "DeLong"},
        "views": [{"view": "plain", "auc": 0.8, "seconds": 1.0}],
        "cost": 2.0,
        "faces": 30,
        "coverage": {"named": 12, "ok": 9, "no_face": 2, "rejected": 1, "error": 0},
    }
    section = describe_tta(result)
    assert section["trainings"] == {"meso4 of demo on demo": "0123"}
    text = " ".join(section["text"])
    assert "9 of 12 test videos that the split names show a face; the others have no view and are left out" in text


@pytest.fixture(scope="module")
def project(tiny_project: Path, tmp_path_factory: pytest.TempPathFactory, run_kedro: Callable[..., Any]) -> Path:
    """Return a copy of the tiny project in which the protocol has run."""
    folder = tmp_path_factory.mktemp("views") / "project"
    shutil.copytree(tiny_project, folder, symlinks=True, ignore=shutil.ignore_patterns("mlflow.db"))
    run_kedro(folder, "tta")
    return folder


def _stored(project: Path, family: str) -> dict[str, Any]:
    return json.loads((project / f"data/07_model_output/tiny/{family}/tta.json").read_text())


@pytest.mark.parametrize("family", ["scade_net", "multistream"])
def test_real_faces_are_scored_and_one_view_is_the_evaluation(project: Path, family: str) -> None:
    result = _stored(project, family)
    summary = json.loads((project / f"data/07_model_output/tiny/{family}/summary.json").read_text())
    samples = pd.read_parquet(project / "data/05_model_input/tiny/samples.parquet")
    assert result["faces"] == (samples["split"] == "test").sum()
    videos = pd.DataFrame(summary["videos"])
    assert (result["plain"]["real"], result["plain"]["fake"]) == ((videos["label"] == 0).sum(), videos["label"].sum())
    assert result["views"][0]["view"] == "plain"
    assert result["views"][0]["auc"] == pytest.approx(result["plain"]["auc"]["value"], abs=0.02)
    change = result["averaged"]["auc"]["value"] - result["plain"]["auc"]["value"]
    assert result["difference"]["difference"] == pytest.approx(change)
    assert result["cost"] > 1
    assert result["coverage"].items() <= summary["coverage"].items()


def test_report_has_a_section_that_says_what_is_no_view(project: Path) -> None:
    section = json.loads((project / "data/08_reporting/tiny/sections/tta.json").read_text())
    assert any("No view is turned by a quarter" in text for text in section["text"])
    assert any(text.startswith("Too few groups for an interval") for text in section["text"])
    assert all(len(row) == len(table["columns"]) for table in section["tables"] for row in table["rows"])


def test_scores_of_another_detector_stop_the_protocol(project: Path, run_kedro: Callable[..., Any]) -> None:
    file = project / "data/07_model_output/tiny/multistream/face_scores.parquet"
    scores = pd.read_parquet(file)
    scores.assign(score=(scores["score"] + 0.5) % 1).to_parquet(file)
    try:
        with pytest.raises(Exception, match=r"scores the test faces otherwise now.*kedro run --pipelines=evaluate"):
            run_kedro(project, "tta", namespaces=["multistream"])
    finally:
        scores.to_parquet(file)

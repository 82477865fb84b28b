"""A test side of one class: metrics are undefined, and all that is written says so in words."""

import json
import re
import shutil
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fakefocus.parameters import Evaluation
from fakefocus.pipelines.reporting.nodes import (
    compare_detectors,
    draw_detector,
    draw_intervals,
    draw_reliability,
    draw_risks,
    draw_roc,
    draw_scores,
)

EVALUATION = Evaluation(threshold="validation", batch_size=8, confidence=0.95)

COMPUTERS_WORDS = re.compile(r"\b(?:nan|NaN|None|null|inf)\b")


@pytest.fixture(scope="module", params=["real", "fake"])
def one_class(
    request: pytest.FixtureRequest,
    tiny_project: Path,
    tmp_path_factory: pytest.TempPathFactory,
    run_kedro: Callable[..., Any],
) -> tuple[str, Path]:
    """Return the class on the test side, and a project in which detectors were judged on it alone."""
    kind = request.param
    project = tmp_path_factory.mktemp(f"only_{kind}") / "project"
    shutil.copytree(tiny_project, project, symlinks=True, ignore=shutil.ignore_patterns("mlflow.db"))
    sides = json.loads((project / "data/05_model_input/tiny/splits.json").read_text())
    sides["test"] = [key for key in sides["test"] if key.startswith(f"{kind}/")]
    (project / "one_class.json").write_text(json.dumps(sides))
    options = {"splits": "one_class.json", "feature_split": {"strategy": "imported"}, "experiment": "one_class"}
    judged = options | {"trained_on": "tiny", "evaluation": {"seen": "allow"}}
    run_kedro(project, "split", **options)
    run_kedro(project, "evaluate", namespaces=["scade_net"], **judged)
    run_kedro(project, "report", **judged)
    return kind, project


def _written(project: Path, name: str) -> Path:
    return project / f"data/08_reporting/tiny-on-one_class/{name}"


def _summary(project: Path) -> dict[str, Any]:
    return json.loads((project / "data/07_model_output/tiny-on-one_class/scade_net/summary.json").read_text())


def _tested(project: Path) -> pd.DataFrame:
    scores = pd.read_parquet(project / "data/07_model_output/tiny-on-one_class/scade_net/video_scores.parquet")
    return scores[scores["split"] == "test"]


def test_page_says_what_is_missing_and_gives_no_verdict(one_class: tuple[str, Path]) -> None:
    _, project = one_class
    page = _written(project, "report.html").read_text()
    assert "No detector has an AUC here: one of both classes is missing on the test side." in page
    assert 'SCADE-Net: <span class="no">no verdict</span>: no interval, a class is missing.' in page
    for verdict in (">learns<", "not shown to learn", "as it should be", "conspicuous", "has the highest AUC"):
        assert verdict not in page
    # the table of the detector has a column all the same, of what one class can tell
    own = _tested(project)
    counted = own[own["method"] != "PoissonSwap"]["label"].value_counts()
    assert (
        f"<th>Videos<br>{counted.get(0, 0)} real, {counted.get(1, 0)} fake<br>no interval, a class is missing" in page
    )
    assert "<tr><td>AUC</td><td>undefined <small></small></td>" in page


def test_no_word_of_a_computer_stands_where_a_metric_is_undefined(one_class: tuple[str, Path]) -> None:
    _, project = one_class
    page = _written(project, "report.html").read_text()
    shown = re.sub(r"<(script|style|pre)\b.*?</\1>|<[^>]*>", " ", page, flags=re.DOTALL)
    assert len(shown) > 5000
    assert not COMPUTERS_WORDS.search(shown)
    # a browser reads no NaN
    drawn = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', page, flags=re.DOTALL)
    assert drawn
    for figure in drawn:
        json.loads(figure, parse_constant=pytest.fail)
    texts = [path for folder in ("cards", "tables") for path in _written(project, folder).iterdir()]
    assert {"scade_net.md", "data.md", "results.csv", "results.tex"} <= {path.name for path in texts}
    for path in texts:
        assert not COMPUTERS_WORDS.search(path.read_text()), path.name


def test_what_one_class_can_tell_is_told(one_class: tuple[str, Path]) -> None:
    kind, project = one_class
    tested, metrics = _tested(project), _summary(project)["metrics"]
    assert set(tested["label"]) == {int(kind == "fake")}
    own = tested[tested["method"] != "PoissonSwap"]
    called = (own["score"] >= metrics["threshold"]).mean()
    shares = {name: metrics["video"][name]["value"] for name in ("specificity", "recall", "auc", "ap", "eer")}
    of_class = {"real": {"specificity": 1 - called}, "fake": {"recall": called}}[kind]
    assert shares == pytest.approx(dict.fromkeys(shares) | of_class)


def test_detector_without_any_score_is_reported_all_the_same(tiny_project: Path) -> None:
    summary = json.loads((tiny_project / "data/07_model_output/tiny/scade_net/summary.json").read_text())
    videos = summary["videos"] | {"score": [None] * len(summary["videos"]["score"])}
    summaries = {"scade_net": summary | {"videos": videos}}
    for draw in (draw_detector, draw_roc, draw_scores, draw_risks, draw_intervals, draw_reliability):
        draw(summaries["scade_net"] if draw is draw_detector else summaries).savefig(BytesIO(), format="png")
    assert compare_detectors(summaries, EVALUATION)["pairs"] == []

"""What the how-to pages of the documentation tell to write, written from them, and taken through the lineage."""

import csv
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

HOW_TO = Path(__file__).resolve().parents[1] / "docs/how-to"
_BLOCK = re.compile(r'```\w+ title="([^"]+)"\n(.*?)```', re.DOTALL)


def blocks_of(page: str) -> dict[str, str]:
    """Return the files that a page shows, by name."""
    return dict(_BLOCK.findall((HOW_TO / page).read_text()))


def install(page: str, site: Path, project: Path) -> None:
    """Write what a page shows to where a package is installed, and what is below conf/ to a project."""
    blocks = blocks_of(page)
    about = tomllib.loads(blocks.pop("pyproject.toml"))["project"]
    for name, text in blocks.items():
        file = (project if name.startswith("conf/") else site) / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    info = site / f"{about['name']}-{about['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {about['name']}\nVersion: {about['version']}\n")
    groups = [
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in points.items())
        for group, points in about["entry-points"].items()
    ]
    (info / "entry_points.txt").write_text("\n".join(groups))


def list_clips(corpus: Path, root: Path) -> None:
    """Lay the clips of the tiny corpus out as the page on layouts says."""
    videos = pd.read_parquet(corpus)
    root.mkdir()
    with (root / "clips.csv").open("w", newline="") as table:
        rows = csv.writer(table)
        rows.writerow(["file", "label", "method", "person"])
        for number, video in enumerate(videos.itertuples()):
            file = f"{number:03d}{Path(video.path).suffix}"
            (root / file).symlink_to(Path(video.path).resolve())
            rows.writerow([file, "fake" if video.label else "real", video.method, video.target_identity])
        rows.writerow(["nobody.mp4", "unsure", "", ""])


@pytest.fixture(scope="module")
def extended_run(
    tiny_project: Path, make_project: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Return a project in which a layout, a family and a metric of others went through the lineage."""
    project, site = make_project("extended"), tmp_path_factory.mktemp("site")
    for page in ("add-a-detector.md", "add-a-layout.md", "add-a-metric.md"):
        install(page, site, project)
    root = tmp_path_factory.mktemp("media") / "listed"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tiny_project)
        list_clips(tiny_project / "data/02_intermediate/tiny/videos.parquet", root)
    params = {
        "data_root": str(root),
        "recipe": "demo",
        "edges": {"training": {"epochs": 2, "batch_size": 16}},
    }
    for names in ("data,split", "baselines", "report"):
        namespaces = ["edges"] if names == "baselines" else None
        _run(project, site, names, {"env": "listed", "params": params, "namespaces": namespaces})
    return project


def _run(project: Path, site: Path, pipelines: str, options: dict[str, Any]) -> None:
    environment = os.environ | {"PYTHONPATH": str(site), "MLFLOW_TRACKING_URI": f"sqlite:///{project}/mlflow.db"}
    script = str(Path(__file__).with_name("run_project.py"))
    command = [sys.executable, script, str(project), pipelines, json.dumps(options)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{pipelines}: {done.stderr[-3000:]}"


def _summary(project: Path) -> dict[str, Any]:
    (file,) = (project / "data/07_model_output").glob("*/edges/summary.json")
    summary: dict[str, Any] = json.loads(file.read_text())
    return summary


def _page(project: Path, experiment: str = "listed*") -> str:
    # an experiment is named by its data set and by what parameters change
    (file,) = (project / "data/08_reporting").glob(f"{experiment}/report.html")
    return file.read_text()


def test_family_of_sixty_lines_is_trained_judged_and_shown(extended_run: Path) -> None:
    blocks = blocks_of("add-a-detector.md")
    lines = [line for name, text in blocks.items() if name.endswith(".py") for line in text.splitlines() if line]
    assert len(lines) <= 60
    summary = _summary(extended_run)
    assert summary["contract"]["title"] == "Edges"
    assert 0 <= summary["metrics"]["video"]["auc"]["value"] <= 1
    assert "<td>Edges</td>" in _page(extended_run)


def test_layout_is_read_with_its_people_and_what_it_sets_aside(extended_run: Path) -> None:
    videos = pd.read_parquet(extended_run / "data/02_intermediate/listed/videos.parquet")
    assert set(videos["label"]) == {0, 1}
    assert videos["target_identity"].nunique() > 5
    rejected = pd.read_parquet(extended_run / "data/03_primary/listed/rejected_media.parquet")
    assert rejected["reason"].str.contains("'unsure' is neither real nor fake").any()
    assert "Deepfake detectors on listed clips" in _page(extended_run)


def test_perturbation_is_measured_in_five_strengths_and_shown(tiny_project: Path, tmp_path: Path) -> None:
    project, site = tmp_path / "project", tmp_path / "site"
    shutil.copytree(tiny_project, project, symlinks=True, ignore=shutil.ignore_patterns("mlflow.db"))
    install("add-a-perturbation.md", site, project)
    _run(project, site, "robustness,report", {"params": {"robustness": {"faces": 4, "videos": 2}}})
    for family in ("scade_net", "multistream"):
        result = json.loads((project / f"data/07_model_output/tiny/{family}/robustness.json").read_text())
        rows = [row for row in result["crops"] if row["perturbation"] == "posterise"]
        assert [row["value"] for row in rows] == [64, 32, 16, 8, 4]
    assert "Posterised (levels)" in _page(project, "tiny")


def test_metric_has_a_value_and_an_interval_and_is_shown(extended_run: Path) -> None:
    metrics = _summary(extended_run)["metrics"]["video"]
    # half the sum of recall and specificity is the balanced accuracy
    assert metrics["youden"] == pytest.approx(metrics["balanced_accuracy"])
    assert "<td>Youden</td>" in _page(extended_run)

"""A family of another package: registered by an entry point, trained, judged and shown like ours."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

DECLARED = '''
"""A family that sees how bright a picture is."""

from fakefocus.models import Family
from fakefocus.models.family import Weights
from fakefocus.parameters import Group


class Options(Group):
    """One parameter of its own."""

    width: int = 4
    weights: Weights = "none"


FAMILY = Family(
    name="brightness",
    title="Brightness",
    colour="#123456",
    network="brightness.network:Brightness",
    network_options=Options,
    recipe={"training": {"epochs": 1, "augmentation": {"crop": 128}}},
)
'''
NETWORK = '''
"""Its network."""

from torch import Tensor, nn


class Brightness(nn.Module):
    """A linear layer on a coarse picture."""

    in_chans, img_size = 3, 64

    def __init__(self, width: int = 4) -> None:
        super().__init__()
        self.pool = nn.AdaptiveAvgPool2d(width)
        self.head = nn.Linear(3 * width * width, 1)

    def forward_features(self, x: Tensor) -> Tensor:
        return self.pool(x).flatten(1)

    def forward_head(self, features: Tensor) -> Tensor:
        return self.head(features).squeeze(1)

    def forward(self, x: Tensor) -> Tensor:
        return self.forward_head(self.forward_features(x))
'''


def _package(site: Path) -> None:
    (site / "brightness").mkdir(parents=True)
    (site / "brightness/__init__.py").write_text(DECLARED)
    (site / "brightness/network.py").write_text(NETWORK)
    info = site / "brightness-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: brightness\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[fakefocus.families]\nbrightness = brightness:FAMILY\n")


def _run(project: Path, site: Path, pipelines: str, **options: object) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(site), "MLFLOW_TRACKING_URI": f"sqlite:///{project}/other.db"}
    script = str(Path(__file__).with_name("run_project.py"))
    command = [sys.executable, script, str(project), pipelines, json.dumps(options)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_family_of_another_package_goes_through_training_evaluation_and_report(
    tiny_project: Path, tmp_path: Path, run_kedro: Callable[..., Any]
) -> None:
    project, site = tmp_path / "project", tmp_path / "site"
    shutil.copytree(tiny_project, project, symlinks=True, ignore=shutil.ignore_patterns("mlflow.db"))
    _package(site)
    params = {"experiment": "tiny", "brightness": {"network": {"width": 8}}}
    done = _run(project, site, "baselines", namespaces=["brightness"], params=params)
    assert done.returncode == 0, done.stderr[-3000:]
    contract = json.loads((project / "data/06_models/tiny/brightness/architecture.json").read_text())
    assert (contract["title"], contract["network"]["width"]) == ("Brightness", 8)
    assert contract["training"]["epochs"] == 1
    assert (project / "data/08_reporting/tiny/figures/brightness.overview.png").is_file()
    # here the package is not installed: its results are shown all the same
    run_kedro(project, "report")
    page = (project / "data/08_reporting/tiny/report.html").read_text()
    assert "<td>Brightness</td>" in page
    assert "<td>SCADE-Net</td>" in page


def test_mistyped_parameter_of_another_package_names_the_near_one(tiny_project: Path, tmp_path: Path) -> None:
    _package(tmp_path / "site")
    params = {"brightness": {"network": {"widht": 8}}}
    done = _run(tiny_project, tmp_path / "site", "report", params=params)
    assert done.returncode != 0
    assert "brightness.network.widht: unknown (value 8), did you mean 'width'?" in done.stderr

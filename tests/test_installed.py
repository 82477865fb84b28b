"""The wheel, away from the repository: configuration comes from --conf-source, and runs are tracked where one works."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which the built package is installed, and nothing else."""
    source, target = tmp_path_factory.mktemp("source") / "project", tmp_path_factory.mktemp("site")
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "src", source / "src", ignore=shutil.ignore_patterns("*.egg-info", "__pycache__"))
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--target"]
    subprocess.run([*command, str(target), str(source)], check=True, capture_output=True)
    return target


def _run(site: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k != "MLFLOW_TRACKING_URI"} | {"PYTHONPATH": str(site)}
    command = [sys.executable, "-m", "fakefocus", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_installed_package_runs_where_it_is_called_with_an_archive_of_configuration(site: Path, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "conf", tmp_path / "made/conf", ignore=shutil.ignore_patterns("local"))
    shutil.copytree(ROOT / "tests/conf", tmp_path / "made/conf/test")
    catalog = tmp_path / "made/conf/test/catalog.yml"
    catalog.write_text(catalog.read_text().replace("people: 12, frames: 12", "people: 2, frames: 4"))
    archive = shutil.make_archive(str(tmp_path / "conf"), "gztar", tmp_path / "made", "conf")
    work = tmp_path / "work"
    work.mkdir()
    done = _run(site, work, f"--conf-source={archive}", "--env=test", "--pipelines=ingest", "--params=recipe=published")
    assert done.returncode == 0, done.stderr[-3000:]
    assert (work / "data/02_intermediate/tiny/videos.parquet").is_file()
    assert (work / "mlruns/mlflow.db").is_file()
    # nothing beside the installed package and its command
    assert {path.name for path in site.iterdir()} <= {"fakefocus", "bin", *(p.name for p in site.glob("fakefocus-*"))}
    assert [path.name for path in (site / "bin").iterdir()] == ["fakefocus"]


def test_recipe_that_a_configuration_lacks_is_one_message(site: Path, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "conf", tmp_path / "conf")
    shutil.rmtree(tmp_path / "conf/recipes")
    done = _run(site, tmp_path, "--conf-source=conf", "--pipelines=ingest")
    assert done.returncode != 0
    assert "recipe: no recipes/demo.yml in" in done.stderr

"""The wheel, away from the repository: configuration comes from --conf-source, and runs are tracked where one works.

Alone, without extras, it answers of files: no torch, no configuration, few megabytes.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
import skimage
from packaging.requirements import Requirement

from fakefocus.prediction import Predictor, find_detector

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of what a wheel is built of, with the graphs that it takes along."""
    folder = tmp_path_factory.mktemp("source") / "project"
    folder.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    shutil.copytree(ROOT / "src", folder / "src", ignore=shutil.ignore_patterns("*.egg-info", "__pycache__", "graph-*"))
    environment = os.environ | {"PYTHONPATH": str(folder / "src")}
    subprocess.run([sys.executable, "-m", "fakefocus.prediction.packing"], check=True, env=environment)
    return folder


@pytest.fixture(scope="module")
def site(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which the built package is installed, and nothing else."""
    target = tmp_path_factory.mktemp("site")
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


@pytest.fixture(scope="module")
def alone(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a virtual environment that holds the wheel with what it demands, and no extra."""
    folder = tmp_path_factory.mktemp("alone")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*build, "--wheel-dir", str(folder), str(source)], check=True, capture_output=True)
    subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
    install = [str(folder / "venv/bin/python"), "-m", "pip", "install", "--quiet", "-c", str(ROOT / "constraints.txt")]
    # Kedro puts the sources on PYTHONPATH, and pip would take them for an installation
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    wheel = str(next(folder.glob("*.whl")))
    done = subprocess.run([*install, wheel], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-2000:]
    return folder / "venv"


def _answer(alone: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"} | {"FAKEFOCUS_CACHE": str(folder / "kept")}
    command = [str(alone / "bin/fakefocus"), *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_wheel_alone_answers_of_a_picture_as_the_project_does(alone: Path, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "face.jpg"), skimage.data.astronaut()[..., ::-1])
    for model in ("lite", "scade_net"):
        done = _answer(alone, tmp_path, "predict", "face.jpg", "--model", model, "--output", f"{model}.json")
        assert done.returncode == 0, done.stderr
        answers = json.loads((tmp_path / f"{model}.json").read_text())
        expected = Predictor(find_detector(model))(tmp_path / "face.jpg")
        assert answers[0]["score"] == pytest.approx(expected.score, abs=1e-6)
    assert not (tmp_path / "kept").exists(), "graphs come with the wheel: none is made"


def test_wheel_alone_is_small_and_knows_no_torch(alone: Path) -> None:
    packages = next((alone / "lib").glob("python3*")) / "site-packages"
    assert not any((packages / name).exists() for name in ("torch", "kedro", "mlflow", "scipy", "pandas"))
    # what a virtual environment brings by itself is not ours
    brought = ("pip", "setuptools", "pkg_resources", "_distutils_hack", "distutils")
    own = [file for entry in packages.iterdir() if not entry.name.startswith(brought) for file in entry.rglob("*")]
    assert sum(file.stat().st_size for file in own if file.is_file() and file.suffix != ".pyc") < 600e6


@pytest.mark.parametrize(
    ("command", "extra"),
    [
        (["export", "out"], "export"),
        (["serve"], "serve"),
        (["app"], "app"),
        (["predict", "x", "--explain", "y"], "explain"),
    ],
)
def test_what_the_wheel_alone_cannot_do_names_the_extra(
    alone: Path, tmp_path: Path, command: list[str], extra: str
) -> None:
    done = _answer(alone, tmp_path, *command)
    assert done.returncode == 2
    assert f"pip install 'fakefocus[{extra}]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_detector_that_was_handed_over_answers_without_torch(alone: Path, face_clip: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(find_detector("scade_net").folder, bare, ignore=shutil.ignore_patterns("graph-*"))
    done = _answer(alone, tmp_path, "predict", str(face_clip), "--model", "bare")
    assert done.returncode == 2
    assert "needs torch" in done.stderr
    command = [sys.executable, "-c", "from fakefocus.apps.cli import main; main()"]
    export = [*command, "export", str(tmp_path / "handed"), "--format", "detector"]
    subprocess.run([*export, "--model", str(bare)], check=True, capture_output=True)
    done = _answer(alone, tmp_path, "predict", str(face_clip), "--model", "handed")
    assert done.returncode == 0, done.stderr


def test_every_package_that_is_imported_is_demanded() -> None:
    """What a room imports is in pyproject.toml, in the plain dependencies where the plain installation needs it."""
    import ast
    import tomllib
    from importlib.metadata import packages_distributions

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [entry for entries in project["optional-dependencies"].values() for entry in entries]
    demanded = {Requirement(entry).name.lower().replace("_", "-") for entry in [*project["dependencies"], *extras]}
    held_by = packages_distributions()
    missing = {}
    for file in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            for name in {name.partition(".")[0] for name in names} - set(sys.stdlib_module_names) - {"fakefocus", ""}:
                if not {dist.lower().replace("_", "-") for dist in held_by.get(name, [])} & demanded:
                    missing[name] = file.name
    assert not missing

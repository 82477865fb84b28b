"""The teaching notebooks: each runs on the tiny project, and git holds what people wrote, without outputs."""

import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_notebook
from notebooks.run import SKIPPED, execute, settings

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def _with_notebooks(source: Path, folder: Path) -> Path:
    """Copy a project, with the notebooks, as a user has it."""
    shutil.copytree(source, folder, symlinks=True, ignore=shutil.ignore_patterns("src"))
    # Kedro wants sources inside the project; the package is imported from where these tests are
    (folder / "src").mkdir()
    shutil.copytree(ROOT / "notebooks", folder / "notebooks", ignore=shutil.ignore_patterns(".*", "__pycache__"))
    return folder


@pytest.fixture(scope="module")
def project(tiny_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the tiny project with the notebooks, whose runs keep their files in it."""
    folder = _with_notebooks(tiny_project, tmp_path_factory.mktemp("notebooks") / "project")
    with closing(sqlite3.connect(folder / "mlflow.db")) as store, store:
        store.execute("UPDATE experiments SET artifact_location = ?", [f"file://{folder}/mlruns/artifacts"])
    return folder


def _environment(project: Path) -> dict[str, str]:
    store = {"MLFLOW_TRACKING_URI": f"sqlite:///{project}/mlflow.db", "PYTHONPATH": str(ROOT / "src")}
    return settings(project, "test") | store


def test_there_are_six_notebooks() -> None:
    assert [path.name[:2] for path in NOTEBOOKS] == ["01", "02", "03", "04", "05", "06"]


@each_notebook
def test_notebook_runs_to_its_end_and_shows_a_picture(path: Path, project: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    execute(notebook, project / "notebooks", _environment(project))
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert any("image/png" in output.get("data", {}) for output in outputs)


@each_notebook
def test_notebook_finds_its_data_by_the_environment_and_names_no_data_set(path: Path) -> None:
    code = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert code[0].startswith("%load_ext kedro.ipython")
    assert not [cell for cell in code if re.search(r"""["'/](demo|tiny)["'/]""", cell)]


@each_notebook
def test_links_of_a_notebook_lead_to_files(path: Path) -> None:
    texts = [cell.source for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "markdown"]
    links = [link.partition("#")[0] for text in texts for link in re.findall(r"\]\(([^)\s]+)\)", text)]
    local = [link for link in links if link and not link.startswith("http")]
    assert local, "a notebook says where to go on"
    assert not [link for link in local if not (path.parent / link).exists()]


def test_git_holds_no_outputs() -> None:
    _checked("nbstripout", "--verify", *map(str, NOTEBOOKS))


def test_code_of_notebooks_is_linted_and_formatted() -> None:
    _checked("ruff", "check", "--no-cache", str(ROOT / "notebooks"))
    _checked("ruff", "format", "--check", "--no-cache", str(ROOT / "notebooks"))


def _checked(*command: str) -> None:
    done = subprocess.run([sys.executable, "-m", *command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_failing_cell_is_named_and_cells_for_people_alone_are_skipped(tmp_path: Path) -> None:
    people_alone = new_code_cell("raise SystemExit('a server')", metadata={"tags": [SKIPPED]})
    notebook = new_notebook(cells=[people_alone, new_code_cell("faces = 0\n1 / faces")])
    with pytest.raises(CellExecutionError, match=r"1 / faces[\s\S]*division by zero"):
        execute(notebook, tmp_path, {})
    assert not notebook.cells[0].outputs


def test_without_a_finished_lineage_one_sentence_says_what_to_run(make_project, empty_store, tmp_path: Path) -> None:
    folder = _with_notebooks(make_project("nothing_has_run"), tmp_path / "project")
    # others copy the empty store: it has to stay empty
    own_store = shutil.copy(empty_store, tmp_path / "mlflow.db")
    environment = {"PATH": "", "MLFLOW_TRACKING_URI": f"sqlite:///{own_store}", "PYTHONPATH": str(ROOT / "src")}
    command = [sys.executable, "notebooks/run.py", "--env", "test", "01"]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].endswith("there is no report of it: run kedro run --env test first")
    assert not (folder / "build").exists()

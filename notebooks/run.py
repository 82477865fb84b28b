"""Runs the notebooks in this environment and keeps copies with their pictures in build/notebooks.

``python notebooks/run.py [--env ENV] [name…]``: all notebooks, or those whose name begins so, on the data of an
environment of Kedro; by default on the demo. `execute` is what the tests run, too.
"""

import argparse
import logging
import os
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellControlSignal, DeadKernelError
from nbformat import NotebookNode
from traitlets.config import Config

HERE = Path(__file__).resolve().parent
SKIPPED = "skip-execution"
"""Tag of cells for people alone: they open a window or start a server."""
TIMEOUT = 900
"""Seconds that one cell may take."""


def execute(notebook: NotebookNode, folder: Path, environment: Mapping[str, str]) -> None:
    """Run a notebook's cells in a kernel of this environment that starts in ``folder``; outputs go into ``notebook``.

    Args:
        notebook: Is changed, also where a cell fails.
        folder: A folder of the project whose data are looked at.
        environment: Environment variables of the kernel besides those of this process.

    Raises:
        CellExecutionError: If a cell fails; names the cell and its error.
        CellTimeoutError: If a cell takes longer than `TIMEOUT`.
        DeadKernelError: If the kernel dies, for want of memory for example.
    """
    # talks to the kernel through files, not over the network
    with tempfile.TemporaryDirectory() as sockets:
        client = NotebookClient(
            notebook,
            timeout=TIMEOUT,
            kernel_name="python3",
            skip_cells_with_tag=SKIPPED,
            resources={"metadata": {"path": str(folder)}},
            config=Config({"KernelManager": {"transport": "ipc", "ip": f"{sockets}/kernel"}}),
        )
        client.execute(env={**os.environ, **environment})


def settings(project: Path, env: str | None) -> dict[str, str]:
    """Return environment variables of a kernel: the environment of Kedro, and the project's way of logging."""
    # Kedro looks for it where the kernel starts, which is not the project's folder
    chosen = {"KEDRO_LOGGING_CONFIG": str(project / "conf/logging.yml"), "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    return chosen | ({"KEDRO_ENV": env} if env else {})


def missing(project: Path, env: str | None) -> str:
    """Return what has to run before the notebooks can, in one sentence; empty where the lineage has run."""
    from kedro.framework.session import KedroSession
    from kedro.framework.startup import bootstrap_project

    bootstrap_project(project)
    with KedroSession.create(project_path=project, env=env) as session:
        context = session.load_context()
        if context.catalog.exists("report"):
            return ""
        experiment = context.params["experiment"]
    chosen = env or os.environ.get("KEDRO_ENV")
    remedy = f"kedro run --env {chosen}" if chosen else "make demo"
    return f"the notebooks look at the results of {experiment}, and there is no report of it: run {remedy} first"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run notebooks; return 0 if all of them ran to the end."""
    parser = argparse.ArgumentParser(description="Run the notebooks and keep copies with their pictures.")
    parser.add_argument("names", nargs="*", help="beginnings of names, such as 01; without any, all notebooks")
    parser.add_argument("--env", help="environment of Kedro whose data are looked at; the demo's by default")
    parser.add_argument("--output", type=Path, default=HERE.parent / "build/notebooks", help="where copies go")
    options = parser.parse_args(arguments)
    paths = [path for path in sorted(HERE.glob("*.ipynb")) if path.name.startswith(tuple(options.names) or "")]
    if not paths:
        return _refuse(f"no notebook in {HERE} begins with {' or '.join(options.names)}")
    # processes that Kedro starts look for the project where they are, too
    os.chdir(HERE.parent)
    if lacking := missing(HERE.parent, options.env):
        return _refuse(lacking)
    options.output.mkdir(parents=True, exist_ok=True)
    failed = [path.name for path in paths if not _run(path, options.output, options.env)]
    print(f"copies: {options.output}")  # noqa: T201
    return _refuse(f"failed: {', '.join(failed)}") if failed else 0


def _run(path: Path, output: Path, env: str | None) -> bool:
    """Run one notebook, write its copies, and say how long it took; return whether it ran to the end."""
    from nbconvert.filters import strip_ansi

    notebook: NotebookNode = nbformat.read(path, as_version=4)
    began, error = time.perf_counter(), ""
    try:
        execute(notebook, HERE, settings(HERE.parent, env))
    except (CellControlSignal, DeadKernelError) as failure:
        error = f"\n{strip_ansi(str(failure))}"
    seconds = time.perf_counter() - began
    nbformat.write(notebook, output / path.name)
    (output / path.name).with_suffix(".html").write_text(_page(notebook, path.stem), encoding="utf-8")
    print(f"{path.name}: {seconds:.0f} s{error}", flush=True)  # noqa: T201
    return not error


def _page(notebook: NotebookNode, title: str) -> str:
    """Return an executed notebook as one HTML file."""
    from nbconvert import HTMLExporter

    # it warns of each figure that it has no text in its place
    logging.getLogger("traitlets").setLevel(logging.ERROR)
    about: dict[str, Any] = {"metadata": {"name": title}}
    return str(HTMLExporter().from_notebook_node(notebook, resources=about)[0])


def _refuse(reason: str) -> int:
    print(f"notebooks: {reason}", file=sys.stderr)  # noqa: T201
    return 1


if __name__ == "__main__":
    sys.exit(main())

"""Keeps graphs of networks between runs: to make one takes seconds, and libraries that nothing else needs then."""

import atexit
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import TYPE_CHECKING

from platformdirs import user_cache_path

if TYPE_CHECKING:
    import openvino as ov

FOLDER = "FAKEFOCUS_CACHE"
"""The variable of the environment that names another folder for what is kept."""


def cache_folder() -> Path:
    """Return the folder of what is kept; all of it can be deleted at any time."""
    return Path(os.environ.get(FOLDER) or user_cache_path("fakefocus", appauthor=False))


def _writable(folder: Path) -> Path:
    """Return a folder, made if need be; where it cannot be written to, one that lasts as long as this process."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder, prefix=".trying-"):
            return folder
    except OSError:
        place = Path(mkdtemp(prefix="fakefocus-graphs-"))
        atexit.register(shutil.rmtree, place, ignore_errors=True)
        return place


def kept_graph(key: str, make: "Callable[[], ov.Model]") -> Path:
    """Return the file of a graph of OpenVINO, which is made if it is not there; ``key`` says all that it depends on."""
    file = cache_folder() / "graphs" / f"{key}.xml"
    return file if is_graph(file) else write_graph(make(), _writable(file.parent) / file.name)


def is_graph(file: Path) -> bool:
    """Return whether a graph lies there: ``.xml``, and its numbers in ``.bin``."""
    return file.is_file() and file.with_suffix(".bin").is_file()


def write_graph(graph: "ov.Model", file: Path) -> Path:
    """Write a graph, whole or not at all, and return its file."""
    import openvino as ov

    with TemporaryDirectory(dir=file.parent, prefix=".making-") as aside:
        part = Path(aside) / file.name
        ov.save_model(graph, part, compress_to_fp16=False)
        # the graph comes last: where it is, its numbers are too
        for suffix in (".bin", ".xml"):
            part.with_suffix(suffix).replace(file.with_suffix(suffix))
    return file


def compiled_graph(file: Path, precision: str = "f32") -> "ov.CompiledModel":
    """Return a graph that is ready to compute, with one thread.

    Where its thread is pinned to a core, OpenVINO's default, that of every other process is pinned to the same one: two
    processes were hardly faster than one.
    """
    import openvino as ov

    options = {
        "INFERENCE_NUM_THREADS": 1,
        "NUM_STREAMS": 1,
        "ENABLE_CPU_PINNING": False,
        "INFERENCE_PRECISION_HINT": precision,
    }
    return ov.Core().compile_model(file, "CPU", options)

"""``fakefocus doctor``."""

import os
import platform
import re
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import NamedTuple

import click

from fakefocus.apps.options import FOLDER

_GIGABYTE = 1e9
_LEAST_FREE = 5 * _GIGABYTE
_OPTIONAL = {
    "torch": ("train", "for training, --explain and GPUs"),
    "kedro": ("train", "for the pipelines"),
    "mlflow": ("train", "for tracking and serving"),
    "c2pa-python": ("provenance", "for the manifests of files"),
}
"""What an answer can do without: the extra that brings it, and what it is for."""
_PORTS = {4141: "make viz", 5000: "make mlflow", 8501: "fakefocus app"}


class Finding(NamedTuple):
    """What was looked at, whether it is well, what was seen, and what to do about it."""

    what: str
    well: bool
    seen: str
    remedy: str = ""


@click.command(name="doctor", short_help="Look what is missing on this computer.")
@click.option("--project", type=FOLDER, default=Path(), help="A project's folder.  [default: here]")
@click.pass_context
def command(ctx: click.Context, project: Path) -> None:
    """Look at what fakefocus needs: Python, libraries, codecs, GPU, weights, data, disk and ports.

    Exit code: 0 all is well, 1 something is not; each finding says what to do.

    \b
      fakefocus doctor
    """
    well = True
    for look in LOOKS:
        for finding in _findings(look, project):
            well = well and finding.well
            mark = click.style("ok  ", fg="green") if finding.well else click.style("FIX ", fg="red")
            remedy = f"\n     -> {finding.remedy}" if finding.remedy else ""
            click.echo(f"{mark} {finding.what:10} {finding.seen}{remedy}")
    ctx.exit(0 if well else 1)


def _findings(look: "Look", project: Path) -> Iterator[Finding]:
    """Yield what a look finds; one that fails is a finding itself."""
    try:
        yield from look(project)
    except Exception as error:
        what = look.__name__.removeprefix("look_at_")
        yield Finding(what, False, f"{type(error).__name__}: {error}", "run make install, or install fakefocus again")


def look_at_python(_: Path) -> Iterator[Finding]:
    """Look at the interpreter."""
    well = sys.version_info >= (3, 11)
    seen = f"{platform.python_version()} on {platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    yield Finding("Python", well, seen, "" if well else "install Python 3.11 or newer, and make a new environment")


def look_at_libraries(_: Path) -> Iterator[Finding]:
    """Look at the libraries that most depends on."""
    for name in ("openvino", "av", "opencv-python-headless"):
        try:
            yield Finding(name, True, version(name))
        except PackageNotFoundError:
            yield Finding(name, False, "not installed", "run make install, or pip install fakefocus")
    for name, (extra, purpose) in _OPTIONAL.items():
        missing = f"not installed; {purpose}: pip install 'fakefocus[{extra}]'"
        yield Finding(name, True, version(name) if _installed(name) else missing)
    others = [name for name in ("opencv-python", "opencv-contrib-python") if _installed(name)]
    if others:
        remedy = f"pip uninstall {' '.join(others)} and reinstall opencv-python-headless: they share one folder"
        yield Finding("OpenCV", False, f"{', '.join(others)} beside opencv-python-headless", remedy)


def look_at_codecs(_: Path) -> Iterator[Finding]:
    """Look at the decoders and encoders of FFmpeg that PyAV brings."""
    import av

    for name, mode in (("h264", "r"), ("hevc", "r"), ("vp9", "r"), ("av1", "r"), ("libx264", "w")):
        try:
            av.Codec(name, mode)
            yield Finding("codec", True, f"{name} ({'decodes' if mode == 'r' else 'encodes'})")
        except (av.error.FFmpegError, ValueError):
            yield Finding(
                "codec", False, f"{name} is missing", "install PyAV's own wheel: pip install --force-reinstall av"
            )


def look_at_gpu(_: Path) -> Iterator[Finding]:
    """Look for an accelerator; none is needed."""
    if not _installed("torch"):
        yield Finding("GPU", True, "not looked for: without torch, detectors answer on the processor")
        return
    import torch

    if torch.cuda.is_available():
        yield Finding("GPU", True, torch.cuda.get_device_name(0))
    elif torch.backends.mps.is_available():
        yield Finding("GPU", True, "Apple's, by --device mps")
    else:
        yield Finding("GPU", True, "none: detectors answer on the processor, training takes longer there")


def look_at_weights(_: Path) -> Iterator[Finding]:
    """Look whether the detectors that come with the package are whole, by the hashes on their cards."""
    from fakefocus.prediction.detectors import find_detector
    from fakefocus.weights import shipped_detectors

    remedy = "install fakefocus again: pip install --force-reinstall fakefocus"
    if not shipped_detectors():
        yield Finding("weights", False, "none came with the package", remedy)
    for name in shipped_detectors():
        detector = find_detector(name)
        whole = detector.sha256 in (detector.folder / "card.md").read_text(encoding="utf-8")
        yield Finding(
            "weights",
            whole,
            f"{name}, {detector.sha256[:12]}" + ("" if whole else " is not what its card names"),
            "" if whole else remedy,
        )


def look_at_data(project: Path) -> Iterator[Finding]:
    """Look at the data of a project, where this is one, and at the environment's data roots."""
    if not (project / "conf/base").is_dir():
        yield Finding("project", True, f"{project.resolve()} is none: fakefocus answers of files everywhere")
    else:
        folders = sorted(folder.name for folder in (project / "data/01_raw").glob("*") if folder.is_dir())
        yield Finding("project", True, f"data sets here: {', '.join(folders) or 'none yet (make demo makes one)'}")
    for name, value in sorted(os.environ.items()):
        if name.startswith("FAKEFOCUS_") and name != "FAKEFOCUS_CACHE":
            # a data set of the Hugging Face hub is named by its owner, too
            there = Path(value).is_dir() or (
                name == "FAKEFOCUS_HF" and re.fullmatch(r"[\w.-]+/[\w.-]+", value) is not None
            )
            yield Finding("data root", there, f"{name}={value}", "" if there else "correct the path, or unset it")


def look_at_disk(project: Path) -> Iterator[Finding]:
    """Look for room, here and where graphs are kept."""
    from fakefocus.cache import cache_folder

    free = shutil.disk_usage(project).free
    well = free > _LEAST_FREE
    yield Finding(
        "disk",
        well,
        f"{free / _GIGABYTE:.0f} GB free",
        "" if well else "free some: crops of 1,000 clips take about 2 GB",
    )
    folder = cache_folder()
    nearest = next(place for place in (folder, *folder.parents) if place.exists())
    well = os.access(nearest, os.W_OK)
    remedy = (
        ""
        if well
        else "name another folder in FAKEFOCUS_CACHE: without it the first answer takes seconds longer each time"
    )
    yield Finding("cache", well, str(folder), remedy)


def look_at_ports(_: Path) -> Iterator[Finding]:
    """Look whether the ports of our servers are free."""
    for port, what in _PORTS.items():
        with socket.socket() as probe:
            taken = probe.connect_ex(("127.0.0.1", port)) == 0
        other = ", or choose another: --port" if what.startswith("fakefocus") else ""
        remedy = f"something runs there: stop it{other}" if taken else ""
        yield Finding("port", not taken, f"{port} ({what}) {'is taken' if taken else 'is free'}", remedy)


def _installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True


Look = Callable[[Path], Iterator[Finding]]
LOOKS: tuple[Look, ...] = (
    look_at_python,
    look_at_libraries,
    look_at_codecs,
    look_at_gpu,
    look_at_weights,
    look_at_data,
    look_at_disk,
    look_at_ports,
)

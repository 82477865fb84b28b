"""Finds the detector that is to answer: one that comes with the package, a folder, or one that MLflow tracks."""

import hashlib
import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from fakefocus.errors import InputError, did_you_mean
from fakefocus.models.contract import Contract, read_contract
from fakefocus.weights import RECOMMENDED, find_shipped, shipped_detectors

if TYPE_CHECKING:
    from torch import Tensor

CONTRACT, WEIGHTS = "architecture.json", "weights.safetensors"
_TRACKED = ("runs:/", "models:/")


@dataclass(frozen=True)
class Detector:
    """A trained detector on disk: what people call it, its folder, its contract, and the hash of its weights."""

    name: str
    folder: Path
    contract: Contract
    sha256: str

    def read_weights(self) -> "dict[str, Tensor]":
        """Return its tensors by name.

        Raises:
            InputError: If the file is not what safetensors writes; nothing is unpickled.
        """
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return load_file(self.folder / WEIGHTS)
        except SafetensorError as error:
            file = self.folder / WEIGHTS
            msg = f"{file}: no safetensors file ({error}); other kinds are not read, as they may run code"
            raise InputError(msg) from error


def find_detector(name: str | None = None) -> Detector:
    """Return a detector.

    Args:
        name: Of one that comes with the package; a folder (``./lite`` if it is called as one of these) with
            ``architecture.json`` and ``weights.safetensors``; or what MLflow calls one: ``models:/<name>@<alias>``,
            ``runs:/<run>/<name>``. None: the recommended one.

    Raises:
        InputError: If there is none of this name, or its folder holds something else.
    """
    name = name or RECOMMENDED
    if name.startswith(_TRACKED):
        return _opened(name, _tracked_folder(name))
    if name in shipped_detectors():
        return _opened(name, find_shipped(name, "model"))
    if Path(name).is_dir():
        return _opened(name, Path(name))
    names = shipped_detectors()
    msg = (
        f"model: nothing is called {name!r}{did_you_mean(name, names) or '.'} There are {', '.join(names)}, a folder "
        f"with {CONTRACT} and {WEIGHTS} (data/06_models/<experiment>/<detector>), or models:/<name>@<alias> and "
        "runs:/<run>/<name>"
    )
    raise InputError(msg)


def _opened(name: str, folder: Path) -> Detector:
    for file in (CONTRACT, WEIGHTS):
        if not (folder / file).is_file():
            msg = f"model: {folder} holds no {file}: name the folder of a trained detector"
            raise InputError(msg)
    try:
        content = json.loads((folder / CONTRACT).read_text(encoding="utf-8"))
    except ValueError as error:
        msg = f"model: {folder / CONTRACT} is no JSON ({error})"
        raise InputError(msg) from error
    if not isinstance(content, dict):
        msg = f"model: {folder / CONTRACT} must hold an object, it holds a {type(content).__name__}"
        raise InputError(msg)
    with (folder / WEIGHTS).open("rb") as weights:
        digest = hashlib.file_digest(weights, "sha256").hexdigest()
    return Detector(name, folder, read_contract(content), digest)


def _tracked_folder(uri: str) -> Path:
    """Return the folder of a detector that a run of MLflow has logged; it is copied from the store if need be."""
    import mlflow

    try:
        logged = Path(mlflow.artifacts.download_artifacts(artifact_uri=uri))
    except (mlflow.exceptions.MlflowException, OSError) as error:
        msg = f"model: MLflow has no {uri} ({error}): is MLFLOW_TRACKING_URI set to your store?"
        raise InputError(msg) from error
    folders = sorted(file.parent for file in logged.rglob(CONTRACT))
    if not folders:
        msg = f"model: {uri} is no detector of fakefocus: it holds no {CONTRACT}"
        raise InputError(msg)
    return folders[0]


def detectors_here(data: Path) -> list[Path]:
    """Return the folders of the detectors that were trained in a project, below its ``data/06_models``."""
    holds_weights = partial(_holds, WEIGHTS)
    return sorted(filter(holds_weights, (file.parent for file in (data / "06_models").rglob(CONTRACT))))


def _holds(file: str, folder: Path) -> bool:
    return (folder / file).is_file()

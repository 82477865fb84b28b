"""Reads weights of any origin from a file, without running code from it, and fits them into a network."""

import logging
import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from timm.layers import resample_abs_pos_embed
from torch import Tensor, nn

from fakefocus.errors import InputError
from fakefocus.models.family import Family

logger = logging.getLogger(__name__)

SUFFIXES = (".safetensors", ".pth", ".pt", ".ckpt", ".bin", ".h5")
CONTAINERS = ("state_dict", "model_state_dict", "model", "net")

# wrappers for several devices and for compilation
_WRAPPERS = ("module.", "_orig_mod.")
_CLASSIFIERS = ("head.", "fc.", "classifier.")
_COUNTER = "num_batches_tracked"

# numbers that trainers store beside their weights, under numpy's old and new name; none of these runs code
_scalar: Any = np.float64(0).__reduce__()[0]
_NUMBERS: list[Any] = [
    (_scalar, "numpy.core.multiarray.scalar"),
    (_scalar, "numpy._core.multiarray.scalar"),
    np.dtype,
    *(type(np.dtype(kind)) for kind in ("f2", "f4", "f8", "i4", "i8", "?")),
]


def read_weights(path: Path | str) -> dict[str, Tensor]:
    """Read tensors by name from ``.safetensors``, or ``.pth``, ``.pt``, ``.ckpt``, ``.bin`` as torch writes them.

    Of Keras' ``.h5`` they are ``<layer>/<name>``, as they lie there.

    Common containers (``state_dict``, ``model_state_dict``, ``model``, ``net``) and the prefixes of wrappers
    (``module.``) are taken off; of a checkpoint of this project's training, the network remains.

    Raises:
        InputError: If there is no such file, it cannot be read without running code from it, or holds no tensors.
    """
    path = Path(path)
    if not path.is_file():
        msg = f"weights: no file {path}; give one of {', '.join(SUFFIXES)}"
        raise InputError(msg)
    read = {".safetensors": _read_safetensors, ".h5": _read_keras}.get(path.suffix, _read_pickle)
    return _unwrap(read(path), path)


def fit_weights(
    network: nn.Module, weights: dict[str, Tensor], family: Family, source: Path | str | None = None
) -> None:
    """Load weights into a network: ours, a published checkpoint of the family, or those of one backbone in it.

    All must fit: none missing, none left over. Of a backbone's own weights its classifier is left out, and position
    embeddings are resampled to the network's grid of patches; the log says which part was loaded.

    Args:
        network: Changed in place; as it was where weights do not fit.
        weights: Tensors by name.
        family: The network's family.
        source: The file they come from, for messages.

    Raises:
        InputError: If they do not fit, with the first keys and shapes that differ.
    """
    candidates = [weights, family.renamed(weights)] if family.rename else [weights]
    for candidate in candidates:
        if not _difference(network, candidate):
            network.load_state_dict(_with_counters(network, candidate))
            return
    if family.published_head and all(name.startswith("head.") for name in candidates[-1]):
        file = source or "<file>"
        msg = (
            f"{family.name}.network.weights: {file} holds the head alone, say what is below it too: "
            f"{{backbone: pretrained, head: {file}}}"
        )
        raise InputError(msg)
    if not _fit_parts(network, weights, family, source):
        own = network.state_dict().keys()
        load_exactly(network, max(candidates, key=lambda c: len(own & c.keys())), family.name, source)


def fit_head(network: nn.Module, weights: dict[str, Tensor], family: Family, source: Path | str) -> None:
    """Load the published weights of a family's head, the rest of the network having its own.

    Raises:
        InputError: If they do not fit, with the first keys and shapes that differ.
    """
    head = network.get_submodule("head")
    renamed = {name.removeprefix("head."): value for name, value in family.renamed(weights).items()}
    difference = _difference(head, renamed)
    if difference:
        msg = f"{family.name}.network.weights.head: {source} does not fit: {difference}"
        raise InputError(msg)
    head.load_state_dict(renamed)


def load_exactly(network: nn.Module, weights: dict[str, Tensor], family: str, source: Path | str | None = None) -> None:
    """Load weights that have the network's own names.

    Raises:
        InputError: If they do not fit, with the first keys and shapes that differ.
    """
    difference = _difference(network, weights)
    if difference:
        place = f"weights in {source}" if source is not None else "weights"
        of_edition = "normalize.mean" in difference
        remedy = (
            f"{family}.network.edition to theirs" if of_edition else f"{family}.network to what they were trained with"
        )
        msg = f"{place} do not fit {family}: {difference}; set {remedy}"
        raise InputError(msg)
    network.load_state_dict(_with_counters(network, weights))


def load_backbone(backbone: nn.Module, weights: dict[str, Tensor], place: str, name: str) -> None:
    """Load a backbone's own weights, without their classifier; position embeddings are resampled to its grid.

    Raises:
        InputError: If they do not fit, with the ``place`` they are from, the backbone's ``name``, and the first keys
            and shapes that differ.
    """
    trimmed = _on_grid(backbone, _without_classifier(backbone, weights))
    difference = _difference(backbone, trimmed)
    if difference:
        msg = f"{place} does not fit {name}: {difference}"
        raise InputError(msg)
    backbone.load_state_dict(_with_counters(backbone, trimmed))


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except SafetensorError as error:
        msg = f"weights: {path} is damaged or no safetensors file ({error}); fetch it again"
        raise InputError(msg) from error


def _read_keras(path: Path) -> dict[str, Tensor]:
    """Read the weights of a Keras file, saved alone or with the model."""
    try:
        import h5py
    except ImportError as error:
        msg = f"weights: {path} is a file of Keras, which h5py reads: pip install h5py, or 'fakefocus[keras]'"
        raise InputError(msg) from error
    tensors: dict[str, Tensor] = {}

    def keep(name: str, entry: object) -> None:
        if isinstance(entry, h5py.Dataset):
            layer, _, own = name.rpartition("/")
            tensors[f"{layer.rpartition('/')[2]}/{own.partition(':')[0]}"] = torch.from_numpy(np.asarray(entry))

    try:
        with h5py.File(path, "r") as file:
            file.get("model_weights", file).visititems(keep)
    except OSError as error:
        msg = f"weights: {path} is damaged or no file of HDF5 ({error}); fetch it again"
        raise InputError(msg) from error
    return tensors


def _read_pickle(path: Path) -> object:
    if path.suffix not in SUFFIXES:
        msg = f"weights: {path} must end in one of {', '.join(SUFFIXES)}"
        raise InputError(msg)
    try:
        with torch.serialization.safe_globals(_NUMBERS):
            return torch.load(path, weights_only=True, map_location="cpu")
    except pickle.UnpicklingError as error:
        asked = re.search(r"GLOBAL (\S+)", str(error))
        what = f" ({asked[1]})" if asked else ""
        msg = (
            f"weights: {path} wants to run code{what} when it is opened, so it was not read. "
            "Ask its author for tensors alone: safetensors, or torch.save(network.state_dict(), …)"
        )
        raise InputError(msg) from error
    except Exception as error:  # torch raises whatever a damaged file leads to
        msg = f"weights: {path} is damaged or not written by torch.save ({type(error).__name__}); fetch it again"
        raise InputError(msg) from error


def _unwrap(content: object, path: Path) -> dict[str, Tensor]:
    """Return the tensors within a checkpoint."""
    while isinstance(content, Mapping) and (name := next((c for c in CONTAINERS if _is_mapping(content, c)), None)):
        content = content[name]
    entries = content if isinstance(content, Mapping) else {}
    tensors = {str(name): value for name, value in entries.items() if isinstance(value, Tensor)}
    if not tensors:
        content_in_words = (
            f"only {', '.join(map(str, list(entries)[:5]))}" if entries else f"a {type(content).__name__}"
        )
        containers = ", ".join(CONTAINERS)
        msg = f"weights: {path} holds {content_in_words}, no tensors by name, bare or under one of {containers}"
        raise InputError(msg)
    return _network_alone(_without_wrappers(tensors))


def _is_mapping(content: Mapping[Any, Any], name: str) -> bool:
    return isinstance(content.get(name), Mapping)


def _without_wrappers(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    for prefix in _WRAPPERS * 2:
        if all(name.startswith(prefix) for name in weights):
            weights = {name.removeprefix(prefix): value for name, value in weights.items()}
    return weights


def _network_alone(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the network of a checkpoint that our training wrote, which holds its loss as well."""
    inside = {n.removeprefix("network."): v for n, v in weights.items() if n.startswith("network.")}
    return inside or weights


def _fit_parts(network: nn.Module, weights: dict[str, Tensor], family: Family, source: Path | str | None) -> bool:
    """Load weights into each backbone that they fit; tell whether there was one."""
    loaded = False
    for name in family.parts:
        part = getattr(network, name, None)
        if not isinstance(part, nn.Module):
            continue
        trimmed = _on_grid(part, _without_classifier(part, weights))
        if not _difference(part, trimmed):
            part.load_state_dict(_with_counters(part, trimmed))
            logger.info("%s: loaded %s alone, from %s", family.name, name, source or "the given weights")
            loaded = True
    return loaded


def _without_classifier(part: nn.Module, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    own = part.state_dict().keys()
    return {n: v for n, v in weights.items() if n in own or not n.startswith(_CLASSIFIERS)}


def _on_grid(part: nn.Module, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Resample the position embeddings of a transformer, ``(1, T, D)``, to its own grid of patches."""
    own, stored = part.state_dict().get("pos_embed"), weights.get("pos_embed")
    grid = getattr(getattr(part, "patch_embed", None), "grid_size", None)
    prefix = getattr(part, "num_prefix_tokens", 0)
    if own is None or stored is None or grid is None or stored.ndim != 3 or own.shape[1] == stored.shape[1]:
        return weights
    if own.shape[1] != prefix + grid[0] * grid[1] or stored.shape[1] <= prefix:
        return weights
    return {**weights, "pos_embed": resample_abs_pos_embed(stored, list(grid), num_prefix_tokens=prefix)}


def _with_counters(network: nn.Module, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Add the batch counters that older files lack; only norms without a momentum read them."""
    own = network.state_dict()
    return {**{n: v for n, v in own.items() if n.endswith(_COUNTER)}, **weights}


def _difference(network: nn.Module, weights: dict[str, Tensor]) -> str:
    """Say in words how weights differ from what a network needs; empty where they fit."""
    own = network.state_dict()
    missing = [n for n in own if n not in weights and not n.endswith(_COUNTER)]
    unexpected = [n for n in weights if n not in own]
    shapes = [
        f"{n} is {tuple(weights[n].shape)}, not {tuple(own[n].shape)}"
        for n in own
        if n in weights and weights[n].shape != own[n].shape
    ]
    differences = {"missing": missing, "unexpected": unexpected, "other shapes:": shapes}
    return "; ".join(f"{word} {_first(names)}" for word, names in differences.items() if names)


def _first(names: list[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more

"""The graph of a detector: beside its weights, or made once and kept."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from openvino import get_version

from fakefocus.cache import is_graph, kept_graph, write_graph
from fakefocus.errors import needs_extra
from fakefocus.models.contract import Contract

if TYPE_CHECKING:
    import openvino as ov
    from torch import Tensor

EDITION = 2
"""Raise when the same detector gives another graph."""
_COMPUTED = ("family", "network", "training", "input")
"""What of a contract says what is computed."""


def stored_graph(
    contract: Contract, sha256: str, read_weights: "Callable[[], dict[str, Tensor]]", folder: Path
) -> Path:
    """Return the file of a detector's graph: the one in its folder, or one that is made and kept.

    Args:
        contract: What the detector is.
        sha256: The hash of its weights.
        read_weights: Reads them; called only where the graph is to be made.
        folder: Where contract and weights lie.

    Raises:
        InputError: If the graph is to be made, and torch is not installed.
    """
    packed = _packed(contract, sha256, folder)
    if is_graph(packed):
        return packed
    key = f"{contract.family}-{_digest(contract, sha256, get_version())}"
    return kept_graph(key, lambda: _make(contract, read_weights))


def pack_graph(contract: Contract, sha256: str, read_weights: "Callable[[], dict[str, Tensor]]", folder: Path) -> Path:
    """Write a detector's graph to its folder, so that whoever is given that needs no torch; return its file.

    Raises:
        InputError: If torch is not installed.
    """
    return write_graph(_make(contract, read_weights), _packed(contract, sha256, folder))


def _make(contract: Contract, read_weights: "Callable[[], dict[str, Tensor]]") -> "ov.Model":
    with needs_extra("explain", f"model: no graph lies beside the weights of this {contract.name}, and to make one"):
        from fakefocus.graphs.convert import to_graph

        return to_graph(contract, read_weights())


def _packed(contract: Contract, sha256: str, folder: Path) -> Path:
    return folder / f"graph-{_digest(contract, sha256)}.xml"


def _digest(contract: Contract, *parts: str) -> str:
    computed = {name: value for name, value in contract.model_dump(mode="json").items() if name in _COMPUTED}
    return hashlib.sha256(json.dumps([EDITION, *parts, computed], sort_keys=True).encode()).hexdigest()[:24]

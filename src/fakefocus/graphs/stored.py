"""The graph of a detector, made once and kept."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from openvino import get_version

from fakefocus.cache import kept_graph
from fakefocus.models.contract import Contract

if TYPE_CHECKING:
    import openvino as ov
    from torch import Tensor

EDITION = 2
"""Raise when the same detector gives another graph."""
_COMPUTED = ("family", "network", "training", "input")
"""What of a contract says what is computed."""


def stored_graph(contract: Contract, sha256: str, read_weights: "Callable[[], dict[str, Tensor]]") -> Path:
    """Return the file of a detector's graph.

    Args:
        contract: What the detector is.
        sha256: The hash of its weights.
        read_weights: Reads them; called only where the graph is to be made.
    """

    def make() -> "ov.Model":
        from fakefocus.graphs.convert import to_graph

        return to_graph(contract, read_weights())

    return kept_graph(_key(contract, sha256), make)


def _key(contract: Contract, sha256: str) -> str:
    computed = {name: value for name, value in contract.model_dump(mode="json").items() if name in _COMPUTED}
    parts = [EDITION, get_version(), sha256, computed]
    return f"{contract.family}-{hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:24]}"

"""Detectors that come with the package: weights, contract and card in a folder a family; nothing is fetched.

``network.weights: portraits`` starts a training from them, and ``--pipelines=shipped`` with
``--params=trained_on=shipped`` judges them as they are.
"""

import json
from pathlib import Path
from typing import Any

from fakefocus.errors import InputError, did_you_mean

SHIPPED = "shipped"
"""The name of the experiment that they are of, where one is asked for."""
RECOMMENDED = "lite"
"""The one that answers where none is named: of those that come with the package, the best on validation videos."""
STARTING_WEIGHTS = "portraits"
"""What ``network.weights`` calls them."""
LICENCE = "MIT, as fakefocus; trained on pictures in the public domain, see the card beside them"
_FOLDER = Path(__file__).parent


def shipped_detectors() -> list[str]:
    """Return the families of which a trained detector comes with the package."""
    return sorted(path.parent.name for path in _FOLDER.glob("*/architecture.json"))


def find_shipped(family: str, place: str) -> Path:
    """Return the folder of a detector: ``weights.safetensors``, ``architecture.json`` and ``card.md``.

    Raises:
        InputError: If none of this family comes with the package; ``place`` is what asks for it.
    """
    names = shipped_detectors()
    if family not in names:
        near = did_you_mean(family, names)
        msg = f"{place}: no detector of {family} comes with fakefocus{near}: there are {', '.join(names) or 'none'}"
        raise InputError(msg)
    return _FOLDER / family


def load_shipped(family: str) -> dict[str, Any]:
    """Return a detector that comes with the package: ``contract`` as JSON holds it, and ``weights`` by name.

    Raises:
        InputError: If there is none of this family.
    """
    from safetensors.torch import load_file

    folder = find_shipped(family, "load_shipped")
    contract = json.loads((folder / "architecture.json").read_text(encoding="utf-8"))
    return {"contract": contract, "weights": load_file(folder / "weights.safetensors")}

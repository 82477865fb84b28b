"""Builds networks and losses by family name, and puts a trained detector together again."""

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

import torch
from torch import Tensor, nn

from fakefocus.models.backbones import check_name
from fakefocus.models.cnndetect.network import CnnDetect
from fakefocus.models.efficientnet_b4.network import EfficientNetB4
from fakefocus.models.f3net.network import F3Net
from fakefocus.models.losses import BaselineLoss
from fakefocus.models.meso4.network import Meso4
from fakefocus.models.meso_inception4.network import MesoInception4
from fakefocus.models.multistream.loss import MultistreamLoss
from fakefocus.models.multistream.network import MultiStream
from fakefocus.models.scade_net.loss import ScadeLoss
from fakefocus.models.scade_net.network import ScadeNet
from fakefocus.models.univfd.network import UnivFd
from fakefocus.models.weights import fit_weights, load_exactly, read_weights
from fakefocus.models.xception.network import Xception
from fakefocus.schemas import BASELINES, FAMILIES, InputError

_NETWORKS: dict[str, Callable[..., nn.Module]] = {
    "scade_net": ScadeNet,
    "multistream": MultiStream,
    "meso4": Meso4,
    "meso_inception4": MesoInception4,
    "xception": Xception,
    "efficientnet_b4": EfficientNetB4,
    "cnndetect": CnnDetect,
    "univfd": UnivFd,
    "f3net": F3Net,
}
_WITHOUT_BACKBONE = ("scade_net", "meso4", "meso_inception4")
_CHANNELS = ("red", "green", "blue", "blur", "confidence")


def build_network(family: str, options: dict[str, Any]) -> nn.Module:
    """Build a network; ``options`` are the parameters ``<family>.network``.

    ``weights`` among them: none for random ones, pretrained for those that timm has of the backbones, or a file.

    Raises:
        InputError: If the family is unknown, or the weights cannot be had or do not fit.
    """
    _check(family)
    rest = dict(options)
    weights = str(rest.pop("weights", "none"))
    if family not in _WITHOUT_BACKBONE:
        rest["pretrained"] = weights == "pretrained"
    elif weights == "pretrained":
        msg = f"{family}.network.weights: nobody publishes weights of this family, name a file or set it to none"
        raise InputError(msg)
    network = _NETWORKS[family](**rest)
    if weights not in ("none", "pretrained"):
        fit_weights(network, read_weights(weights), family, weights)
    return network


def build_loss(family: str, options: dict[str, Any]) -> nn.Module:
    """Build a family's loss; ``options`` are the parameters ``<family>.loss``.

    Raises:
        InputError: If the family is unknown.
    """
    _check(family)
    if family == "scade_net":
        return ScadeLoss(ScadeNet.embedding_dim, **options)
    return MultistreamLoss(**options) if family == "multistream" else BaselineLoss(**options)


def input_contract(network: nn.Module) -> dict[str, Any]:
    """Return what a network takes: its channels and side, in [0, 1], and by what it normalises them itself."""
    told: Any = network
    means = [m for m in network.modules() if isinstance(getattr(m, "mean", None), Tensor)]
    return {
        "channels": list(_CHANNELS[: told.in_chans]),
        "img_size": told.img_size,
        "range": [0, 1],
        "normalize": [{name: getattr(m, name).flatten().tolist() for name in ("mean", "std")} for m in means],
    }


def check_backbones(family: str, options: dict[str, Any]) -> None:
    """Check that timm knows the backbones among ``<family>.network``.

    Raises:
        InputError: With the parameter, the unknown name and the nearest known ones.
    """
    for part in ("backbone", "spatial", "spectral", "semantic"):
        if part in options:
            check_name(family, part, options[part])


def load_network(architecture: dict[str, Any], weights: dict[str, Tensor]) -> nn.Module:
    """Put a trained detector together, ready to score.

    Args:
        architecture: ``family`` and ``network`` as its JSON file has them.
        weights: Tensors by name.

    Raises:
        InputError: If the weights are not of this architecture; names the first keys and shapes that differ.
    """
    # weights follow, so none are fetched
    network = build_network(architecture["family"], architecture["network"] | {"weights": "none"})
    load_exactly(network, weights, architecture["family"])
    return network.eval().to(memory_format=torch.channels_last)


def _check(family: str) -> None:
    known = (*FAMILIES, *BASELINES)
    if family not in known:
        near = get_close_matches(family, known, n=1)
        hint = f", did you mean {near[0]!r}?" if near else ""
        msg = f"unknown family {family!r}{hint} Known: {', '.join(known)}"
        raise InputError(msg)

"""Builds networks and losses by family name, and puts a trained detector together again."""

from difflib import get_close_matches
from typing import Any

import timm
import torch
from torch import Tensor, nn

from fakefocus.models.multistream.loss import MultistreamLoss
from fakefocus.models.multistream.network import MultiStream
from fakefocus.models.scade_net.loss import ScadeLoss
from fakefocus.models.scade_net.network import ScadeNet
from fakefocus.models.weights import load_exactly
from fakefocus.schemas import FAMILIES, InputError


def build_network(family: str, options: dict[str, Any]) -> nn.Module:
    """Build an untrained network; ``options`` are the parameters ``<family>.network``.

    Raises:
        InputError: If the family is unknown.
    """
    _check(family)
    return ScadeNet(**options) if family == "scade_net" else MultiStream(**options)


def build_loss(family: str, options: dict[str, Any]) -> nn.Module:
    """Build a family's loss; ``options`` are the parameters ``<family>.loss``.

    Raises:
        InputError: If the family is unknown.
    """
    _check(family)
    return ScadeLoss(ScadeNet.embedding_dim, **options) if family == "scade_net" else MultistreamLoss(**options)


def check_backbones(options: dict[str, Any]) -> None:
    """Check that timm knows the backbones of ``multistream.network``.

    Raises:
        InputError: With the parameter, the unknown name and the nearest known ones.
    """
    for stream in ("spatial", "spectral", "semantic"):
        name = options[stream]
        if not timm.is_model(name):
            near = get_close_matches(name, timm.list_models(), n=3)
            hint = f", did you mean {' or '.join(map(repr, near))}?" if near else "; see timm.list_models()"
            msg = f"multistream.network.{stream}: timm has no model {name!r}{hint}"
            raise InputError(msg)


def load_network(architecture: dict[str, Any], weights: dict[str, Tensor]) -> nn.Module:
    """Put a trained detector together, ready to score.

    Args:
        architecture: ``family`` and ``network`` as its JSON file has them.
        weights: Tensors by name.

    Raises:
        InputError: If the weights are not of this architecture; names the first keys and shapes that differ.
    """
    # weights follow, so none are fetched
    options = dict(architecture["network"])
    if "pretrained" in options:
        options["pretrained"] = False
    network = build_network(architecture["family"], options)
    load_exactly(network, weights, architecture["family"])
    return network.eval().to(memory_format=torch.channels_last)


def _check(family: str) -> None:
    if family not in FAMILIES:
        near = get_close_matches(family, FAMILIES, n=1)
        hint = f", did you mean {near[0]!r}?" if near else ""
        msg = f"unknown family {family!r}{hint} Known: {', '.join(FAMILIES)}"
        raise InputError(msg)

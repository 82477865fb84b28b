"""Builds networks and losses by family name, and puts a trained detector together again."""

import json
from pathlib import Path
from pkgutil import resolve_name
from typing import Any

import torch
from torch import Tensor, nn

from fakefocus.errors import InputError
from fakefocus.models import find_family
from fakefocus.models.backbones import check_name
from fakefocus.models.contract import Contract, InputSpec, Normalization, StartingWeights, read_contract
from fakefocus.models.family import Family, Weights
from fakefocus.models.packaged import find_packaged
from fakefocus.models.weights import fit_head, fit_weights, load_exactly, read_weights
from fakefocus.weights import LICENCE, STARTING_WEIGHTS, find_shipped

_ONLY_TRAINING = {"stream_drop_rate", "drop_rate"}
"""Parameters of networks that change nothing of what a trained one computes."""
_NO_FILES = ("none", "pretrained", "packaged")
"""What ``weights`` may be besides a file."""
_CHANNELS = ("red", "green", "blue", "blur", "confidence")


def build_network(family: str, options: dict[str, Any]) -> nn.Module:
    """Build a network; ``options`` are the parameters ``<family>.network``.

    ``weights`` among them: none for random ones, pretrained for those that timm has of the backbones, packaged for
    those in installed packages, a file, or one of these by part (and a file for the head, of families whose head is
    published alone); portraits for the family's detector that comes with this package.

    Raises:
        InputError: If the family is unknown, or the weights cannot be had or do not fit.
    """
    declared = find_family(family)
    arguments = {name: value for name, value in options.items() if name != "weights"}
    weights: Weights = options.get("weights", "none")
    _check_weights(declared, weights)
    if declared.parts:
        everywhere = dict.fromkeys(declared.parts, "packaged") if weights == "packaged" else weights == "pretrained"
        arguments["pretrained"] = weights if isinstance(weights, dict) else everywhere
    network: nn.Module = declared.build_network(**arguments)
    if isinstance(weights, str) and weights not in _NO_FILES:
        file = _file_of(weights, family)
        _check_variant(declared, options, file)
        fit_weights(network, read_weights(file), declared, file)
    if isinstance(weights, dict) and weights.get("head", "none") != "none":
        fit_head(network, read_weights(weights["head"]), declared, weights["head"])
    return network


def build_loss(family: str, options: dict[str, Any]) -> nn.Module:
    """Build a family's loss; ``options`` are the parameters ``<family>.loss``.

    Raises:
        InputError: If the family is unknown.
    """
    loss: nn.Module = find_family(family).build_loss(**options)
    return loss


def input_spec(network: nn.Module) -> InputSpec:
    """Return what a network takes: its channels and side, in [0, 1], and by what it normalises them itself."""
    described: Any = network
    norms = [module for module in network.modules() if isinstance(getattr(module, "mean", None), Tensor)]
    return InputSpec(
        channels=_CHANNELS[: described.in_chans],
        img_size=described.img_size,
        normalize=tuple(Normalization(mean=_numbers(norm.mean), std=_numbers(norm.std)) for norm in norms),
    )


def input_channels(family: str, options: dict[str, Any]) -> int:
    """Return how many channels a network takes, before it is built: RGB, and maps if it sees them."""
    declared = options.get("in_chans") or resolve_name(find_family(family).network).in_chans
    return int(declared)


def starting_weights(options: dict[str, Any], network: nn.Module) -> tuple[StartingWeights, ...]:
    """Return where a network's weights come from, and under which licence, part by part."""
    weights: Weights = options.get("weights", "none")
    if isinstance(weights, dict):
        built = [(part, source) for part, source in sorted(weights.items()) if hasattr(network, part)]
        return tuple(_origin(part, source, network) for part, source in built)
    if weights in ("pretrained", "packaged"):
        parts = [name for name, module in network.named_children() if hasattr(module, "pretrained_cfg")]
        return tuple(_origin(part, weights, network) for part in parts)
    return (_origin("network", weights, network),)


def check_backbones(family: str, options: dict[str, Any]) -> None:
    """Check that timm knows the backbones among ``<family>.network``.

    Raises:
        InputError: With the parameter, the unknown name and the nearest known ones.
    """
    for part in find_family(family).parts:
        check_name(family, part, options[part])


def load_network(contract: Contract, weights: dict[str, Tensor]) -> nn.Module:
    """Put a trained detector together, ready to score.

    Args:
        contract: What the detector is.
        weights: Tensors by name.

    Raises:
        InputError: If the weights are not of this contract; names the first keys and shapes that differ.
    """
    # weights follow, so none are fetched
    network = build_network(contract.family, contract.network | {"weights": "none"})
    load_exactly(network, weights, contract.family)
    return network.eval().to(memory_format=torch.channels_last)


def _file_of(weights: str, family: str) -> Path:
    """Return the file that ``weights`` names: one that comes with the package, or the user's."""
    if weights != STARTING_WEIGHTS or Path(weights).is_file():
        return Path(weights)
    return find_shipped(family, f"{family}.network.weights") / "weights.safetensors"


def _check_variant(family: Family, options: dict[str, Any], file: Path) -> None:
    """Refuse weights of another variant of a family: of some, shapes are the same and only the contract knows.

    Raises:
        InputError: If the contract beside ``file`` differs in what the family's ablations change.
    """
    beside = file.with_name("architecture.json")
    content = json.loads(beside.read_text(encoding="utf-8")) if beside.is_file() else {}
    if content.get("family") != family.name:
        return
    learned = family.network_options.model_validate(read_contract(content).network)
    own = family.network_options.model_validate(options)
    for name in sorted({key for variant in family.variants.values() for key in variant.changes.get("network", {})}):
        theirs, ours = getattr(learned, name), getattr(own, name)
        if theirs != ours and name not in _ONLY_TRAINING:
            msg = (
                f"{family.name}.network.weights: {file} was trained with {name} {theirs}, this network has {ours}: set "
                f"{family.name}.network.{name} to what it was trained with, or name other weights"
            )
            raise InputError(msg)


def _check_weights(family: Family, weights: Weights) -> None:
    place = f"{family.name}.network.weights"
    if weights in ("pretrained", "packaged") and not family.parts:
        msg = f"{place}: nobody publishes weights of this family, name a file or set it to none"
        raise InputError(msg)
    if not isinstance(weights, dict):
        return
    loadable = (*family.parts, "head") if family.published_head else family.parts
    parts = ", ".join(loadable) or "none, name one file"
    unknown, missing = sorted(set(weights) - set(loadable)), sorted(set(family.parts) - set(weights))
    if unknown:
        msg = f"{place}: {', '.join(unknown)} is no part of this family; parts are {parts}"
        raise InputError(msg)
    if missing:
        kinds = "none, pretrained, packaged or a file"
        msg = f"{place}: say of {', '.join(missing)} too whether it is {kinds}; parts are {parts}"
        raise InputError(msg)
    if weights.get("head") in ("pretrained", "packaged"):
        msg = f"{place}.head: must be none or a file, got {weights['head']!r}"
        raise InputError(msg)


def _origin(part: str, source: str, network: nn.Module) -> StartingWeights:
    if source == "none":
        return StartingWeights(part=part, source="random", licence="none needed")
    if source == STARTING_WEIGHTS:
        return StartingWeights(part=part, source="fakefocus, trained on portraits", licence=LICENCE)
    if source not in ("pretrained", "packaged"):
        return StartingWeights(part=part, source=source, licence="not known: ask whoever made the file")
    config: dict[str, Any] = getattr(getattr(network, part), "pretrained_cfg", {})
    if source == "packaged":
        packaged = find_packaged(str(config.get("architecture")), part)
        return StartingWeights(part=part, source=packaged.source, licence=packaged.licence)
    name = ".".join(str(config[key]) for key in ("architecture", "tag") if config.get(key))
    return StartingWeights(part=part, source=f"timm {name}", licence=str(config.get("license") or "not named by timm"))


def _numbers(values: Any) -> tuple[float, ...]:  # noqa: ANN401 (a tensor of three)
    return tuple(float(value) for value in values.flatten())

"""Names of published MesoNets: the authors' Keras files, and a port to PyTorch.

The authors (https://github.com/DariusAf/MesoNet) write layers of Keras in the order of their making, kernels with the
channels last, a norm of ε .001, and the probability of real. The port has no biases, one norm for two convolutions, two
classes and pixels from -1 to 1; of its author's files (https://github.com/HongguLiu/MesoNet-Pytorch) the first class is
fake, of DeepfakeBench's (https://github.com/SCLBD/DeepfakeBench), where it lies under ``backbone``, the second.
"""

import re
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from fakefocus.models.published import NORM, half_normalized, one_logit, unknown, within

_KERAS_EPSILON, _TORCH_EPSILON = 1e-3, 1e-5
_LAYER = re.compile(r"(conv2d|batch_normalization|dense)(?:_(\d+))?/.+")
_MAP_SIDE = 8
"""Side of the last map, whose values the first linear layer takes."""
_NORMS = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}

CONVOLUTIONS = ("blocks.0.0", "blocks.1.0", "blocks.2.0", "blocks.3.0")
NORMS = ("blocks.0.2", "blocks.1.2", "blocks.2.2", "blocks.3.2")
DENSE = ("head.1", "head.4")
_PORT = dict(zip(CONVOLUTIONS, ("conv1", "conv2", "conv3", "conv4"), strict=True))
_PORT_NORMS = dict(zip(NORMS, ("bn1", "bn1", "bn2", "bn2"), strict=True))


def rename(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return published weights of Meso-4 under our names; others as they are."""
    if is_keras(weights):
        return from_keras(weights, CONVOLUTIONS, NORMS)
    return from_port(weights, _PORT, _PORT_NORMS)


def is_keras(weights: Mapping[str, Tensor]) -> bool:
    """Tell whether tensors have the names of Keras' layers."""
    return bool(weights) and all(_LAYER.fullmatch(name) for name in weights)


def from_keras(weights: Mapping[str, Tensor], convolutions: Sequence[str], norms: Sequence[str]) -> dict[str, Tensor]:
    """Return Keras' tensors under our names.

    Args:
        weights: By ``<layer>/<name>``; layers of a kind are numbered in the order of their making.
        convolutions: Our names of them in that order.
        norms: Ours of the norms; two linear layers follow. A file with other numbers of layers is of another network,
            and comes back as it is.
    """
    theirs = {kind: _layers(weights, kind) for kind in ("conv2d", "batch_normalization", "dense")}
    if [len(layers) for layers in theirs.values()] != [len(convolutions), len(norms), len(DENSE)]:
        return dict(weights)
    renamed: dict[str, Tensor] = {}
    for ours, layer in zip(convolutions, theirs["conv2d"], strict=True):
        renamed[f"{ours}.weight"] = weights[f"{layer}/kernel"].permute(3, 2, 0, 1).contiguous()
        renamed[f"{ours}.bias"] = weights[f"{layer}/bias"]
    for ours, layer in zip(norms, theirs["batch_normalization"], strict=True):
        renamed |= {f"{ours}.{name}": weights[f"{layer}/{published}"] for published, name in _NORMS.items()}
        # another ε is another variance
        renamed[f"{ours}.running_var"] = renamed[f"{ours}.running_var"] + (_KERAS_EPSILON - _TORCH_EPSILON)
    hidden, last = theirs["dense"]
    renamed[f"{DENSE[0]}.weight"] = _channels_first(weights[f"{hidden}/kernel"])
    renamed[f"{DENSE[0]}.bias"] = weights[f"{hidden}/bias"]
    # what is above 0 there is real
    renamed[f"{DENSE[1]}.weight"] = -weights[f"{last}/kernel"].T.contiguous()
    renamed[f"{DENSE[1]}.bias"] = -weights[f"{last}/bias"]
    return renamed


def _layers(weights: Mapping[str, Tensor], kind: str) -> list[str]:
    names = {name.rpartition("/")[0] for name in weights}
    numbered = {name: match for name in names if (match := _LAYER.fullmatch(f"{name}/x")) and match[1] == kind}
    return sorted(numbered, key=lambda name: int(numbered[name][2] or 0))


def _channels_first(kernel: Tensor) -> Tensor:
    """Return a linear layer's ``(out, C H W)`` of Keras' ``(H W C, out)``."""
    values, out = kernel.shape
    maps = kernel.T.reshape(out, _MAP_SIDE, _MAP_SIDE, values // _MAP_SIDE**2)
    return maps.permute(0, 3, 1, 2).reshape(out, values).contiguous()


def from_port(
    weights: dict[str, Tensor], convolutions: Mapping[str, str], norms: Mapping[str, str]
) -> dict[str, Tensor]:
    """Return the port's tensors under our names; what is missing stays so, what is unknown keeps its name.

    Args:
        weights: Of the port, or of another network, which come back as they are.
        convolutions: Theirs by our names of them.
        norms: Theirs by our names; one of theirs becomes several of ours.
    """
    inner = within(weights, "backbone.")
    port = inner or weights
    if not {"fc1.weight", "fc2.weight", f"{convolutions[CONVOLUTIONS[-1]]}.weight"} <= port.keys():
        return weights
    theirs = {f"{ours}.weight": f"{layer}.weight" for ours, layer in convolutions.items()}
    theirs |= {f"{ours}.{name}": f"{layer}.{name}" for ours, layer in norms.items() for name in NORM}
    theirs |= {f"{DENSE[0]}.{name}": f"fc1.{name}" for name in ("weight", "bias")}
    renamed = {ours: port[name] for ours, name in theirs.items() if name in port}
    biases = {
        f"{ours}.bias": torch.zeros(len(port[key]))
        for ours in convolutions
        if (key := theirs[f"{ours}.weight"]) in port
    }
    last = one_logit(port, "fc2", DENSE[1], fake=1 if inner else 0)
    return renamed | biases | last | half_normalized() | unknown(port, {*theirs.values(), "fc2.weight", "fc2.bias"})

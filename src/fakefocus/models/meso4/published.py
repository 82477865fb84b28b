"""Names of published MesoNets: the authors' Keras files, and a port to PyTorch.

The authors (https://github.com/DariusAf/MesoNet) write layers of Keras in the order of their making, kernels with the
channels last, a norm of ε .001, and the probability of real. The port (https://github.com/HongguLiu/MesoNet-Pytorch,
and DeepfakeBench's, https://github.com/SCLBD/DeepfakeBench) has no biases, two norms for four convolutions and two
classes, of which the second is taken for fake.
"""

import re
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

_KERAS_EPSILON, _TORCH_EPSILON = 1e-3, 1e-5
_LAYER = re.compile(r"(conv2d|batch_normalization|dense)(?:_(\d+))?/.+")
_MAP_SIDE = 8
"""Side of the last map, whose values the first linear layer takes."""
_NORMS = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean", "moving_variance": "running_var"}
_PORTED_NORMS = ("weight", "bias", "running_mean", "running_var")

CONVOLUTIONS = ("blocks.0.0", "blocks.1.0", "blocks.2.0", "blocks.3.0")
NORMS = ("blocks.0.2", "blocks.1.2", "blocks.2.2", "blocks.3.2")
DENSE = ("head.1", "head.4")
_PORTED = {"conv1": 0, "conv2": 1, "conv3": 2, "conv4": 3}
_PORTED_NAMES = {
    *(f"{layer}.weight" for layer in _PORTED),
    *(f"bn{n}.{name}" for n in (1, 2) for name in _PORTED_NORMS),
    *(f"fc{n}.{name}" for n in (1, 2) for name in ("weight", "bias")),
}


def rename(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return published weights of Meso-4 under our names; others as they are."""
    if is_keras(weights):
        return from_keras(weights, CONVOLUTIONS, NORMS)
    inner = {name.removeprefix("backbone."): value for name, value in weights.items()}
    return _from_port(inner) if inner.keys() >= _PORTED_NAMES and len(inner["fc2.weight"]) == 2 else weights


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


def _from_port(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    renamed: dict[str, Tensor] = {}
    for theirs, block in _PORTED.items():
        kernel = weights[f"{theirs}.weight"]
        renamed[f"{CONVOLUTIONS[block]}.weight"] = kernel
        renamed[f"{CONVOLUTIONS[block]}.bias"] = torch.zeros(len(kernel))
        shared = f"bn{block // 2 + 1}"
        renamed |= {f"{NORMS[block]}.{name}": weights[f"{shared}.{name}"].clone() for name in _PORTED_NORMS}
    renamed |= {f"{DENSE[0]}.{name}": weights[f"fc1.{name}"] for name in ("weight", "bias")}
    real, fake = weights["fc2.weight"]
    renamed[f"{DENSE[1]}.weight"] = (fake - real)[None]
    renamed[f"{DENSE[1]}.bias"] = (weights["fc2.bias"][1] - weights["fc2.bias"][0])[None]
    return renamed

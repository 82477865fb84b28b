"""The authors' Keras files of both MesoNets and a port give the numbers that they gave there; files are simulated."""

from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from fakefocus.models.build import build_network

Layers = list[tuple[str, dict[str, np.ndarray]]]
MODULES = ((3, (1, 4, 4, 2)), (11, (2, 4, 4, 2)))


def _drawn(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return (0.3 * rng.standard_normal(shape)).astype(np.float32)


def _convolution(rng: np.random.Generator, into: int, out: int, side: int) -> dict[str, np.ndarray]:
    return {"kernel:0": _drawn(rng, side, side, into, out), "bias:0": _drawn(rng, out)}


def _norm(rng: np.random.Generator, channels: int) -> dict[str, np.ndarray]:
    names = ("gamma:0", "beta:0", "moving_mean:0")
    return {name: _drawn(rng, channels) for name in names} | {"moving_variance:0": np.abs(_drawn(rng, channels))}


def _head(rng: np.random.Generator) -> Layers:
    sizes = ((1024, 16), (16, 1))
    return [("dense", {"kernel:0": _drawn(rng, *size) / 10, "bias:0": _drawn(rng, size[1])}) for size in sizes]


def _meso4(rng: np.random.Generator) -> Layers:
    layers = []
    for into, out, side in ((3, 8, 3), (8, 8, 5), (8, 16, 5), (16, 16, 5)):
        layers += [("conv2d", _convolution(rng, into, out, side)), ("batch_normalization", _norm(rng, out))]
    return layers + _head(rng)


def _meso_inception4(rng: np.random.Generator) -> Layers:
    layers = []
    for into, (first, *widths) in MODULES:
        layers.append(("conv2d", _convolution(rng, into, first, 1)))
        for width in widths:
            layers += [("conv2d", _convolution(rng, into, width, 1)), ("conv2d", _convolution(rng, width, width, 3))]
        layers.append(("batch_normalization", _norm(rng, first + sum(widths))))
    for into in (12, 16):
        layers += [("conv2d", _convolution(rng, into, 16, 5)), ("batch_normalization", _norm(rng, 16))]
    return layers + _head(rng)


def _write(path: Path, layers: Layers) -> None:
    """Write layers as Keras 2 does: a group a layer, in it one of the same name; layers without weights too."""
    counts: dict[str, int] = {}
    with h5py.File(path, "w") as file:
        file.create_group("max_pooling2d_1")
        for kind, tensors in layers:
            counts[kind] = counts.get(kind, 0) + 1
            name = f"{kind}_{counts[kind]}"
            for key, value in tensors.items():
                file.create_dataset(f"{name}/{name}/{key}", data=value)


def _keras_convolution(x: Tensor, layer: dict[str, np.ndarray], dilation: int = 1) -> Tensor:
    """Compute a convolution of «same» size with ReLU on ``(B, H, W, C)``, as Keras lays pictures out."""
    kernel = torch.from_numpy(layer["kernel:0"])
    padding = dilation * (kernel.shape[0] // 2)
    planes = x.permute(0, 3, 1, 2)
    made = F.conv2d(planes, kernel.permute(3, 2, 0, 1), torch.from_numpy(layer["bias:0"]), 1, padding, dilation)
    return made.relu().permute(0, 2, 3, 1)


def _keras_norm(x: Tensor, layer: dict[str, np.ndarray], pool: int) -> Tensor:
    gamma, beta, mean, variance = (torch.from_numpy(value) for value in layer.values())
    normed = gamma * (x - mean) / (variance + 1e-3).sqrt() + beta
    return F.max_pool2d(normed.permute(0, 3, 1, 2), pool).permute(0, 2, 3, 1)


def _keras_head(x: Tensor, layers: Iterator[dict[str, np.ndarray]]) -> Tensor:
    """Return the probability of real: pixels by pixels, their channels together."""
    hidden, last = next(layers), next(layers)
    x = x.flatten(1) @ torch.from_numpy(hidden["kernel:0"]) + torch.from_numpy(hidden["bias:0"])
    x = F.leaky_relu(x, 0.1) @ torch.from_numpy(last["kernel:0"]) + torch.from_numpy(last["bias:0"])
    return x.sigmoid()[:, 0]


def _as_keras_meso4(x: Tensor, tensors: list[dict[str, np.ndarray]]) -> Tensor:
    layers = iter(tensors)
    for pool in (2, 2, 2, 4):
        x = _keras_norm(_keras_convolution(x, next(layers)), next(layers), pool)
    return _keras_head(x, layers)


def _as_keras_meso_inception4(x: Tensor, tensors: list[dict[str, np.ndarray]]) -> Tensor:
    layers = iter(tensors)
    for _ in MODULES:
        branches = [_keras_convolution(x, next(layers))]
        branches += [
            _keras_convolution(_keras_convolution(x, next(layers)), next(layers), dilation) for dilation in (1, 2, 3)
        ]
        x = _keras_norm(torch.cat(branches, 3), next(layers), 2)
    for pool in (2, 4):
        x = _keras_norm(_keras_convolution(x, next(layers)), next(layers), pool)
    return _keras_head(x, layers)


@pytest.mark.parametrize(
    ("family", "make", "compute"),
    [
        ("meso4", _meso4, _as_keras_meso4),
        ("meso_inception4", _meso_inception4, _as_keras_meso_inception4),
    ],
)
def test_keras_file_gives_the_probability_of_fake_that_it_gave_in_keras(
    family: str, make: Callable[..., Layers], compute: Callable[..., Tensor], tmp_path: Path
) -> None:
    layers = make(np.random.default_rng(1))
    _write(tmp_path / "theirs.h5", layers)
    network = build_network(family, {"weights": str(tmp_path / "theirs.h5")}).eval()
    pictures = torch.rand(3, 256, 256, 3, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        ours = network(pictures.permute(0, 3, 1, 2)).sigmoid()
    assert torch.allclose(ours, 1 - compute(pictures, [tensors for _, tensors in layers]), atol=1e-5)
    assert ours.std() > 1e-4


def test_ported_file_gives_the_difference_of_its_two_classes(tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(3)
    drawn = {
        f"conv{n}.weight": 0.3 * torch.randn(out, into, side, side, generator=generator)
        for n, (into, out, side) in enumerate(((3, 8, 3), (8, 8, 5), (8, 16, 5), (16, 16, 5)), start=1)
    }
    for n, channels in ((1, 8), (2, 16)):
        for name in ("weight", "bias", "running_mean"):
            drawn[f"bn{n}.{name}"] = torch.randn(channels, generator=generator)
        drawn[f"bn{n}.running_var"] = torch.rand(channels, generator=generator) + 0.1
    for name, shape in (("fc1", (16, 1024)), ("fc2", (2, 16))):
        drawn[f"{name}.weight"] = torch.randn(shape, generator=generator) / 10
        drawn[f"{name}.bias"] = torch.randn(shape[0], generator=generator)
    torch.save({f"backbone.{name}": value for name, value in drawn.items()}, tmp_path / "ported.pth")
    network = build_network("meso4", {"weights": str(tmp_path / "ported.pth")}).eval()
    x = torch.rand(3, 3, 256, 256, generator=generator)
    with torch.no_grad():
        ours = network(x)
        for n, pool in ((1, 2), (2, 2), (3, 2), (4, 4)):
            norm = f"bn{(n + 1) // 2}"
            x = F.conv2d(x, drawn[f"conv{n}.weight"], padding="same").relu()
            names = ("running_mean", "running_var", "weight", "bias")
            x = F.max_pool2d(F.batch_norm(x, *(drawn[f"{norm}.{name}"] for name in names)), pool)
        x = F.leaky_relu(F.linear(x.flatten(1), drawn["fc1.weight"], drawn["fc1.bias"]), 0.1)
        classes = F.linear(x, drawn["fc2.weight"], drawn["fc2.bias"])
    assert torch.allclose(ours, classes[:, 1] - classes[:, 0], atol=1e-4)


def test_file_of_another_network_and_a_torn_one_are_refused(tmp_path: Path) -> None:
    layers = _meso4(np.random.default_rng(1))
    # without its first block, without its head, and what the other network has
    for other in (layers[2:], layers[:-2], _meso_inception4(np.random.default_rng(1))):
        _write(tmp_path / "other.h5", other)
        with pytest.raises(ValueError, match=r"weights in .*other\.h5 do not fit meso4"):
            build_network("meso4", {"weights": str(tmp_path / "other.h5")})
    (tmp_path / "torn.h5").write_bytes((tmp_path / "other.h5").read_bytes()[:100])
    with pytest.raises(ValueError, match=r"torn\.h5 is damaged or no file of HDF5"):
        build_network("meso4", {"weights": str(tmp_path / "torn.h5")})

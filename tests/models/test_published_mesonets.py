"""The authors' Keras files of both MesoNets and a port give the numbers that they gave there; files are simulated."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from drawn import Drawn, pictures
from torch import Tensor

from examples import make_contract
from fakefocus.errors import InputError
from fakefocus.models.build import build_network, load_network

pytestmark = pytest.mark.slow

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


def _port_end(net: Drawn, x: Tensor, prefix: str, layers: Sequence[tuple[str, int, int, str]]) -> Tensor:
    """Return the port's two classes: convolutions whose norms are shared, and its head."""
    for (name, out, side, norm), pool in zip(layers, (2, 2, 2, 4)[-len(layers) :], strict=True):
        x = net.norm(net.conv(x, prefix + name, out, side, padded=True).relu(), prefix + norm)
        x = F.max_pool2d(x, pool)
    return net.linear(F.leaky_relu(net.linear(x.flatten(1), f"{prefix}fc1", 16), 0.1), f"{prefix}fc2", 2)


def _port_meso4(net: Drawn, x: Tensor, prefix: str) -> Tensor:
    layers = [("conv1", 8, 3, "bn1"), ("conv2", 8, 5, "bn1"), ("conv3", 16, 5, "bn2"), ("conv4", 16, 5, "bn2")]
    return _port_end(net, 2 * x - 1, prefix, layers)


def _port_meso_inception4(net: Drawn, x: Tensor, prefix: str) -> Tensor:
    x = 2 * x - 1
    for number, (_, (first, *widths)) in enumerate(MODULES, start=1):
        module = f"{prefix}Incption{number}_"
        branches = [net.conv(x, f"{module}conv1", first, 1)]
        for dilation, width in enumerate(widths, start=1):
            narrow = net.conv(x, f"{module}conv{dilation + 1}_1", width, 1)
            branches.append(net.conv(narrow, f"{module}conv{dilation + 1}_2", width, 3, dilation=dilation, padded=True))
        x = F.max_pool2d(net.norm(torch.cat(branches, 1), f"{module}bn"), 2)
    return _port_end(net, x, prefix, [("conv1", 16, 5, "bn1"), ("conv2", 16, 5, "bn1")])


@pytest.mark.parametrize(("family", "compute"), [("meso4", _port_meso4), ("meso_inception4", _port_meso_inception4)])
@pytest.mark.parametrize(("prefix", "fake"), [("backbone.", 1), ("", 0)], ids=["deepfakebench", "author_of_the_port"])
def test_ported_file_gives_its_probability_of_fake_in_that_edition_alone(
    family: str, compute: Callable[[Drawn, Tensor, str], Tensor], prefix: str, fake: int, tmp_path: Path
) -> None:
    net, x = Drawn(), pictures(4, 256)
    with torch.no_grad():
        compute(net, pictures(4, 256, seed=3), prefix)
        theirs = compute(net, x, prefix).softmax(1)[:, fake]
    torch.save(net.tensors, tmp_path / "ported.pth")
    options = {"weights": str(tmp_path / "ported.pth")}
    network = build_network(family, options | {"edition": "deepfakebench"}).eval()
    with torch.no_grad():
        ours = network(x).sigmoid()
    assert torch.allclose(ours, theirs, atol=1e-5)
    assert ours.std() > 1e-3
    with pytest.raises(InputError, match=rf"unexpected normalize\.mean.*set {family}\.network\.edition to theirs"):
        build_network(family, options)


def test_detector_of_an_edition_is_put_together_again(tmp_path: Path) -> None:
    network, x = build_network("meso4", {"edition": "deepfakebench"}).eval(), pictures(2, 256)
    contract = make_contract(family="meso4", network={"drop_rate": 0.5, "edition": "deepfakebench", "weights": "none"})
    with torch.no_grad():
        again = load_network(contract, network.state_dict())
        assert torch.allclose(again(x), network(x), atol=1e-5)
    with pytest.raises(InputError, match=r"unexpected normalize\.mean"):
        load_network(make_contract(family="meso4", network={"drop_rate": 0.5}), network.state_dict())


def test_ported_file_with_a_layer_missing_or_too_many_is_refused(tmp_path: Path) -> None:
    net = Drawn()
    with torch.no_grad():
        _port_meso4(net, pictures(1, 256), "backbone.")
    options = {"edition": "deepfakebench", "weights": str(tmp_path / "ported.pth")}
    torch.save({n: v for n, v in net.tensors.items() if n != "backbone.conv3.weight"}, tmp_path / "ported.pth")
    with pytest.raises(InputError, match=r"ported\.pth do not fit meso4: missing blocks\.2\.0\.weight, blocks"):
        build_network("meso4", options)
    torch.save(net.tensors | {"backbone.attention.weight": torch.rand(16)}, tmp_path / "ported.pth")
    with pytest.raises(InputError, match=r"ported\.pth do not fit meso4: unexpected attention\.weight"):
        build_network("meso4", options)


def test_keras_file_does_not_fit_deepfakebenchs_edition(tmp_path: Path) -> None:
    _write(tmp_path / "theirs.h5", _meso4(np.random.default_rng(1)))
    with pytest.raises(InputError, match=r"missing normalize\.mean.*set meso4\.network\.edition to theirs"):
        build_network("meso4", {"edition": "deepfakebench", "weights": str(tmp_path / "theirs.h5")})


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

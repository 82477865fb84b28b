"""MTCNN's three networks with facenet-pytorch's weights, on OpenVINO: two to four times as fast as on torch.

The graphs are those of https://github.com/timesler/facenet-pytorch (MIT); a test holds them to its outputs. Each
computes with one thread, as clips run side by side, a process each.
"""

import hashlib
from collections.abc import Callable
from functools import lru_cache
from importlib.metadata import distribution
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import openvino as ov
import openvino.opset13 as ops
from numpy.typing import NDArray
from openvino.opset1 import max_pool

from fakefocus.cache import compiled_graph, is_graph, kept_graph, write_graph
from fakefocus.errors import InputError, needs_extra

Node = Any
Array = NDArray[np.float32]
Precision = Literal["bf16", "f32"]


EDITION = 1
"""Raise when the same weights give another graph."""
GRAPHS = Path(__file__).with_name("graphs")
"""Where a wheel holds the three graphs; a checkout makes them from facenet-pytorch's weights."""
_BATCH = 16
"""Larger batches are no faster a picture on one thread."""


class Network:
    """A network on pictures ``(N, H, W, 3) uint8, RGB``."""

    def __init__(self, graph: Path, precision: Precision) -> None:
        """Compile a graph."""
        compiled = compiled_graph(graph, precision)
        self._request = compiled.create_infer_request()
        self._outputs = len(compiled.outputs)

    def __call__(self, pictures: NDArray[np.uint8]) -> list[Array]:
        """Return the outputs, N first; computed in batches of powers of two, as each new shape costs milliseconds."""
        parts = [self._computed(part) for part in np.split(pictures, np.cumsum(batches(len(pictures)))[:-1])]
        return parts[0] if len(parts) == 1 else [np.concatenate(outputs) for outputs in zip(*parts, strict=True)]

    def _computed(self, pictures: NDArray[np.uint8]) -> list[Array]:
        self._request.set_input_tensor(ov.Tensor(np.ascontiguousarray(pictures), shared_memory=True))
        self._request.infer()
        return [self._request.get_output_tensor(i).data.copy() for i in range(self._outputs)]


def batches(count: int) -> list[int]:
    """Split a number of pictures into batches: as many of ``_BATCH`` as there are, then falling powers of two."""
    sizes = [_BATCH] * (count // _BATCH)
    return sizes + [1 << bit for bit in reversed(range(_BATCH.bit_length())) if (count % _BATCH) >> bit & 1]


class Networks(NamedTuple):
    """P-Net, R-Net and O-Net.

    ``proposal``: scores ``(N, H', W')`` in [0, 1] and offsets ``(N, 4, H', W')`` of windows of 12 pixels, 2 apart.
    ``refinement``: scores ``(N,)`` and offsets ``(N, 4)`` of pictures of 24 pixels.
    ``output``: scores ``(N,)``, offsets ``(N, 4)`` and landmarks ``(N, 10)`` of pictures of 48 pixels.
    """

    proposal: Network
    refinement: Network
    output: Network


@lru_cache(maxsize=2)
def networks(precision: Precision) -> Networks:
    """Return the networks of this process, built once; bf16 is f32 where the processor does not compute in it."""
    return Networks(*(Network(_graph_of(name), precision) for name in _MAKERS))


def pack_networks(folder: Path = GRAPHS) -> list[Path]:
    """Write the three graphs, and the licence of their weights, for a wheel to take along; return the graphs' files.

    Raises:
        InputError: If facenet-pytorch or torch is not installed.
    """
    folder.mkdir(exist_ok=True)
    weights = {name: _weights_of(name) for name in _MAKERS}
    licence = next(file for file in distribution("facenet-pytorch").files or [] if file.name == "LICENSE.md")
    (folder / "LICENSE-facenet-pytorch.md").write_text(licence.read_text(), encoding="utf-8")
    return [write_graph(make(_Weights(weights[name])), _packed(name, folder)) for name, make in _MAKERS.items()]


def _graph_of(name: str) -> Path:
    """Return the graph of one of the networks: the one in the wheel, or one that is made from the weights once."""
    packed = _packed(name, GRAPHS)
    if is_graph(packed):
        return packed
    weights = _weights_of(name)
    made_of = f"{EDITION} {ov.get_version()} {hashlib.sha256(weights.read_bytes()).hexdigest()}"
    key = hashlib.sha256(made_of.encode()).hexdigest()[:24]
    return kept_graph(f"{name}-{key}", lambda: _MAKERS[name](_Weights(weights)))


def _packed(name: str, folder: Path) -> Path:
    return folder / f"{name}-{EDITION}.xml"


def _weights_of(name: str) -> Path:
    package = find_spec("facenet_pytorch")
    if package is None:
        msg = "detection: no graphs of MTCNN are in this installation, and to make them needs facenet-pytorch: pip "
        msg += "install 'fakefocus[train]'"
        raise InputError(msg)
    return Path(str(package.origin)).parent / f"data/{name}.pt"


def _proposal(w: "_Weights") -> ov.Model:
    inputs, x = _pictures(None)
    x = _pooled(w.prelu(w.conv(x, "conv1"), "prelu1"), 2)
    x = w.prelu(w.conv(w.prelu(w.conv(x, "conv2"), "prelu2"), "conv3"), "prelu3")
    return ov.Model([_face(w.conv(x, "conv4_1")), w.conv(x, "conv4_2")], [inputs])


def _refinement(w: "_Weights") -> ov.Model:
    inputs, x = _pictures(24)
    x = _pooled(w.prelu(w.conv(x, "conv1"), "prelu1"), 3)
    x = _pooled(w.prelu(w.conv(x, "conv2"), "prelu2"), 3)
    x = _flat(w.prelu(w.conv(x, "conv3"), "prelu3"))
    x = w.prelu(w.dense(x, "dense4"), "prelu4")
    return ov.Model([_face(w.dense(x, "dense5_1")), w.dense(x, "dense5_2")], [inputs])


def _output(w: "_Weights") -> ov.Model:
    inputs, x = _pictures(48)
    x = _pooled(w.prelu(w.conv(x, "conv1"), "prelu1"), 3)
    x = _pooled(w.prelu(w.conv(x, "conv2"), "prelu2"), 3)
    x = _pooled(w.prelu(w.conv(x, "conv3"), "prelu3"), 2)
    x = _flat(w.prelu(w.conv(x, "conv4"), "prelu4"))
    x = w.prelu(w.dense(x, "dense5"), "prelu5")
    return ov.Model([_face(w.dense(x, "dense6_1")), w.dense(x, "dense6_2"), w.dense(x, "dense6_3")], [inputs])


_MAKERS: dict[str, Callable[["_Weights"], ov.Model]] = {"pnet": _proposal, "rnet": _refinement, "onet": _output}


class _Weights:
    """The weights of a network as facenet-pytorch's wheel holds them, read without importing its code."""

    def __init__(self, file: Path) -> None:
        # torch takes seconds to import: only whoever makes a graph needs it
        with needs_extra("train", "detection: to make MTCNN's graphs"):
            import torch

        read = torch.load(file, weights_only=True, map_location="cpu")
        self._held = {key: np.ascontiguousarray(value.numpy()) for key, value in read.items()}

    def conv(self, x: Node, layer: str) -> Node:
        done = ops.convolution(x, self._held[f"{layer}.weight"], [1, 1], [0, 0], [0, 0], [1, 1])
        return ops.add(done, self._held[f"{layer}.bias"].reshape(1, -1, 1, 1))

    def dense(self, x: Node, layer: str) -> Node:
        weight, bias = self._held[f"{layer}.weight"], self._held[f"{layer}.bias"]
        return ops.add(ops.matmul(x, weight, transpose_a=False, transpose_b=True), bias)

    def prelu(self, x: Node, layer: str) -> Node:
        return ops.prelu(x, self._held[f"{layer}.weight"])


def _pictures(side: int | None) -> tuple[Node, Node]:
    """Return the input, and it as ``(N, 3, H, W)`` in [-1, 1]."""
    sides = (-1, -1) if side is None else (side, side)
    inputs = ops.parameter([-1, *sides, 3], np.uint8)
    planes = ops.transpose(ops.convert(inputs, "f32"), np.array([0, 3, 1, 2]))
    return inputs, ops.multiply(ops.subtract(planes, np.float32(127.5)), np.float32(1 / 128))


def _pooled(x: Node, side: int) -> Node:
    return max_pool(x, [2, 2], [0, 0], [0, 0], [side, side], rounding_type="ceil")


def _flat(x: Node) -> Node:
    """Flatten ``(N, C, H, W)`` column by column, as the weights were trained."""
    return ops.reshape(ops.transpose(x, np.array([0, 3, 2, 1])), np.array([0, -1]), True)


def _face(logits: Node) -> Node:
    return ops.gather(ops.softmax(logits, 1), np.int64(1), np.int64(1))

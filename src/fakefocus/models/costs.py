"""What a network costs: arithmetic that is counted, not guessed, and time and memory that are measured."""

import math
import multiprocessing
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from fakefocus.models.build import build_network

_MIB = 2**20


class Arithmetic(NamedTuple):
    """Operations of one forward pass of one crop.

    ``macs``: multiplications with an addition, of convolutions, linear layers and attention. ``fft_flops``: operations
    of Fourier transforms. Activations, norms, pooling and resizing are not counted.
    """

    macs: int
    fft_flops: int

    @property
    def with_fft(self) -> int:
        """MACs with transforms: two operations of a transform count as one MAC."""
        return self.macs + self.fft_flops // 2


def count_arithmetic(network: nn.Module, channels: int, side: int) -> Arithmetic:
    """Count the operations of one forward pass of one crop, ``(1, channels, side, side)``.

    torch counts convolutions and matrix products. Attention is computed by its products and not by a fused kernel, so
    that it is among them. A complex Fourier transform of N numbers counts as 5 N log2 N operations and a real one as
    half of that: conventions of FFTW's benchmark (Frigo & Johnson, http://www.fftw.org/speed/method.html), whatever an
    implementation does.
    """
    where = next(network.parameters()).device
    counter = FlopCounterMode(display=False, custom_mapping=_TRANSFORMS)
    with _without_fused_attention(), torch.inference_mode(), counter:
        network.eval()(torch.rand(1, channels, side, side, device=where))
    counts = counter.get_flop_counts().get("Global", {})
    fft = sum(count for operation, count in counts.items() if operation in _TRANSFORMS)
    return Arithmetic(macs=(counter.get_total_flops() - fft) // 2, fft_flops=fft)


def count_parameters(network: nn.Module) -> int:
    """Return how many numbers a network has learned or could."""
    return sum(parameter.numel() for parameter in network.parameters())


def stored_bytes(weights: dict[str, Tensor]) -> int:
    """Return the size of the file of weights, safetensors, in bytes."""
    return len(save(weights))


class Latency(NamedTuple):
    """Milliseconds a forward pass, ``(rounds, repetitions)``."""

    milliseconds: NDArray[np.float64]

    def described(self, batch: int) -> dict[str, Any]:
        """Return median, 95 % quantile, crops a second, and the medians of rounds: how much they differ is noise."""
        medians = np.median(self.milliseconds, axis=1)
        p50, p95 = np.quantile(self.milliseconds, (0.5, 0.95))
        return {
            "batch": batch,
            "p50_ms": float(p50),
            "p95_ms": float(p95),
            "crops_per_s": float(1000 * batch * self.milliseconds.size / self.milliseconds.sum()),
            "round_medians_ms": medians.tolist(),
            "noise": float((medians.max() - medians.min()) / p50),
        }


def time_batches(
    network: nn.Module, shape: tuple[int, int, int, int], *, warm_up: int, repetitions: int, rounds: int
) -> Latency:
    """Time forward passes of random numbers ``shape`` in [0, 1], on the device where the network is.

    The numbers are there before, on that device: reading, cropping and copying are not timed.
    """
    where = next(network.parameters()).device
    batch = torch.rand(shape, device=where).contiguous(memory_format=torch.channels_last)
    times = np.empty((rounds, repetitions))
    with torch.inference_mode():
        for _ in range(warm_up):
            network(batch)
        for place in np.ndindex(times.shape):
            _wait(where)
            start = perf_counter()
            network(batch)
            _wait(where)
            times[place] = 1000 * (perf_counter() - start)
    return Latency(times)


def time_calls(call: Callable[..., Any], arguments: list[Any], rounds: int) -> NDArray[np.float64]:
    """Time ``call`` on each argument, ``rounds`` times: milliseconds ``(rounds, arguments)``."""
    times = np.empty((rounds, len(arguments)))
    call(arguments[0])
    for round_, place in np.ndindex(times.shape):
        start = perf_counter()
        call(arguments[place])
        times[round_, place] = 1000 * (perf_counter() - start)
    return times


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Let torch compute with ``count`` threads, and with as many as before afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def peak_on_gpu(network: nn.Module, shape: tuple[int, int, int, int]) -> float:
    """Return what torch has allocated at most during a forward pass, weights included, in MiB."""
    where = next(network.parameters()).device
    torch.cuda.reset_peak_memory_stats(where)
    with torch.inference_mode():
        network(torch.rand(shape, device=where).contiguous(memory_format=torch.channels_last))
    _wait(where)
    return torch.cuda.max_memory_allocated(where) / _MIB


def peaks_of_process(
    family: str, options: dict[str, Any], shapes: Sequence[tuple[int, int, int, int]], thread_count: int
) -> list[dict[str, float]]:
    """Return the largest resident memory of a process of its own, up to and with a forward pass of each batch.

    Args:
        family: Name of the family.
        options: The parameters ``<family>.network``; no weights are read, random ones take the same memory.
        shapes: Of batches, the smaller first: a peak is never below that before it.
        thread_count: Threads of torch.

    Returns:
        A row a batch: ``process_mib`` of the whole process, and ``peak_mib``: what network and forward pass add to a
        process that has imported everything.
    """
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as alone:
        return alone.submit(_measure_peaks, family, options, shapes, thread_count).result()


def _measure_peaks(
    family: str, options: dict[str, Any], shapes: Sequence[tuple[int, int, int, int]], thread_count: int
) -> list[dict[str, float]]:
    torch.set_num_threads(thread_count)
    torch.ones(8, 8) @ torch.ones(8, 8)  # what loads with the first product is no part of the network
    before, peaks = _peak_bytes(), []
    network = build_network(family, options | {"weights": "none"}).eval().to(memory_format=torch.channels_last)
    for shape in shapes:
        with torch.inference_mode():
            network(torch.rand(shape).contiguous(memory_format=torch.channels_last))
        peaks.append(_peak_bytes())
    return [{"peak_mib": (peak - before) / _MIB, "process_mib": peak / _MIB} for peak in peaks]


def _peak_bytes() -> int:
    """Return the largest resident memory of this process so far.

    Linux tells it of this program alone; ``getrusage`` there also counts what its parent had.
    """
    status = Path("/proc/self/status")
    if status.is_file():
        match = re.search(r"VmHWM:\s+(\d+) kB", status.read_text(encoding="utf-8"))
        if match is not None:
            return 1024 * int(match.group(1))
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak


def _wait(where: torch.device) -> None:
    if where.type == "cuda":
        torch.cuda.synchronize(where)


@contextmanager
def _without_fused_attention() -> Iterator[None]:
    """Compute attention by products that torch counts; fused kernels are counted on some devices only."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


def _complex_transform(shape: Any, dims: Any, *_: Any, **__: Any) -> int:  # noqa: ANN401
    return _transform_flops(shape, dims)


def _real_transform(shape: Any, dims: Any, *_: Any, **__: Any) -> int:  # noqa: ANN401
    return _transform_flops(shape, dims) // 2


def _inverse_real_transform(_shape: Any, dims: Any, *_: Any, out_shape: Any, **__: Any) -> int:  # noqa: ANN401
    # half of the frequencies go in, all of the picture comes out
    return _transform_flops(out_shape, dims) // 2


def _transform_flops(shape: Any, dims: Any) -> int:  # noqa: ANN401 (a size and the axes that are transformed)
    """Return 5 N log2 N a transform of N numbers over ``dims``, for all transforms in ``shape``."""
    one = math.prod(shape[axis] for axis in dims)
    return round(5 * math.prod(shape) * math.log2(one)) if one > 1 else 0


_TRANSFORMS: dict[Any, Callable[..., int]] = {
    torch.ops.aten._fft_c2c: _complex_transform,
    torch.ops.aten._fft_r2c: _real_transform,
    torch.ops.aten._fft_c2r: _inverse_real_transform,
}
"""Operations that torch does not count itself."""

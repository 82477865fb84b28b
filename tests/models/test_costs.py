import numpy as np
import pytest
import torch
from torch import Tensor, nn

from fakefocus.models import find_family
from fakefocus.models.build import build_network
from fakefocus.models.costs import (
    Latency,
    count_arithmetic,
    count_parameters,
    peak_on_gpu,
    peaks_of_process,
    stored_bytes,
    threads,
    time_batches,
)


class _Transform(nn.Module):
    def __init__(self, *, real: bool) -> None:
        super().__init__()
        self.real, self.weight = real, nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        if self.real:
            return torch.fft.irfft2(torch.fft.rfft2(x), s=x.shape[-2:])
        return torch.fft.fft2(x.to(torch.complex64)).abs()


def _published(family: str) -> nn.Module:
    return build_network(family, find_family(family).network_options().model_dump())


def test_macs_of_a_convolution_are_those_worked_out_by_hand() -> None:
    # 16 x 16 places, 8 channels out, each of 3 x 5 x 5 products
    arithmetic = count_arithmetic(nn.Conv2d(3, 8, 5, padding=2), channels=3, side=16)
    assert arithmetic == (16 * 16 * 8 * 3 * 25, 0)


def test_a_real_transform_counts_as_half_of_a_complex_one() -> None:
    # 3 transforms of N = 256 numbers: 5 N log2 N = 5 x 256 x 8 = 10240 each; real ones half, there and back
    assert count_arithmetic(_Transform(real=False), 3, 16).fft_flops == 3 * 10240
    assert count_arithmetic(_Transform(real=True), 3, 16).fft_flops == 2 * 3 * 10240 // 2
    assert count_arithmetic(_Transform(real=True), 3, 16).with_fft == 3 * 10240 // 2


def test_scade_net_costs_what_its_table_of_layers_says() -> None:
    network = _published("scade_net")
    assert count_parameters(network) == 28055
    convolutions = 256**2 * 8 * 4 * 9 + 128**2 * 8 * 8 * 25 + 64**2 * 16 * 8 * 25 + 32**2 * 16 * 16 * 25
    # two ECA of 16 channels and 3 taps; Linear 1024 to 16 to 1
    assert count_arithmetic(network, 4, 256) == (convolutions + 2 * 16 * 3 + 1024 * 16 + 16, 0)


def test_the_published_three_streams_cost_4_27_gmac_and_attention_and_transforms() -> None:
    network = _published("multistream")
    assert count_parameters(network) == 21_874_881
    arithmetic = count_arithmetic(network, 3, 256)
    # a ViT of 12 layers, 192 wide, 256 patches and a class token: scores and sums, 257^2 x 192 products each
    attention = 12 * 2 * 257**2 * 192
    assert (arithmetic.macs - attention) / 1e9 == pytest.approx(4.27, abs=0.005)
    # three real transforms of 256 x 256 numbers and back: 2.5 x 65536 x 16 each
    assert arithmetic.fft_flops == 2 * 3 * 2.5 * 65536 * 16


def test_stored_bytes_are_those_of_the_numbers_and_a_header() -> None:
    assert 4000 < stored_bytes({"weight": torch.zeros(1000)}) < 4200


def test_threads_are_as_before_afterwards_whatever_happens() -> None:
    before = torch.get_num_threads()
    with pytest.raises(ZeroDivisionError), threads(before + 1):
        torch.get_num_threads() / (torch.get_num_threads() - before - 1)
    assert torch.get_num_threads() == before


def test_latency_is_described_by_quantiles_throughput_and_noise() -> None:
    # 2 rounds of 2: medians 2 and 4, of all four 3; 4 batches of 8 crops took 12 ms
    described = Latency(np.array([[1.0, 3.0], [3.0, 5.0]])).described(batch=8)
    assert described["p50_ms"] == 3.0
    assert described["p95_ms"] == pytest.approx(4.7)
    assert described["crops_per_s"] == pytest.approx(1000 * 32 / 12)
    assert described["round_medians_ms"] == [2.0, 4.0]
    assert described["noise"] == pytest.approx(2 / 3)


def test_batches_are_timed_as_often_as_asked_for_beside_the_warm_up() -> None:
    calls = []

    class Counted(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.ones(1))

        def forward(self, x: Tensor) -> Tensor:
            calls.append(x.shape)
            return x

    latency = time_batches(Counted(), (2, 3, 8, 8), warm_up=2, repetitions=3, rounds=2)
    assert latency.milliseconds.shape == (2, 3)
    assert calls == [(2, 3, 8, 8)] * 8


@pytest.mark.slow
def test_peak_memory_holds_the_activations_of_a_larger_batch() -> None:
    options = find_family("scade_net").network_options().model_dump()
    one, many = peaks_of_process("scade_net", options, [(1, 4, 256, 256), (64, 4, 256, 256)], 1)
    # the first layer makes 8 x 256 x 256 float32 a crop: 2 MiB, 126 MiB more for 63 crops more; input 1 MiB each
    assert many["peak_mib"] - one["peak_mib"] > 126
    assert 0 < one["peak_mib"] < one["process_mib"]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_is_timed_and_its_peak_holds_weights_and_input() -> None:
    network = nn.Conv2d(4, 8, 3).cuda()
    shape = (16, 4, 256, 256)
    assert (time_batches(network, shape, warm_up=1, repetitions=2, rounds=2).milliseconds > 0).all()
    # 16 crops of 4 x 256 x 256 float32 are 16 MiB, what the layer makes about 32
    assert peak_on_gpu(network, shape) > 46

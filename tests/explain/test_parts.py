"""What parts of a network show of what they learned."""

import numpy as np
import pytest
import torch

from fakefocus.explain.parts import (
    channel_attention,
    constrained_filters,
    log_spectrum,
    map_relevance,
    radial_profile,
    spectral_factors,
)
from fakefocus.models.build import build_network

STREAMS = {"spatial": "test_efficientnet", "spectral": "test_resnet", "semantic": "test_vit", "img_size": 96}


def test_constrained_filters_pass_nothing_that_is_even() -> None:
    filters = constrained_filters(build_network("scade_net", {"in_chans": 4}))
    assert filters.kernels.shape == (8, 4, 3, 3)
    # frequency 0 is in the middle of 64 x 64
    assert filters.responses[..., 32, 32].max() < 1e-5
    assert filters.responses.max() > 0.1
    assert constrained_filters(build_network("meso4", {})) is None


def test_channel_attention_is_what_the_layers_multiply_by() -> None:
    network = build_network("scade_net", {"in_chans": 3}).eval()
    gates = channel_attention(network, torch.rand(5, 3, 256, 256))
    assert [gate.shape for gate in gates.values()] == [(5, 16), (5, 16)]
    assert all(0 < gate.min() < gate.max() < 1 for gate in gates.values())
    assert channel_attention(build_network("meso4", {}).eval(), torch.rand(1, 3, 256, 256)) == {}


def test_factors_of_a_mask_are_those_that_a_picture_is_filtered_by() -> None:
    network = build_network("multistream", STREAMS)
    torch.manual_seed(1)
    with torch.no_grad():
        network.mask.weight.copy_(torch.rand_like(network.mask.weight)[:1].expand(3, -1, -1))
        network.mask.band_weight.copy_(torch.tensor([1.0, 2.0, 3.0, 4.0]))
    factors = spectral_factors(network)
    assert factors.bands.tolist() == [1, 2, 3, 4]
    x = torch.rand(1, 3, 96, 96)
    spectrum = torch.fft.fft2(x) * torch.from_numpy(np.fft.ifftshift(factors.factors).copy())
    torch.testing.assert_close(torch.fft.ifft2(spectrum).real, network.mask(x), atol=1e-4, rtol=0)


def test_a_map_counts_where_the_score_depends_on_it() -> None:
    class Spot(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x[:, :3].mean((1, 2, 3)) + 5 * x[:, 3, 8:24, 40:56].mean((1, 2))

    (relevance,) = map_relevance(Spot(), torch.rand(1, 4, 64, 64))
    assert relevance[8:24, 40:56].min() > 0.2
    assert relevance[40:, :24].max() < 1e-3
    assert map_relevance(Spot(), torch.rand(1, 3, 64, 64)) is None


def test_a_wave_shows_at_its_frequency() -> None:
    wave = torch.sin(2 * np.pi * 8 * torch.arange(64) / 64).expand(64, 64)
    spectra = log_spectrum((0.5 + 0.4 * wave).expand(1, 3, 64, 64))
    profile = radial_profile(spectra)[0]
    assert profile[8] > max(profile[6], profile[10]) + 0.2
    # rows vary, columns do not: 8 cycles to either side of the middle, in the middle row
    assert sorted(np.argsort(spectra[0, 32])[-2:]) == [24, 40]


@pytest.mark.parametrize("side", [16, 17])
def test_profile_of_an_even_spectrum_is_even(side: int) -> None:
    profile = radial_profile(np.full((2, side, side), 3.0, np.float32))
    assert profile.shape == (2, side // 2)
    np.testing.assert_allclose(profile, 3)

import math

import pytest
import torch

from fakefocus.models.multistream.layers import Fusion, SpectralMask
from fakefocus.models.multistream.legacy import LegacyFusion, LegacySpectralMask
from fakefocus.models.multistream.network import MultiStream

SMALL = {"spatial": "test_efficientnet", "spectral": "test_resnet", "semantic": "test_vit", "img_size": 64}


def _pair() -> tuple[MultiStream, MultiStream]:
    torch.manual_seed(0)
    ours, legacy = MultiStream(**SMALL).eval(), MultiStream(**SMALL, legacy=True).eval()
    legacy.load_state_dict(ours.state_dict())
    return ours, legacy


def test_legacy_sample_depends_on_its_batch_and_ours_does_not() -> None:
    ours, legacy = _pair()
    torch.manual_seed(1)
    x = torch.rand(4, 3, 64, 64)
    other = torch.cat([x[:2], torch.rand(1, 3, 64, 64), x[3:]])
    with torch.inference_mode():
        moved = {name: (net(x) - net(other)).abs() > 1e-4 for name, net in (("ours", ours), ("legacy", legacy))}
    # sample 2 is another one; sample 0, half a batch away, is given its spectrum
    assert moved["ours"].tolist() == [False, False, True, False]
    assert moved["legacy"].tolist() == [True, False, True, False]


def test_legacy_mask_moves_samples_and_channels_and_loses_signs() -> None:
    x = torch.randn(4, 3, 16, 16)
    # 4 samples shift by 2, 3 channels by 1; an untouched mask leaves the modulus
    assert torch.allclose(LegacySpectralMask(16)(x), x.abs().roll((2, 1), (0, 1)), atol=1e-5)
    assert torch.allclose(SpectralMask(16)(x), x, atol=1e-5)


def test_legacy_mask_weighs_the_frequencies_that_ours_weighs() -> None:
    ours, legacy = SpectralMask(16), LegacySpectralMask(16)
    with torch.no_grad():
        ours.weight[:, 2, 3], ours.weight[:, -2, -3], ours.band_weight[3] = 0, 0, 0.5
    legacy.load_state_dict(ours.state_dict())
    # one sample, and one channel thrice, so that nothing moves; bright, so that all stays positive
    x = (torch.rand(1, 1, 16, 16) + 9).expand(1, 3, 16, 16)
    assert torch.allclose(legacy(x), ours(x), atol=1e-4)


def test_legacy_shares_are_levelled_and_ours_are_not() -> None:
    ours, legacy = Fusion([8, 8, 8]).eval(), LegacyFusion([8, 8, 8]).eval()
    with torch.no_grad():
        # queries are all 1 and keys the tokens: a token of tens takes all attention of tokens of minus tens
        ours.stream_embedding.zero_()
        ours.attention.in_proj_weight.zero_()
        ours.attention.in_proj_weight[256:512] = torch.eye(256)
        ours.attention.in_proj_bias.zero_()
        ours.attention.in_proj_bias[:256] = 1
    legacy.load_state_dict(ours.state_dict())
    tokens = torch.tensor([10.0, -10, -10])[None, :, None].expand(1, 3, 256)
    kept = torch.zeros(1, 3, dtype=torch.bool)
    with torch.inference_mode():
        assert ours.pool(tokens, kept)[1][0].tolist() == pytest.approx([1, 0, 0], abs=1e-5)
        # softmax of (1, 0, 0): e / (e + 2) and 1 / (e + 2)
        assert legacy.pool(tokens, kept)[1][0].tolist() == pytest.approx([0.57612, 0.21194, 0.21194], abs=1e-5)
        share = legacy.pool(torch.randn(500, 3, 256) * 30, kept.expand(500, 3))[1]
    assert share.min() >= 1 / (math.e + 2) - 1e-6
    assert share.max() <= math.e / (math.e + 2) + 1e-6


def test_legacy_dropped_stream_enters_as_the_token_of_zero_features() -> None:
    torch.manual_seed(0)
    fusion = LegacyFusion([8, 4, 2]).eval()
    streams = [torch.randn(2, 8), torch.randn(2, 4), torch.randn(2, 2)]
    zeroed = [streams[0], torch.zeros(2, 4), streams[2]]
    dropped = torch.tensor([[False, True, False]]).expand(2, 3)
    with torch.inference_mode():
        masked = fusion.pool(fusion.tokens(streams), dropped)
        expected = fusion.pool(fusion.tokens(zeroed), torch.zeros(2, 3, dtype=torch.bool))
        # zero features leave the bias, which the norm makes (bias - mean) / deviation
        bias = fusion.projections[1][0].bias
        assert torch.allclose(
            fusion.tokens(zeroed)[0, 1], (bias - bias.mean()) / (bias.var(correction=0) + 1e-5).sqrt(), atol=1e-5
        )
    assert torch.allclose(masked[0], expected[0], atol=1e-6)
    assert torch.allclose(masked[1], expected[1], atol=1e-6)


def test_legacy_drops_a_stream_for_the_whole_batch() -> None:
    torch.manual_seed(0)
    net = MultiStream(**SMALL, stream_drop_rate=0.5, legacy=True).train()
    draws = [net._dropped(torch.zeros(6, 3, 256)) for _ in range(300)]
    assert all((draw == draw[0]).all() for draw in draws)
    assert len({tuple(draw[0].tolist()) for draw in draws}) == 7  # every pattern but the one without a stream


def test_legacy_backbones_all_get_imagenets_mean_and_deviation() -> None:
    ours, legacy = _pair()
    means = [round(n.mean.flatten()[0].item(), 3) for n in legacy.normalize]
    deviations = [round(n.std.flatten()[0].item(), 3) for n in legacy.normalize]
    assert (means, deviations) == ([0.485] * 3, [0.229] * 3)
    assert [n.mean.shape for n in legacy.normalize] == [n.mean.shape for n in ours.normalize]
    assert set(legacy.state_dict()) == set(ours.state_dict())

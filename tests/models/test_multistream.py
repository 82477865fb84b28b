import pytest
import torch

from fakefocus.models.multistream.loss import MultistreamLoss, orthogonality
from fakefocus.models.multistream.network import Fusion, MultiStream, SpectralMask

SMALL = {"spatial": "test_efficientnet", "spectral": "test_resnet", "semantic": "test_vit", "img_size": 64}


@pytest.fixture(scope="module")
def small() -> MultiStream:
    torch.manual_seed(0)
    return MultiStream(**SMALL).eval()


def test_published_sizes_give_the_published_parameters() -> None:
    net = MultiStream()
    counts = {
        "spatial": (net.spatial, net.spatial_head),
        "spectral": (net.spectral, net.mask, net.spectral_head),
        "semantic": (net.semantic, net.semantic_head),
        "fusion": (net.fusion,),
    }
    found = {k: sum(p.numel() for m in modules for p in m.parameters()) for k, modules in counts.items()}
    # facts, section 5: read off the published code by running it
    assert found == {"spatial": 4_369_148, "spectral": 11_447_428, "semantic": 5_610_816, "fusion": 447_489}
    assert sum(p.numel() for p in net.parameters()) == 21_874_881


def test_a_sample_scores_the_same_alone_and_in_any_batch(small: MultiStream) -> None:
    torch.manual_seed(1)
    x = torch.rand(4, 3, 64, 64)
    with torch.inference_mode():
        together, alone = small(x), torch.cat([small(x[i : i + 1]) for i in range(4)])
    assert torch.allclose(together, alone, atol=1e-4)


def test_untouched_mask_changes_nothing_and_keeps_signs() -> None:
    x = torch.randn(2, 3, 32, 32)
    assert torch.allclose(SpectralMask(32)(x), x, atol=1e-5)


def test_band_weight_removes_its_ring_of_frequencies() -> None:
    mask = SpectralMask(32)
    with torch.no_grad():
        mask.band_weight[3] = 0
    # the checkerboard is the highest frequency there is, a constant the lowest
    board = torch.tensor([[1.0, -1.0], [-1.0, 1.0]]).repeat(16, 16).expand(1, 3, 32, 32)
    assert mask(board).abs().max() < 1e-5
    assert torch.allclose(mask(torch.ones(1, 3, 32, 32)), torch.ones(1, 3, 32, 32), atol=1e-5)


def test_half_spectrum_filters_like_the_full_one() -> None:
    torch.manual_seed(0)
    mask = SpectralMask(16)
    torch.nn.init.uniform_(mask.weight)
    x = torch.randn(2, 3, 16, 16)
    full = torch.fft.ifft2(torch.fft.fft2(x) * mask.weight).real
    assert torch.allclose(mask(x), full, atol=1e-5)


def test_dropped_stream_does_not_enter_the_fusion() -> None:
    torch.manual_seed(0)
    fusion = Fusion([8, 8, 8]).eval()
    tokens = torch.randn(2, 3, 256)
    dropped = torch.tensor([[False, True, False], [False, False, False]])
    changed = tokens.clone()
    changed[0, 1] = 100
    with torch.inference_mode():
        pooled, share = fusion.pool(tokens, dropped)
        again, _ = fusion.pool(changed, dropped)
    assert torch.allclose(pooled[0], again[0])
    assert share[0, 1] == 0
    assert torch.allclose(share.sum(1), torch.ones(2))


def test_streams_are_dropped_sample_by_sample_and_never_all(small: MultiStream) -> None:
    torch.manual_seed(0)
    net = MultiStream(**SMALL, stream_drop_rate=0.5).train()
    dropped = net._dropped(torch.zeros(2000, 3, 256))
    assert not dropped.all(1).any()
    assert len({tuple(row.tolist()) for row in dropped}) == 7  # every pattern but the one without a stream
    assert not small._dropped(torch.zeros(5, 3, 256)).any()


def test_backbones_get_the_mean_and_deviation_of_their_weights() -> None:
    net = MultiStream(semantic="vit_tiny_patch16_224", img_size=32, spatial="efficientnet_b0", spectral="resnet18")
    means = [round(n.mean.flatten()[0].item(), 3) for n in net.normalize]
    assert means == [0.485, 0.485, 0.5]  # ImageNet's for both convolutional ones, .5 for timm's ViT-Tiny


def test_orthogonality_worked_out_by_hand() -> None:
    # unit vectors e1, e2 and e1 + e2: cosines 0, 1/sqrt 2 and 1/sqrt 2
    tokens = torch.zeros(1, 3, 256)
    tokens[0, 0, 0] = tokens[0, 1, 1] = tokens[0, 2, 0] = tokens[0, 2, 1] = 3.0
    assert orthogonality(tokens).item() == pytest.approx(2 / 3 / 2**0.5)
    # sample by sample: opposite samples must not cancel out
    assert orthogonality(torch.cat([tokens, tokens * torch.tensor([1.0, -1, 1])[None, :, None]])).item() > 0.3


def test_loss_is_finite_for_one_class_in_half_precision(small: MultiStream) -> None:
    x = torch.rand(2, 3, 64, 64)
    with torch.autocast("cpu", torch.bfloat16):
        features = small.forward_features(x)
        parts = MultistreamLoss(0.01)(features, small.forward_head(features), torch.ones(2))
    assert set(parts) == {"loss", "bce", "orthogonality"}
    assert all(torch.isfinite(value) for value in parts.values())

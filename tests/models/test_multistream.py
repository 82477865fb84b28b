from itertools import combinations

import pytest
import torch
import torch.nn.functional as F
from timm.optim import param_groups_weight_decay

from examples import make_contract
from fakefocus.errors import InputError
from fakefocus.models.build import load_network, starting_weights
from fakefocus.models.multistream import STREAMS, MultistreamNetwork
from fakefocus.models.multistream.layers import Fusion, SpectralMask, rings
from fakefocus.models.multistream.loss import MultistreamLoss, orthogonality
from fakefocus.models.multistream.network import MultiStream

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
    # counted on the published code; the README shows them beside the published claims
    assert found == {"spatial": 4_369_148, "spectral": 11_447_428, "semantic": 5_610_816, "fusion": 447_489}
    assert sum(p.numel() for p in net.parameters()) == 21_874_881


def test_forward_values_are_pinned(small: MultiStream) -> None:
    x = torch.rand(3, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        logits, tokens = small(x), small.forward_features(x)
    assert logits.tolist() == pytest.approx([-0.00716, 0.03967, 0.03015], abs=1e-3)
    assert tokens[0, :, 0].tolist() == pytest.approx([-1.6198, 0.1557, 0.3379], abs=2e-3)


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


def test_rings_part_at_quarters_of_the_largest_radius() -> None:
    # side 16, largest radius 8 √2: borders at 2 √2, 4 √2 and 6 √2, whose points (2, 2), (4, 4), (6, 6) are outer ones
    found = rings(16)
    assert [found[i, i].item() for i in (0, 1, 2, 3, 4, 5, 6, 8)] == [0, 0, 1, 1, 2, 2, 3, 3]
    assert [found[0, i].item() for i in (2, 3, 5, 6, 8)] == [0, 1, 1, 2, 2]
    assert torch.equal(found[:, 3], found[:, -3])


def test_share_of_the_last_stream_is_one_when_dropout_takes_its_attention() -> None:
    fusion = Fusion([8, 8, 8]).train()
    fusion.attention.dropout = 1.0
    dropped = torch.tensor([[True, True, False]])
    pooled, share = fusion.pool(torch.randn(1, 3, 256), dropped)
    assert share.tolist() == [[0, 0, 1]]
    assert torch.isfinite(pooled).all()


def test_picture_must_be_a_whole_number_of_patches() -> None:
    assert MultiStream(**{**SMALL, "img_size": 96}).eval()(torch.rand(1, 3, 96, 96)).shape == (1,)
    message = r"multistream\.network\.img_size: test_vit needs a multiple of 16, its patch, got 100; try 96 or 112"
    with pytest.raises(InputError, match=message):
        MultiStream(**{**SMALL, "img_size": 100})


def test_features_are_one_token_a_stream(small: MultiStream) -> None:
    with torch.inference_mode():
        assert small.forward_features(torch.rand(2, 3, 64, 64)).shape == (2, 3, 256)


def test_masks_and_embeddings_are_named_for_no_weight_decay(small: MultiStream) -> None:
    expected = {"mask.weight", "mask.band_weight", "fusion.stream_embedding"}
    assert small.no_weight_decay() == expected | {"semantic.pos_embed", "semantic.cls_token"}
    groups = param_groups_weight_decay(small, 0.1, no_weight_decay_list=small.no_weight_decay())
    undecayed = {id(p) for group in groups if group["weight_decay"] == 0 for p in group["params"]}
    assert id(small.mask.weight) in undecayed
    assert id(small.semantic.pos_embed) in undecayed


@pytest.mark.slow
def test_three_streams_learn_one_batch_by_heart_and_gradients_reach_every_parameter() -> None:
    torch.manual_seed(0)
    net = MultiStream(**SMALL, stream_drop_rate=0.0, drop_rate=0.0).train()
    x, labels = torch.rand(8, 3, 64, 64), torch.tensor([0.0, 1] * 4)
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3)
    for _ in range(25):
        optimizer.zero_grad()
        logits = net(x)
        F.binary_cross_entropy_with_logits(logits, labels).backward()
        optimizer.step()
    assert ((logits > 0) == labels.bool()).all()
    assert F.binary_cross_entropy_with_logits(logits, labels) < 0.2
    assert [name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()] == []


SUBSETS = [some for count in (1, 2, 3) for some in combinations(STREAMS, count)]


@pytest.mark.parametrize("streams", SUBSETS, ids="-".join)
def test_network_of_fewer_streams_has_no_other_backbone(streams: tuple[str, ...]) -> None:
    net = MultiStream(**SMALL, streams=streams).eval()
    assert {name for name, _ in net.named_children()} & set(STREAMS) == set(streams)
    assert hasattr(net, "mask") == ("spectral" in streams)
    with torch.inference_mode():
        tokens = net.forward_features(torch.rand(2, 3, 64, 64))
        assert tokens.shape == (2, len(streams), 256)
        assert net.forward_head(tokens).shape == (2,)
        assert net.shares(tokens).sum(1).tolist() == pytest.approx([1, 1])
    # a stream alone has nobody to be orthogonal to
    parts = MultistreamLoss(0.01)(tokens, net.forward_head(tokens), torch.tensor([0.0, 1.0]))
    assert torch.isfinite(parts["loss"])
    assert (parts["orthogonality"] == 0) == (len(streams) == 1)


def test_published_network_without_a_stream_has_as_many_parameters_less() -> None:
    net = MultiStream(streams=("spatial", "semantic"))
    # the spectral stream, its projection to a token (64 * 256 + 256), the norm of that (2 * 256), its embedding (256)
    assert sum(p.numel() for p in net.parameters()) == 21_874_881 - 11_447_428 - 64 * 256 - 256 - 512 - 256


@pytest.mark.parametrize("streams", [(), ("spatial", "spatial"), ("temporal",)])
def test_streams_that_cannot_be_are_refused(streams: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match=r"streams"):
        MultistreamNetwork(streams=streams)
    assert MultistreamNetwork(streams=("semantic", "spatial")).streams == ("spatial", "semantic")


def test_ablation_is_refused_by_the_full_network_and_the_other_way_round(small: MultiStream) -> None:
    # a published script loads such checkpoints into the full network, which scores with streams that nobody trained
    part = MultiStream(**SMALL, streams=("spatial", "semantic"))
    contracts = {
        "full": make_contract("multistream", SMALL),
        "part": make_contract("multistream", SMALL | {"streams": ["spatial", "semantic"]}),
    }
    with pytest.raises(InputError, match=r"do not fit multistream: missing .*spectral"):
        load_network(contracts["full"], part.state_dict())
    with pytest.raises(InputError, match=r"do not fit multistream: unexpected spectral"):
        load_network(contracts["part"], small.state_dict())
    assert load_network(contracts["part"], part.state_dict()).streams == ("spatial", "semantic")
    assert load_network(contracts["full"], small.state_dict()).streams == STREAMS


def test_streams_that_are_switched_off_do_not_enter_the_score(small: MultiStream) -> None:
    torch.manual_seed(2)
    with torch.inference_mode():
        tokens = small.forward_features(torch.rand(3, 3, 64, 64))
        whole, alone = small.forward_kept(tokens, STREAMS), small.forward_kept(tokens, ("spatial",))
        other = tokens.clone()
        other[:, 1:] = 100
        assert torch.allclose(whole, small.forward_head(tokens))
        assert not torch.allclose(whole, alone)
        assert torch.allclose(alone, small.forward_kept(other, ("spatial",)), atol=1e-5)
    for kept in ((), ("temporal",)):
        with pytest.raises(InputError, match="keep one or more of spatial, spectral, semantic"):
            small.forward_kept(tokens, kept)


def test_origin_of_weights_is_named_for_the_streams_that_there_are() -> None:
    net = MultiStream(**SMALL, streams=("spatial",))
    named = starting_weights({"weights": dict.fromkeys(STREAMS, "none")}, net)
    assert [origin.part for origin in named] == ["spatial"]

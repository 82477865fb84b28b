import math
from collections.abc import Callable
from functools import cache
from pathlib import Path
from urllib.error import URLError

import pytest
import timm
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from fakefocus.errors import InputError
from fakefocus.models.backbones import create_backbone
from fakefocus.models.cnndetect.network import CnnDetect
from fakefocus.models.efficientnet_b4.network import EfficientNetB4
from fakefocus.models.f3net.frequency import (
    BandFilters,
    FrequencyDecomposition,
    LocalFrequencyStatistics,
    band_masks,
    dct_matrix,
)
from fakefocus.models.f3net.network import F3Net, MixBlock, _enter
from fakefocus.models.meso4.network import Meso4
from fakefocus.models.meso_inception4.network import MesoInception4
from fakefocus.models.multistream.network import MultiStream
from fakefocus.models.univfd.network import UnivFd
from fakefocus.models.xception.network import Xception

pytestmark = pytest.mark.slow

NETWORKS: dict[str, Callable[..., nn.Module]] = {
    "meso4": Meso4,
    "meso_inception4": MesoInception4,
    "xception": Xception,
    "efficientnet_b4": EfficientNetB4,
    "cnndetect": CnnDetect,
    "univfd": UnivFd,
    "f3net": F3Net,
}
# the networks as they are, on small pictures; but UnivFD's alone would take 1.2 GB, and EfficientNet-B4's 32 blocks
# of random weights answer in the thousands to a picture unlike those whose statistics its norms have
SMALL_PICTURES = {
    "meso4": {},
    "meso_inception4": {},
    "xception": {"img_size": 64},
    "efficientnet_b4": {"backbone": "test_efficientnet", "img_size": 64},
    "cnndetect": {"img_size": 64},
    "univfd": {"backbone": "test_vit", "img_size": 64},
    "f3net": {"img_size": 64},
}
# what can have another backbone gets a small one
SMALL_NETWORKS = SMALL_PICTURES | {
    "xception": {"backbone": "test_resnet", "img_size": 64},
    "cnndetect": {"backbone": "test_resnet", "img_size": 64},
}
every_family = pytest.mark.parametrize("family", NETWORKS)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def _count(module: nn.Module, *, trainable: bool = False) -> int:
    return sum(p.numel() for p in module.parameters() if p.requires_grad or not trainable)


def _pictures(count: int, size: int, seed: int = 1) -> Tensor:
    """Soft blobs of colour with noise on top, no two alike."""
    draw = torch.Generator().manual_seed(seed)
    blobs = F.interpolate(torch.rand(count, 3, 5, 5, generator=draw), size, mode="bilinear")
    noise = torch.rand(count, 3, size, size, generator=draw) * torch.rand(count, 1, 1, 1, generator=draw)
    return (0.7 * blobs + 0.3 * noise).clamp(0, 1)


def _settle(net: nn.Module) -> nn.Module:
    """Give the norms of an untrained network the statistics of a batch; without them it answers next to nothing."""
    norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None
    with torch.no_grad():
        net.train()(_pictures(16, net.img_size, seed=2))
    return net.eval()


@cache
def _settled(family: str) -> nn.Module:
    torch.manual_seed(0)
    net = NETWORKS[family](**SMALL_PICTURES[family])
    # as after training: at first the branches of F3-Net do not meet
    for mix in net.mix.values() if isinstance(net, F3Net) else ():
        nn.init.constant_(mix.gain, 0.5)
    return _settle(net)


@pytest.mark.parametrize(
    ("family", "total", "trainable", "embedding_dim", "img_size"),
    [
        # 8·3·9+8, 8·8·25+8, 16·8·25+16, 16·16·25+16, norms 2·(8+8+16+16), 1024·16+16, 16+1: the paper's number
        ("meso4", 27_977, 27_977, 1024, 256),
        # modules 378 and 478, 16·12·25+16, 6416, norms 2·(11+12+16+16), 16400, 17: the paper's number
        ("meso_inception4", 28_615, 28_615, 1024, 256),
        # timm's backbone without its classifier, and one weight a feature and a bias
        ("xception", 20_806_952 + 2049, 20_809_001, 2048, 299),
        ("efficientnet_b4", 17_548_616 + 1793, 17_550_409, 1792, 380),
        ("cnndetect", 23_508_032 + 2049, 23_510_081, 2048, 224),
        # CLIP's visual tower has 303,966,208; timm's projection has a bias of 768 zeros
        ("univfd", 303_966_208 + 768 + 769, 769, 768, 224),
        # Xceptions whose stems see 9 and 6 channels (2·20,806,952 + 288·(6+3)), filters 3·299² + 6·100,
        # mix blocks 2·728·91 + 2·728² + 2 and 2·1024·128 + 2·1024² + 2, head 4097
        ("f3net", 41_616_496 + 268_803 + 1_192_466 + 2_359_298 + 4_097, 45_441_160, 4096, 299),
    ],
)
def test_parameters_are_as_many_as_worked_out(
    family: str, total: int, trainable: int, embedding_dim: int, img_size: int
) -> None:
    with torch.device("meta"):
        net = NETWORKS[family]()
    assert _count(net) == total
    assert _count(net, trainable=True) == trainable
    assert (net.embedding_dim, net.img_size, net.in_chans) == (embedding_dim, img_size, 3)


@every_family
def test_embedding_has_the_stated_width_and_each_sample_one_logit(family: str) -> None:
    net = _settled(family)
    x = _pictures(2, net.img_size)
    with torch.inference_mode():
        features = net.forward_features(x)
        assert features.shape == (2, net.embedding_dim)
        assert net.forward_head(features).shape == (2,)
        assert torch.equal(net.forward_head(features), net(x))


@pytest.mark.parametrize("family", ["meso4", "meso_inception4", "xception", "efficientnet_b4", "cnndetect", "univfd"])
def test_networks_as_published_take_pictures_of_the_published_size(family: str) -> None:
    with torch.device("meta"):
        net = NETWORKS[family]()
        assert net.forward_features(torch.rand(2, 3, net.img_size, net.img_size)).shape == (2, net.embedding_dim)


# read off once, at seed 0; they say that nothing has changed since, not that it was right
PINNED = {
    "meso4": [0.1808, -0.1064, -0.5719],
    "meso_inception4": [-1.2997, -0.9849, 0.8438],
    "xception": [-0.2181, -0.1715, 0.0264],
    "efficientnet_b4": [-0.0809, -0.3202, -0.8595],
    "cnndetect": [0.0231, -0.0246, -0.2062],
    "univfd": [0.5050, 0.0544, -0.7127],
    "f3net": [-0.4566, -0.3670, -0.3903],
}


@every_family
def test_forward_gives_the_same_logits_as_ever(family: str) -> None:
    net = _settled(family)
    with torch.inference_mode():
        logits = net(_pictures(3, net.img_size))
    assert logits.tolist() == pytest.approx(PINNED[family], abs=2e-3)


@every_family
def test_a_sample_scores_the_same_alone_and_in_any_batch(family: str) -> None:
    net = _settled(family)
    x = _pictures(4, net.img_size, seed=3)
    with torch.inference_mode():
        together, alone = net(x), torch.cat([net(x[i : i + 1]) for i in range(4)])
    assert together.std() > 1e-3
    assert torch.allclose(together, alone, atol=1e-5)


def _step(net: nn.Module, optimizer: torch.optim.Optimizer, x: Tensor, labels: Tensor) -> float:
    loss = F.binary_cross_entropy_with_logits(net(x).float(), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


def _trainable(net: nn.Module) -> dict[str, nn.Parameter]:
    return {name: p for name, p in net.named_parameters() if p.requires_grad}


@every_family
def test_gradients_reach_every_trainable_parameter(family: str) -> None:
    # not 0, with which the one channel of MesoInception-4's first branch is below 0 everywhere
    torch.manual_seed(1)
    net = NETWORKS[family](**SMALL_NETWORKS[family], drop_rate=0.0).train()
    optimizer = torch.optim.SGD(_trainable(net).values(), lr=0.1)
    x, labels = _pictures(4, net.img_size), torch.tensor([0.0, 1, 0, 1])
    # the first step moves the gains of F3-Net's mix blocks off 0
    for _ in range(2):
        _step(net, optimizer, x, labels)
    assert [name for name, p in _trainable(net).items() if p.grad is None or not p.grad.any()] == []


@pytest.mark.parametrize(
    ("family", "rate", "steps"),
    [
        ("meso4", 1e-2, 8),
        ("meso_inception4", 1e-2, 8),
        ("xception", 2e-3, 25),
        ("efficientnet_b4", 1e-2, 25),
        ("cnndetect", 2e-3, 25),
        ("univfd", 1e-1, 40),
        ("f3net", 1e-3, 4),
    ],
)
def test_a_batch_of_eight_is_learned_by_heart(family: str, rate: float, steps: int) -> None:
    torch.manual_seed(0)
    net = NETWORKS[family](**SMALL_NETWORKS[family], drop_rate=0.0).train()
    optimizer = torch.optim.Adam(_trainable(net).values(), lr=rate)
    x, labels = _pictures(8, net.img_size), torch.tensor([0.0, 1, 1, 0, 1, 0, 0, 1])
    losses = [_step(net, optimizer, x, labels) for _ in range(steps)]
    assert losses[-1] < 0.1


@pytest.mark.parametrize("family", ["meso4", "meso_inception4"])
def test_a_mesonet_answers_in_evaluation_what_it_answered_in_training(family: str) -> None:
    torch.manual_seed(0)
    net = NETWORKS[family](drop_rate=0.0)
    x = _pictures(16, 256, seed=2)
    with torch.no_grad():
        trained = net.train()(x)
        # a norm shared by several convolutions would keep the mean of their statistics, which fits none of them
        assert torch.allclose(_settle(net)(x), trained, atol=1e-3)


@pytest.mark.parametrize("family", ["meso4", "meso_inception4"])
def test_each_convolution_or_module_of_a_mesonet_has_a_norm_of_its_own(family: str) -> None:
    net = NETWORKS[family]()
    assert len({id(m) for m in net.modules() if isinstance(m, nn.BatchNorm2d)}) == 4


@every_family
def test_half_precision_gives_nearly_the_same_logits_and_finite_gradients(family: str) -> None:
    torch.manual_seed(0)
    net = _settle(NETWORKS[family](**SMALL_NETWORKS[family]))
    x = _pictures(2, net.img_size)
    exact = net(x)
    with torch.autocast("cpu", torch.bfloat16):
        logits = net(x)
    logits.float().sum().backward()
    assert torch.allclose(logits.float(), exact, atol=0.1)
    assert all(torch.isfinite(p.grad).all() for p in _trainable(net).values())


@pytest.mark.parametrize(
    ("family", "mean", "std"),
    [
        ("xception", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
        ("f3net", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
        ("univfd", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),  # those of the small backbone, CLIP's are below
        ("efficientnet_b4", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ("cnndetect", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    ],
)
def test_backbones_get_the_mean_and_deviation_of_their_weights(
    family: str, mean: tuple[float, ...], std: tuple[float, ...]
) -> None:
    net = _settled(family)
    seen: list[Tensor] = []
    first = net.decompose if family == "f3net" else net.backbone
    hook = first.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    with torch.inference_mode():
        net(torch.zeros(1, 3, net.img_size, net.img_size))
    hook.remove()
    # black is -mean / std
    assert seen[0][0, :, 5, 5].tolist() == pytest.approx([-m / s for m, s in zip(mean, std, strict=True)])


def test_efficientnet_keeps_the_stem_of_its_backbone() -> None:
    torch.manual_seed(0)
    stem = timm.create_model("test_efficientnet", num_classes=0).conv_stem.weight
    torch.manual_seed(0)
    assert torch.equal(EfficientNetB4("test_efficientnet", img_size=64).backbone.conv_stem.weight, stem)


# --- UnivFD


def test_univfd_stays_frozen_and_in_evaluation_while_it_trains() -> None:
    net = UnivFd("test_vit", img_size=64).train()
    assert net.training
    assert net.head.training
    assert not any(m.training for m in net.backbone.modules())
    assert not any(p.requires_grad for p in net.backbone.parameters())
    before = {name: p.clone() for name, p in net.backbone.named_parameters()}
    _step(net, torch.optim.SGD(_trainable(net).values(), lr=1.0), _pictures(2, 64), torch.tensor([0.0, 1]))
    assert all(torch.equal(p, before[name]) for name, p in net.backbone.named_parameters())


def test_univfd_keeps_nothing_for_a_gradient_unless_the_picture_asks_for_one() -> None:
    net = UnivFd("test_vit", img_size=64).train()
    x = _pictures(2, 64)
    assert net.forward_features(x).grad_fn is None
    # an attack moves the picture
    x.requires_grad_()
    net(x).sum().backward()
    assert x.grad.any()


def test_univfd_ends_in_clips_projection_and_not_in_a_classifier() -> None:
    net = UnivFd("vit_xsmall_patch16_clip_224.tinyclip_yfcc15m")
    assert net.embedding_dim == net.backbone.head.out_features == 512
    assert net.normalize.mean.flatten().tolist() == pytest.approx([0.48145466, 0.4578275, 0.40821073])
    assert net.normalize.std.flatten().tolist() == pytest.approx([0.26862954, 0.26130258, 0.27577711])
    with torch.device("meta"):
        tuned = UnivFd("vit_base_patch32_clip_224.laion2b_ft_in1k")
    assert tuned.embedding_dim == 768  # its classifier of 1000 is gone


def test_univfd_uses_the_activation_that_openais_weights_know() -> None:
    with torch.device("meta"):
        net = UnivFd()
    assert type(net.backbone.blocks[0].mlp.act).__name__ == "QuickGELU"
    assert net.backbone.head.in_features == 1024
    assert net.backbone.head.out_features == 768


def test_univfd_does_not_scale_features_to_unit_length() -> None:
    net = _settled("univfd")
    x = _pictures(2, 64)
    with torch.inference_mode():
        assert torch.allclose(net.forward_features(x), net.backbone((x - 0.5) / 0.5), atol=1e-5)
        assert (net.forward_features(x).norm(dim=1) > 2).all()


# --- F3-Net


@pytest.mark.parametrize("size", [2, 10, 299])
def test_dct_is_orthonormal(size: int) -> None:
    matrix = dct_matrix(size)
    assert torch.allclose(matrix @ matrix.T, torch.eye(size), atol=1e-5)


def test_dct_worked_out_by_hand() -> None:
    # two values: their sum and their difference over sqrt 2
    assert torch.allclose(dct_matrix(2) @ torch.tensor([3.0, 1.0]), torch.tensor([4.0, 2.0]) / math.sqrt(2))
    # a constant has but one coefficient, 1 * sqrt 10
    assert torch.allclose(dct_matrix(10) @ torch.ones(10), torch.tensor([math.sqrt(10)] + [0.0] * 9), atol=1e-6)


def test_bands_take_the_published_shares_of_the_spectrum() -> None:
    low, middle, high = FrequencyDecomposition(299).filters.base.mean((1, 2)).tolist()
    # diagonals are whole numbers: the areas hold but for one of them, 150 of 299² coefficients
    assert [low, middle, high] == pytest.approx([1 / 16, 1 / 16, 7 / 8], abs=2e-3)


def test_windows_coefficients_are_divided_by_hand() -> None:
    # diagonals 0-3, 4-6, 7-9, 10-13, 14-16, 17-18 of a 10x10 square: 1+2+3+4, 5+6+7, 8+9+10, 9+8+7+6, 5+4+3, 2+1
    assert LocalFrequencyStatistics().filters.base.sum((1, 2)).tolist() == [10, 18, 27, 30, 12, 3]
    # a diagonal on the edge belongs to the upper band
    assert band_masks(2, [1.0])[0].tolist() == [[1, 0], [0, 0]]


def test_learned_bands_are_bounded() -> None:
    filters = BandFilters(torch.tensor([[[0.0, 1.0, 0.0, 1.0]]]))
    with torch.no_grad():
        # (1 - exp(-ln 3)) / (1 + exp(-ln 3)) = (2/3) / (4/3)
        filters.weight.copy_(torch.tensor([[[math.log(3), -math.log(3), 1e6, 0.0]]]))
    assert filters().flatten().tolist() == pytest.approx([0.5, 0.5, 1.0, 1.0])


def test_untouched_bands_add_up_to_the_picture() -> None:
    x = _pictures(2, 64) - 0.5
    bands = FrequencyDecomposition(64)(x)
    assert bands.shape == (2, 9, 64, 64)
    assert torch.allclose(bands.unflatten(1, (3, 3)).sum(1), x, atol=1e-5)


def test_a_constant_is_low_and_a_checkerboard_is_high() -> None:
    decompose = FrequencyDecomposition(32)
    flat, board = torch.full((1, 3, 32, 32), 0.3), torch.tensor([[1.0, -1.0], [-1.0, 1.0]]).repeat(16, 16)
    low, middle, high = decompose(flat).split(3, dim=1)
    assert torch.allclose(low, flat, atol=1e-5)
    assert max(middle.abs().max(), high.abs().max()) < 1e-5
    low, middle, high = decompose(board.expand(1, 3, 32, 32)).split(3, dim=1)
    # the DCT has no frequency that is a checkerboard: 1 / cos(pi / 4) decays over the others, little of it is low
    assert high.square().mean() > 0.95
    assert low.square().mean() < 0.01


def test_statistics_of_a_constant_picture_worked_out_by_hand() -> None:
    # grey .5 is 127.5 levels, its coefficient at frequency 0 is 10 * 127.5, the mean of that band's ten 127.5
    grey = LocalFrequencyStatistics()(torch.full((1, 3, 32, 32), 0.5))
    assert grey.shape == (1, 6, 15, 15)
    assert grey[0, :, 7, 7].tolist() == pytest.approx([math.log10(127.51)] + [-2.0] * 5, abs=5e-3)
    assert torch.allclose(grey, grey[..., 7:8, 7:8].expand_as(grey), atol=5e-3)
    # red counts .299
    red = torch.zeros(1, 3, 32, 32)
    red[:, 0] = 1
    assert LocalFrequencyStatistics()(red)[0, 0, 0, 0].item() == pytest.approx(math.log10(0.299 * 255 + 0.01), abs=1e-4)


def test_statistics_are_of_the_window_at_their_place() -> None:
    x = torch.full((1, 3, 64, 64), 0.5)
    x[..., 40, 30] = 1.0
    busy = (LocalFrequencyStatistics()(x)[0, 5] > -1).nonzero()
    # window k covers pixels 2k - 4 to 2k + 5: row 40 is in 18 to 22, column 30 in 13 to 17
    assert (busy.amin(0).tolist(), busy.amax(0).tolist()) == ([18, 13], [22, 17])


def test_frequencies_are_computed_in_full_precision_under_autocast() -> None:
    x = _pictures(1, 64)
    for module in (FrequencyDecomposition(64), LocalFrequencyStatistics()):
        exact = module(x)
        with torch.autocast("cpu", torch.bfloat16):
            again = module(x)
        assert again.dtype == torch.float32
        assert torch.equal(again, exact)


@pytest.mark.parametrize("size", [56, 63, 64, 70, 72, 255])
def test_statistics_are_as_wide_as_what_xceptions_first_convolution_gives(size: int) -> None:
    x = torch.rand(1, 3, size, size)
    assert LocalFrequencyStatistics()(x).shape[-2:] == nn.Conv2d(3, 1, 3, stride=2)(x).shape[-2:]


def test_statistics_are_149_wide_at_the_published_size() -> None:
    assert LocalFrequencyStatistics()(torch.rand(1, 3, 299, 299)).shape == (1, 6, 149, 149)


def test_untouched_f3net_shows_xception_the_picture() -> None:
    torch.manual_seed(0)
    plain = create_backbone("f3net", "legacy_xception", pretrained=False, num_classes=0).eval()
    torch.manual_seed(0)
    net = F3Net(img_size=64).eval()
    x = 2 * _pictures(1, 64) - 1
    with torch.inference_mode():
        assert torch.allclose(_enter(net.fad, net.decompose(x)), _enter(plain, x), atol=1e-5)


def _mix_block(gain: list[float]) -> MixBlock:
    """Queries and keys are channel 0, values are what they are."""
    mix = MixBlock(8)
    with torch.no_grad():
        mix.gain.copy_(torch.tensor(gain))
        for conv in (mix.query, mix.key):
            conv.weight.copy_(F.one_hot(torch.tensor([0]), 8)[..., None, None])
        for conv in (mix.fad_value, mix.lfs_value):
            conv.weight.copy_(torch.eye(8)[..., None, None])
    return mix


def test_mix_block_is_nothing_at_first() -> None:
    fad, lfs = torch.randn(2, 8, 3, 3), torch.randn(2, 8, 3, 3)
    mixed = MixBlock(8)(fad, lfs)
    assert torch.equal(mixed[0], fad)
    assert torch.equal(mixed[1], lfs)


def test_mix_block_worked_out_by_hand() -> None:
    fad, lfs = torch.zeros(1, 8, 1, 2), torch.zeros(1, 8, 1, 2)
    fad[0, 0, 0], lfs[0, 0, 0] = torch.tensor([100.0, 0.0]), torch.tensor([0.0, 1.0])
    fad[0, 1, 0], lfs[0, 1, 0] = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 5.0])
    to_fad, to_lfs = _mix_block([1.0, 10.0])(fad, lfs)
    # affinity [[0, 100], [0, 0]]: FAD's place 0 takes LFS' place 1, its place 1 the mean of both
    assert to_fad[0, 1, 0].tolist() == pytest.approx([1 + 5, 2 + 4])
    # LFS' place 0 takes the mean of FAD's, its place 1 FAD's place 0
    assert to_lfs[0, 1, 0].tolist() == pytest.approx([3 + 10 * 1.5, 5 + 10 * 1])


def test_f3net_needs_the_inside_of_xception() -> None:
    with pytest.raises(InputError, match=r"f3net\.network\.backbone: .* must be 'legacy_xception', got 'test_resnet'"):
        F3Net("test_resnet")


# --- weights from a hub


@pytest.mark.parametrize("family", [f for f in NETWORKS if not f.startswith("meso")])
def test_failed_download_says_what_to_do(family: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object, **__: object) -> None:
        msg = "no route to host"
        raise URLError(msg)

    for name in ("load_state_dict_from_hf", "load_state_dict_from_url"):
        monkeypatch.setattr(f"timm.models._builder.{name}", unreachable)
    options = SMALL_NETWORKS[family]
    backbone = options.get("backbone", "legacy_xception")
    text = (
        rf"^{family}: the weights of backbone '{backbone}' could not be fetched \(URLError: .*no route to host.*\): "
        rf"give {family}\.network\.weights={{backbone: <file>}} for those of timm's {backbone} on disk.* or none"
    )
    with pytest.raises(InputError, match=text):
        NETWORKS[family](**options, pretrained=True)


def test_failed_download_of_one_stream_says_which_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        msg = "no route"
        raise OSError(msg)

    monkeypatch.setattr("timm.models._builder.load_pretrained", refuse)
    with pytest.raises(
        InputError, match=r"multistream: the weights of spatial 'test_efficientnet' could not be fetched"
    ):
        MultiStream("test_efficientnet", "test_resnet", "test_vit", 64, pretrained=True)


def test_weights_that_are_not_where_timm_looks_are_a_failed_download(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    nowhere = {"hf_hub_id": None, "url": "file:///no/such/weights.pth"}
    with pytest.raises(InputError, match=r"xception: the weights of backbone 'test_resnet' could not be fetched"):
        create_backbone("xception", "test_resnet", pretrained=True, pretrained_cfg_overlay=nowhere)


def test_wrong_option_is_no_failed_download() -> None:
    with pytest.raises(TypeError, match="no_such_option"):
        create_backbone("xception", "test_resnet", pretrained=True, no_such_option=1)


@pytest.mark.parametrize(
    ("name", "near"), [("legacy_xceptoin", "legacy_xception"), ("resnet50.tv_in2k", "resnet50.tv_in1k")]
)
def test_unknown_backbone_or_tag_names_the_near_miss(name: str, near: str) -> None:
    text = rf"xception\.network\.backbone: timm has no model '{name}', did you mean .*'{near}'"
    with pytest.raises(InputError, match=text):
        Xception(name)

"""Heat maps show the place that a score comes from."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from fakefocus.explain.heat import _attention, attention_rollout, heat_maps, last_map_layer
from fakefocus.models import find_family
from fakefocus.models.build import build_network

STREAMS = {"spatial": "test_efficientnet", "spectral": "test_resnet", "semantic": "test_vit", "img_size": 96}


class Red(nn.Module):
    """Scores how much red a picture has, and takes off how much blue, by two maps of an eighth of its sides."""

    def __init__(self) -> None:
        super().__init__()
        self.colours = nn.Conv2d(3, 2, 8, stride=8, bias=False)
        nn.init.zeros_(self.colours.weight)
        self.colours.weight.data[0, 0] = self.colours.weight.data[1, 2] = 1 / 64

    def forward(self, x: Tensor) -> Tensor:
        red, blue = self.colours(x).mean((2, 3)).unbind(1)
        return red - blue


def test_the_hottest_place_is_what_raises_the_score() -> None:
    picture = torch.full((1, 3, 128, 128), 0.1)
    picture[:, 0, 80:112, 16:48] = 0.9
    picture[:, 2, 16:48, 80:112] = 0.9
    (heat,) = heat_maps(Red().eval(), picture)
    assert heat.shape == (128, 128)
    assert heat[84:108, 20:44].min() > 0.8
    assert heat[20:44, 84:108].max() < 0.2, "what lowers the score is cold"


@pytest.mark.parametrize(
    ("family", "options"),
    [
        ("scade_net", {"in_chans": 4}),
        ("meso4", {}),
        ("lite", {"backbone": "tf_efficientnet_lite0", "img_size": 96, "drop_rate": 0.0}),
        (
            "multistream",
            {"spatial": "test_efficientnet", "spectral": "test_resnet", "semantic": "test_vit", "img_size": 96},
        ),
    ],
)
def test_networks_of_convolutions_have_a_map(family: str, options: dict) -> None:
    network = build_network(family, options).eval()
    x = torch.rand(1, getattr(network, "in_chans", 3), network.img_size, network.img_size)
    heat = heat_maps(network, x, find_family(family).heat_part)
    assert heat.shape == (1, network.img_size, network.img_size)
    assert np.isfinite(heat).all()


def test_the_map_of_a_part_is_of_that_part() -> None:
    network = build_network("multistream", STREAMS).eval()
    layer = last_map_layer(network, torch.rand(1, 3, 96, 96), "spatial")
    assert layer.module in set(network.spatial.modules())


def test_a_transformers_map_is_of_its_last_block_and_not_of_its_patches() -> None:
    network = build_network("multistream", STREAMS).eval()
    layer = last_map_layer(network, torch.rand(1, 3, 96, 96), "semantic")
    assert layer.module is network.semantic.blocks[-1].norm1
    tokens = torch.arange(1 + 36.0).reshape(1, 37, 1)
    # 96 pixels are 6 x 6 patches of 16; the class token in front is none of them
    assert layer.as_map(tokens).reshape(-1).tolist() == list(range(1, 37))


def test_what_speaks_for_real_is_hot_where_real_is_asked_for() -> None:
    picture = torch.full((1, 3, 128, 128), 0.1)
    picture[:, 0, 80:112, 16:48] = 0.9
    picture[:, 2, 16:48, 80:112] = 0.9
    (heat,) = heat_maps(Red().eval(), picture, label=0)
    assert heat[20:44, 84:108].min() > 0.8
    assert heat[84:108, 20:44].max() < 0.2


class Corner(nn.Module):
    """Scores the red of the upper left corner alone, by a flat head over a map of features that is red everywhere."""

    def __init__(self) -> None:
        super().__init__()
        self.colours = nn.Conv2d(3, 1, 8, stride=8, bias=False)
        nn.init.zeros_(self.colours.weight)
        self.colours.weight.data[0, 0] = 1 / 64
        self.head = nn.Linear(64, 1, bias=False)
        nn.init.zeros_(self.head.weight)
        self.head.weight.data[0, 0] = 1.0

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.colours(x).flatten(1)).squeeze(1)


def test_hires_cam_knows_the_place_where_a_flat_head_looks_and_grad_cam_does_not() -> None:
    picture = torch.full((1, 3, 64, 64), 0.5)
    picture[:, 0, 48:, 48:] = 1.0
    network = Corner().eval()
    (true,), (averaged,) = (heat_maps(network, picture, method=method) for method in ("hires_cam", "grad_cam"))
    assert np.unravel_index(true.argmax(), true.shape) < (8, 8)
    assert averaged[:8, :8].max() < 0.1 < 0.9 < averaged[56:, 56:].max()


def test_rollout_of_attention_to_all_alike_is_cold_and_other_streams_have_none() -> None:
    network = build_network("multistream", STREAMS).eval()
    for block in network.semantic.blocks:
        # without queries and keys every token attends to all alike
        nn.init.zeros_(block.attn.qkv.weight)
        nn.init.zeros_(block.attn.qkv.bias)
    heat = heat_maps(network, torch.rand(2, 3, 96, 96), "semantic", "rollout")
    assert heat.shape == (2, 96, 96)
    assert heat.max() == 0, "tokens that attend to all alike see no place more than another"
    assert heat_maps(network, torch.rand(2, 3, 96, 96), "spatial", "rollout") is None


def test_rollout_finds_the_patch_that_is_attended_to_and_leaves_the_network_as_it_was() -> None:
    network = build_network("multistream", STREAMS).eval()
    x = torch.rand(1, 3, 96, 96)
    before, fused = network(x), [block.attn.fused_attn for block in network.semantic.blocks]
    heat = attention_rollout(network, x, "semantic")
    assert [block.attn.fused_attn for block in network.semantic.blocks] == fused
    torch.testing.assert_close(network(x), before, rtol=0, atol=0)
    # by hand: products of (mean over heads + identity) / 2, the row of the class token
    rollout = torch.eye(37)
    for attention in _attention(network, network.semantic, x):
        rollout = ((attention[0].mean(0) + torch.eye(37)) / 2) @ rollout
    patch = int(rollout[0, 1:].argmax())
    top, left = 16 * (patch // 6), 16 * (patch % 6)
    assert heat[0, top : top + 16, left : left + 16].max() == heat.max()


def test_a_network_whose_backbone_is_frozen_has_maps() -> None:
    network = Red().eval().requires_grad_(False)
    picture = torch.full((1, 3, 128, 128), 0.1)
    picture[:, 0, 80:112, 16:48] = 0.9
    (heat,) = heat_maps(network, picture)
    assert heat[84:108, 20:44].min() > 0.8


def test_a_network_of_tokens_has_none() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 1), nn.Flatten(0)).eval()
    assert heat_maps(network, torch.rand(1, 3, 32, 32)) is None

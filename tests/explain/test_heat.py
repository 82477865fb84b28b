"""Heat maps show the place that a score comes from."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from fakefocus.explain.heat import heat_maps, last_map_layer
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
    assert layer in set(network.spatial.modules())


def test_a_network_of_tokens_has_none() -> None:
    network = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 1), nn.Flatten(0)).eval()
    assert heat_maps(network, torch.rand(1, 3, 32, 32)) is None

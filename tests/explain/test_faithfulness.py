"""What tells a heat map that can be trusted from one that cannot."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from fakefocus.explain.faithfulness import (
    area,
    centre_heat,
    perturbation_curves,
    random_heat,
    rank_likeness,
    with_random_weights,
)
from fakefocus.explain.heat import heat_maps
from fakefocus.models.build import build_network

SIDE = 64


def _spot(x: Tensor) -> Tensor:
    """Score how bright a place of 4 x 4 pixels is."""
    return x[:, 0, 16:20, 40:44].mean((1, 2))


@pytest.fixture
def picture() -> Tensor:
    x = torch.zeros(2, 3, SIDE, SIDE)
    x[:, 0, 16:20, 40:44] = 1.0
    return x


def _heat() -> np.ndarray:
    heat = np.zeros((2, SIDE, SIDE), np.float32)
    heat[:, 16:20, 40:44] = 1
    return heat


def test_taking_away_what_counts_lowers_the_score_sooner_than_chance(picture: Tensor) -> None:
    true = perturbation_curves(_spot, picture, _heat(), steps=8)
    chance = perturbation_curves(_spot, picture, random_heat(2, SIDE, 8, seed=3), steps=8)
    assert (area(true.deletion) < area(chance.deletion) - 0.2).all()
    assert (area(true.insertion) > area(chance.insertion) + 0.2).all()


def test_curves_begin_at_the_picture_and_end_at_its_blur_and_the_other_way_round(picture: Tensor) -> None:
    curves = perturbation_curves(_spot, picture, _heat(), steps=4)
    assert curves.deletion.shape == (2, 5)
    assert curves.deletion[:, 0].tolist() == [1, 1]
    assert curves.insertion[:, -1].tolist() == [1, 1]
    np.testing.assert_allclose(curves.deletion[:, -1], curves.insertion[:, 0])
    # the first quarter of the places holds all that is hot
    assert curves.insertion[:, 1].tolist() == [1, 1]


def test_area_of_a_straight_line_is_its_middle() -> None:
    assert area(np.array([[0.0, 0.5, 1.0], [1.0, 1.0, 1.0]])).tolist() == [0.5, 1.0]


@given(st.integers(0, 2**16))
def test_a_map_is_like_itself_and_unlike_its_opposite(seed: int) -> None:
    heat = np.random.default_rng(seed).random((1, 6, 6)).astype(np.float32)
    assert rank_likeness(heat, heat)[0] == pytest.approx(1)
    assert rank_likeness(heat, 1 - heat)[0] == pytest.approx(-1)
    assert np.isnan(rank_likeness(heat, np.zeros_like(heat))[0]), "a flat map is like nothing and unlike nothing"


def test_maps_that_are_cold_in_the_same_places_are_not_alike_for_that() -> None:
    # scipy's spearmanr of two spots of 4 of 64 places that do not meet: -1 / 15
    first, second = np.zeros((2, 1, 8, 8), np.float32)
    first[0, 0, :4] = second[0, 7, :4] = 1
    assert rank_likeness(first, second)[0] == pytest.approx(-1 / 15)


def test_what_is_equally_cold_goes_in_no_order_of_rows() -> None:
    heat = np.zeros((1, SIDE, SIDE), np.float32)
    curves = perturbation_curves(lambda x: x[:, 0, : SIDE // 2].mean((1, 2)), _noise(), heat, steps=4)
    other = perturbation_curves(lambda x: x[:, 0, SIDE // 2 :].mean((1, 2)), _noise(), heat, steps=4)
    np.testing.assert_allclose(np.diff(curves.deletion), np.diff(other.deletion), atol=0.01)


def _noise() -> Tensor:
    """Return noise that is brighter than its blur by as much everywhere."""
    spots = torch.zeros(1, 3, SIDE, SIDE)
    spots[:, :, ::2, ::2] = 1
    return spots


def test_nothing_that_was_learned_is_left_in_random_weights() -> None:
    torch.manual_seed(0)
    network = build_network(
        "multistream",
        {"spatial": "test_efficientnet", "spectral": "test_resnet", "semantic": "test_vit", "img_size": 96},
    ).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter))
    other = with_random_weights(network, seed=1)
    same = {
        name: torch.equal(a, b)
        for (name, a), (_, b) in zip(network.named_parameters(), other.named_parameters(), strict=True)
    }
    assert not any(same.values()), [name for name, equal in same.items() if equal]
    again = with_random_weights(network, seed=1)
    assert all(torch.equal(a, b) for a, b in zip(other.parameters(), again.parameters(), strict=True))


def test_a_map_of_what_was_learned_is_lost_with_the_weights() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 2, 8, stride=8), nn.Flatten(), nn.Linear(128, 1), nn.Flatten(0)).eval()
    x = torch.rand(4, 3, SIDE, SIDE)
    own = heat_maps(network, x, method="hires_cam")
    other = heat_maps(with_random_weights(network, 5), x, method="hires_cam")
    assert np.abs(rank_likeness(own, other)).mean() < 0.5


def test_the_map_that_knows_nothing_is_hottest_in_the_middle() -> None:
    (heat,) = centre_heat(1, 5)
    assert np.unravel_index(heat.argmax(), heat.shape) == (2, 2)

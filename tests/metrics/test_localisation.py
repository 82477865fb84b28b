"""How well a heat map meets a mask, on maps that can be counted by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from fakefocus.metrics.localisation import localisation

HEAT = np.array([[[0.9, 0.6, 0.0, 0.0], [0.3, 0.2, 0.0, 0.0]]])


def test_the_hottest_place_points() -> None:
    left, right = np.zeros((2, 1, 2, 4), bool)
    left[0, 0, 0] = right[0, 0, 1] = True
    assert localisation(HEAT, left).hit.tolist() == [1]
    assert localisation(HEAT, right).hit.tolist() == [0]


def test_places_that_are_equally_hot_share_the_hit() -> None:
    mask = np.zeros((1, 2, 4), bool)
    mask[0, 0] = True
    assert localisation(np.ones((1, 2, 4)), mask).hit.tolist() == [0.5]


def test_overlap_is_that_of_as_many_hot_places_as_the_mask_has() -> None:
    mask = np.zeros((1, 2, 4), bool)
    mask[0, 0, :3] = True
    met = localisation(HEAT, mask)
    # the three hottest are (0,0), (0,1) and (1,0): two of them inside, four in the union
    assert met.overlap.tolist() == [0.5]
    assert met.inside.tolist() == pytest.approx([1.5 / 2.0])
    assert met.altered.tolist() == [3 / 8]


def test_a_map_without_a_hottest_place_meets_as_much_as_chance_does() -> None:
    upper, lower = np.zeros((2, 1, 2, 4), bool)
    upper[0, 0] = lower[0, 1] = True
    met = [localisation(np.ones((1, 2, 4)), mask) for mask in (upper, lower)]
    # a half is altered: a / (2 - a)
    assert [one.overlap.tolist() for one in met] == [[pytest.approx(1 / 3)]] * 2


def test_without_heat_or_mask_nothing_is_met() -> None:
    met = localisation(np.zeros((1, 2, 2)), np.zeros((1, 2, 2), bool))
    assert met.overlap.tolist() == [0]
    assert met.hit.tolist() == [0]
    assert np.isnan(met.inside).all()


@given(arrays(np.float64, (2, 4, 4), elements=st.floats(0, 1)), arrays(bool, (2, 4, 4)))
def test_all_is_a_share(heat: np.ndarray, masks: np.ndarray) -> None:
    met = localisation(heat, masks)
    for values in (met.hit, met.overlap, met.altered, met.inside[np.isfinite(met.inside)]):
        assert ((values >= 0) & (values <= 1 + 1e-12)).all()
    whole = localisation(heat, np.ones_like(masks))
    assert whole.overlap.tolist() == whole.hit.tolist() == [1, 1]

"""How alike two representations are."""

import numpy as np
import pytest

from fakefocus.metrics.similarity import linear_cka, mean_absolute_cosine, rank_correlation


def test_alignment_worked_out_by_hand() -> None:
    # centred columns (1, -1, 0, 0) and (1, 0, -1, 0): product 1, squared lengths 2 and 2: 1² / (2 * 2)
    first, second = np.array([[5.0], [3], [4], [4]]), np.array([[1.0], [0], [-1], [0]])
    assert linear_cka(first, second) == pytest.approx(0.25)
    # a second column that the first representation lacks: |Yᵀx|² = 1 + 0, |YᵀY| = |diag(2, 2)| = 2 √2
    both = np.hstack([second, [[0.0], [1], [0], [-1]]])
    # products of x = (1, -1, 0, 0) with both columns: 1 and -1
    assert linear_cka(first, both) == pytest.approx((1 + 1) / (2 * np.sqrt(4 + 4 + 2 * 0)))


def test_alignment_knows_no_rotation_scale_or_shift_and_shuffling_ends_it() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(500, 6))
    turn, _ = np.linalg.qr(rng.normal(size=(6, 6)))
    assert linear_cka(x, 3 * x @ turn + 7) == pytest.approx(1)
    assert linear_cka(x, rng.permutation(x @ turn)) < 0.05
    assert np.isnan(linear_cka(x, np.ones((500, 2))))


@pytest.mark.parametrize("rounding", [0, 1e-7])
def test_alignment_with_a_token_that_is_the_same_for_every_face_is_undefined(rounding: float) -> None:
    # the mean of many .1 is not quite .1
    rng = np.random.default_rng(0)
    dead = 0.1 * (1 + rounding * rng.uniform(-1, 1, size=(501, 3)))
    assert np.isnan(linear_cka(rng.normal(size=(501, 6)), dead))


def test_cosine_is_taken_sample_by_sample_and_without_sign() -> None:
    # cosines 1, -1 and 1 / √2; a vector of zeros counts as 0
    first = np.array([[1.0, 0], [1, 0], [1, 0], [0, 0]])
    second = np.array([[2.0, 0], [-3, 0], [1, 1], [1, 1]])
    assert mean_absolute_cosine(first, second) == pytest.approx((1 + 1 + 2**-0.5 + 0) / 4)


def test_rank_correlation_and_its_interval_worked_out_by_hand() -> None:
    # ranks 1..6 against 2, 1, 4, 3, 6, 5: squared differences sum to 6; 1 - 6 * 6 / (6 * 35) = .8286
    result = rank_correlation([1, 2, 3, 4, 5, 9], [20, 10, 40, 30, 60, 50], 0.95)
    assert result["value"] == pytest.approx(1 - 36 / 210)
    # artanh(.8286) = 1.1838, half width 1.96 * √((1 + .3433) / 3) = 1.3115
    assert (result["low"], result["high"]) == pytest.approx(
        (np.tanh(1.1838 - 1.3115), np.tanh(1.1838 + 1.3115)), abs=1e-3
    )


def test_rank_correlation_of_few_or_equal_values_is_undefined() -> None:
    assert rank_correlation([1, 2, 3, 4], [1, 2, 3, 4], 0.95)["value"] is None
    assert rank_correlation([1, 2, 3, 4, 5], [7] * 5, 0.95) == {"value": None, "low": None, "high": None, "n": 5}


def test_perfect_order_of_few_pairs_is_not_certain() -> None:
    perfect = rank_correlation([1, 2, 3, 4, 5], [1, 2, 3, 4, 5], 0.95)
    assert perfect["value"] == pytest.approx(1)
    # half a step from perfect 1 - 6 / 120 = .95, artanh 1.832; half width 1.96 * √(1.5 / 2) = 1.697
    assert perfect["low"] == pytest.approx(np.tanh(1.832 - 1.697), abs=2e-3)

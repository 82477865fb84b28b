"""Comparisons of detectors: by hand, against references, and how often they cry wolf."""

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from fakefocus.metrics.comparison import compare_auc, hierarchical_interval, holm
from fakefocus.metrics.intervals import jackknife_variance
from fakefocus.metrics.scores import auc


def _grouped(groups: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return labels, scores of two equally good detectors, and groups of two reals and two fakes that agree."""
    rng = np.random.default_rng(seed)
    labels, names = np.tile([0, 0, 1, 1], groups), np.repeat(np.arange(groups), 4)
    first, second = (rng.normal(size=groups)[names] + rng.normal(size=4 * groups) + labels for _ in range(2))
    return labels, first, second, names


def test_the_difference_leaves_the_same_group_out_of_both() -> None:
    labels, first, second, names = _grouped(12, 0)
    result = compare_auc(labels, first, second, names, 0.95)
    without = np.array(
        [auc(labels[names != n], second[names != n]) - auc(labels[names != n], first[names != n]) for n in range(12)]
    )
    # t of 11 degrees of freedom is 2.201
    half = 2.201 * np.sqrt(jackknife_variance(without))
    assert result["difference"] == pytest.approx(auc(labels, second) - auc(labels, first))
    assert result["high"] - result["difference"] == pytest.approx(half, rel=1e-3)
    assert result["method"].startswith("joint group jackknife")


def test_independent_rows_are_compared_by_delong_worked_out_by_hand() -> None:
    # reals r1 r2, fakes f1 f2 in every tenth of 20 copies; first: all pairs right but (r2, f1); second: all right
    labels = np.tile([0, 0, 1, 1], 5)
    first = np.tile([0.1, 0.6, 0.5, 0.9], 5)
    second = np.tile([0.1, 0.2, 0.8, 0.9], 5)
    result = compare_auc(labels, first, second, np.arange(20), 0.95)
    # of ten reals, and of ten fakes, the placements of five differ by .5: variances of 1 / 16 * 10 / 9
    assert result["difference"] == pytest.approx(0.25)
    half = 2.262 * np.sqrt(2 * (0.0625 * 10 / 9) / 10)
    assert result["high"] == pytest.approx(0.25 + half, abs=1e-3)
    assert result["method"] == "DeLong"


def test_swapping_detectors_turns_the_difference_around() -> None:
    labels, first, second, names = _grouped(9, 3)
    forth, back = (compare_auc(labels, *pair, names, 0.95) for pair in ((first, second), (second, first)))
    assert forth["difference"] == pytest.approx(-back["difference"])
    assert (forth["low"], forth["p"]) == pytest.approx((-back["high"], back["p"]))


def test_only_rows_that_both_have_scored_are_compared() -> None:
    labels, first, second, names = _grouped(10, 4)
    first[:8], second[-8:] = np.nan, np.nan
    kept = slice(8, -8)
    expected = compare_auc(labels[kept], first[kept], second[kept], names[kept], 0.95)
    assert compare_auc(labels, first, second, names, 0.95) == expected


def test_a_detector_is_not_better_than_itself_and_few_groups_have_no_verdict() -> None:
    labels, first, second, names = _grouped(10, 5)
    assert compare_auc(labels, first, first, names, 0.95)["p"] == 1.0
    few = compare_auc(*(column[:16] for column in (labels, first, second, names)), 0.95)
    assert few["difference"] is not None
    assert (few["low"], few["p"]) == (None, None)
    assert compare_auc(labels[labels == 1], first[:20], second[:20], names[:20], 0.95)["difference"] is None


def test_a_difference_without_variance_is_worth_a_sign_test_of_its_groups() -> None:
    # one detector has every pair right, the other every pair wrong: six groups all say so, 2 / 2^6
    labels, names = np.tile([0, 1], 6), np.repeat(np.arange(6), 2)
    assert compare_auc(labels, 1 - labels, labels, names, 0.95)["p"] == pytest.approx(2 / 64)


def test_equal_detectors_are_called_different_as_often_as_promised() -> None:
    # 5 % of 400 is 20, give or take 4.4; ignoring that clips of a group agree would not keep that
    results = [compare_auc(*_grouped(16, seed), 0.95) for seed in range(400)]
    assert 7 <= sum(result["p"] < 0.05 for result in results) <= 33


def test_holm_worked_out_by_hand() -> None:
    # smallest .01 times 3, then .03 times 2, then .04 at least as large as the one before
    assert holm([0.04, 0.01, None, 0.03]) == pytest.approx([0.06, 0.03, None, 0.06])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    # never more lenient than Benjamini and Hochberg
    p = np.random.default_rng(0).uniform(size=20) ** 3
    assert (np.array(holm(list(p)), dtype=float) >= false_discovery_control(p) - 1e-12).all()


def test_seeds_that_disagree_widen_the_interval() -> None:
    labels, first, _, names = _grouped(30, 6)
    rng = np.random.default_rng(1)
    alike = np.stack([first + rng.normal(0, 0.01, len(first)) for _ in range(3)])
    apart = np.stack([first + shift * labels for shift in (-1, 0, 1)])
    narrow, wide = (hierarchical_interval(labels, scores, names, 0.95) for scores in (alike, apart))
    assert wide["high"] - wide["low"] > 1.5 * (narrow["high"] - narrow["low"])
    assert narrow["low"] < narrow["value"] < narrow["high"]


def test_a_difference_over_seeds_is_that_of_the_same_seeds_and_groups() -> None:
    labels, first, second, names = _grouped(30, 7)
    both = hierarchical_interval(labels, [first, second], names, 0.95, minus=[first, second])
    assert both == {"value": 0.0, "low": 0.0, "high": 0.0}
    one = hierarchical_interval(labels, [first], names, 0.95)
    assert (one["low"], one["high"]) == (None, None)
    assert one["value"] == pytest.approx(auc(labels, first))

"""Comparisons of detectors: by hand, against references, and how often they cry wolf."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import false_discovery_control

from fakefocus.metrics.comparison import (
    compare_auc,
    compare_false_alarms,
    compare_videos,
    hierarchical_interval,
    holm,
)
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
    result = compare_auc(labels, 1 - labels, labels, names, 0.95)
    assert result["p"] == pytest.approx(2 / 64)
    # how large its error is cannot be told from it
    assert (result["difference"], result["low"], result["high"]) == (1.0, None, None)


def test_only_detectors_that_order_all_rows_alike_are_the_same_for_sure() -> None:
    labels, names = np.tile([0, 1], 6), np.repeat(np.arange(6), 2)
    scores = np.linspace(0, 1, 12)
    same = compare_auc(labels, scores, scores**2, names, 0.95)
    assert (same["difference"], same["low"], same["high"], same["p"]) == (0.0, 0.0, 0.0, 1.0)
    # two that separate the labels, in different orders: people who show a difference may just be missing
    both = compare_auc(labels, labels + scores / 2, labels - scores / 2, names, 0.95)
    assert (both["difference"], both["low"], both["high"], both["p"]) == (0.0, None, None, 1.0)


def test_false_alarms_that_no_group_changes_have_no_interval() -> None:
    inside, groups = np.tile([True, False], 8), np.repeat(np.arange(8), 2)
    result = compare_false_alarms(np.zeros(16, bool), inside, groups, 0.95)
    assert (result["difference"], result["low"], result["high"]) == (0.0, None, None)


def test_seeds_of_detectors_without_any_score_are_not_compared() -> None:
    none = np.zeros((2, 0))
    assert hierarchical_interval([], none, [], 0.95) == {"value": None, "low": None, "high": None}


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


def _videos(scores: list[float | None], methods: list[str]) -> pd.DataFrame:
    """Return the videos of a detector; those without a method are real, each is a group of its own."""
    names = [f"v{i}" for i in range(len(scores))]
    labels = [int(method != "") for method in methods]
    table = pd.DataFrame({"video_id": names, "label": labels, "method": methods, "group": names})
    return table.assign(score=pd.array(scores, dtype="Float64").to_numpy(float, na_value=np.nan))


def test_videos_are_compared_that_both_scored_whatever_their_order() -> None:
    # reals v0 v1, fakes v2 v3 of A and v4 of B; the second has no score of v3
    methods = ["", "", "A", "A", "B"]
    first = _videos([0.1, 0.6, 0.5, 0.9, 0.2], methods)
    second = _videos([0.1, 0.2, 0.8, None, 0.15], methods).sample(frac=1, random_state=1)
    # first: .5 beats .1 alone, .2 beats .1 alone: 2 of 4 pairs; second: .8 beats both, .15 beats .1: 3 of 4
    result, videos = compare_videos(first, second, (), 0.95)
    assert (result["difference"], videos) == (pytest.approx(0.25), 4)
    # without B: 1 of 2 pairs against 2 of 2
    result, videos = compare_videos(first, second, ("B",), 0.95)
    assert (result["difference"], videos) == (pytest.approx(0.5), 3)
    # nothing is left but B if A goes, and of no fakes all are compared
    result, videos = compare_videos(first, second, ("A", "B"), 0.95)
    assert (result["difference"], videos) == (pytest.approx(0.25), 4)


def test_false_alarms_of_some_videos_are_compared_with_those_of_the_others() -> None:
    # of ten groups, each with a video that is asked about and one that is not; 4 of 10 and 1 of 10 are called fake
    inside, groups = np.tile([True, False], 10), np.repeat(np.arange(10), 2)
    called = np.zeros(20, bool)
    called[[0, 2, 4, 6]] = called[19] = True
    result = compare_false_alarms(called, inside, groups, 0.95)
    assert result["difference"] == pytest.approx(0.3)
    # a group's difference is 1 in four groups, -1 in one and 0 in five: squares about their mean of .3 sum up to
    # 4 * .49 + 1.69 + 5 * .09 = 4.1, the variance of the mean is 4.1 / 9 / 10; t of 9 degrees of freedom is 2.262
    half = 2.262 * np.sqrt(4.1 / 90)
    assert (result["low"], result["high"]) == pytest.approx((0.3 - half, 0.3 + half), abs=1e-3)
    # the interval of 95 % has 0 in it
    assert result["p"] is not None
    assert 0.05 < result["p"] < 0.5
    assert compare_false_alarms(~called, inside, groups, 0.95)["difference"] == pytest.approx(-0.3)


def test_false_alarms_of_nobody_or_of_few_groups_have_no_verdict() -> None:
    none = {"difference": None, "low": None, "high": None, "p": None}
    assert compare_false_alarms([True, False], [True, True], ["a", "b"], 0.95) == none
    assert compare_false_alarms([True, False], [False, False], ["a", "b"], 0.95) == none
    # two groups: 1 of 2 against 0 of 2
    few = compare_false_alarms([True, False, False, False], [True, False, True, False], ["a", "a", "b", "b"], 0.95)
    assert few == none | {"difference": 0.5}

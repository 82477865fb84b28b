"""Intervals over groups: what they must be whatever the scores, and how often they contain the truth."""

import warnings

import numpy as np
import pytest
from benchmarks.interval_methods import bootstraps, closed_forms
from hypothesis import assume, given
from hypothesis import strategies as st

from benchmarks import coverage
from fakefocus.metrics.intervals import (
    effective_groups,
    group_interval,
    jackknife_variance,
    why_no_interval,
    wilson,
)
from fakefocus.metrics.scores import accuracy, auc, average_precision, equal_error_rate, f1, summary

METRICS = {
    "auc": auc,
    "ap": average_precision,
    "eer": equal_error_rate,
    "accuracy": lambda labels, scores: accuracy(labels, scores, 0.5),
    "f1": lambda labels, scores: f1(labels, scores, 0.5),
}
CLIPS = st.lists(st.integers(0, 20), min_size=2, max_size=4)
SIDES = st.lists(CLIPS, min_size=5, max_size=9)
"""Scores of five to nine groups; the first half of each are reals."""


def _side(groups: list[list[int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return labels, scores and groups; one clip of each class counts in every group, further ones in some."""
    rows = [
        (int(place >= len(scores) // 2), score / 20, name)
        for name, scores in enumerate(groups)
        for place, score in enumerate(scores[: 2 if name % 2 else 4])
    ]
    labels, scores, names = (np.array(column) for column in zip(*rows, strict=True))
    return labels, scores, names


def _interval(metric, labels, scores, groups, confidence: float = 0.95) -> tuple[float, float]:
    found = group_interval(metric, labels, scores, groups, confidence)
    assert found is not None
    return found["low"], found["high"]


def test_groups_of_one_size_count_in_full_and_others_for_fewer() -> None:
    # fakes are 2, 2, 2: worth 3. Reals are 1, 1, 4: (1 + 1 + 4)² / (1 + 1 + 16) = 36 / 18 = 2
    labels = [1] * 6 + [0] * 6
    groups = [*"aabbcc", "a", "b", *"cccc"]
    assert effective_groups(labels, groups) == 2
    assert effective_groups([0, 0, 1, 1], [*"abab"]) == 2
    assert effective_groups([1, 1], [*"ab"]) == 0


def test_jackknife_variance_worked_out_by_hand() -> None:
    # mean .7, squared gaps .04 + 0 + .04; times (3 - 1) / 3
    assert jackknife_variance(np.array([0.5, 0.7, 0.9])) == pytest.approx(0.08 * 2 / 3)


def test_interval_of_a_measured_variance_worked_out_by_hand() -> None:
    # .25 / .01 = 25 decisions; t of 7 degrees of freedom is 2.3646, w = 2.3646² / 25 = .22366;
    # centre .5, half sqrt(.25 w + w² / 4) / (1 + w) = .26157 / 1.22366 = .21376
    low, high = wilson(0.5, 0.01, groups=8, clips=48, confidence=0.95)
    assert [float(low), float(high)] == pytest.approx([0.28624, 0.71376], abs=1e-5)


def test_interval_of_a_separated_sample_worked_out_by_hand() -> None:
    # 8 groups are worth 32 decisions, fewer than 48 clips: the lower end is 1 / (1 + 2.3646² / 32) = .85126
    low, high = wilson(1.0, 0.0, groups=8, clips=48, confidence=0.95)
    assert [float(low), float(high)] == pytest.approx([0.85126, 1.0], abs=1e-5)
    # of one real and one fake a group there are 16 decisions: 1 / (1 + 2.3646² / 16) = .74104
    assert float(wilson(1.0, 0.0, groups=8, clips=16, confidence=0.95)[0]) == pytest.approx(0.74104, abs=1e-5)


def test_a_metric_at_its_bound_that_one_group_would_move_says_next_to_nothing() -> None:
    # a rate of fakes found that is 0 because of one real above them all: without that group it would be larger
    low, high = wilson(0.0, 0.04, groups=8, clips=48, confidence=0.95)
    assert float(low) == 0.0
    assert float(high) > 0.99


@pytest.mark.parametrize("name", METRICS)
@given(groups=SIDES)
def test_interval_contains_the_value_has_a_width_and_stays_in_0_to_1(name: str, groups: list[list[int]]) -> None:
    side = _side(groups)
    assume(not why_no_interval(side[0], side[2]))
    low, high = _interval(METRICS[name], *side)
    assert 0 <= low <= METRICS[name](*side[:2]) <= high <= 1
    assert high - low > 0.05


@given(groups=SIDES)
def test_interval_of_the_auc_sees_the_order_of_scores_alone(groups: list[list[int]]) -> None:
    labels, scores, names = _side(groups)
    assume(not why_no_interval(labels, names))
    assert _interval(auc, labels, scores**3, names) == pytest.approx(_interval(auc, labels, scores, names))


@given(groups=SIDES)
def test_swapping_labels_and_turning_scores_around_changes_no_interval(groups: list[list[int]]) -> None:
    labels, scores, names = _side(groups)
    assume(not why_no_interval(labels, names))
    turned = _interval(auc, 1 - labels, 1 - scores, names)
    assert turned == pytest.approx(_interval(auc, labels, scores, names))
    low, high = _interval(auc, labels, 1 - scores, names)
    assert (1 - high, 1 - low) == pytest.approx(turned)


@given(groups=SIDES, seed=st.integers(0, 99))
def test_order_of_rows_does_not_matter(groups: list[list[int]], seed: int) -> None:
    labels, scores, names = _side(groups)
    order = np.random.default_rng(seed).permutation(len(labels))
    assume(not why_no_interval(labels, names))
    shuffled = _interval(auc, labels[order], scores[order], names[order])
    assert shuffled == pytest.approx(_interval(auc, labels, scores, names))


def _normal_side(groups: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    labels = np.tile([0, 1], groups)
    return labels, np.random.default_rng(seed).normal(size=2 * groups) + labels, np.repeat(np.arange(groups), 2)


def test_more_confidence_and_fewer_groups_make_wider_intervals() -> None:
    wide = np.diff(_interval(auc, *_normal_side(8)))
    assert np.diff(_interval(auc, *_normal_side(8), confidence=0.99)) > wide
    assert np.diff(_interval(auc, *_normal_side(64))) < wide / 2


def test_copies_of_clips_within_groups_narrow_nothing_much() -> None:
    labels, scores, names = _normal_side(20)
    copies = np.repeat(np.arange(40), 8)
    once, eight = (np.diff(_interval(auc, labels[rows], scores[rows], names[rows])) for rows in (np.arange(40), copies))
    naive = np.diff(_interval(auc, labels[copies], scores[copies], np.arange(320)))
    assert eight == pytest.approx(once, rel=0.02)
    assert eight > 2 * naive


def test_hundreds_of_groups_are_left_out_in_lots_with_the_same_result() -> None:
    # a hundred lots of four groups; the expectation leaves out each of the 400 by itself
    labels, scores, names = _normal_side(400, seed=3)
    without = np.array([auc(labels[names != name], scores[names != name]) for name in range(400)])
    low, high = wilson(auc(labels, scores), jackknife_variance(without), 400, 800, 0.95)
    assert _interval(auc, labels, scores, names) == pytest.approx((float(low), float(high)), abs=0.01)


@pytest.mark.parametrize("rare", [0, 1])
def test_a_class_in_few_of_very_many_groups_is_left_out_group_by_group(rare: int) -> None:
    # six groups, every hundredth: in lots by number alone, one lot would hold the whole class
    labels = np.repeat([rare, 1 - rare], [6, 600])
    names = np.concatenate([np.arange(0, 600, 100), np.arange(600)])
    scores = np.random.default_rng(1).uniform(size=606)
    without = np.array([auc(labels[names != name], scores[names != name]) for name in range(600)])
    low, high = wilson(auc(labels, scores), jackknife_variance(without), 6, 606, 0.95)
    assert _interval(auc, labels, scores, names) == pytest.approx((float(low), float(high)), abs=0.01)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("groups", [1, 4])
def test_too_few_groups_have_values_and_no_interval_and_the_reason_in_words(groups: int) -> None:
    judged = summary(*_normal_side(groups), threshold=0.5, confidence=0.95)
    assert judged["auc"]["value"] is not None
    assert {judged[name][end] for name in METRICS for end in ("low", "high")} == {None}
    assert judged["groups"] == groups
    assert judged["no_interval"] == f"too few groups for an interval ({groups}; at least 5 of each class)"


def test_five_groups_are_enough_and_say_no_reason() -> None:
    judged = summary(*_normal_side(5), threshold=0.5, confidence=0.95)
    assert judged["no_interval"] == ""
    assert all(judged[name]["low"] < judged[name]["high"] for name in METRICS)


def test_many_groups_of_which_one_holds_nearly_all_clips_are_too_few() -> None:
    # six groups of 1, 1, 1, 1, 1 and 15 clips of a class: 400 / 230 = 1.74, told as 1.7
    names = np.concatenate([np.arange(5), np.full(15, 5)])
    labels, scores = np.repeat([0, 1], 20), np.linspace(0, 1, 40)
    assert group_interval(auc, labels, scores, np.tile(names, 2), 0.95) is None
    assert "(6 of unequal size, worth 1.7; at least 5 of each class)" in why_no_interval(labels, np.tile(names, 2))


def test_groups_are_counted_for_each_class_by_itself() -> None:
    # thirty people with a fake, four of them with a real
    labels, names = np.array([0] * 4 + [1] * 30), np.array([*range(4), *range(30)])
    assert why_no_interval(labels, names).startswith("too few groups for an interval (4;")
    assert why_no_interval(labels[4:], names[4:]) == "no interval, a class is missing"


def test_nothing_at_all_has_no_interval_and_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert group_interval(auc, [], [], [], 0.95) is None
        assert why_no_interval([], []) == "no interval, a class is missing"


def test_eight_groups_are_covered_where_a_percentile_bootstrap_falls_short() -> None:
    # 2 reals and 4 fakes a group, .3 of the variance shared by the group and .3 by its reals or fakes, true AUC .7;
    # 95 % of 400 is 380, give or take 4.4: 368 lies three deviations below
    rng = np.random.default_rng(8)
    trials, _ = coverage.simulate(rng, coverage.DESIGNS[0], 8, 0.7, 0.3, 0.3, trials=400)
    labels, names = np.repeat([0, 1], [16, 32]), np.concatenate([np.repeat(np.arange(8), n) for n in (2, 4)])
    found = [_interval(auc, labels, scores, names) for scores in trials.scores]
    assert sum(low <= 0.7 <= high for low, high in found) >= 368
    low, high = bootstraps(trials, rng)["percentile bootstrap"]
    assert ((low <= 0.7) & (high >= 0.7)).sum() < 368


def test_the_benchmark_measures_what_evaluation_uses() -> None:
    rng = np.random.default_rng(9)
    trials, gap = coverage.simulate(rng, coverage.DESIGNS[5], 16, 0.9, 0.3, 0.3, trials=2)
    member = np.arange(16)
    names = np.concatenate([np.repeat(member, trials.reals), np.repeat(member, trials.fakes)])
    labels = np.repeat([0, 1], [trials.reals.sum(), trials.fakes.sum()])
    others = coverage.other_metrics(trials, gap)
    found = {"auc": closed_forms(trials)["chosen"]} | {
        name: bounds for (name, method), (bounds, _) in others.items() if method == "chosen"
    }
    at_middle = {
        "accuracy": lambda labels, scores: accuracy(labels, scores, gap / 2),
        "f1": lambda labels, scores: f1(labels, scores, gap / 2),
    }
    for name, (low, high) in found.items():
        assert _interval((METRICS | at_middle)[name], labels, trials.scores[0], names) == pytest.approx(
            (low[0], high[0])
        )


def test_truths_of_the_simulation_are_those_of_very_many_clips() -> None:
    rng = np.random.default_rng(10)
    gap = 1.8
    labels = np.repeat([0, 1], 200_000)
    scores = rng.normal(size=400_000) + gap * labels
    truths = coverage.truths(gap, 0.5)
    assert truths["ap"] == pytest.approx(average_precision(labels, scores), abs=0.003)
    assert truths["eer"] == pytest.approx(equal_error_rate(labels, scores), abs=0.003)
    assert truths["f1"] == pytest.approx(f1(labels, scores, gap / 2), abs=0.003)

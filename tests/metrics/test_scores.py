import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from fakefocus.metrics.scores import (
    accuracy,
    auc,
    average_precision,
    equal_error_rate,
    equal_error_threshold,
    f1,
    risk_coverage_curve,
    roc_curve,
    summary,
)

SCORED = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 20)), min_size=2, max_size=60).filter(
    lambda rows: len({label for label, _ in rows}) == 2
)


@given(SCORED)
def test_auc_precision_and_f1_agree_with_scikit_learn(rows: list[tuple[int, int]]) -> None:
    labels, scores = np.array([r[0] for r in rows]), np.array([r[1] / 20 for r in rows])
    assert auc(labels, scores) == pytest.approx(sk.roc_auc_score(labels, scores))
    assert average_precision(labels, scores) == pytest.approx(sk.average_precision_score(labels, scores))
    assert f1(labels, scores, 0.5) == pytest.approx(sk.f1_score(labels, scores >= 0.5, zero_division=0))


@given(SCORED)
def test_turning_the_scores_around_turns_auc_and_keeps_eer_consistent(rows: list[tuple[int, int]]) -> None:
    labels, scores = np.array([r[0] for r in rows]), np.array([r[1] / 20 for r in rows])
    assert auc(labels, 1 - scores) == pytest.approx(1 - auc(labels, scores))
    assert equal_error_rate(1 - labels, 1 - scores) == pytest.approx(equal_error_rate(labels, scores))


def test_equal_error_rate_worked_out_by_hand() -> None:
    # reals .1 .2 .6, fakes .4 .7 .8: at .6 one real of three passes for a fake, at .4 none or one fake is missed;
    # the ROC goes (0, 2/3) to (1/3, 2/3): there 1 - hit = 1/3 = false alarms
    assert equal_error_rate([0, 0, 0, 1, 1, 1], [0.1, 0.2, 0.6, 0.4, 0.7, 0.8]) == pytest.approx(1 / 3)


def test_equal_error_rate_between_two_points_of_the_curve() -> None:
    # all scores equal: the curve is the diagonal from (0, 0) to (1, 1), it meets hit = 1 - alarm at .5
    assert equal_error_rate([0, 1, 1], [0.5, 0.5, 0.5]) == pytest.approx(0.5)


def test_perfect_scores_have_no_error() -> None:
    labels, scores = [0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9]
    assert (auc(labels, scores), equal_error_rate(labels, scores)) == (1.0, 0.0)
    assert (accuracy(labels, scores, 0.5), f1(labels, scores, 0.5)) == (1.0, 1.0)


def test_one_class_is_undefined_and_not_zero() -> None:
    assert math.isnan(auc([1, 1], [0.2, 0.9]))
    assert math.isnan(equal_error_rate([0, 0], [0.2, 0.9]))
    judged = summary([1, 1], [0.2, 0.9], ["a", "b"], threshold=0.5, confidence=0.95)
    assert judged["auc"] == {"value": None, "low": None, "high": None}
    assert judged["no_interval"] == "no interval, a class is missing"
    assert judged["accuracy"]["value"] == 0.5
    with pytest.raises(ValueError, match="needs both classes, got 0 real and 2 fake"):
        roc_curve([1, 1], [0.2, 0.9])


def test_threshold_of_equal_errors_worked_out_by_hand() -> None:
    # reals .1 .2 .6, fakes .4 .7 .8: from .6 on one of three reals is called fake, and one of three fakes is not;
    # between .6 and the next score below, .4, nothing changes
    assert equal_error_threshold([0, 0, 0, 1, 1, 1], [0.1, 0.2, 0.6, 0.4, 0.7, 0.8]) == pytest.approx(0.5)


def test_threshold_of_equal_errors_lies_in_the_middle_of_the_gap_of_perfect_scores() -> None:
    assert equal_error_threshold([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9]) == pytest.approx(0.5)
    assert equal_error_threshold([1, 0, 1, 0], [0.5, 0.1, 0.9, 0.1]) == pytest.approx(0.3)


def test_threshold_of_equal_errors_does_not_cut_through_a_tie() -> None:
    # reals .2 .5 .5, fakes .5 .8 .8: above .5 a third of the fakes is missed and no real called fake (1/3 apart),
    # from .5 on no fake is missed and two thirds of the reals are called fake (2/3 apart)
    assert equal_error_threshold([0, 0, 0, 1, 1, 1], [0.2, 0.5, 0.5, 0.5, 0.8, 0.8]) == pytest.approx(0.65)
    # real .5, fakes .3 .9: above .5 half of the fakes is missed, from .5 on the real is called fake as well: both
    # rates are 1/2 apart, the higher threshold accuses nobody wrongly
    assert equal_error_threshold([0, 1, 1], [0.5, 0.3, 0.9]) == pytest.approx(0.7)


def test_threshold_of_equal_errors_of_one_score_for_all_is_above_it() -> None:
    # all are missed or all reals called fake: nobody is accused
    assert equal_error_threshold([0, 1, 1], [0.5, 0.5, 0.5]) == pytest.approx(0.75)


def test_threshold_of_equal_errors_of_inverted_scores_errs_on_all() -> None:
    # reals .8 .9, fakes .1 .2: between .2 and .8 both reals are called fake and both fakes real
    assert equal_error_threshold([0, 0, 1, 1], [0.8, 0.9, 0.1, 0.2]) == pytest.approx(0.5)
    assert equal_error_rate([0, 0, 1, 1], [0.8, 0.9, 0.1, 0.2]) == 1.0


@pytest.mark.parametrize("labels", [[0, 0], [1, 1], []])
def test_threshold_of_equal_errors_needs_both_classes(labels: list[int]) -> None:
    assert math.isnan(equal_error_threshold(labels, [0.2, 0.9][: len(labels)]))


@given(SCORED)
def test_no_other_threshold_brings_both_errors_nearer_together(rows: list[tuple[int, int]]) -> None:
    labels, scores = np.array([r[0] for r in rows]), np.array([r[1] / 20 for r in rows])

    def apart(threshold: float) -> float:
        called = scores >= threshold
        return abs(float(np.mean(called[labels == 0])) - float(np.mean(~called[labels == 1])))

    # every way to divide the scores: below all of them, between two, above all
    nearest = min(apart(threshold) for threshold in np.arange(-1, 43, 2) / 40)
    assert apart(equal_error_threshold(labels, scores)) == pytest.approx(nearest)


def test_curve_of_risk_and_coverage_worked_out_by_hand() -> None:
    # threshold .5, from afar: fake .95 (right), fake .1 (wrong), real .7 (wrong), real .4 (right)
    coverages, errors = risk_coverage_curve([1, 1, 0, 0], [0.95, 0.1, 0.7, 0.4], 0.5)
    assert coverages.tolist() == [0.25, 0.5, 0.75, 1.0]
    assert errors.tolist() == pytest.approx([0, 1 / 2, 2 / 3, 1 / 2])
    # two at one distance, one right and one wrong, are kept together
    assert [part.tolist() for part in risk_coverage_curve([1, 1], [0.75, 0.25], 0.5)] == [[1.0], [0.5]]


def test_what_needs_both_classes_or_any_row_is_undefined_without() -> None:
    assert math.isnan(average_precision([0, 0], [0.2, 0.9]))
    assert math.isnan(accuracy([], [], 0.5))
    judged = summary([], [], [], threshold=0.5, confidence=0.95)
    assert {judged[name]["value"] for name in ("auc", "accuracy", "brier", "recall")} == {None}
    assert (judged["real"], judged["fake"], judged["groups"]) == (0, 0, 0)

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as sk

from fakefocus.metrics.scores import accuracy, auc, average_precision, equal_error_rate, f1, roc_curve, summary

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

"""Metrics under weights: those of scikit-learn and torchmetrics on rows repeated as often as they weigh."""

import numpy as np
import pytest
import torch
import torchmetrics.functional.classification as tm
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from fakefocus.metrics import weighted
from fakefocus.metrics.scores import by_category, equal_error_rate, summary
from fakefocus.metrics.weighted import ALARM_RATES, BINS, METRICS, measure

ROWS = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 20), st.integers(0, 3)), min_size=2, max_size=50).filter(
    lambda rows: len({label for label, _, weight in rows if weight}) == 2
)


def _one(labels, scores, threshold: float = 0.5, **options) -> dict[str, float]:
    units = np.arange(len(labels))
    weights = np.ones((1, len(labels)))
    return {k: float(v[0]) for k, v in measure(labels, scores, units, weights, threshold=threshold, **options).items()}


@settings(max_examples=40)
@given(rows=ROWS)
def test_weighted_metrics_are_those_of_scikit_learn_on_repeated_rows(rows) -> None:
    labels, scores, weights = (np.array(column) for column in zip(*rows, strict=True))
    scores = scores / 20
    values = measure(labels, scores, np.arange(len(rows)), [weights], threshold=0.5)
    repeated = np.repeat(np.arange(len(rows)), weights)
    y, s = labels[repeated], scores[repeated]
    alarm, hit, _ = sk.roc_curve(y, s, drop_intermediate=False)
    expected = {
        "auc": sk.roc_auc_score(y, s),
        "ap": sk.average_precision_score(y, s),
        "eer": equal_error_rate(y, s),
        "partial_auc": sk.roc_auc_score(y, s, max_fpr=0.1),
        "accuracy": sk.accuracy_score(y, s >= 0.5),
        "balanced_accuracy": sk.balanced_accuracy_score(y, s >= 0.5),
        "recall": sk.recall_score(y, s >= 0.5),
        "specificity": sk.recall_score(y, s >= 0.5, pos_label=0),
        "f1": sk.f1_score(y, s >= 0.5, zero_division=0),
        "brier": sk.brier_score_loss(y, s),
        "log_loss": sk.log_loss(y, s),
    } | {name: hit[alarm <= rate + 1e-12].max() for name, rate in ALARM_RATES.items()}
    for name, value in expected.items():
        assert values[name][0] == pytest.approx(value, abs=1e-9), name
    if (s >= 0.5).any():
        assert values["precision"][0] == pytest.approx(sk.precision_score(y, s >= 0.5))
    else:
        assert np.isnan(values["precision"][0])


@settings(max_examples=40)
@given(rows=ROWS)
def test_metrics_are_those_of_torchmetrics(rows) -> None:
    labels, scores = np.array([r[0] for r in rows]), np.array([r[1] for r in rows]) / 20
    if len(set(labels)) < 2:
        return
    s, y = torch.from_numpy(scores), torch.from_numpy(labels)
    values = _one(labels, scores)
    assert values["auc"] == pytest.approx(float(tm.binary_auroc(s, y)), abs=1e-6)
    assert values["ap"] == pytest.approx(float(tm.binary_average_precision(s, y)), abs=1e-6)
    assert values["f1"] == pytest.approx(float(tm.binary_f1_score(s, y, threshold=0.4999)), abs=1e-6)


@settings(max_examples=40)
@given(rows=ROWS, seed=st.integers(0, 99))
def test_the_order_of_rows_does_not_matter(rows, seed: int) -> None:
    labels, scores, weights = (np.array(column) for column in zip(*rows, strict=True))
    order = np.random.default_rng(seed).permutation(len(rows))
    units = np.arange(len(rows)) % 4
    weights = np.maximum(weights[:4], 1) if len(rows) >= 4 else np.ones(4)
    first = measure(labels, scores / 20, units, [weights], threshold=0.5)
    second = measure(labels[order], scores[order] / 20, units[order], [weights], threshold=0.5)
    for name in METRICS:
        assert first[name] == pytest.approx(second[name], nan_ok=True), name


def test_a_rate_of_false_alarms_is_never_overstepped_by_a_tie() -> None:
    # 20 reals: one alarm is 5 %. At .9 a real and two of four fakes: all three or none; above it one fake
    labels = [0] * 20 + [1] * 4
    scores = [0.9] + [0.1] * 19 + [0.95, 0.9, 0.9, 0.05]
    assert _one(labels, scores)["tpr_at_5"] == 0.75
    assert _one(labels, scores)["tpr_at_1"] == 0.25
    scores[1] = 0.9
    assert _one(labels, scores)["tpr_at_5"] == 0.25


def test_too_few_reals_leave_a_rate_of_false_alarms_undefined() -> None:
    # 1 % needs a hundred reals
    for reals, defined in ((99, False), (100, True)):
        labels = np.repeat([0, 1], [reals, 10])
        judged = summary(labels, labels * 0.5, np.arange(len(labels)), threshold=0.5, confidence=0.95)
        assert (judged["tpr_at_1"]["value"] == 1.0) is defined
        assert judged["tpr_at_01"]["value"] is None
        assert judged["tpr_at_5"]["value"] == 1.0


def test_calibration_error_counts_a_score_of_one_in_the_last_bin() -> None:
    # ten fakes at 1 and ten reals at 1: half of the rows are wrong by 1, the bin's mean is off by .5
    assert _one([1] * 10 + [0] * 10, [1.0] * 20)["ece"] == pytest.approx(0.5)
    # bins of 1/15: .9 is in the 14th (.867 to .933), 8 of 10 are fake: off by .1; .1 in the 2nd, 2 of 10: off by .1
    labels, scores = [1] * 8 + [0] * 2 + [1] * 2 + [0] * 8, [0.9] * 10 + [0.1] * 10
    assert BINS == 15
    assert _one(labels, scores)["ece"] == pytest.approx(0.1)


def test_area_under_risk_and_coverage_worked_out_by_hand() -> None:
    # threshold .5: farthest first .95 (fake, right), .1 (fake, wrong), .7 (real, wrong), .4 (real, right):
    # error rates 0/1, 1/2, 2/3, 2/4, their mean is 5/12
    assert _one([1, 1, 0, 0], [0.95, 0.1, 0.7, 0.4])["aurc"] == pytest.approx(5 / 12)
    # two rows at one distance are kept together: .9 right and .1 wrong, 1/2 for both
    assert _one([1, 1], [0.9, 0.1])["aurc"] == pytest.approx(1 / 2)


def test_one_class_leaves_what_needs_both_undefined_and_the_rest_not() -> None:
    judged = summary([1] * 12, np.linspace(0.3, 0.9, 12), np.arange(12), threshold=0.5, confidence=0.95)
    assert {judged[n]["value"] for n in ("auc", "ap", "eer", "partial_auc", "specificity")} == {None}
    # .3, .3545, .409 and .4636 are below .5
    assert judged["recall"]["value"] == pytest.approx(8 / 12)
    assert judged["recall"]["low"] < 8 / 12 < judged["recall"]["high"]


def test_scores_that_are_no_probabilities_have_no_calibration() -> None:
    labels, scores = np.tile([0, 1], 10), np.tile([-3.0, 7.0], 10)
    judged = summary(labels, scores, np.arange(20), threshold=0.0, confidence=0.95, probabilities=False)
    assert judged["auc"]["value"] == 1.0
    assert {judged[name]["value"] for name in ("brier", "ece", "log_loss")} == {None}


def test_each_category_is_judged_against_all_reals() -> None:
    labels = [0, 0, 1, 1, 1]
    scores = [0.2, 0.6, 0.5, 0.7, 0.1]
    judged = by_category(labels, scores, range(5), ["", "", "a", "b", "a"], threshold=0.5, confidence=0.95)
    # a: .5 beats .2 alone, .1 beats none: 1 of 4; b: .7 beats both
    assert {name: metrics["auc"]["value"] for name, metrics in judged.items()} == {"a": 0.25, "b": 1.0}
    assert (judged["a"]["real"], judged["a"]["fake"]) == (2, 2)


def test_a_search_that_ended_past_the_last_column_waits_for_the_others() -> None:
    # three of four pairs are in order; with some of the four left out, no threshold has too many false alarms
    judged = summary([0, 0, 1, 1], [0.1, 0.6, 0.9, 0.5], range(4), threshold=0.5, confidence=0.95)
    assert judged["auc"]["value"] == 0.75
    # of one real, a rate of 5 % cannot be told
    assert summary([0, 1, 1], [0.1, 0.6, 0.9], range(3), threshold=0.5, confidence=0.95)["tpr_at_5"]["value"] is None


def test_few_metrics_are_what_they_are_among_all() -> None:
    rng = np.random.default_rng(0)
    labels, scores, groups = np.arange(60) % 2, rng.random(60), np.arange(60) // 3
    every = by_category(labels, scores, groups, np.repeat(["a", "b"], 30), threshold=0.5, confidence=0.95)
    few = by_category(
        labels, scores, groups, np.repeat(["a", "b"], 30), threshold=0.5, confidence=0.95, only=("auc", "recall")
    )
    counts = ("real", "fake", "groups", "no_interval")
    assert few == {name: {key: of[key] for key in ("auc", "recall", *counts)} for name, of in every.items()}


def test_a_rate_of_false_alarms_has_an_interval_around_it_where_enough_groups_raise_alarms() -> None:
    rng = np.random.default_rng(0)
    for groups, has_one in ((40, False), (60, True)):
        # 5 % of 40 groups are 2, of 60 they are 3
        labels, names = np.tile([0, 1], groups), np.repeat(np.arange(groups), 2)
        scores = 1 / (1 + np.exp(-rng.normal(size=2 * groups) - 1.5 * labels))
        rate = summary(labels, scores, names, threshold=0.5, confidence=0.95)["tpr_at_5"]
        assert (rate["low"] is not None) is has_one
        if has_one:
            assert 0 <= rate["low"] <= rate["value"] <= rate["high"] <= 1
            assert rate["high"] - rate["low"] > 0.1


GROUPED = st.lists(st.tuples(st.integers(0, 1), st.integers(0, 20), st.integers(0, 4)), min_size=4, max_size=40)
WEIGHTINGS = st.lists(st.lists(st.integers(0, 3), min_size=5, max_size=5), min_size=1, max_size=4)


@settings(max_examples=60)
@given(rows=GROUPED, weightings=WEIGHTINGS)
def test_weight_of_a_group_is_how_often_all_its_rows_are_there(rows, weightings) -> None:
    labels, scores, groups = (np.array(column) for column in zip(*rows, strict=True))
    scores = scores / 20
    values = measure(labels, scores, groups, weightings, threshold=0.5)
    assert {name: len(of) for name, of in values.items()} == dict.fromkeys(METRICS, len(weightings))
    for place, weights in enumerate(weightings):
        repeated = np.repeat(np.arange(len(rows)), np.array(weights)[groups])
        y, s = labels[repeated], scores[repeated]
        if not len(y):
            assert all(np.isnan(of[place]) for of in values.values())
            continue
        expected = _one(y, s) | {"accuracy": sk.accuracy_score(y, s >= 0.5), "brier": float(np.mean((s - y) ** 2))}
        if len(set(y)) == 2:
            expected["auc"] = sk.roc_auc_score(y, s)
        for name, value in expected.items():
            assert values[name][place] == pytest.approx(value, abs=1e-9, nan_ok=True), name


@settings(max_examples=60)
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 1), st.integers(0, 20), st.sampled_from([0.25, 0.5, 1.0, 2.5])),
        min_size=2,
        max_size=40,
    ).filter(lambda rows: len({label for label, *_ in rows}) == 2)
)
def test_weights_need_not_be_whole_numbers(rows) -> None:
    labels, scores, weights = (np.array(column) for column in zip(*rows, strict=True))
    scores = scores / 20
    values = measure(labels, scores, np.arange(len(rows)), [weights], threshold=0.5)
    weighing = {"sample_weight": weights}
    expected = {
        "auc": sk.roc_auc_score(labels, scores, **weighing),
        "ap": sk.average_precision_score(labels, scores, **weighing),
        "partial_auc": sk.roc_auc_score(labels, scores, max_fpr=0.1, **weighing),
        "accuracy": sk.accuracy_score(labels, scores >= 0.5, **weighing),
        "recall": sk.recall_score(labels, scores >= 0.5, **weighing),
        "f1": sk.f1_score(labels, scores >= 0.5, zero_division=0, **weighing),
        "brier": sk.brier_score_loss(labels, scores, **weighing),
        "log_loss": sk.log_loss(labels, scores, **weighing),
    }
    for name, value in expected.items():
        assert values[name][0] == pytest.approx(value, abs=1e-9), name


def test_weight_of_zero_leaves_a_group_out() -> None:
    # group 1 has the only pair in wrong order: real .9 above fake .8
    labels, scores, groups = [0, 1, 0, 1], [0.1, 0.6, 0.9, 0.8], [0, 0, 1, 1]
    values = measure(labels, scores, groups, [[1, 1], [1, 0], [0, 1]], threshold=0.5)
    # of four pairs .6 and .8 beat .1, neither beats .9; without group 1 one pair in order, without group 0 one not
    assert values["auc"].tolist() == [0.5, 1.0, 0.0]
    # from .5 on .6, .9 and .8 are called fake: three of four are right
    assert values["accuracy"].tolist() == [0.75, 1.0, 0.5]
    assert values["specificity"].tolist() == [0.5, 1.0, 0.0]


def test_weighting_that_leaves_a_class_out_is_undefined_alone() -> None:
    labels, scores, groups = [0, 1, 1], [0.2, 0.7, 0.4], [0, 1, 1]
    values = measure(labels, scores, groups, [[1, 1], [0, 1], [1, 0]], threshold=0.5)
    needs_both = {"auc", "ap", "eer", "partial_auc", "balanced_accuracy", *ALARM_RATES}
    assert {name for name, of in values.items() if np.isnan(of).tolist() == [False, True, True]} == needs_both
    assert np.isnan(values["specificity"]).tolist() == [False, True, False]
    assert np.isnan(values["recall"]).tolist() == [False, False, True]
    assert values["accuracy"].tolist() == pytest.approx([2 / 3, 1 / 2, 1])


@pytest.mark.parametrize("label", [0, 1])
def test_rows_of_one_class_leave_what_orders_both_undefined(label: int) -> None:
    values = _one([label] * 3, [0.2, 0.6, 0.9])
    assert all(np.isnan(values[name]) for name in ("auc", "ap", "eer", "partial_auc", *ALARM_RATES))
    # two of three are called fake
    assert values["accuracy"] == pytest.approx(2 / 3 if label else 1 / 3)


def test_many_weightings_are_worked_on_in_portions_and_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    labels, scores, groups = np.arange(40) % 2, rng.random(40), np.arange(40) // 4
    weights = rng.integers(0, 3, (25, 10))
    whole = measure(labels, scores, groups, weights, threshold=0.5)
    for cells in (1, 90):
        # 1: a weighting at a time; 90: two at a time, and one is left
        monkeypatch.setattr(weighted, "_CELLS", cells)
        portions = measure(labels, scores, groups, weights, threshold=0.5)
        for name in METRICS:
            assert portions[name] == pytest.approx(whole[name], nan_ok=True), name

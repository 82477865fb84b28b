"""Differences between trainings, paired by seed and by people."""

import numpy as np
import pytest

from fakefocus.metrics.over_seeds import difference_over_seeds
from fakefocus.metrics.scores import auc


def _share_right(labels, decisions):
    return float(np.mean(labels == decisions))


def test_difference_is_the_mean_over_seeds_and_its_variance_has_both_parts() -> None:
    # six people with a real and a fake each; both detectors call every real right; of the six fakes the changed one
    # misses two with the first seed and four with the second, the unchanged one none
    labels, groups = np.array([0, 1] * 6), np.repeat(np.arange(6), 2)
    unchanged = labels.astype(float)
    first, second = unchanged.copy(), unchanged.copy()
    first[[1, 3]] = 0
    second[[1, 3, 5, 7]] = 0
    result = difference_over_seeds(_share_right, labels, [first, second], [unchanged] * 2, groups, 0.95)
    # -2/12 and -4/12
    assert result["values"] == pytest.approx([-1 / 6, -1 / 3])
    assert result["difference"] == pytest.approx(-0.25)
    # between seeds: variance of two values (1/6)² / 2, over two seeds
    between = (1 / 6) ** 2 / 2 / 2
    # mean misses a person of both seeds: 1, 1, 1/2, 1/2, 0, 0, in all 3; without one of them (3 - miss) / 10
    without = -(3 - np.array([1, 1, 0.5, 0.5, 0, 0])) / 10
    people = 5 / 6 * ((without - without.mean()) ** 2).sum()
    error = np.sqrt(between + people)
    # degrees of freedom: (a + b)² / (a² / 1 + b² / 5)
    freedom = (between + people) ** 2 / (between**2 + people**2 / 5)
    assert freedom == pytest.approx(3.76, abs=0.01)
    # Student's t is between 3.182 (3 degrees) and 2.776 (4)
    half = (result["high"] - result["low"]) / 2 / error
    assert 2.776 < half < 3.182


def test_people_with_most_of_the_clips_count_for_few() -> None:
    # three people with 10 reals and 10 fakes and 30 with one each are worth 60² / (3 * 10² + 30) = 10.9 of equal size.
    # Student's t of 9.9 degrees reaches 2.231 deviations at 95 % and .700 at 50 %, a ratio of 3.19; of 32, 2.99
    groups = np.repeat(np.concatenate([np.repeat(np.arange(3), 10), np.arange(3, 33)]), 2)
    labels = np.tile([0, 1], 60)
    scores = labels + np.random.default_rng(0).normal(size=(2, 120))
    wide, narrow = (
        difference_over_seeds(auc, labels, scores[:1], scores[1:], groups, confidence) for confidence in (0.95, 0.5)
    )
    assert (wide["high"] - wide["low"]) / (narrow["high"] - narrow["low"]) == pytest.approx(3.19, abs=0.02)


def test_same_difference_with_every_seed_still_varies_with_people() -> None:
    labels, groups = np.array([0, 1] * 6), np.repeat(np.arange(6), 2)
    changed = np.array([0.2, 0.8] * 4 + [0.6, 0.5, 0.7, 0.4])
    result = difference_over_seeds(auc, labels, [changed] * 3, [labels.astype(float)] * 3, groups, 0.95)
    assert result["deviation"] == 0
    assert result["low"] < result["difference"] < result["high"]


def test_detector_that_equals_the_unchanged_one_has_no_interval() -> None:
    labels, groups = np.array([0, 1] * 6), np.repeat(np.arange(6), 2)
    result = difference_over_seeds(auc, labels, [labels] * 3, [labels] * 3, groups, 0.95)
    assert (result["difference"], result["low"], result["p"]) == (0, None, None)
    assert result["no_interval"] == "no interval, nothing varies"


def test_few_people_and_one_class_have_words_instead_of_an_interval() -> None:
    labels = np.array([0, 1, 0, 1])
    few = difference_over_seeds(auc, labels, [labels], [1 - labels], [0, 0, 1, 1], 0.95)
    assert few["difference"] == 1
    assert few["no_interval"].startswith("too few groups")
    one = difference_over_seeds(auc, [1, 1], [[0.1, 0.2]], [[0.3, 0.4]], [0, 1], 0.95)
    assert (one["difference"], one["values"]) == (None, [None])
    assert one["no_interval"] == "no interval, a class is missing"

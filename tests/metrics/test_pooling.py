import numpy as np
import pytest

from fakefocus.metrics.pooling import Scored, cross_aucs, pool


def _set(reals: list[float], fakes: list[float], name: str = "") -> Scored:
    labels = np.repeat([0, 1], [len(reals), len(fakes)])
    groups = [f"{name}{place}" for size in (len(reals), len(fakes)) for place in range(size)]
    return Scored(labels, np.array([*reals, *fakes]), np.array(groups))


def test_scores_that_are_shifted_between_sets_keep_the_mean_and_lose_the_pooled_auc() -> None:
    low, high = _set([0.1, 0.2], [0.3, 0.4]), _set([0.6, 0.7], [0.8, 0.9])
    together = pool([low, high], 0.95)
    # each set is separated; of 16 pairs of all reals and fakes, the 2 x 2 of high reals and low fakes are wrong
    assert together["mean"]["value"] == 1.0
    assert together["pooled"]["value"] == 12 / 16
    assert together["gap"]["value"] == 4 / 16
    assert together["mean"]["low"] is None
    assert "too few groups" in together["no_interval"]


def test_cross_aucs_tell_which_set_is_scored_higher() -> None:
    low, high = _set([0.1, 0.2], [0.3, 0.4]), _set([0.6, 0.7], [0.8, 0.9])
    # rows are reals: those of the high set are above all fakes of the low one
    cross = cross_aucs([low, high], 0.95)
    assert [[one["value"] for one in row] for row in cross] == [[1.0, 1.0], [0.0, 1.0]]
    assert cross[0][1]["low"] is None


def test_interval_of_the_gap_contains_zero_without_a_shift_and_not_with_one() -> None:
    rng = np.random.default_rng(1)
    sets = [_set(list(rng.normal(0.4, 0.1, 40)), list(rng.normal(0.5, 0.1, 40)), name) for name in "ab"]
    alike = pool(sets, 0.95)["gap"]
    assert alike["low"] < 0 < alike["high"]
    moved = sets[1]._replace(scores=sets[1].scores + 0.2)
    shifted = pool([sets[0], moved], 0.95)
    assert 0 < shifted["gap"]["low"] < shifted["gap"]["value"] < shifted["gap"]["high"]
    assert shifted["pooled"]["high"] < shifted["mean"]["value"]


def test_interval_of_the_gap_covers_the_truth_about_as_often_as_it_says() -> None:
    # normal scores, reals at 0 and fakes at 1.2, the second set moved by .8: with d the distance of two kinds and each
    # kind of deviation 1, an AUC is Phi(d / sqrt 2); pooled, the four pairs of sets weigh alike
    from scipy.special import ndtr

    aucs = [float(ndtr(d / np.sqrt(2))) for d in (1.2, 1.2, 2.0, 0.4)]
    truth = aucs[0] - float(np.mean(aucs))
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(100):
        shifts = {"a": 0.0, "b": 0.8}
        sets = [_set(list(rng.normal(s, 1, 25)), list(rng.normal(1.2 + s, 1, 25)), name) for name, s in shifts.items()]
        gap = pool(sets, 0.95)["gap"]
        inside += gap["low"] <= truth <= gap["high"]
    # 95 expected; below 89 or above 99 has a probability under 1 %
    assert 89 <= inside <= 100


def test_one_set_has_no_gap() -> None:
    rng = np.random.default_rng(2)
    together = pool([_set(list(rng.random(20)), list(rng.random(20)))], 0.95)
    assert together["gap"] == {"value": 0.0, "low": None, "high": None}
    assert together["mean"]["value"] == together["pooled"]["value"]


def test_mean_of_aucs_is_refused_where_a_set_lacks_a_class() -> None:
    with pytest.raises(ValueError, match="needs both classes in each data set"):
        pool([_set([0.1, 0.2], [])], 0.95)

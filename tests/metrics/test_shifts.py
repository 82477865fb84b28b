"""What a change of the input does to the scores of reals."""

import numpy as np
import pytest

from fakefocus.metrics.shifts import mean_interval, score_shift


def test_change_of_scores_and_of_decisions_is_counted() -> None:
    # three videos of three people: .2 → .6, .4 → .4, .7 → .5; at .5, one of three was called fake, then two
    # mean change (.4 + 0 - .2) / 3 = .0667; too few people for an interval
    shift = score_shift([0.2, 0.4, 0.7], [0.6, 0.4, 0.5], ["a", "b", "c"], threshold=0.5, confidence=0.95)
    assert shift["change"] == {"value": pytest.approx(0.2 / 3), "low": None, "high": None}
    assert (shift["called_fake_before"], shift["called_fake"]) == (pytest.approx(1 / 3), pytest.approx(2 / 3))
    assert shift["called_fake_change"]["value"] == pytest.approx(1 / 3)
    assert (shift["samples"], shift["groups"]) == (3, 3)


def test_interval_of_single_videos_is_students() -> None:
    # six people with a video each: mean .1, standard error sqrt(.0014 / 6) from the sample variance
    # (.01, .04, .09 squared deviations summed twice: .05², .03², .01² times 2 = .007; / 5 = .0014); t of 5: 2.5706
    values = [0.05, 0.07, 0.09, 0.11, 0.13, 0.15]
    interval = mean_interval(values, list("abcdef"), 0.95)
    half = 2.5706 * np.sqrt(0.0014 / 6)
    assert interval["low"] == pytest.approx(0.1 - half, abs=1e-5)
    assert interval["high"] == pytest.approx(0.1 + half, abs=1e-5)


def test_clips_of_one_person_count_once() -> None:
    single = mean_interval(np.linspace(0, 0.5, 6), np.arange(6), 0.95)
    repeated = mean_interval(np.repeat(np.linspace(0, 0.5, 6), 4), np.repeat(np.arange(6), 4), 0.95)
    assert repeated == pytest.approx(single)


def test_people_with_most_of_the_clips_count_for_few() -> None:
    # six people with 40 clips and 120 with one are worth 360² / (6 * 40² + 120) = 13.3 of equal size.
    # Student's t of 12 degrees reaches 2.179 deviations at 95 % and .695 at 50 %, a ratio of 3.13; of 125, 2.93
    groups = np.concatenate([np.repeat(np.arange(6), 40), np.arange(6, 126)])
    values = np.random.default_rng(0).normal(size=126)[groups]
    wide, narrow = (mean_interval(values, groups, confidence) for confidence in (0.95, 0.5))
    assert (wide["high"] - wide["value"]) / (narrow["high"] - narrow["value"]) == pytest.approx(3.13, abs=0.02)


def test_without_spread_or_reals_there_is_no_interval() -> None:
    assert mean_interval([0.1] * 8, np.arange(8), 0.95)["low"] is None
    empty = score_shift([], [], [], threshold=0.5, confidence=0.95)
    assert empty["change"]["value"] is None
    assert empty["called_fake"] is None

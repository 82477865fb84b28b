"""The benchmark of blur judges by the error that is nearest to its goal, or farthest beyond it."""

import pandas as pd
from benchmarks.defocus import error


def test_error_is_that_of_the_worst_picture_in_shares_of_its_goal() -> None:
    table = pd.DataFrame({"map error": {"no noise": 0.06, "noise of 2": 0.2, "JPEG 75": 0.1, "H.264 crf 23": 9.0}})
    found = error(table)
    # .06 of .12, .2 of .25, .1 of .25; no goal is set for H.264
    assert (found.ours, found.reference, found.met) == (0.2, 0.25, True)
    assert found.more == {"no noise": 0.06, "noise of 2": 0.2, "JPEG 75": 0.1, "H.264 crf 23": 9.0}


def test_missed_goal_is_not_met() -> None:
    table = pd.DataFrame({"map error": {"no noise": 0.13, "noise of 2": 0.2, "JPEG 75": 0.1}})
    assert not error(table).met

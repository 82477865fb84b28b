"""What stands for missing scores, and how much was scored: worked out by hand."""

import pandas as pd
import pytest

from fakefocus.metrics.coverage import POLICIES, auc_by_policy, coverage, with_missing
from fakefocus.metrics.scores import auc

# reals .1 .3; fakes .2, which gets no score, and .9
WHOLE = pd.DataFrame({"label": [0, 0, 1, 1], "score": [0.1, 0.3, 0.2, 0.9], "status": "ok"})
PARTIAL = WHOLE.assign(score=[0.1, 0.3, None, 0.9], status=["ok", "ok", "no_face", "ok"])


def test_leaving_hard_videos_out_raises_no_auc_unseen() -> None:
    # of four pairs .2 against .3 is in wrong order: without it, all that are left are right
    assert auc(WHOLE["label"], WHOLE["score"]) == 0.75
    # as real: 0 is below both reals; .5 and 1 are above both
    assert auc_by_policy(PARTIAL) == {"exclude": 1.0, "as_chance": 1.0, "as_real": 0.5, "as_fake": 1.0}
    assert auc_by_policy(WHOLE) == dict.fromkeys(POLICIES, 0.75)


def test_videos_of_one_class_have_no_auc_under_any_policy() -> None:
    assert auc_by_policy(PARTIAL[PARTIAL["label"] == 1]) == dict.fromkeys(POLICIES, None)
    # both reals lack a score: what is left out leaves one class, what stands for them does not
    blank = WHOLE.assign(score=[None, None, 0.2, 0.9])
    assert auc_by_policy(blank) == {"exclude": None, "as_chance": 0.5, "as_real": 1.0, "as_fake": 0.0}


@pytest.mark.parametrize(
    ("policy", "scores"),
    [
        ("exclude", [0.1, 0.3, 0.9]),
        ("as_chance", [0.1, 0.3, 0.5, 0.9]),
        ("as_real", [0.1, 0.3, 0.0, 0.9]),
        ("as_fake", [0.1, 0.3, 1.0, 0.9]),
    ],
)
def test_missing_score_is_left_out_or_stood_for_and_the_table_stays_as_it_is(policy: str, scores: list[float]) -> None:
    before = PARTIAL.copy()
    judged = with_missing(PARTIAL, policy)
    assert judged["score"].tolist() == scores
    assert judged["label"].tolist() == [PARTIAL["label"][i] for i in judged.index]
    pd.testing.assert_frame_equal(PARTIAL, before)


def test_coverage_counts_videos_by_status_and_shares_by_label() -> None:
    assert coverage(PARTIAL, "as_real") == {
        "named": 4,
        "ok": 3,
        "no_face": 1,
        "rejected": 0,
        "error": 0,
        "share": 0.75,
        "real": 1.0,
        "fake": 0.5,
        "missing": "as_real",
    }


def test_share_of_no_videos_is_unknown() -> None:
    reals = coverage(WHOLE[WHOLE["label"] == 0], "exclude")
    assert (reals["share"], reals["real"], reals["fake"]) == (1.0, 1.0, None)
    none = coverage(WHOLE.iloc[:0], "exclude")
    assert (none["named"], none["share"], none["real"], none["fake"]) == (0, None, None, None)

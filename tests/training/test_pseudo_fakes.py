"""Kinds are drawn by their weights, and donors are other people in a like pose."""

import numpy as np
import pandas as pd
import pytest

from fakefocus.imaging.alignment import template_for
from fakefocus.parameters import PseudoFakes
from fakefocus.training.pseudo_fakes import Casting

FRONT = template_for(256, 0.3)
TURNED = FRONT + np.array([[0, 0], [0, 0], [20, 0], [8, 0], [8, 0]])


def _casting(**weights: float) -> Casting:
    people = pd.Series(["ann", "ann", "bob", "bob", "cid", "cid"])
    return Casting(PseudoFakes(**weights), people, np.array([FRONT, TURNED] * 3))


def test_kinds_come_as_often_as_their_weights_say() -> None:
    casting = _casting(self_blended=3, regional=1)
    rng = np.random.default_rng(0)
    kinds = [casting.kind(rng) for _ in range(4000)]
    assert set(kinds) == {"self_blended", "regional"}
    assert kinds.count("regional") / 4000 == pytest.approx(0.25, abs=0.03)


def test_donor_is_somebody_else_in_a_like_pose() -> None:
    casting, rng = _casting(swapped=1), np.random.default_rng(0)
    for row in range(6):
        donors = {casting.donor(row, rng) for _ in range(30)}
        # even rows look to the front, odd ones to a side; two rows are of one person
        assert all(donor % 2 == row % 2 and donor // 2 != row // 2 for donor in donors)
        assert len(donors) == 2


def test_swaps_need_two_people() -> None:
    with pytest.raises(ValueError, match=r"training\.pseudo_fakes\.swapped: needs faces of two people"):
        Casting(PseudoFakes(swapped=1), pd.Series(["ann", "ann"]), np.array([FRONT, TURNED]))


def test_no_kind_at_all_is_refused() -> None:
    with pytest.raises(ValueError, match="a kind of pseudo-fake must have a weight above 0"):
        PseudoFakes(self_blended=0)

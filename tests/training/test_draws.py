from typing import Any

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from striped import RECIPE

from fakefocus.parameters import Training
from fakefocus.training.sampling import Batches, pairs


def _recipe(**changes: Any) -> Training:
    return Training.model_validate(RECIPE.model_dump() | changes)


def _crowd() -> pd.DataFrame:
    """Return 2 people with one real frame each and 3 with 4, 20 and 200 fake ones."""
    rows = [("real", 0, f"r{i}") for i in range(2)]
    rows += [("fake", 1, f"f{i}") for i, frames in enumerate((4, 20, 200)) for _ in range(frames)]
    return pd.DataFrame(rows, columns=["video_id", "label", "identity"])


def _drawn(table: pd.DataFrame, recipe: Training, epochs: int = 20) -> pd.DataFrame:
    batches, rows = Batches(table, recipe), []
    for epoch in range(epochs):
        batches.set_epoch(epoch)
        rows += [draw.row for batch in batches for draw in batch]
    return table.iloc[rows]


def test_people_are_drawn_equally_often_within_their_label() -> None:
    drawn = _drawn(_crowd(), _recipe(balanced="identity"))
    shares = drawn["identity"].value_counts(normalize=True)
    # half are real, of 2 people; half are fake, of 3
    assert shares[["r0", "r1"]].tolist() == pytest.approx([0.25, 0.25], abs=0.03)
    assert shares[["f0", "f1", "f2"]].tolist() == pytest.approx([1 / 6] * 3, abs=0.03)


def test_labels_are_drawn_equally_often() -> None:
    drawn = _drawn(_crowd(), _recipe(balanced="label"))
    assert drawn["label"].mean() == pytest.approx(0.5, abs=0.03)
    assert drawn["identity"].value_counts(normalize=True)["f2"] == pytest.approx(0.5 * 200 / 224, abs=0.03)


def test_unbalanced_draws_show_each_row_at_most_once_an_epoch() -> None:
    table = _crowd()
    batches = Batches(table, _recipe(balanced="none"))
    rows = [draw.row for batch in batches for draw in batch]
    assert len(rows) == len(set(rows)) == len(table) // 8 * 8


@given(seed=st.integers(0, 1000), world=st.sampled_from([2, 4]), epoch=st.integers(0, 5))
def test_processes_share_each_batch_without_rest_or_overlap(seed: int, world: int, epoch: int) -> None:
    table, recipe = _crowd(), _recipe(seed=seed)
    whole, *shares = (Batches(table, recipe, rank, n) for rank, n in [(0, 1), *((r, world) for r in range(world))])
    for batches in (whole, *shares):
        batches.set_epoch(epoch)
    for batch, *parts in zip(whole, *shares, strict=True):
        assert {len(part) for part in parts} == {8 // world}
        assert sorted(batch) == sorted(draw for part in parts for draw in part)


def _clips() -> pd.DataFrame:
    rows = [("real", frame, 0, "") for frame in (0, 10, 20)]
    rows += [("fake", frame, 1, "real") for frame in (0, 9, 40)] + [("orphan", 0, 1, "elsewhere"), ("stray", 5, 0, "")]
    table = pd.DataFrame(rows, columns=["video_id", "frame", "label", "original"])
    crops = [f"{video}/frame_{frame:06d}" for video, frame in zip(table["video_id"], table["frame"], strict=True)]
    return table.assign(identity="a", crop=crops)


def test_fake_is_paired_with_the_nearest_frame_of_its_original() -> None:
    # rows 3 to 5 are the fake's frames 0, 9 and 40; of the original there are 0, 10 and 20
    assert pairs(_clips()) == [(0, 3), (1, 4), (2, 5)]


def test_pairs_do_not_depend_on_labels() -> None:
    # of those that a control shuffles, the pairs that look right would teach it the truth
    assert pairs(_clips().assign(label=[1, 0, 1, 0, 0, 1, 0, 1])) == pairs(_clips())


def test_second_person_of_a_fake_is_paired_with_the_second_person_of_its_original() -> None:
    table = _clips().iloc[[0, 3]]
    second = table.assign(crop=table["crop"] + "_face_1")
    # rows: both people of the real clip, then both of the fake
    both = pd.concat([table, second]).sort_values(["label", "crop"], ignore_index=True)
    assert pairs(both) == [(0, 2), (1, 3)]


def test_fakes_without_their_original_are_told(caplog: pytest.LogCaptureFixture) -> None:
    pairs(_clips().assign(original=["", "", "", "real", "real", "real", "elsewhere", ""]))
    assert "paired: 1 of 4 fakes are not drawn, their original is not on this side" in caplog.text


def test_pairs_share_their_random_changes_and_stay_in_one_process() -> None:
    batches = Batches(_clips(), _recipe(paired=True, batch_size=4), rank=1, world=2)
    for real, fake in batches:
        assert real.seed == fake.seed
        assert (real.row, fake.row) in pairs(_clips())


def test_pairs_without_any_original_are_refused() -> None:
    with pytest.raises(ValueError, match=r"training\.paired: no fake names a real clip"):
        Batches(_clips().assign(original=""), _recipe(paired=True, batch_size=4))


def test_pairs_where_originals_are_named_and_single_faces_where_none_is(caplog: pytest.LogCaptureFixture) -> None:
    recipe = _recipe(paired="where_named", batch_size=4)
    paired, *_ = Batches(_clips(), recipe)
    assert [(a.row, b.row) in pairs(_clips()) for a, b in zip(paired[::2], paired[1::2], strict=True)] == [True, True]
    assert "no fake names" not in caplog.text
    single = list(Batches(_clips().assign(original=""), recipe))
    assert [len(batch) for batch in single] == [4, 4]
    assert "paired: no fake names a real clip that it was made from" in caplog.text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"paired": True, "fakes": "self_blended"}, "paired: self-blended fakes come in pairs already"),
        ({"batch_size": 7, "paired": True}, r"batch_size: must be a multiple of 2 .*got 7"),
        ({"batch_size": 8, "devices": 3}, r"batch_size: must be a multiple of 3 .*got 8"),
    ],
)
def test_batches_that_cannot_be_shared_out_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _recipe(**changes)


def test_damage_rises_over_its_share_of_the_epochs_and_stays() -> None:
    batches = Batches(_crowd(), _recipe(epochs=4, damage_rises=0.5))
    strengths: list[list[float]] = []
    for epoch in range(4):
        batches.set_epoch(epoch)
        strengths.append([draw.strength for batch in batches for draw in batch])
    assert strengths[0][0] == 0
    assert all(0 <= share < 0.5 for share in strengths[0])
    assert all(0.5 <= share < 1 for share in strengths[1])
    assert strengths[0] == sorted(strengths[0])
    assert set(strengths[2] + strengths[3]) == {1.0}


def test_damage_is_whole_from_the_beginning_unless_it_shall_rise() -> None:
    assert {draw.strength for batch in Batches(_crowd(), _recipe()) for draw in batch} == {1.0}


def test_epoch_of_several_passes_shows_each_row_as_often() -> None:
    table = _crowd()
    batches = Batches(table, _recipe(passes=3, balanced="none"))
    rows = [draw.row for batch in batches for draw in batch]
    counts = pd.Series(rows).value_counts()
    assert len(rows) == len(batches) * 8 == 3 * len(table) // 8 * 8
    assert set(counts) <= {2, 3}
    assert len(counts) == len(table)

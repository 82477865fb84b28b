import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fakefocus.parameters import FeatureSplit
from fakefocus.pipelines.feature_split.nodes import describe_splits, identity_groups, index_samples, split_by_identity

OPTIONS = FeatureSplit(train=0.6, val=0.2, test=0.2, held_out_methods=("C",), seed=3)


def _videos(pairs: list[tuple[int, int, str]], people: int) -> pd.DataFrame:
    """Build one real clip a person and one fake a (target, source, method)."""
    rows = [(f"r{i}", 0, "", str(i), "") for i in range(people)]
    rows += [(f"f{n}", 1, m, str(t), str(s)) for n, (t, s, m) in enumerate(pairs)]
    table = pd.DataFrame(rows, columns=["video_id", "label", "method", "target_identity", "source_identity"])
    return table.assign(dataset="x", sha256=table["video_id"])


def _faces(videos: pd.DataFrame, without: tuple[str, ...] = ()) -> pd.DataFrame:
    rows = [(v, frame, v not in without, f"frame_{frame:06d}") for v in videos["video_id"] for frame in (0, 4)]
    return pd.DataFrame(rows, columns=["video_id", "frame", "found", "crop"])


@st.composite
def pair_graphs(draw: st.DrawFn) -> pd.DataFrame:
    people = draw(st.integers(3, 25))
    person = st.integers(0, people - 1)
    pairs = draw(st.lists(st.tuples(person, person, st.sampled_from("ABC")), max_size=40))
    videos = _videos(pairs, people)
    assume(identity_groups(videos).nunique() >= 3)
    return videos


@settings(max_examples=150, deadline=None)
@given(pair_graphs())
def test_no_person_is_on_two_sides_and_no_video_is_lost(videos: pd.DataFrame) -> None:
    splits = split_by_identity(videos, _faces(videos), OPTIONS)
    assert splits["video_id"].tolist() == videos["video_id"].tolist()
    assert ((splits["split"] == "") == (splits["reason"] != "")).all()
    used = videos.assign(split=splits["split"])[splits["split"] != ""]
    sides: dict[str, set[str]] = {}
    for row in used.itertuples():
        for person in {row.target_identity, row.source_identity} - {""}:
            sides.setdefault(person, set()).add(row.split)
    assert all(len(found) == 1 for found in sides.values())
    assert set(used.loc[used["method"] == "C", "split"]) <= {"test"}
    assert {"train", "val", "test"} == set(used["split"])


@settings(max_examples=30, deadline=None)
@given(pair_graphs())
def test_the_order_of_the_videos_does_not_matter(videos: pd.DataFrame) -> None:
    shuffled = videos.sample(frac=1, random_state=1)
    first = split_by_identity(videos, _faces(videos), OPTIONS).set_index("video_id")["split"]
    again = split_by_identity(shuffled, _faces(shuffled), OPTIONS).set_index("video_id")["split"]
    assert first.to_dict() == again.to_dict()


def test_a_chain_of_swaps_is_one_group() -> None:
    # 0 wears 1's face, 1 wears 2's: who holds 0 and 2 apart leaks 1
    groups = identity_groups(_videos([(0, 1, "A"), (1, 2, "A")], people=5))
    assert groups.tolist() == ["x/0", "x/0", "x/0", "x/3", "x/4", "x/0", "x/0"]


def test_sides_have_their_shares() -> None:
    splits = split_by_identity(*(lambda v: (v, _faces(v)))(_videos([], people=50)), OPTIONS)
    assert splits["split"].value_counts().to_dict() == {"train": 30, "val": 10, "test": 10}


def test_other_seeds_split_otherwise() -> None:
    videos = _videos([], people=30)
    other = OPTIONS.model_copy(update={"seed": 4})
    a, b = (split_by_identity(videos, _faces(videos), o)["split"].tolist() for o in (OPTIONS, other))
    assert a != b


def test_one_connected_crowd_cannot_be_split() -> None:
    videos = _videos([(0, i, "A") for i in range(1, 6)], people=6)
    with pytest.raises(ValueError, match="1 identity groups cannot fill train, val and test: add clips"):
        split_by_identity(videos, _faces(videos), OPTIONS)


def test_faceless_videos_are_set_aside_with_the_reason() -> None:
    videos = _videos([], people=8)
    splits = split_by_identity(videos, _faces(videos, without=("r2",)), OPTIONS).set_index("video_id")
    assert splits.loc["r2", ["split", "reason"]].tolist() == ["", "no face was found"]


def test_samples_are_the_found_faces_of_used_videos() -> None:
    videos = _videos([(0, 1, "C")], people=12)
    faces = _faces(videos, without=("r2",))
    splits = split_by_identity(videos, faces, OPTIONS)
    samples = index_samples(splits, faces, videos)
    used = set(splits.loc[splits["split"] != "", "video_id"])
    assert len(samples) == 2 * len(used)
    assert samples["crop"].str.match(r"(real|fake)/[rf]\d+/frame_00000[04]").all()


def test_splits_json_lists_every_used_video_once() -> None:
    videos = _videos([], people=10)
    splits = split_by_identity(videos, _faces(videos), OPTIONS)
    told = describe_splits(splits, OPTIONS)
    assert sorted(told["train"] + told["val"] + told["test"]) == sorted(f"real/r{i}" for i in range(10))
    assert told["hash"] == describe_splits(splits.copy(), OPTIONS)["hash"]

import json

import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fakefocus import schemas
from fakefocus.errors import InputError
from fakefocus.parameters import FeatureSplit
from fakefocus.pipelines.feature_split import grouping
from fakefocus.pipelines.feature_split.grouping import groups_of
from fakefocus.pipelines.feature_split.nodes import describe_splits, index_samples, split_videos
from fakefocus.pipelines.training.nodes import shuffle_labels

OPTIONS = FeatureSplit(train=0.6, val=0.2, test=0.2, held_out_methods=("C",), seed=3)
EYES_NOSE_MOUTH = [[130, 140], [170, 142], [150, 165], [134, 188], [166, 190]]


def _videos(pairs: list[tuple[int, int, str]], people: int) -> pd.DataFrame:
    """Build one real clip a person and one fake a (target, source, method)."""
    rows = [(f"r{i}", 0, "", str(i), "") for i in range(people)]
    rows += [(f"f{n}", 1, m, str(t), str(s)) for n, (t, s, m) in enumerate(pairs)]
    table = pd.DataFrame(rows, columns=["video_id", "label", "method", "target_identity", "source_identity"])
    return table.assign(
        dataset="x",
        sha256=table["video_id"],
        source_video="clip " + table["target_identity"],
        compression="",
        official_split="",
        path=table["video_id"] + ".mp4",
        width=640,
        height=480,
    )


NONE_UNREADABLE = (pd.DataFrame(columns=["video_id", "path", "reason"]), pd.DataFrame(columns=["path", "reason"]))
"""Listed media beside the usable ones, and why they are not."""


def _faces(videos: pd.DataFrame, without: tuple[str, ...] = ()) -> pd.DataFrame:
    rows = [(v, frame, v not in without, f"frame_{frame:06d}") for v in videos["video_id"] for frame in (0, 4)]
    table = pd.DataFrame(rows, columns=["video_id", "frame", "found", "crop"])
    return table.assign(
        reason=table["found"].map({True: "", False: "no face"}),
        crop_landmarks=json.dumps(EYES_NOSE_MOUTH),
        crops="0",
        track=0,
        altered=None,
    )


def _split(
    videos: pd.DataFrame, faces: pd.DataFrame, options: FeatureSplit = OPTIONS, previous: dict | None = None
) -> pd.DataFrame:
    return split_videos(videos, faces, *NONE_UNREADABLE, previous or {}, {}, options)[0]


def _assert_nobody_is_on_two_sides(videos: pd.DataFrame, splits: pd.DataFrame) -> pd.DataFrame:
    used = videos.assign(split=splits["split"])[splits["split"] != ""]
    sides: dict[str, set[str]] = {}
    for row in used.itertuples():
        for person in {row.target_identity, row.source_identity} - {""}:
            sides.setdefault(person, set()).add(row.split)
    assert all(len(found) == 1 for found in sides.values())
    schemas.splits(splits)  # no group is on two sides either, whatever was set aside
    return used


@st.composite
def pair_graphs(draw: st.DrawFn) -> pd.DataFrame:
    people = draw(st.integers(3, 25))
    person = st.integers(0, people - 1)
    pairs = draw(st.lists(st.tuples(person, person, st.sampled_from("ABC")), max_size=40))
    videos = _videos(pairs, people)
    assume(groups_of(grouping.people(videos)).nunique() >= 3)
    return videos


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(pair_graphs())
def test_no_person_is_on_two_sides_and_no_video_is_lost(videos: pd.DataFrame) -> None:
    splits = _split(videos, _faces(videos), OPTIONS)
    assert splits["video_id"].tolist() == videos["video_id"].tolist()
    assert ((splits["split"] == "") == (splits["reason"] != "")).all()
    used = _assert_nobody_is_on_two_sides(videos, splits)
    assert set(used.loc[used["method"] == "C", "split"]) <= {"test"}
    assert {"train", "val", "test"} == set(used["split"])


@settings(max_examples=30, deadline=None)
@given(pair_graphs())
def test_the_order_of_the_videos_does_not_matter(videos: pd.DataFrame) -> None:
    shuffled = videos.sample(frac=1, random_state=1)
    first = _split(videos, _faces(videos), OPTIONS).set_index("video_id")["split"]
    again = _split(shuffled, _faces(shuffled), OPTIONS).set_index("video_id")["split"]
    assert first.to_dict() == again.to_dict()


def test_a_chain_of_swaps_is_one_group() -> None:
    # 0 wears 1's face, 1 wears 2's: who holds 0 and 2 apart leaks 1
    groups = groups_of(grouping.people(_videos([(0, 1, "A"), (1, 2, "A")], people=5)))
    assert groups.tolist() == ["x/0", "x/0", "x/0", "x/3", "x/4", "x/0", "x/0"]


def test_sides_have_their_shares() -> None:
    splits = _split(*(lambda v: (v, _faces(v)))(_videos([], people=50)), OPTIONS)
    assert splits["split"].value_counts().to_dict() == {"train": 30, "val": 10, "test": 10}


def test_other_seeds_split_otherwise() -> None:
    videos = _videos([], people=30)
    other = OPTIONS.model_copy(update={"seed": 4})
    a, b = (_split(videos, _faces(videos), o)["split"].tolist() for o in (OPTIONS, other))
    assert a != b


def test_two_people_cannot_fill_three_sides() -> None:
    videos = _videos([(0, 1, "A")], people=2)
    with pytest.raises(InputError, match=r"cannot fill train, val and test \((train|val|test) is empty\): add clips"):
        _split(videos, _faces(videos))


def test_one_connected_crowd_is_divided_by_person_and_crossing_fakes_are_told() -> None:
    # as in DFD: 28 actors, everyone wears the face of several others
    pairs = [(i, (i + step) % 28, "A") for i in range(28) for step in (1, 5, 9)]
    videos = _videos(pairs, people=28)
    assert set(groups_of(grouping.people(videos))) == {"x/0"}
    splits = _split(videos, _faces(videos))
    _assert_nobody_is_on_two_sides(videos, splits)
    reals = splits[splits["label"] == 0]
    # by hand: no real is lost, and 28 people in shares of .6, .2, .2 are 17, 6 and 6 up to one
    assert (reals["split"] != "").all()
    assert reals["split"].value_counts().to_dict() == pytest.approx({"train": 17, "val": 6, "test": 6}, abs=1)
    lost = splits.loc[splits["split"] == "", "reason"]
    assert set(lost) == {f"connects people of {a}" for a in ("test and train", "test and val", "train and val")}


@st.composite
def growing_graphs(draw: st.DrawFn) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return some videos, and the same with people and fakes added, also between old people."""
    before = draw(st.integers(4, 15))
    after = before + draw(st.integers(0, 10))
    method = st.sampled_from("AB")
    old, new = st.integers(0, before - 1), st.integers(0, after - 1)
    pairs = draw(st.lists(st.tuples(old, old, method), max_size=20))
    more = draw(st.lists(st.tuples(new, new, method), max_size=20))
    videos = _videos([*pairs, *more], people=after)
    numbers = videos["video_id"].str[1:].astype(int)
    was_there = numbers < videos["label"].map({0: before, 1: len(pairs)})
    return videos[was_there], videos


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(growing_graphs(), st.sampled_from(["identity", "source_video", "video"]), st.sampled_from([None, 4]))
def test_added_videos_move_no_old_one(
    graphs: tuple[pd.DataFrame, pd.DataFrame], strategy: str, folds: int | None
) -> None:
    before, after = graphs
    options = OPTIONS.model_copy(update={"strategy": strategy, "folds": folds})
    first, people = split_videos(before, _faces(before), *NONE_UNREADABLE, {}, {}, options)
    second, _ = split_videos(after, _faces(after), *NONE_UNREADABLE, people, {}, options)
    old = second.set_index("video_id").loc[first["video_id"]]
    assert old["split"].tolist() == first["split"].tolist()
    if strategy != "video":
        _assert_nobody_is_on_two_sides(after, second)


def test_a_new_fake_between_two_sides_is_set_aside() -> None:
    before = _videos([], people=12)
    first, people = split_videos(before, _faces(before), *NONE_UNREADABLE, {}, {}, OPTIONS)
    side = first.set_index("video_id")["split"]
    a, b = (int(side.index[side == name][0][1:]) for name in ("train", "test"))
    after = _videos([(a, b, "A")], people=12)
    second = split_videos(after, _faces(after), *NONE_UNREADABLE, people, {}, OPTIONS)[0].set_index("video_id")
    assert second.loc["f0", ["split", "reason"]].tolist() == ["", "connects people of test and train"]


def test_other_shares_divide_everything_anew() -> None:
    videos = _videos([], people=30)
    people = split_videos(videos, _faces(videos), *NONE_UNREADABLE, {}, {}, OPTIONS)[1]
    other = OPTIONS.model_copy(update={"train": 0.4, "test": 0.4})
    assert (
        split_videos(videos, _faces(videos), *NONE_UNREADABLE, people, {}, other)[0]["split"].value_counts()["test"]
        == 12
    )


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(pair_graphs())
def test_shares_are_met_as_far_as_groups_allow(videos: pd.DataFrame) -> None:
    splits = _split(videos, _faces(videos), OPTIONS.model_copy(update={"held_out_methods": ()}))
    used = splits[splits["split"] != ""]
    largest = used.groupby("group").size().max()
    for side, share in (("train", 0.6), ("val", 0.2), ("test", 0.2)):
        # groups are whole, and a side may be given one group more so that none is without reals
        assert abs((used["split"] == side).sum() - share * len(used)) <= 2 * largest


def test_each_method_and_label_has_its_shares() -> None:
    # 20 people with a fake by A, 20 with one by B, 20 with none
    videos = _videos([(i, i, "AB"[i // 20]) for i in range(40)], people=60)
    splits = _split(videos, _faces(videos), OPTIONS.model_copy(update={"held_out_methods": ()}))
    counts = splits.groupby(["label", "method", "split"]).size()
    assert counts[1, "A"].to_dict() == counts[1, "B"].to_dict() == {"train": 12, "val": 4, "test": 4}
    assert counts[0, ""].to_dict() == {"train": 36, "val": 12, "test": 12}


def test_a_side_without_reals_or_fakes_is_given_some_where_there_are() -> None:
    # 3 reals and 3 fakes of unknown people: .2 of 3 rounds to nothing
    videos = _videos([(i, i, "A") for i in range(3, 6)], people=3)
    splits = _split(videos, _faces(videos))
    assert set(splits.groupby(["label", "split"]).size()) == {1}


@pytest.mark.parametrize("fold", range(4))
def test_each_video_is_tested_on_in_one_fold_and_is_val_in_another(fold: int) -> None:
    videos = _videos([(i, i + 1, "A") for i in range(0, 40, 2)], people=40)
    by_fold = [
        _split(videos, _faces(videos), OPTIONS.model_copy(update={"folds": 4, "fold": f}))["split"] for f in range(4)
    ]
    assert (pd.concat(by_fold, axis=1) == "test").sum(axis=1).eq(1).all()
    # 20 groups in 4 folds: 5 groups of 3 videos each
    assert by_fold[fold].value_counts().to_dict() == {"train": 30, "val": 15, "test": 15}
    # val of a fold is the test side of the next
    assert ((by_fold[fold] == "val") == (by_fold[(fold + 1) % 4] == "test")).all()


def test_clips_cut_from_one_video_stay_together() -> None:
    videos = _videos([], people=30)
    videos["source_video"] = [f"tube-{i // 2}" for i in range(30)]
    sides = _split(videos, _faces(videos), OPTIONS.model_copy(update={"strategy": "source_video"}))["split"]
    assert (sides[::2].to_numpy() == sides[1::2].to_numpy()).all()
    apart = _split(videos, _faces(videos))["split"]
    assert not (apart[::2].to_numpy() == apart[1::2].to_numpy()).all()


OFFICIAL = OPTIONS.model_copy(update={"strategy": "official", "held_out_methods": ()})


def test_published_sides_are_taken_as_they_are() -> None:
    videos = _videos([(0, 1, "A")], people=5)
    videos["official_split"] = ["train", "train", "val", "test", "", "test"]
    splits = _split(videos, _faces(videos), OFFICIAL)
    assert splits["split"].tolist() == ["train", "train", "val", "test", "", "test"]
    assert splits["reason"].tolist()[4] == "no published side"
    # the fake shows 0 and 1, who are in train: the list leaks, and its groups are told apart by side
    assert splits["group"].tolist()[:2] != splits["group"].tolist()[5:]


def test_where_only_test_is_published_the_rest_is_divided_by_identity() -> None:
    videos = _videos([(0, 1, "A"), (2, 3, "A")], people=20)
    videos["official_split"] = ["test" if i >= 15 else "" for i in range(20)] + ["", ""]
    splits = _split(videos, _faces(videos), OFFICIAL)
    assert (splits["split"] == "test").tolist() == (videos["official_split"] == "test").tolist()
    rest = splits[splits["split"] != "test"]
    # 17 videos in shares of 3 to 1, and one of the two groups of three with a fake on each side
    assert rest["split"].value_counts().to_dict() == {"train": 11, "val": 6}
    assert rest.groupby("group")["split"].nunique().max() == 1


def test_without_a_published_test_side_official_is_refused() -> None:
    videos = _videos([], people=5)
    with pytest.raises(InputError, match="no usable video has one \\(sides: none\\): put the published lists beside"):
        _split(videos, _faces(videos), OFFICIAL)


METHOD = OPTIONS.model_copy(update={"strategy": "method"})


def test_fakes_of_a_left_out_generator_are_all_tested_on_where_nobody_is_known() -> None:
    # images: each its own person; 10 by A, 10 by C
    videos = _videos([(i, i, "A") for i in range(20, 30)] + [(i, i, "C") for i in range(30, 40)], people=20)
    splits = _split(videos, _faces(videos), METHOD)
    assert set(splits.loc[splits["method"] == "C", "split"]) == {"test"}
    assert splits.loc[splits["label"] == 0, "split"].value_counts().to_dict() == {"train": 12, "val": 4, "test": 4}
    # identity alone loses those whom it puts on other sides
    assert (_split(videos, _faces(videos)).query("method == 'C'")["split"] == "").sum() == 8


def test_left_out_fakes_of_people_are_tested_on_people_of_the_test_side_only() -> None:
    videos = _videos([(i, i, m) for i in range(20) for m in "AC"], people=20)
    splits = _split(videos, _faces(videos), METHOD)
    _assert_nobody_is_on_two_sides(videos, splits)
    assert splits.loc[splits["method"] == "C", "split"].value_counts().to_dict() == {"": 16, "test": 4}


def test_a_left_out_method_that_is_not_there_is_refused() -> None:
    videos = _videos([(0, 0, "A")], people=5)
    with pytest.raises(InputError, match="held_out_methods: C is no method of these videos: A"):
        _split(videos, _faces(videos), METHOD)


IMPORTED = OPTIONS.model_copy(update={"strategy": "imported", "held_out_methods": ()})


def _imported(listed: dict) -> pd.DataFrame:
    videos = _videos([(0, 1, "A")], people=5)
    return split_videos(videos, _faces(videos), *NONE_UNREADABLE, {}, listed, IMPORTED)[0].set_index("video_id")


@pytest.mark.parametrize("names", [["r2", "f0"], ["real/r2", "fake/f0"], ["r2.mp4", "f0.mp4"]])
def test_somebodys_splits_json_is_taken_by_id_key_or_file_name(names: list[str]) -> None:
    splits = _imported({"train": ["r0", "r1"], "val": ["r3"], "test": names, "created": "2020", "ratio": 0.8})
    assert splits["split"].to_dict() == {
        "r0": "train",
        "r1": "train",
        "r2": "test",
        "r3": "val",
        "r4": "",
        "f0": "test",
    }
    assert splits.loc["r4", "reason"] == "not in the imported splits.json"


def test_our_own_splits_json_comes_back_as_it_was() -> None:
    videos = _videos([(i, i + 1, "A") for i in range(0, 20, 2)], people=20)
    ours = _split(videos, _faces(videos))
    told = describe_splits(ours, OPTIONS)
    again = split_videos(videos, _faces(videos), *NONE_UNREADABLE, {}, told, IMPORTED)[0]
    assert again["split"].tolist() == ours["split"].tolist()
    assert describe_splits(again, IMPORTED)["hash"] == told["hash"]


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        ({}, "there is no such file: name one with --params=splits="),
        ({"train": ["r0"], "val": ["r1"]}, "test must be a list of videos, got NoneType"),
        ({"train": ["r0"], "val": ["r1"], "test": ["r0.mp4"]}, "r0.mp4 is listed in train and in test"),
        ({"train": ["zz"], "val": ["yy"], "test": ["xx"]}, "lists none of the videos"),
        ({"train": ["r0"], "val": ["r1"], "test": ["xx"]}, r"cannot fill train, val and test \(test is empty\)"),
    ],
)
def test_a_list_that_cannot_be_used_is_told(listed: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        _imported(listed)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"folds": 3, "fold": 3}, "fold: must be below folds"),
        ({"folds": 3, "strategy": "official"}, "folds: strategy official has its own test side"),
        ({"strategy": "method", "held_out_methods": ()}, "needs the name of at least one method"),
    ],
)
def test_parameters_that_contradict_each_other_are_refused(given: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        FeatureSplit(**(OPTIONS.model_dump() | given))


def test_faceless_videos_are_set_aside_with_the_reason() -> None:
    videos = _videos([], people=8)
    splits = _split(videos, _faces(videos, without=("r2",)), OPTIONS).set_index("video_id")
    assert splits.loc["r2", ["split", "reason"]].tolist() == ["", "no face was found"]


def test_samples_are_the_found_faces_of_used_videos() -> None:
    videos = _videos([(0, 1, "C")], people=12)
    faces = _faces(videos, without=("r2",))
    splits = _split(videos, faces, OPTIONS)
    samples = index_samples(splits, faces, videos, {"leaks": []}, OPTIONS)
    used = set(splits.loc[splits["split"] != "", "video_id"])
    assert len(samples) == 2 * len(used)
    assert samples["crop"].str.match(r"(real|fake)/[rf]\d+/frame_00000[04]").all()
    told = samples.drop_duplicates("video_id").set_index("video_id")
    assert told.loc["r3", ["identity", "original"]].tolist() == ["3", ""]
    assert told.loc["r3", "people"].endswith("/3")


def test_fakes_that_show_several_people_are_named_as_what_they_are(caplog: pytest.LogCaptureFixture) -> None:
    videos = _videos([(0, 1, "C"), (2, 3, "C")], people=12)
    faces = _faces(videos)
    beside = faces[faces["video_id"] == "f0"].assign(track=1)
    faces = pd.concat([faces, beside.assign(crop=beside["crop"] + "_face_1")], ignore_index=True)
    splits = _split(videos, faces, OPTIONS).assign(split="train")
    samples = index_samples(splits, faces, videos, {"leaks": []}, OPTIONS)
    assert sorted(samples.loc[samples["video_id"] == "f0", "track"]) == [0, 0, 1, 1]
    assert "in 1 fake videos it is not known of all people who was altered" in caplog.text
    assert set(samples["labelled_by"]) == {"video"}
    assert samples.loc[samples["video_id"] == "f0", "label"].all()


def _couples(*altered: tuple[float | None, float | None]) -> pd.DataFrame:
    """Return the samples of fakes that show two people each, of whose faces these shares were altered."""
    videos = _videos([(2 * n, 2 * n + 1, "C") for n in range(len(altered))], people=12)
    faces = _faces(videos)
    fakes = faces["video_id"].str.startswith("f")
    beside = faces[fakes].assign(track=1)
    faces["altered"] = faces["video_id"].map({f"f{n}": shares[0] for n, shares in enumerate(altered)})
    beside["altered"] = beside["video_id"].map({f"f{n}": shares[1] for n, shares in enumerate(altered)})
    faces = pd.concat([faces, beside.assign(crop=beside["crop"] + "_face_1")], ignore_index=True)
    splits = _split(videos, faces, OPTIONS).assign(split="train")
    return index_samples(splits, faces, videos, {"leaks": []}, OPTIONS)


def test_bystanders_whom_a_mask_shows_unaltered_are_real() -> None:
    samples = _couples((0.02, 0.6), (0.5, 0.45)).drop_duplicates(["video_id", "track"])
    told = samples.set_index(["video_id", "track"])
    assert told.loc[["f0", "f1"], "label"].tolist() == [0, 1, 1, 1]
    assert told.loc[("f0", 0), ["method", "original", "labelled_by"]].tolist() == ["", "", "face"]
    assert told.loc[("f0", 1), ["method", "original", "labelled_by"]].tolist() == ["C", "r0", "face"]
    assert told.loc[("f0", 0), "identity"] != told.loc[("f0", 1), "identity"]
    assert told.loc[("f0", 0), "folder"] == "fake/f0"
    assert told.loc[("r0", 0), "labelled_by"] == "video"


def test_bystander_of_several_fakes_of_a_clip_is_one_person() -> None:
    samples = _couples((0.02, 0.6), (0.01, 0.5))
    videos = {"f0": "0", "f1": "2"}
    for video, target in videos.items():
        people = samples.loc[(samples["video_id"] == video) & (samples["label"] == 0), "identity"]
        assert set(people) == {f"{target}, person 0"}


def test_control_shuffles_whole_videos_and_leaves_bystanders_of_the_test_side() -> None:
    samples = _couples(*[(0.02, 0.6)] * 6)
    shuffled = shuffle_labels(samples, 3)
    assert shuffled.drop_duplicates(["video_id", "label"])["video_id"].is_unique
    test = samples.assign(split="test")
    assert shuffle_labels(test, 3)["label"].equals(test["label"])


@pytest.mark.parametrize("shares", [(0.01, 0.05), (None, None), (0.0, 0.0)])
def test_mask_that_shows_nobody_altered_is_not_believed(shares: tuple[float | None, float | None]) -> None:
    fakes = _couples(shares).query("video_id == 'f0'")
    assert fakes["label"].all()
    assert set(fakes["labelled_by"]) == {"video"}


def test_splits_json_lists_every_used_video_once() -> None:
    videos = _videos([], people=10)
    splits = _split(videos, _faces(videos), OPTIONS)
    told = describe_splits(splits, OPTIONS)
    assert sorted(told["train"] + told["val"] + told["test"]) == sorted(f"real/r{i}" for i in range(10))
    assert told["hash"] == describe_splits(splits.copy(), OPTIONS)["hash"]

"""Labels of the negative control: shuffled so that nothing of the true ones is left."""

import numpy as np
import pandas as pd
import pytest

from fakefocus.pipelines.training.nodes import shuffle_labels


def _samples(**sides: dict[str, int]) -> pd.DataFrame:
    """Return two faces a video, of so many videos of each method ("" is real) on each side."""
    videos = [
        (f"{side}-{method or 'real'}-{i}", side, method)
        for side, methods in sides.items()
        for method, count in methods.items()
        for i in range(count)
    ]
    table = pd.DataFrame(videos, columns=["video_id", "split", "method"])
    table = table.assign(label=(table["method"] != "").astype(int))
    faces = pd.concat([table.assign(crop="frame_0"), table.assign(crop="frame_5")])
    return faces.sample(frac=1, random_state=0).reset_index(drop=True)


def _by_video(samples: pd.DataFrame) -> pd.DataFrame:
    """Return a row a video, whose faces must agree."""
    by_video = samples.groupby("video_id")[["split", "method", "label"]]
    pd.testing.assert_frame_equal(by_video.min(), by_video.max())
    return by_video.min()


# train: 12 of 24 are fake; val: 6 of 8
EVEN = {"train": {"": 12, "A": 8, "B": 4}, "val": {"": 2, "A": 4, "B": 2}, "test": {"": 3, "A": 3}}


@pytest.mark.parametrize("seed", range(5))
def test_as_large_a_share_of_the_reals_and_of_each_method_is_called_fake_as_of_the_whole_side(seed: int) -> None:
    shuffled = _by_video(shuffle_labels(_samples(**EVEN), seed))
    fakes = shuffled[shuffled["split"] != "test"].groupby(["split", "method"])["label"].sum().to_dict()
    # train: half of 12, 8 and 4; val: three quarters of 2 (1 or 2), 4 and 2 (1 or 2)
    assert {method: fakes["train", method] for method in ("", "A", "B")} == {"": 6, "A": 4, "B": 2}
    assert fakes["val", "A"] == 3
    assert {fakes["val", ""], fakes["val", "B"]} <= {1, 2}


def test_shuffled_label_says_nothing_of_the_true_one_nor_of_the_method() -> None:
    samples = _samples(train={"": 10, "A": 20, "B": 10})
    true = _by_video(samples)
    draws = np.stack([_by_video(shuffle_labels(samples, seed))["label"] for seed in range(100)])
    # 3/4 of all are fake: 7.5 of 10 reals, 15 of 20 and 7.5 of 10 fakes, and no draw is further away than by one half
    for method, expected in (("", 7.5), ("A", 15), ("B", 7.5)):
        of_method = draws[:, (true["method"] == method).to_numpy()].sum(axis=1)
        assert np.abs(of_method - expected).max() <= 0.5
    # of a single video: 3/4 of 100 draws, within four deviations of sqrt(100 * 3/4 * 1/4) = 4.3 draws
    assert np.abs(draws.sum(axis=0) - 75).max() < 18


def test_share_that_divides_no_stratum_is_met_on_average() -> None:
    # half of the side is fake, by 100 methods: 1.5 of the 3 fakes of each are 1 or 2, each about as often
    samples = _samples(train={"": 300} | {f"method {i}": 3 for i in range(100)})
    shuffled = _by_video(shuffle_labels(samples, 3))
    counts = shuffled[shuffled["method"] != ""].groupby("method")["label"].sum()
    assert set(counts) == {1, 2}
    # the mean of 100 coins, within four deviations of .5 / 10
    assert counts.mean() == pytest.approx(1.5, abs=0.2)


def test_same_seed_shuffles_in_the_same_way_and_another_seed_in_another() -> None:
    samples = _samples(**EVEN)
    first = shuffle_labels(samples, 7)
    pd.testing.assert_frame_equal(first, shuffle_labels(samples, 7))
    assert not first["label"].equals(shuffle_labels(samples, 8)["label"])


def test_all_faces_of_a_video_move_together_and_those_of_the_test_side_and_all_else_stay() -> None:
    samples = _samples(**EVEN)
    # a fake in which one face was not altered: it is relabelled as one video all the same
    bystander = (samples["video_id"] == "train-A-0") & (samples["crop"] == "frame_5")
    samples.loc[bystander, ["label", "method"]] = [0, ""]
    before = samples.copy()
    shuffled = shuffle_labels(samples, 1)
    pd.testing.assert_frame_equal(samples, before)
    labels = shuffled[shuffled["split"] != "test"].groupby("video_id")["label"]
    assert labels.min().equals(labels.max())
    of_test = samples["split"] == "test"
    assert shuffled.loc[of_test, "label"].equals(samples.loc[of_test, "label"])
    pd.testing.assert_frame_equal(shuffled.drop(columns="label"), samples.drop(columns="label"))

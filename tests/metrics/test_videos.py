"""Scores of people and of videos: worked out by hand."""

import pandas as pd
import pytest

from fakefocus.metrics.videos import score_by_track, score_by_video

# two people of a fake, of whom the second was altered, and a real video of one
FACES = pd.DataFrame(
    {
        "video_id": ["b", "b", "a", "a", "a", "a"],
        "track": [0, 0, 1, 0, 0, 1],
        "label": [0, 0, 1, 0, 0, 1],
        "score": [0.25, 0.35, 0.8, 0.1, 0.3, 0.6],
    }
)


def test_each_person_of_each_video_is_scored_by_their_own_faces() -> None:
    people = score_by_track(FACES)
    # in order of video and person: a 0 (.1, .3), a 1 (.8, .6), b 0 (.25, .35)
    assert people.index.to_list() == [("a", 0), ("a", 1), ("b", 0)]
    assert people["score"].tolist() == pytest.approx([0.2, 0.7, 0.3])
    assert people["label"].tolist() == [0, 1, 0]
    assert people["faces"].tolist() == [2, 2, 2]


def test_video_has_the_score_of_who_looks_most_fake_and_the_label_of_whoever_is() -> None:
    videos = score_by_video(FACES)
    assert videos["score"].to_dict() == pytest.approx({"a": 0.7, "b": 0.3})
    assert videos["label"].to_dict() == {"a": 1, "b": 0}
    assert videos["faces"].to_dict() == {"a": 4, "b": 2}


def test_a_person_is_scored_by_mean_maximum_median_or_the_five_most_fake_faces() -> None:
    values = [0.0, 0.1, 0.2, 0.4, 0.5, 0.6, 1.0]
    faces = pd.DataFrame({"video_id": "a", "track": 0, "label": 1, "score": values})
    expected = {"mean": 0.4, "max": 1.0, "median": 0.4, "top_k_mean": (0.2 + 0.4 + 0.5 + 0.6 + 1.0) / 5}
    for aggregation, value in expected.items():
        assert score_by_video(faces, aggregation)["score"].tolist() == pytest.approx([value]), aggregation
    few = score_by_track(faces.iloc[:2], "top_k_mean")
    assert few.loc[("a", 0), ["faces", "score"]].tolist() == pytest.approx([2, 0.05])


def test_the_five_most_fake_faces_are_taken_of_each_person_apart() -> None:
    # a: six faces, the lowest (0) is left out; b: six faces, the lowest (.4) is left out
    faces = pd.DataFrame(
        {
            "video_id": ["a", "b"] * 6,
            "track": 0,
            "label": [0, 1] * 6,
            "score": [0.0, 0.4, 0.1, 0.5, 0.1, 0.5, 0.1, 0.5, 0.1, 0.5, 0.1, 0.5],
        }
    )
    assert score_by_video(faces, "top_k_mean")["score"].to_dict() == pytest.approx({"a": 0.1, "b": 0.5})

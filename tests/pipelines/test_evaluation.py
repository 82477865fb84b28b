import pandas as pd

from fakefocus.pipelines.evaluation.nodes import score_videos


def test_video_is_scored_by_its_most_fake_person() -> None:
    # in «a» the second person was manipulated; «b» shows one person
    scores = pd.DataFrame(
        {
            "video_id": ["a"] * 5 + ["b"] * 2,
            "track": [0, 0, 0, 1, 1, 0, 0],
            "label": [1] * 5 + [0] * 2,
            "method": ["Swap"] * 5 + [""] * 2,
            "group": ["a"] * 5 + ["b"] * 2,
            "split": "test",
            "score": [0.1, 0.2, 0.3, 0.8, 0.6, 0.25, 0.35],
        }
    )
    videos = score_videos(scores).set_index("video_id")
    assert round(videos.loc["a", "score"], 6) == 0.7
    assert round(videos.loc["b", "score"], 6) == 0.3
    assert videos["faces"].to_dict() == {"a": 5, "b": 2}


def test_fake_with_a_real_bystander_is_one_fake_video() -> None:
    scores = pd.DataFrame(
        {
            "video_id": "a",
            "track": [0, 0, 1, 1],
            "label": [0, 0, 1, 1],
            "method": ["", "", "Swap", "Swap"],
            "group": "a",
            "split": "test",
            "score": [0.9, 0.7, 0.2, 0.4],
        }
    )
    (video,) = score_videos(scores).to_dict("records")
    # whoever looks most fake: at test time nobody knows who was altered
    assert (video["label"], video["method"], video["faces"], round(video["score"], 6)) == (1, "Swap", 4, 0.8)

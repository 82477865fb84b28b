from typing import Any

import pandas as pd
import pytest

from examples import make_contract
from fakefocus.errors import InputError
from fakefocus.parameters import Evaluation
from fakefocus.pipelines.evaluation.attributes import describe_videos, thirds
from fakefocus.pipelines.evaluation.nodes import compare_seeds, score_tracks, score_videos, summarise_detector

EVALUATION = Evaluation(threshold="validation", batch_size=64, confidence=0.95)


def _named(scores: pd.DataFrame, **others: Any) -> pd.DataFrame:
    """Return the split that names the videos of ``scores``, all usable."""
    about = scores.groupby("video_id")[["label", "method", "group", "split"]].max().reset_index()
    return about.assign(side=about["split"], status="ok", reason="", **others)


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
    videos = score_videos(scores, _named(scores), EVALUATION).set_index("video_id")
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
    (video,) = score_videos(scores, _named(scores), EVALUATION).to_dict("records")
    # whoever looks most fake: at test time nobody knows who was altered
    assert (video["label"], video["method"], video["faces"], round(video["score"], 6)) == (1, "Swap", 4, 0.8)


def test_fakes_of_one_name_by_several_methods_stay_several_videos() -> None:
    # published FaceForensics++ has 000_003 in each method's folder: merged, their scores would be averaged to .5
    ids = ["ff-Deepfakes-000_003", "ff-FaceSwap-000_003"]
    scores = pd.DataFrame(
        {"video_id": ids, "track": 0, "label": 1, "method": ["Deepfakes", "FaceSwap"], "group": "g", "split": "test"}
    ).assign(score=[0.9, 0.1])
    videos = score_videos(scores, _named(scores), EVALUATION)
    assert dict(zip(videos["method"], videos["score"], strict=True)) == {"Deepfakes": 0.9, "FaceSwap": 0.1}
    assert score_tracks(scores, EVALUATION)["score"].tolist() == [0.9, 0.1]


def test_every_video_that_the_split_names_has_a_row_with_its_status() -> None:
    scores = pd.DataFrame(
        {"video_id": ["a", "b"], "track": 0, "label": [0, 1], "method": ["", "S"], "group": ["a", "b"]}
    ).assign(split="test", score=[0.2, 0.7])
    unused = pd.DataFrame(
        {
            "video_id": ["c", "d", "e", "f"],
            "label": [1, 1, 0, 0],
            "method": ["S", "S", "", ""],
            "group": ["b", "b", "a", "z"],
            "side": ["test", "test", "val", "train"],
            "split": "",
            "status": ["no_face", "error", "rejected", "ok"],
            "reason": ["no face was found", "truncated", "1 frame decodes", "x"],
        }
    )
    videos = score_videos(scores, pd.concat([_named(scores), unused]), EVALUATION).set_index("video_id")
    assert videos["status"].to_dict() == {"a": "ok", "b": "ok", "c": "no_face", "d": "error", "e": "rejected"}
    assert videos["score"].isna().to_dict() == {"a": False, "b": False, "c": True, "d": True, "e": True}
    assert (videos.loc["d", "reason"], videos.loc["d", "split"], videos.loc["d", "faces"]) == ("truncated", "test", 0)


def test_attributes_are_the_layouts_thirds_of_faces_and_columns_of_a_file() -> None:
    videos = pd.DataFrame({"video_id": ["a", "b", "c"], "path": ["x/a.mp4", "x/b.mp4", "y/c.mp4"]}).assign(
        compression=["c23", "c40", "c23"], dataset="d"
    )
    faces = pd.DataFrame({"video_id": ["a", "b", "c"], "found": True, "size": [30, 90, 60], "sharpness": 1.0})
    scores = videos[["video_id"]]
    table = describe_videos(scores, videos, faces, pd.DataFrame({"file": ["c.mp4", "a.mp4"], "light": ["dim", "day"]}))
    assert table["compression"].tolist() == ["c23", "c40", "c23"]
    # a third of [30, 60, 90] ends at 50 and 70
    assert table["size of the face"].tolist() == ["lowest: 30 to 50 px", "highest: 70 to 90 px", "middle: 50 to 70 px"]
    assert table["light"].tolist() == ["day", "", "dim"]
    assert set(thirds(pd.Series([1.0, 1.0]), "px")) == {""}


def test_attributes_that_name_no_video_or_several_are_refused() -> None:
    videos = pd.DataFrame({"video_id": ["a", "b"], "path": ["x/1.mp4", "y/1.mp4"], "compression": "", "dataset": "d"})
    faces = pd.DataFrame({"video_id": ["a", "b"], "found": True, "size": 30.0, "sharpness": 1.0})
    with pytest.raises(InputError, match=r"attributes: no column video_id, path, file names the videos, got name"):
        describe_videos(videos[["video_id"]], videos, faces, pd.DataFrame({"name": ["a"]}))
    with pytest.raises(InputError, match=r"attributes\.file: 1\.mp4 names several videos or rows"):
        describe_videos(videos[["video_id"]], videos, faces, pd.DataFrame({"file": ["1.mp4"], "light": ["dim"]}))


def test_file_that_several_videos_are_called_does_not_matter_where_no_row_names_it() -> None:
    # fakes of FaceForensics++ are called alike in the folder of each method
    paths = ["Deepfakes/000_003.mp4", "FaceSwap/000_003.mp4", "youtube/000.mp4"]
    videos = pd.DataFrame({"video_id": ["a", "b", "c"], "path": paths, "compression": "", "dataset": "d"})
    faces = pd.DataFrame({"video_id": ["a", "b", "c"], "found": True, "size": 30.0, "sharpness": 1.0})
    table = describe_videos(
        videos[["video_id"]], videos, faces, pd.DataFrame({"file": ["000.mp4", "other.mp4"], "light": ["dim", "day"]})
    )
    assert table["light"].tolist() == ["", "", "dim"]


def test_interval_over_seeds_is_of_the_videos_that_the_mean_is_of() -> None:
    # 12 groups with a real and a fake; half of the fakes have no score and count as real: below all reals, so that
    # half of all pairs are in order with every seed; of the scored videos alone, all would be
    videos = {
        "video_id": [f"{kind}{i}" for kind in "rf" for i in range(12)],
        "label": [0] * 12 + [1] * 12,
        "method": [""] * 12 + ["swap"] * 12,
        "group": [*range(12)] * 2,
        "score": [0.2] * 12 + [0.9] * 6 + [None] * 6,
    }
    metrics = {"video": {"auc": {"value": 0.5}}, "by_method": {"swap": {"held_out": False}}}
    summaries = [
        {
            "contract": {"training": {"seed": seed}},
            "coverage": {"missing": "as_real"},
            "metrics": metrics | {"interval": {"confidence": 0.95}},
            "videos": videos,
        }
        for seed in (1, 2, 3)
    ]
    auc_of_videos = compare_seeds(*summaries)["video"]["auc"]
    assert auc_of_videos["low"] < auc_of_videos["mean"] < auc_of_videos["high"]


def test_validation_scores_of_an_earlier_training_calibrate_nothing() -> None:
    contract = make_contract("scade_net").model_dump(mode="json")
    before = {"contract": contract | {"name": "SCADE-Net", "best_epoch": 4}}
    tables = ("history", "samples", "videos", "faces", "face_scores", "track_scores", "video_scores", "home_scores")
    with pytest.raises(
        InputError, match=r"trained again since it was judged .*judge it on its experiment demo again first: kedro run"
    ):
        summarise_detector(
            model={"contract": contract, "weights": {}},
            home_evaluation=before,
            **{name: pd.DataFrame({"split": []}) for name in tables},
            attributes=pd.DataFrame(),
            splits_json={"hash": "h"},
            evaluation=EVALUATION,
            dataset="other",
            experiment="other",
        )


def test_auc_by_policy_and_calibration_are_of_the_rows_of_the_first_number() -> None:
    # each of 6 people has a real at .2 and a fake at .8 by the method trained on; another method's fakes score .1
    people = [f"p{i}" for i in range(6)]
    rows = [
        {"group": p, "label": int(method != ""), "method": method, "score": score, "split": side}
        for side, methods in (("test", {"": 0.2, "swap": 0.8, "other": 0.1}), ("val", {"": 0.3, "swap": 0.7}))
        for method, score in methods.items()
        for p in people
    ]
    table = pd.DataFrame(rows).assign(track=0, status="ok", reason="", faces=1, people="", fingerprint="")
    table["video_id"] = table["crop"] = [f"v{i}" for i in range(len(table))]
    videos = table[["video_id"]].assign(path=table["video_id"], compression="", dataset="demo")
    faces = table[["video_id"]].assign(found=True, size=30.0, sharpness=1.0)
    summary = summarise_detector(
        model={"contract": make_contract("scade_net").model_dump(mode="json"), "weights": {}},
        history=pd.DataFrame(),
        samples=table,
        videos=videos,
        faces=faces,
        face_scores=table,
        track_scores=table,
        video_scores=table,
        home_scores=pd.DataFrame(),
        home_evaluation={},
        attributes=pd.DataFrame(),
        splits_json={"hash": "h"},
        evaluation=EVALUATION,
        dataset="demo",
        experiment="demo",
    )
    first = summary["metrics"]["video"]
    assert (first["auc"]["value"], summary["coverage"]["auc"]["exclude"]) == (1, 1)
    # Brier: all are wrong by .2; with the other method's fakes, which are wrong by .9, it would be .30
    assert first["brier"]["value"] == pytest.approx(0.04)
    assert summary["calibration"]["methods"]["none"]["brier"]["value"] == pytest.approx(0.04)

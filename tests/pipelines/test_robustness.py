"""Robustness: clean and changed scores of the same videos, with lost faces counted and maps made anew."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from examples import make_contract
from fakefocus.config import ProjectConfig
from fakefocus.datasets.detector_folder import DetectorFolder
from fakefocus.datasets.json_file import read_object
from fakefocus.datasets.stored_video import FrameWriter, PassingFaultError, VideoFolder, is_current
from fakefocus.datasets.video_folders import VideoFolders
from fakefocus.errors import InputError
from fakefocus.extraction import extract_reencoded
from fakefocus.hooks.parameters import check_parameters
from fakefocus.imaging.perturbations import perturbations
from fakefocus.imaging.reencoding import CONDITIONS
from fakefocus.parameters import Preprocessing, Robustness
from fakefocus.pipelines.robustness.choosing import choose_faces, choose_videos
from fakefocus.pipelines.robustness.measuring import Judge, compare
from fakefocus.pipelines.robustness.nodes import (
    describe_robustness,
    draw_robustness,
    measure_robustness,
    plan_reencoded_crops,
)
from fakefocus.settings import CONFIG_LOADER_ARGS

JUDGE = Judge(threshold=0.5, confidence=0.95, methods=frozenset({"swap"}))


def _clean(rows: dict[str, tuple[int, str, float]]) -> pd.DataFrame:
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["label", "method", "score"])
    return table.assign(group=list(range(len(rows)))).rename_axis("video_id")


def _faces(scores: dict[str, float]) -> pd.DataFrame:
    rows = [{"video_id": name, "track": 0, "label": 0, "score": score} for name, score in scores.items()]
    return pd.DataFrame(rows, columns=["video_id", "track", "label", "score"])


CLEAN = {"a": (0, "", 0.1), "b": (0, "", 0.2), "c": (1, "swap", 0.9), "d": (1, "swap", 0.3)}


def test_a_condition_does_not_profit_from_the_faces_that_it_loses() -> None:
    # d is lost. Of the others, the fake .9 is above both reals: AUC 1, no drop.
    # With d at .5 it is above .1 and below .6: 3 of 4 pairs, and clean were 4 of 4: drop .25.
    compared = compare(_clean(CLEAN), _faces({"a": 0.1, "b": 0.6, "c": 0.9}), JUDGE)
    assert (compared["videos"], compared["lost"]) == (4, 1)
    assert compared["auc"]["value"] == compared["clean_auc"]["value"] == 1
    assert compared["drop"]["difference"] == 0
    assert compared["lost_as_chance"]["auc"]["value"] == 0.75
    assert compared["lost_as_chance"]["drop"]["difference"] == pytest.approx(0.25)


def test_drop_is_clean_less_changed_and_reals_are_watched() -> None:
    # reals .6 and .2, fakes .4 and .3: of four pairs two are in order (.4 > .2, .3 > .2); clean were all
    compared = compare(_clean(CLEAN), _faces({"a": 0.6, "b": 0.2, "c": 0.4, "d": 0.3}), JUDGE)
    assert compared["drop"]["difference"] == pytest.approx(0.5)
    assert compared["lost_as_chance"] is None
    assert (compared["reals"]["called_fake_before"], compared["reals"]["called_fake"]) == (0, 0.5)
    assert compared["reals"]["change"]["value"] == pytest.approx(0.25)


def test_methods_that_were_not_trained_on_stand_apart() -> None:
    clean = _clean(CLEAN | {"e": (1, "other", 0.1)})
    after = _faces({"a": 0.1, "b": 0.2, "c": 0.9, "d": 0.3, "e": 0.15})
    compared = compare(clean, after, JUDGE)
    assert compared["auc"]["value"] == 1
    # e is above one of two reals
    assert compared["held_out"]["value"] == 0.5
    # who was trained on none of them is judged by all: 2 + 2 + 1 of 6 pairs
    foreign = compare(clean, after, JUDGE._replace(methods=frozenset({"unheard_of"})))
    assert foreign["auc"]["value"] == pytest.approx(5 / 6)
    assert foreign["held_out"] is None


def test_all_faces_lost_is_undefined_not_zero() -> None:
    compared = compare(_clean(CLEAN), _faces({}), JUDGE)
    assert compared["lost"] == 4
    assert compared["auc"]["value"] is None
    assert compared["drop"]["difference"] is None
    assert compared["lost_as_chance"]["auc"]["value"] == 0.5


@pytest.fixture
def many_samples() -> pd.DataFrame:
    """Return 4 groups with 2 real videos and 2 of each of 3 methods, and 5 faces a video."""
    videos = [
        {"video_id": f"{method or 'real'}{group}{copy}", "method": method, "group": group, "label": int(method != "")}
        for group in "ABCD"
        for method in ("", "x", "y", "z")
        for copy in (0, 1)
    ]
    return pd.DataFrame(
        [video | {"track": 0, "crop": f"{video['video_id']}/{face}"} for video in videos for face in range(5)]
    )


@pytest.mark.parametrize("budget", [4, 8, 16, 32])
def test_any_budget_of_videos_is_even_over_people_and_methods(many_samples: pd.DataFrame, budget: int) -> None:
    chosen = choose_videos(many_samples, budget, seed=3)
    assert len(set(chosen["video_id"])) == budget
    assert set(chosen["method"].value_counts()) == {budget // 4}
    assert set(chosen["group"].value_counts()) == {budget // 4}
    assert chosen.equals(choose_videos(many_samples.sample(frac=1, random_state=1), budget, seed=3))
    assert not chosen.equals(choose_videos(many_samples, budget, seed=4))


def test_faces_are_spread_over_all_videos_before_any_gives_a_second_one(many_samples: pd.DataFrame) -> None:
    for budget, most in ((32, 1), (33, 2), (64, 2)):
        chosen = choose_faces(many_samples, budget, seed=3)
        counts = chosen["video_id"].value_counts()
        assert (len(chosen), len(counts), counts.max()) == (budget, 32, most)
    assert len(choose_faces(many_samples, 10_000, seed=3)) == len(many_samples)


def test_detector_that_was_trained_again_since_its_evaluation_is_not_measured() -> None:
    contract = make_contract("scade_net").model_dump(mode="json")
    before = {"contract": contract | {"name": "SCADE-Net", "best_epoch": 4}}
    others = ("samples", "videos", "face_crops", "defocus_maps", "reencoded_crops", "splits_json", "face_scores")
    others += ("preprocessing", "defocus", "evaluation", "robustness", "dataset", "experiment")
    with pytest.raises(InputError, match=r"trained again since it was judged \(best_epoch.*kedro run --pipelines=eval"):
        measure_robustness(model={"contract": contract}, summary=before, **dict.fromkeys(others))


@pytest.fixture(scope="module")
def project(tiny_project: Path, tmp_path_factory: pytest.TempPathFactory, run_kedro: Callable[..., Any]) -> Path:
    """Return a copy of the tiny project in which the protocol has run."""
    folder = tmp_path_factory.mktemp("robust") / "project"
    shutil.copytree(tiny_project, folder, symlinks=True, ignore=shutil.ignore_patterns("mlflow.db"))
    run_kedro(folder, "robustness")
    return folder


def _inputs(project: Path, family: str) -> dict[str, Any]:
    """Return what the node of a family reads."""
    data = project / "data"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(project)
        config = ProjectConfig(project / "conf", env="test", **CONFIG_LOADER_ARGS)
        parameters = check_parameters(config["parameters"])
    return {
        "model": DetectorFolder(filepath=str(data / "06_models/tiny" / family)).load(),
        "summary": read_object(data / "07_model_output/tiny" / family / "summary.json"),
        "samples": pd.read_parquet(data / "05_model_input/tiny/samples.parquet"),
        "videos": pd.read_parquet(data / "02_intermediate/tiny/videos.parquet"),
        "face_crops": VideoFolders(filepath=str(data / "03_primary/tiny/face_crops"), suffix=".jpg").load(),
        "defocus_maps": VideoFolders(filepath=str(data / "04_feature/tiny/defocus_maps"), suffix=".npy").load(),
        "reencoded_crops": VideoFolders(
            filepath=str(data / "05_model_input/tiny/reencoded_crops"), suffix=".jpg"
        ).load(),
        "splits_json": read_object(data / "05_model_input/tiny/splits.json"),
        "face_scores": pd.read_parquet(data / "07_model_output/tiny" / family / "face_scores.parquet"),
        "preprocessing": parameters.preprocessing,
        "defocus": parameters.defocus,
        "evaluation": parameters.evaluation,
        "robustness": parameters.robustness,
        "dataset": "tiny",
        "experiment": "tiny",
    }


def _result(project: Path, family: str) -> dict[str, Any]:
    return json.loads((project / "data/07_model_output/tiny" / family / "robustness.json").read_text())


def test_every_condition_and_every_strength_has_a_row(project: Path) -> None:
    for family in ("scade_net", "multistream"):
        result = _result(project, family)
        assert [row["condition"] for row in result["media"]] == list(CONDITIONS)
        assert [(r["perturbation"], r["strength"]) for r in result["crops"]] == [
            (name, strength) for name in perturbations() for strength in (1, 2, 3, 4, 5)
        ]
        assert all(sum(row["statuses"].values()) == 8 for row in result["media"])
        sizes = [row["size"] for row in result["media"][:3]]
        assert sizes == sorted(sizes, reverse=True)
        assert result["tracked"]["jpeg.1.auc"] == result["crops"][0]["auc"]["value"]


def test_clean_scores_are_those_of_the_evaluation(project: Path) -> None:
    result, inputs = _result(project, "scade_net"), _inputs(project, "scade_net")
    scores = inputs["face_scores"]
    chosen = choose_videos(inputs["samples"][inputs["samples"]["split"] == "test"], 8, 3)
    reals = set(chosen.loc[chosen["label"] == 0, "video_id"])
    by_hand = scores[scores["video_id"].isin(reals)].groupby("video_id")["score"].mean()
    threshold = result["threshold"]
    assert result["media"][0]["reals"]["called_fake_before"] == pytest.approx(float((by_hand >= threshold).mean()))


def test_finished_files_are_not_encoded_again(project: Path) -> None:
    inputs = _inputs(project, "scade_net")
    plan = plan_reencoded_crops(
        *(inputs[name] for name in ("videos", "samples", "preprocessing", "robustness")),
    )
    assert set(plan) == set(inputs["reencoded_crops"])
    root = project / "data/05_model_input/tiny/reencoded_crops"
    assert all(is_current(root / key, work) for key, work in plan.items())
    finer = inputs["preprocessing"].model_copy(update={"margin": 0.5})
    changed = plan_reencoded_crops(inputs["videos"], inputs["samples"], finer, inputs["robustness"])
    assert not any(is_current(root / key, work) for key, work in changed.items())


class Spoilt(dict):
    """Maps of videos that are all of another picture."""

    class Folder:
        def __init__(self, folder: Any) -> None:
            self.made_with, self.path, self.suffix = folder.made_with, folder.path, folder.suffix

        def read(self, name: str) -> np.ndarray:
            return np.full((256, 256), 0.9, np.float32)


def test_maps_are_made_of_what_a_perturbation_leaves(project: Path) -> None:
    inputs = _inputs(project, "scade_net")
    spoilt = Spoilt({key: Spoilt.Folder(folder) for key, folder in inputs["defocus_maps"].items()})
    result = measure_robustness(**inputs | {"defocus_maps": spoilt})
    stored = _result(project, "scade_net")
    for level in ("crops", "media"):
        for now, before in zip(result[level], stored[level], strict=True):
            assert now["reals"]["change"]["value"] == pytest.approx(before["reals"]["change"]["value"], abs=1e-4)


def test_a_video_that_shows_no_face_any_more_is_counted_and_shown(
    project: Path, faceless_clip: Path, tmp_path: Path
) -> None:
    inputs = _inputs(project, "multistream")
    condition, name = "crf50", next(iter(inputs["reencoded_crops"])).partition("/")[2]
    folder = inputs["reencoded_crops"][f"{condition}/{name}"]
    steps, write = CONDITIONS[condition].steps, FrameWriter(tmp_path, ".jpg")
    extracted = extract_reencoded(faceless_clip, name, "video", steps, inputs["preprocessing"], write)
    assert {row["reason"] for row in extracted} == {"no face"}

    class Lost(VideoFolder):
        @property
        def rows(self) -> list[dict[str, Any]]:
            return extracted

    lost = Lost(folder.path, folder.suffix, folder.fingerprint, folder.made_with)
    crops = inputs["reencoded_crops"] | {f"{condition}/{name}": lost}
    few = Robustness(faces=2, videos=8, seed=3)
    result = measure_robustness(**inputs | {"reencoded_crops": crops, "robustness": few})
    row = next(row for row in result["media"] if row["condition"] == condition)
    assert row["statuses"] == {"ok": 7, "no_face": 1, "rejected": 0, "error": 0}
    table = describe_robustness(result)["tables"][0]
    shown = {cells[1]: cells[3] for cells in table["rows"]}
    assert shown["CRF 50"] == "1 of 8 (1 no_face)"
    assert shown["CRF 40"] == "0 of 8"


def test_a_file_that_cannot_be_read_says_why_and_one_that_is_gone_is_tried_again(tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no clip")
    options = Preprocessing.model_validate(
        {
            "region": "whole_image",
            "sampling": {"method": "every", "every": 1, "frames": 1, "min_frames": 1, "max_frames": None},
            "detection": {"detector": "mtcnn", "precision": "f32", "min_face_size": 60, "thresholds": [0.6, 0.7, 0.9]},
            "faces_per_video": 1,
            "alignment": "landmarks",
            "size": 64,
            "margin": 0.3,
        }
    )
    steps, write = CONDITIONS["crf23"].steps, FrameWriter(tmp_path, ".jpg")
    (row,) = extract_reencoded(broken, "v", "video", steps, options, write)
    assert (row["found"], row["bytes"]) == (False, 0)
    assert row["reason"].startswith("not a media file")
    with pytest.raises(PassingFaultError):
        extract_reencoded(tmp_path / "gone.mp4", "v", "video", steps, options, write)


def test_what_is_missing_is_one_error_with_the_command_to_run(project: Path) -> None:
    inputs = _inputs(project, "multistream")
    more = Robustness(faces=2, videos=9, seed=3)
    with pytest.raises(InputError, match=r"missing or of other parameters: run kedro run --pipelines=robustness again"):
        measure_robustness(**inputs | {"robustness": more})
    with pytest.raises(InputError, match=r"has not scored .* test faces.*: run kedro run --pipelines=evaluate"):
        measure_robustness(**inputs | {"face_scores": inputs["face_scores"].head(3)})
    with pytest.raises(InputError, match=r"not listed any more .* run kedro run --pipelines=ingest"):
        plan_reencoded_crops(inputs["videos"].head(1), inputs["samples"], inputs["preprocessing"], more)


def test_compressions_of_a_data_set_are_told_apart(project: Path) -> None:
    inputs = _inputs(project, "multistream")
    assert _result(project, "multistream")["compression"] == []
    test = inputs["samples"][inputs["samples"]["split"] == "test"].drop_duplicates("video_id")
    harder = set(test.groupby("method")["video_id"].first())
    videos = inputs["videos"]
    halves = videos.assign(compression=["c40" if name in harder else "c23" for name in videos["video_id"]])
    few = Robustness(faces=2, videos=8, seed=3)
    result = measure_robustness(**inputs | {"videos": halves, "robustness": few})
    assert [row["compression"] for row in result["compression"]] == ["c23", "c40"]
    assert describe_robustness(result)["tables"][1]["title"] == "Files as they are, by compression"


def test_section_says_what_was_measured_and_the_figure_is_drawn(project: Path) -> None:
    results = [_result(project, family) for family in ("multistream", "scade_net")]
    section = describe_robustness(*results)
    assert "8 videos of the test side of tiny are encoded again" in section["text"][0]
    assert set(section["trainings"]) == {"multistream of tiny on tiny", "scade_net of tiny on tiny"}
    assert all(len(row) == len(t["columns"]) for t in section["tables"] for row in t["rows"])
    assert all(isinstance(cell, str) for t in section["tables"] for row in t["rows"] for cell in row)
    assert isinstance(draw_robustness(*results), Figure)
    assert (project / "data/08_reporting/tiny/figures/robustness.png").is_file()

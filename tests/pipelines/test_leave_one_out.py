import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from examples import make_contract
from fakefocus.config import ProjectConfig
from fakefocus.datasets.detector_folders import DetectorFolders
from fakefocus.errors import InputError
from fakefocus.parameters import LeaveOneOut, Training
from fakefocus.pipelines.leave_one_out.nodes import describe_leave_one_out, judge_left_out
from fakefocus.pipelines.training import nodes
from fakefocus.settings import CONFIG_LOADER_ARGS
from fakefocus.training.left_out import folder_of, methods_to_leave_out, without_method

ROOT = Path(__file__).resolve().parents[2]
ALL = LeaveOneOut(most=4)
# A and B are trained on; the second row of a2 shows a real bystander
SAMPLES = pd.DataFrame(
    [
        ("r1", "", "train"),
        ("a1", "A", "train"),
        ("b1", "B", "train"),
        ("b2", "B", "train"),
        ("a2", "A", "val"),
        ("a2", "", "val"),
        ("a3", "A", "test"),
        ("c1", "C", "test"),
    ],
    columns=["video_id", "method", "split"],
)


@pytest.fixture(scope="module")
def recipe() -> Training:
    """Return a recipe of training."""
    parameters = ProjectConfig(ROOT / "conf", env="local", **CONFIG_LOADER_ARGS)["parameters"]
    return Training.model_validate(parameters["scade_net"]["training"])


def test_whole_videos_of_a_method_leave_training_and_validation_and_stay_in_the_test() -> None:
    assert without_method(SAMPLES, "A")["video_id"].tolist() == ["r1", "b1", "b2", "a3", "c1"]


def test_methods_with_most_training_videos_are_left_out_first(recipe: Training) -> None:
    assert methods_to_leave_out(SAMPLES, ALL, recipe) == ["B", "A"]
    assert methods_to_leave_out(SAMPLES, LeaveOneOut(most=1), recipe) == ["B"]
    assert methods_to_leave_out(SAMPLES, LeaveOneOut(most=1, methods=("A",)), recipe) == ["A"]


def test_what_cannot_be_left_out_is_refused(recipe: Training) -> None:
    with pytest.raises(InputError, match=r"leave_one_out\.methods: C is not trained on.*methods are B, A"):
        methods_to_leave_out(SAMPLES, LeaveOneOut(most=1, methods=("C",)), recipe)
    with pytest.raises(InputError, match=r"two methods of fakes must be trained on, so that one is left, got B"):
        methods_to_leave_out(without_method(SAMPLES, "A"), ALL, recipe)
    blended = recipe.model_copy(update={"fakes": "self_blended"})
    with pytest.raises(InputError, match=r"self_blended reads no fakes"):
        methods_to_leave_out(SAMPLES, ALL, blended)


def _trained_again() -> tuple[dict[str, Any], dict[str, Any]]:
    """Return a detector, and the summary of the training before it."""
    contract = make_contract("scade_net").model_dump(mode="json")
    return {"contract": contract}, {"contract": contract | {"name": "SCADE-Net", "best_epoch": 4}}


def test_detector_that_was_trained_again_since_its_evaluation_is_not_compared() -> None:
    others = ("left_out_models", "face_scores", "samples", "face_crops", "defocus_maps", "splits_json")
    others += ("preprocessing", "defocus", "evaluation", "dataset", "experiment")
    model, summary = _trained_again()
    with pytest.raises(InputError, match=r"trained again since it was judged \(best_epoch.*kedro run --pipelines=eval"):
        judge_left_out(model=model, summary=summary, **dict.fromkeys(others))


def test_section_says_how_many_videos_are_left_out() -> None:
    result = {
        "detector": "SCADE-Net",
        "training": {"scade_net of demo on demo": "0123"},
        "seed": 3,
        "confidence": 0.95,
        "methods": ["A", "B"],
        "rows": [],
        "coverage": {"named": 12, "ok": 9, "no_face": 2, "rejected": 1, "error": 0},
    }
    section = describe_leave_one_out({"hash": "h"}, result)
    assert section["trainings"] == {"scade_net of demo on demo": "0123"}
    text = " ".join(section["text"])
    assert "on 9 of 12 test videos that the split names. The others have no face to score and are left" in text


def test_any_method_can_name_a_folder() -> None:
    assert folder_of("GraphicsSwap") == "GraphicsSwap"
    one, other = folder_of("a/b"), folder_of("a:b")
    assert one.startswith("a_b_")
    assert one != other


def test_detectors_of_an_earlier_training_go_when_others_are_saved(tmp_path: Path) -> None:
    folders = DetectorFolders(filepath=str(tmp_path))
    (tmp_path / "checkpoints/A").mkdir(parents=True)
    folders.save({name: {"contract": {"of": name}, "weights": {}} for name in ("A", "B")})
    assert not (tmp_path / "checkpoints").exists()
    folders.save({"B": {"contract": {"of": "B again"}, "weights": {}}})
    assert folders.load() == {"B": {"contract": {"of": "B again"}, "weights": {}}}


def _killed_at_the_second(train: Callable[..., Any]) -> Callable[..., Any]:
    places: list[Path] = []

    def stop(*arguments: Any) -> Any:
        places.append(arguments[6])
        if len(places) == 2:
            raise KeyboardInterrupt
        return train(*arguments)

    return stop


def test_killed_run_goes_on_and_each_method_is_judged_with_and_without_it(
    tiny_project: Path,
    tmp_path_factory: pytest.TempPathFactory,
    run_kedro: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    project = tmp_path_factory.mktemp("left_out") / "project"
    shutil.copytree(tiny_project, project, symlinks=True, ignore=shutil.ignore_patterns("mlflow.db"))
    models = project / "data/06_models/tiny/scade_net.left_out"
    monkeypatch.setattr(nodes, "_train", _killed_at_the_second(nodes._train))
    with pytest.raises(KeyboardInterrupt):
        run_kedro(project, "leave_one_out", namespaces=["scade_net"])
    assert [file.parent.name for file in models.glob("checkpoints/*/last.ckpt")] == ["AutoencoderSwap"]
    monkeypatch.undo()
    with caplog.at_level(logging.INFO, logger="fakefocus"):
        run_kedro(project, "leave_one_out", namespaces=["scade_net"])
    assert [text for text in caplog.messages if "goes on where it stopped" in text and "AutoencoderSwap" in text]
    assert sorted(path.name for path in models.iterdir()) == ["AutoencoderSwap", "GraphicsSwap"]
    result = json.loads((project / "data/07_model_output/tiny/scade_net/leave_one_out.json").read_text())
    pairs = [(row["left_out"], row["method"]) for row in result["rows"]]
    assert pairs[0] == ("AutoencoderSwap", "AutoencoderSwap")
    assert len(pairs) == 2 * 3
    summary = json.loads((project / "data/07_model_output/tiny/scade_net/summary.json").read_text())
    assert result["coverage"].items() <= summary["coverage"].items()
    for row in result["rows"]:
        assert row["with"]["auc"] == summary["metrics"]["by_method"][row["method"]]["auc"]
        difference = row["with"]["auc"]["value"] - row["without"]["auc"]["value"]
        assert row["comparison"]["difference"] == pytest.approx(difference)
    contract = json.loads((models / "AutoencoderSwap/architecture.json").read_text())
    assert contract["methods"] == ["GraphicsSwap"]
    assert not [name for side in ("train", "val") for name in contract[side]["videos"] if "AutoencoderSwap" in name]

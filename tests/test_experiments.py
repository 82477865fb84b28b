"""Experiments lie side by side, and a detector is judged only on what it does not know."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from mlflow import MlflowClient

from fakefocus.experiment import experiment_name
from fakefocus.hooks.parameters import ParameterError
from fakefocus.hooks.plain_errors import RefusedInputError

ENVIRONMENT = {
    "feature_split": {"seed": 3, "folds": None, "fold": 0, "strategy": "identity", "held_out_methods": ["PoissonSwap"]},
    "scade_net": {"training": {"epochs": 9, "fakes": "labelled", "devices": 1, "augmentation": {"flip": 0.5}}},
    "preprocessing": {"margin": 0.3},
    "recipe": "demo",
}


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({}, "demo"),
        ({"feature_split": {"seed": 4}}, "demo-seed4"),
        ({"feature_split": {"seed": 3}}, "demo"),
        ({"feature_split": {"folds": 5, "fold": 1}}, "demo-fold1"),
        ({"feature_split": {"folds": 5, "fold": 0}}, "demo-fold0"),
        ({"feature_split": {"folds": 10, "fold": 7}}, "demo-fold7of10"),
        ({"scade_net": {"training": {"fakes": "self_blended"}}}, "demo-self_blended"),
        ({"scade_net": {"training": {"augmentation": {"flip": 0.0}}}}, "demo-flip0.0"),
        ({"preprocessing": {"margin": 0.5}}, "demo-margin0.5"),
        ({"recipe": "published"}, "demo-published"),
        ({"feature_split": {"strategy": "test_only"}}, "demo-test_only"),
        ({"splits": "theirs/a.json", "feature_split": {"strategy": "imported"}}, "demo-imported-a.json"),
        # how it is run, and how it is judged, make no other experiment
        ({"scade_net": {"training": {"devices": 4}}, "evaluation": {"threshold": 0.5}, "data_root": "x"}, "demo"),
    ],
)
def test_experiment_is_named_by_what_differs_from_its_environment(changed: dict, name: str) -> None:
    assert experiment_name("demo", changed, ENVIRONMENT) == name


def test_many_changes_have_a_short_name_that_no_others_have() -> None:
    many = {f"group{i}": {f"a_parameter_of_some_length_{i}": i} for i in range(9)}
    one, other = (experiment_name("demo", many | {"x": {"y": value}}, {}) for value in (1, 2))
    assert one != other
    assert len(one) < 80


@pytest.fixture(scope="module")
def project(tiny_project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a copy of the project in which the lineage has run."""
    folder = tmp_path_factory.mktemp("experiments") / "project"
    shutil.copytree(tiny_project, folder, symlinks=True, ignore=shutil.ignore_patterns("mlflow.db"))
    return folder


def _contents(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.*") if p.is_file()}


def _summary(project: Path, evaluation: str, detector: str = "scade_net") -> dict[str, Any]:
    return json.loads((project / f"data/07_model_output/{evaluation}/{detector}/summary.json").read_text())


def test_another_seed_of_the_split_is_another_experiment_and_judges_nobody_else_s_detector(
    project: Path, run_kedro: Callable[..., Any]
) -> None:
    before = _contents(project / "data/05_model_input/tiny")
    with pytest.raises(RefusedInputError, match=r"no trained detector in .*06_models/tiny-seed4/"):
        run_kedro(project, "split", "evaluate", "report", feature_split={"seed": 4})
    assert _contents(project / "data/05_model_input/tiny") == before


def test_detector_is_not_judged_on_people_whom_it_knows(project: Path, run_kedro: Callable[..., Any]) -> None:
    run_kedro(project, "split", feature_split={"seed": 4})
    with pytest.raises(
        RefusedInputError, match=r" of tiny: \d+ of \d+ test videos were (trained|validated) on.*with tiny/"
    ):
        run_kedro(project, "evaluate", feature_split={"seed": 4}, trained_on="tiny")


def test_detector_is_judged_on_known_people_on_request_and_the_report_says_so(
    project: Path, run_kedro: Callable[..., Any]
) -> None:
    options = {"feature_split": {"seed": 4}, "trained_on": "tiny", "evaluation": {"seen": "allow"}}
    run_kedro(project, "split", feature_split={"seed": 4})
    run_kedro(project, "evaluate", "report", **options)
    overlap = _summary(project, "tiny-on-tiny-seed4")["overlap"]
    assert overlap["trained_on"] > 0
    knows = overlap["trained_on"] + overlap["validated_on"]
    page = (project / "data/08_reporting/tiny-on-tiny-seed4/report.html").read_text()
    assert f"SCADE-Net knows {knows} of {overlap['videos']} test videos" in page
    assert "no detector was trained or validated on a test video" not in page
    own = (project / "data/08_reporting/tiny/report.html").read_text()
    assert "no detector was trained or validated on a test video" in own


def test_detectors_of_another_experiment_are_not_trained_over(project: Path, run_kedro: Callable[..., Any]) -> None:
    kept = _contents(project / "data/06_models/tiny")
    with pytest.raises(RefusedInputError, match=r"trained_on: the detectors of tiny are judged, not trained again"):
        run_kedro(project, "train", feature_split={"seed": 4}, trained_on="tiny")
    assert _contents(project / "data/06_models/tiny") == kept


def test_parameters_are_not_believed_over_the_maps_on_disk(project: Path, run_kedro: Callable[..., Any]) -> None:
    changed = {"defocus": {"sigma_max": 3.0}, "experiment": "tiny"}
    with pytest.raises(
        RefusedInputError,
        match=r"defocus: the maps on disk .*sigma_max 5\.0 on disk, 3\.0 asked for\): run .*--pipelines=defocus",
    ):
        run_kedro(project, "train", namespaces=["scade_net"], **changed)
    with pytest.raises(RefusedInputError, match=r"sigma_max 5\.0 on disk, 3\.0 asked for"):
        run_kedro(project, "evaluate", namespaces=["scade_net"], **changed)


@pytest.mark.parametrize("pipeline", ["defocus", "train"])
def test_parameters_are_not_believed_over_the_crops_on_disk(
    project: Path, run_kedro: Callable[..., Any], pipeline: str
) -> None:
    with pytest.raises(
        RefusedInputError,
        match=r"preprocessing: the crops on disk .*margin 0\.3 on disk, 0\.5 asked for.* --pipelines=preprocess",
    ):
        run_kedro(project, pipeline, preprocessing={"margin": 0.5}, experiment="tiny")


def test_samples_of_other_crops_than_those_on_disk_are_refused(project: Path, run_kedro: Callable[..., Any]) -> None:
    samples = project / "data/05_model_input/tiny/samples.parquet"
    kept = pd.read_parquet(samples)
    kept.assign(crops="of an earlier run").to_parquet(samples)
    try:
        for pipeline in ("train", "evaluate"):
            with pytest.raises(
                RefusedInputError, match=r"were made anew since .*: run kedro run --pipelines=split again"
            ):
                run_kedro(project, pipeline, namespaces=["scade_net"], experiment="tiny")
    finally:
        kept.to_parquet(samples)


def test_two_experiments_of_one_name_are_kept_apart(project: Path, run_kedro: Callable[..., Any]) -> None:
    run_kedro(project, "split", scade_net={"training": {"epochs": 3}})
    kept = _contents(project / "data/05_model_input/tiny-epochs3")
    with pytest.raises(
        RefusedInputError,
        match=r"tiny-epochs3 is there already .* made by --env test --params=scade_net\.training\.epochs=3, this one",
    ):
        run_kedro(project, "split", multistream={"training": {"epochs": 3}})
    assert _contents(project / "data/05_model_input/tiny-epochs3") == kept


@pytest.mark.parametrize("name", ["../elsewhere", "a/b", ".hidden"])
def test_experiment_is_the_name_of_a_folder_and_no_path(
    project: Path, run_kedro: Callable[..., Any], name: str
) -> None:
    with pytest.raises(ParameterError, match=r"experiment: .*pattern"):
        run_kedro(project, "split", experiment=name)


def test_parameters_of_another_experiments_detector_are_tracked_as_they_were(
    project: Path, run_kedro: Callable[..., Any]
) -> None:
    run_kedro(project, "split", experiment="again")
    other = {"training": {"epochs": 7}}
    allowed = {"evaluation": {"seen": "allow"}, "trained_on": "tiny", "experiment": "again", "scade_net": other}
    run_kedro(project, "evaluate", namespaces=["scade_net"], **allowed)
    client = MlflowClient(f"sqlite:///{project}/mlflow.db")
    (experiment,) = client.search_experiments(filter_string="name = 'fakefocus'")
    runs = client.search_runs([experiment.experiment_id], "tags.family = 'scade_net'")
    newest = max(runs, key=lambda run: run.info.start_time)
    assert newest.data.params["scade_net.training.epochs"] == "2"


def test_landmarks_of_samples_are_those_of_the_crops_whatever_is_asked_for(
    project: Path, run_kedro: Callable[..., Any]
) -> None:
    samples = project / "data/05_model_input/{}/samples.parquet"
    run_kedro(project, "split", preprocessing={"margin": 0.5}, experiment="asked")
    asked, own = (pd.read_parquet(str(samples).format(name)) for name in ("asked", "tiny"))
    assert asked["landmarks"].tolist() == own["landmarks"].tolist()


def test_data_set_is_only_tested_on(project: Path, run_kedro: Callable[..., Any]) -> None:
    options = {"feature_split": {"strategy": "test_only"}, "experiment": "others"}
    with pytest.raises(RefusedInputError, match=r"strategy: test_only has no side to train on; leave training out"):
        run_kedro(project, **options)
    run_kedro(project, "split", **options)
    splits = json.loads((project / "data/05_model_input/others/splits.json").read_text())
    assert (splits["train"], splits["val"], len(splits["test"])) == ([], [], 48)
    # the same twelve people: the detector knows them
    allowed = options | {"trained_on": "tiny", "evaluation": {"seen": "allow"}}
    run_kedro(project, "evaluate", "report", **allowed)
    summary = _summary(project, "tiny-on-others")
    assert summary["metrics"]["video"]["real"] == 12
    page = (project / "data/08_reporting/tiny-on-others/report.html").read_text()
    assert "split all on the test side" in page
    assert page.count("<td>train</td>") == page.count("<td>val</td>") == 0


def test_methods_are_held_out_by_what_a_detector_was_trained_on(project: Path) -> None:
    # not by the environment in which it is judged
    by_method = _summary(project, "tiny")["metrics"]["by_method"]
    assert {name for name, metrics in by_method.items() if metrics["held_out"]} == {"PoissonSwap"}


def test_missing_stage_is_named(project: Path, run_kedro: Callable[..., Any]) -> None:
    with pytest.raises(RefusedInputError, match=r"samples\.parquet is not there: run kedro run --pipelines=split"):
        run_kedro(project, "train", namespaces=["scade_net"], scade_net={"training": {"epochs": 1}})


def test_detectors_are_judged_by_another_threshold_without_being_trained_again(
    project: Path, run_kedro: Callable[..., Any]
) -> None:
    kept, before = _contents(project / "data/06_models"), _summary(project, "tiny")["metrics"]
    run_kedro(project, "evaluate", namespaces=["scade_net"], evaluation={"threshold": 0.25})
    after = _summary(project, "tiny")["metrics"]
    assert _contents(project / "data/06_models") == kept
    assert (after["threshold"], after["threshold_source"]) == (0.25, "evaluation.threshold")
    assert before["threshold_source"] != "evaluation.threshold"
    # the order of scores is what it was; decisions are those of the new threshold
    assert after["video"]["auc"] == before["video"]["auc"]
    scores = pd.read_parquet(project / "data/07_model_output/tiny/scade_net/video_scores.parquet")
    reals = scores.loc[(scores["split"] == "test") & (scores["label"] == 0), "score"]
    assert after["video"]["specificity"]["value"] == pytest.approx(sum(score < 0.25 for score in reals) / len(reals))


def test_report_shows_whatever_was_judged(project: Path, run_kedro: Callable[..., Any]) -> None:
    # only one family was trained and judged here, and a baseline
    run_kedro(project, "split", experiment="few")
    run_kedro(project, "train", "evaluate", namespaces=["scade_net"], experiment="few")
    run_kedro(project, "baselines", namespaces=["meso4"], experiment="few", meso4={"training": {"epochs": 1}})
    run_kedro(project, "report", experiment="few")
    page = (project / "data/08_reporting/few/report.html").read_text()
    assert "<td>SCADE-Net</td>" in page
    assert "<td>Meso-4</td>" in page
    assert "Multi-stream" not in page
    assert "Meso-4: " in page
    assert "It has no negative control." in page

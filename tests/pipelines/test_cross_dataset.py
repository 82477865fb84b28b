import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from fakefocus.config import ProjectConfig
from fakefocus.datasets.experiments import StoredExperiments
from fakefocus.errors import InputError
from fakefocus.hooks.parameters import ParameterError, check_parameters
from fakefocus.hooks.plain_errors import RefusedInputError
from fakefocus.parameters import Evaluation, Suite
from fakefocus.pipelines.cross_dataset.nodes import compare_sets, describe_cross_dataset
from fakefocus.schemas import SUMMARY_VERSION
from fakefocus.settings import CONFIG_LOADER_ARGS

ROOT = Path(__file__).resolve().parents[2]
EVALUATION = Evaluation(threshold="validation", batch_size=8, confidence=0.95)
SUITE = Suite.model_validate(
    {
        "name": "two",
        "trained": [{"experiment": "here", "detectors": ["scade_net"]}],
        "tested": [
            {"experiment": "here"},
            {
                "experiment": "there-test_only",
                "env": "folder_test",
                "data_root": "my clips",
                "params": {"dataset": "there"},
            },
        ],
    }
)
NO_OVERLAP = {"videos": 4, "trained_on": 0, "validated_on": 0, "people": []}
CONTRACT = {
    "name": "SCADE-Net",
    "family": "scade_net",
    "dataset": "here",
    "experiment": "here",
    "training": {"seed": 3},
    "threshold": {"value": 0.25, "source": "equal errors on validation videos"},
}


def _write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def _summary(dataset: str, scores: list[float], split_hash: str) -> dict[str, Any]:
    """Two reals, then two fakes; the contract is that of a trained detector, with names counted."""
    videos = {"video_id": list("abcd"), "label": [0, 0, 1, 1], "method": ["", "", "Swap", "Swap"]}
    return {
        "version": SUMMARY_VERSION,
        "contract": CONTRACT | {"train": {"videos": 9}, "val": {"videos": 3}},
        "parameters": 28055,
        "dataset": dataset,
        "experiment": dataset,
        "split_hash": split_hash,
        "overlap": NO_OVERLAP,
        "metrics": {"threshold": 0.25, "threshold_source": "validation videos", "aggregation": "mean"},
        "coverage": {"share": 1.0},
        "calibration": {},
        "history": [],
        "videos": videos | {"group": ["1", "2", "1", "2"], "score": scores},
    }


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return folders of two data sets and of one detector that was judged on both; the second is scored higher."""
    for dataset, experiment in (("here", "here"), ("there", "there-test_only")):
        _write(tmp_path / f"03_primary/{dataset}/faces.parquet", {})
        _write(tmp_path / f"05_model_input/{experiment}/splits.json", {"hash": dataset})
    _write(tmp_path / "06_models/here/scade_net/architecture.json", CONTRACT | {"train": {"videos": ["x"]}, "val": {}})
    place = tmp_path / "07_model_output"
    _write(place / "here/scade_net/summary.json", _summary("here", [0.1, 0.2, 0.3, 0.4], "here"))
    _write(place / "here-on-there-test_only/scade_net/summary.json", _summary("there", [0.6, 0.7, 0.8, 0.9], "there"))
    return tmp_path


def test_gap_and_errors_of_a_transferred_threshold_are_those_worked_out_by_hand(data: Path) -> None:
    result = compare_sets(StoredExperiments(data), SUITE, EVALUATION)
    (one,) = result["detectors"]
    own, other = one["sets"]
    assert [judged["auc"]["value"] for judged in one["sets"]] == [1.0, 1.0]
    # 4 of 16 pairs of all reals and all fakes are a real of the second set above a fake of the first
    assert (one["mean"]["value"], one["pooled"]["value"], one["gap"]["value"]) == (1.0, 0.75, 0.25)
    assert [[pair["value"] for pair in row] for row in one["cross"]] == [[1.0, 1.0], [0.0, 1.0]]
    assert one["lowest"]["value"] == 0.0
    # at .25 nothing is mistaken at home; abroad both reals are called fake
    assert [own["transferred"][name]["value"] for name in ("false_alarm", "miss")] == [0.0, 0.0]
    assert [other["transferred"][name]["value"] for name in ("false_alarm", "miss")] == [1.0, 0.0]
    # halfway between the highest real and the lowest fake abroad
    assert other["adapted"] == {"threshold": pytest.approx(0.75), "false_alarm": 0.0, "miss": 0.0}
    assert (own["own"], other["own"]) == (True, False)
    assert result["tracked"]["here.scade_net.there-test_only.false_alarm"] == 1.0


def test_section_says_what_is_adapted_and_where_intervals_lack(data: Path) -> None:
    result = compare_sets(StoredExperiments(data), SUITE, EVALUATION)
    section = describe_cross_dataset(result, {"hash": "here"})
    assert section["split_hash"] == "here"
    assert set(section["trainings"]) == {"scade_net of here on here", "scade_net of here on there"}
    assert any("too few groups for an interval" in text for text in section["text"])
    aucs, errors, cross = section["tables"]
    assert aucs["columns"] == ["detector", "here", "there-test_only", "mean", "pooled", "gap", "lowest across"]
    assert aucs["rows"][0][1:] == ["1.000", "1.000", "1.000", "0.750", "+0.250", "0.000"]
    assert errors["columns"][-3:] == ["adapted threshold", "false alarms, adapted", "misses, adapted"]
    assert cross["rows"] == [["here", "1.000", "1.000"], ["there-test_only", "0.000", "1.000"]]


def test_missing_videos_count_as_the_policy_says(data: Path) -> None:
    file = data / "07_model_output/here/scade_net/summary.json"
    summary = json.loads(file.read_text())
    summary["videos"]["score"][2] = None
    summary["coverage"]["share"] = 0.75
    _write(file, summary)
    stored = StoredExperiments(data)
    excluded = compare_sets(stored, SUITE, EVALUATION)["detectors"][0]["sets"][0]
    assert (excluded["fake"], excluded["auc"]["value"]) == (1, 1.0)
    as_real = EVALUATION.model_copy(update={"missing": "as_real"})
    result = compare_sets(stored, SUITE, as_real)
    # the fake without a score is below both reals: two of four pairs are wrong
    assert result["detectors"][0]["sets"][0]["auc"]["value"] == 0.5
    section = describe_cross_dataset(result, {"hash": "here"})
    assert "as real (evaluation.missing)" in section["text"][0]
    assert section["tables"][1]["rows"][0][3] == "75.0 %"


def test_results_with_different_thresholds_are_refused(data: Path) -> None:
    file = data / "07_model_output/here/scade_net/summary.json"
    summary = json.loads(file.read_text())
    summary["metrics"]["threshold"] = 0.5
    _write(file, summary)
    with pytest.raises(InputError, match=r"one threshold and one aggregation serve all sets, got scade_net of here on"):
        compare_sets(StoredExperiments(data), SUITE, EVALUATION)


def test_set_without_reals_is_undefined_and_left_out_of_mean_and_pool(data: Path) -> None:
    file = data / "07_model_output/here-on-there-test_only/scade_net/summary.json"
    summary = json.loads(file.read_text())
    summary["videos"]["label"] = [1, 1, 1, 1]
    _write(file, summary)
    result = compare_sets(StoredExperiments(data), SUITE, EVALUATION)
    (one,) = result["detectors"]
    assert one["compared"] == ["here"]
    assert one["mean"]["value"] == 1.0
    assert one["sets"][1]["auc"]["value"] is None
    section = describe_cross_dataset(result, {"hash": "here"})
    assert any("undefined (n = 0 real, 4 fake)" in text for text in section["text"])


def _commands(error: pytest.ExceptionInfo[InputError]) -> list[str]:
    return [line.strip() for line in str(error.value).splitlines() if "kedro run" in line]


def test_everything_that_is_missing_is_listed_with_its_commands_in_order(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"suite two: 2 of 2 results are missing") as error:
        compare_sets(StoredExperiments(tmp_path), SUITE, EVALUATION)
    text = str(error.value)
    assert "scade_net of here on here: the detector was never trained and the data set here was never preproc" in text
    assert "scade_net of here on there-test_only: the detector was never trained and the data set there was" in text
    assert _commands(error) == [
        "kedro run --pipelines=data,split",
        "kedro run --env folder_test --pipelines=data,split --params='data_root=my clips,dataset=there'",
        "kedro run --pipelines=train --namespaces=scade_net",
        "kedro run --pipelines=evaluate --namespaces=scade_net",
        "kedro run --env folder_test --pipelines=evaluate --namespaces=scade_net "
        "--params='data_root=my clips,dataset=there,trained_on=here'",
    ]


def test_data_set_that_was_never_split_is_split_and_judged(data: Path) -> None:
    (data / "05_model_input/there-test_only/splits.json").unlink()
    with pytest.raises(InputError, match=r"here on there-test_only: the data set there was never split") as error:
        compare_sets(StoredExperiments(data), SUITE, EVALUATION)
    split, evaluate = _commands(error)
    assert "--pipelines=split --params" in split
    assert "--pipelines=evaluate" in evaluate


def test_result_of_another_split_is_refused(data: Path) -> None:
    _write(data / "05_model_input/here/splits.json", {"hash": "new"})
    with pytest.raises(InputError, match=r"judged on another split \(here, that of today is new\)") as error:
        compare_sets(StoredExperiments(data), SUITE, EVALUATION)
    assert _commands(error) == ["kedro run --pipelines=evaluate --namespaces=scade_net"]


def test_result_of_a_detector_that_was_trained_again_is_refused(data: Path) -> None:
    _write(data / "06_models/here/scade_net/architecture.json", CONTRACT | {"training": {"seed": 4}})
    with pytest.raises(InputError, match=r"before the detector was trained again \(training differ"):
        compare_sets(StoredExperiments(data), SUITE, EVALUATION)


def test_baselines_and_seeds_are_judged_by_their_own_pipelines(data: Path) -> None:
    trained = SUITE.trained[0].model_copy(update={"detectors": ("meso4", "scade_net.seed_3")})
    with pytest.raises(InputError) as error:
        compare_sets(StoredExperiments(data), SUITE.model_copy(update={"trained": (trained,)}), EVALUATION)
    assert _commands(error)[:4] == [
        "kedro run --pipelines=baselines --namespaces=meso4",
        "kedro run --pipelines=seeds --namespaces=scade_net.seed_3",
        "kedro run --pipelines=baselines --tags=evaluation --namespaces=meso4",
        "kedro run --env folder_test --pipelines=baselines --tags=evaluation --namespaces=meso4 "
        "--params='data_root=my clips,dataset=there,trained_on=here'",
    ]


def _config(folder: Path, **params: Any) -> ProjectConfig:
    return ProjectConfig(folder, env="local", runtime_params=params, **CONFIG_LOADER_ARGS)


def test_suite_is_a_file_beside_the_environments_wherever_these_lie(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "conf", tmp_path / "conf")
    text = "trained: [{experiment: a}]\ntested: [{experiment: b, env: c}]\n"
    (tmp_path / "conf/suites/mine.yml").write_text(text)
    config = _config(tmp_path / "conf", suite="mine")
    plan = check_parameters(config["parameters"]).suite_plan
    assert (plan.name, plan.trained[0].experiment, plan.tested[0].env) == ("mine", "a", "c")
    assert config["globals"]["experiment"] == "demo"
    with pytest.raises(InputError, match=r"suite: no suites/mime\.yml in .*, did you mean 'mine'\?"):
        _config(tmp_path / "conf", suite="mime")["parameters"]


def test_mistyped_entry_of_a_suite_names_place_and_near_miss(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "conf", tmp_path / "conf")
    (tmp_path / "conf/suites/mine.yml").write_text("trained: [{experimnt: a}]\ntested: [{experiment: b}]\n")
    with pytest.raises(ParameterError, match=r"suite_plan\.trained\.0\.experimnt: unknown .* mean 'experiment'\?"):
        check_parameters(_config(tmp_path / "conf", suite="mine")["parameters"])


def test_a_suite_names_an_experiment_once() -> None:
    entry = {"experiment": "a"}
    with pytest.raises(ValueError, match="tested: each experiment is named once, got a again"):
        Suite.model_validate({"name": "x", "trained": [entry], "tested": [entry, entry]})


def test_suite_of_the_lineage_is_compared_tracked_and_reported(
    tiny_project: Path, tmp_path_factory: pytest.TempPathFactory, run_kedro: Callable[..., Any]
) -> None:
    project = tmp_path_factory.mktemp("suite") / "project"
    shutil.copytree(tiny_project, project, symlinks=True, ignore=shutil.ignore_patterns("mlflow.db"))
    trained = "trained: [{experiment: tiny, env: test, detectors: [scade_net]}]"
    (project / "conf/suites/tiny.yml").write_text(
        f"{trained}\ntested: [{{experiment: tiny}}, {{experiment: all, dataset: tiny}}]\n"
    )
    run_kedro(project, "split", experiment="all", feature_split={"strategy": "test_only"})
    with pytest.raises(RefusedInputError, match=r"1 of 2 results are missing") as error:
        run_kedro(project, "cross_dataset", suite="tiny")
    assert "kedro run --pipelines=evaluate --namespaces=scade_net --params=trained_on=tiny" in str(error.value)
    # the same people: detectors know them
    allowed = {"trained_on": "tiny", "evaluation": {"seen": "allow"}}
    run_kedro(project, "evaluate", namespaces=["scade_net"], experiment="all", **allowed)
    run_kedro(project, "cross_dataset", suite="tiny")
    (one,) = json.loads((project / "data/07_model_output/tiny/cross_dataset_tiny.json").read_text())["detectors"]
    section = json.loads((project / "data/08_reporting/tiny/sections/cross_dataset.json").read_text())
    assert any("SCADE-Net of tiny on all: the detector knows" in text for text in section["text"])
    assert (project / "data/08_reporting/tiny/figures/cross_dataset.png").is_file()
    client = MlflowClient(f"sqlite:///{project}/mlflow.db")
    (experiment,) = client.search_experiments(filter_string="name = 'fakefocus'")
    newest = max(client.search_runs([experiment.experiment_id]), key=lambda run: run.info.start_time)
    assert newest.data.metrics["cross_dataset.tiny.scade_net.mean"] == one["mean"]["value"]

"""What holds the project together: registered names, layers, parameters and configuration."""

from pathlib import Path
from typing import Any

import pytest
from kedro.io import CatalogConfigResolver

from fakefocus.config import ProjectConfig
from fakefocus.hooks.parameters import ParameterError, check_parameters
from fakefocus.pipeline_registry import VERBS, register_pipelines
from fakefocus.settings import CONFIG_LOADER_ARGS
from fakefocus.stages import STAGES, detector_of

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[1]
LAYERS = ["raw", "intermediate", "primary", "feature", "model_input", "models", "model_output", "reporting"]
ENVIRONMENTS = sorted(
    p.name
    for p in (ROOT / "conf").iterdir()
    if p.is_dir() and p.name not in {"base", "local", "recipes", "suites", "published"}
)


def _config(env: str, **params: Any) -> ProjectConfig:
    return ProjectConfig(ROOT / "conf", env=env, runtime_params=params, **CONFIG_LOADER_ARGS)


def _layer(name: str, catalog: dict[str, Any]) -> int | None:
    entry = catalog.get(name)
    if entry is None and not name.startswith("param"):
        pattern = CatalogConfigResolver({p: entry for p, entry in catalog.items() if "{" in p}).match_dataset_pattern(
            name
        )
        entry = catalog.get(pattern) if pattern else None
    return None if entry is None else LAYERS.index(entry["metadata"]["kedro-viz"]["layer"])


def test_each_stage_runs_under_its_verb_and_its_packages_name() -> None:
    pipelines = register_pipelines()
    for verb, package in VERBS.items():
        assert pipelines[verb].nodes == pipelines[package].nodes
    own_figures = [node for node in pipelines["__default__"].nodes if node.short_name == "draw_detector"]
    stages = sum(len(pipelines[p].nodes) for p in STAGES)
    assert len(pipelines["__default__"].nodes) == stages + len(own_figures)


def test_the_lineage_that_folds_is_the_same_nodes_on_the_same_data() -> None:
    pipelines = register_pipelines()
    folded, whole = pipelines["lineage"].nodes, pipelines["__default__"].nodes
    assert sorted((n.short_name, *n.inputs, *n.outputs) for n in folded) == sorted(
        (n.short_name, *n.inputs, *n.outputs) for n in whole
    )
    assert {node.namespace.partition(".")[0] for node in folded} == set(STAGES)
    detectors = [{detector_of(node.namespace) for node in nodes} for nodes in (folded, whole)]
    assert detectors[0] == detectors[1] >= {"", "scade_net", "multistream.control"}


def test_no_node_writes_a_lower_layer_than_it_reads() -> None:
    catalog = dict(_config("local")["catalog"])
    checked = 0
    for node in register_pipelines()["__default__"].nodes:
        read = [layer for name in node.inputs if (layer := _layer(name, catalog)) is not None]
        written = [layer for name in node.outputs if (layer := _layer(name, catalog)) is not None]
        if read and written:
            checked += 1
            assert min(written) >= max(read), f"{node.name}: reads {node.inputs}, writes {node.outputs}"
    assert checked > 20


def test_every_input_is_made_by_a_node_or_lies_in_the_catalog() -> None:
    catalog = dict(_config("local")["catalog"])
    wanted = {n for n in register_pipelines()["__default__"].inputs() if not n.startswith("param")}
    free = {name for name in wanted if not name.endswith((".checkpoints", ".home_scores", ".home_evaluation"))}
    # what an earlier run left, what a user brings, and what evaluation has put in a folder
    assert free == {
        *("raw_media", "previous_probes", "previous_split_identities", "imported_splits", "face_weights"),
        *(
            "attributes",
            "experiment_note",
            "stored_summaries",
            "stored_sections",
            "evaluated_baselines",
            "evaluated_seeds",
            "evaluated_baseline_seeds",
        ),
    }
    assert free <= set(catalog)


@pytest.mark.parametrize("env", ["local", *ENVIRONMENTS])
def test_parameters_of_every_environment_are_valid(env: str) -> None:
    checked = check_parameters(_config(env)["parameters"])
    assert checked.preprocessing.size == {"portraits": 320}.get(env, 256)


def test_mistyped_parameter_names_place_value_and_near_miss() -> None:
    given = _config("local", scade_net={"training": {"epoch": 3}})["parameters"]
    with pytest.raises(
        ParameterError, match=r"scade_net\.training\.epoch: unknown \(value 3\), did you mean 'epochs'\?"
    ):
        check_parameters(given)


def test_impossible_value_names_place_rule_and_value() -> None:
    given = _config("local", scade_net={"training": {"batch_size": 0}})["parameters"]
    with pytest.raises(ParameterError, match=r"scade_net\.training\.batch_size: .*greater than or equal to 2, got 0"):
        check_parameters(given)


def test_shares_that_do_not_add_up_are_refused() -> None:
    given = _config("local", feature_split={"train": 0.9})["parameters"]
    with pytest.raises(ParameterError, match=r"feature_split: train \+ val \+ test must add up to 1"):
        check_parameters(given)


def test_data_set_names_every_path_so_that_two_never_mix() -> None:
    catalog = _config("local", dataset="mine", trained_on="other")["catalog"]
    for name, entry in catalog.items():
        if entry.get("filepath"):  # a file that only a user can name has none
            assert any(f"/{part}/" in entry["filepath"] + "/" for part in ("mine", "other", "other-on-mine")), name
    assert catalog["{detector}_summary"]["filepath"] == "data/07_model_output/other-on-mine/{detector}/summary.json"
    assert catalog["{detector}.model"]["filepath"] == "data/06_models/other/{detector}"
    assert catalog["report"]["filepath"] == "data/08_reporting/other-on-mine/report.html"

"""Variants of a family: what is trained, how they are compared, and what is said of them."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from mlflow import MlflowClient

from examples import TRAINING
from fakefocus.config import with_every_family
from fakefocus.errors import InputError
from fakefocus.hooks.tracking import family_parameters
from fakefocus.models import DetectorOptions, find_family, main_families
from fakefocus.models.family import UNCHANGED, variant_detector
from fakefocus.parameters import Evaluation, Retraining
from fakefocus.pipeline_registry import register_pipelines
from fakefocus.pipelines.ablation.nodes import compare_variants, describe_ablation, draw_ablation
from fakefocus.pipelines.training import making
from fakefocus.schemas import SEEDS

EVALUATION = Evaluation(threshold="validation", batch_size=8, confidence=0.95)
RETRAINING = Retraining(epoch_share=0.5)
PEOPLE = 10


def _options(family: str) -> DetectorOptions:
    values = with_every_family({"every_family": {"training": TRAINING}})[family]
    return find_family(family).options.model_validate(values)


def _summary(options: DetectorOptions, variant: str, seed: int, shift: float) -> dict[str, Any]:
    """Return what is judged of a detector: ten people with a real, a swap and a held-out fake each.

    A fake scores ``shift`` more than the real of the same person; one in two fakes of the held-out method does not.
    """
    trained = options.trained_as(_changes(options.family, variant), seed, 0.5).model_dump(mode="json")
    rng = np.random.default_rng(seed)
    real = 0.3 + 0.3 * rng.random(PEOPLE)
    other = real + np.where(np.arange(PEOPLE) % 2, shift, -shift)
    videos = {
        "video_id": [f"{kind}{person}" for kind in "rsh" for person in range(PEOPLE)],
        "label": [0] * PEOPLE + [1] * 2 * PEOPLE,
        "method": [""] * PEOPLE + ["swap"] * PEOPLE + ["other"] * PEOPLE,
        "group": [f"g{person}" for _ in "rsh" for person in range(PEOPLE)],
        "score": [*real, *(real + shift), *other],
    }
    methods = {"swap": {"held_out": False}, "other": {"held_out": True}}
    return {
        "contract": trained | {"name": "A detector", "recipe": "demo", "split": {"hash": "0123456789"}},
        "parameters": 28_055,
        "dataset": "demo",
        "experiment": "demo",
        "split_hash": "0123456789",
        "metrics": {"threshold": 0.5, "by_method": methods},
        "coverage": {"missing": "exclude"},
        "videos": videos,
    }


def _changes(family: str, variant: str) -> Any:
    return {} if variant == UNCHANGED else find_family(family).variants[variant].changes


def _compared(family: str, worse: str) -> dict[str, Any]:
    """Return the comparison of variants of which one is worse than all others."""
    options, variants = _options(family), (UNCHANGED, *find_family(family).ablations)
    # order does not matter: each summary is known by its contract
    summaries = [_summary(options, v, seed, 0.01 if v == worse else 0.5) for seed in reversed(SEEDS) for v in variants]
    return compare_variants(options, RETRAINING, EVALUATION, *summaries)


def test_ablation_trains_each_variant_with_each_seed_and_coadaptation_shares_the_unchanged_detector() -> None:
    made = register_pipelines()
    trained = {n: {str(m.namespace) for m in made[n].nodes if m.short_name == "train"} for n in made}
    for protocol, kind in (("ablation", "ablations"), ("coadaptation", "regularisers")):
        expected = {
            variant_detector(family, variant, seed)
            for family in main_families()
            if getattr(find_family(family), kind)
            for variant in (UNCHANGED, *getattr(find_family(family), kind))
            for seed in SEEDS
        }
        assert trained[protocol] == expected
    # six published combinations of streams, and six changes of SCADE-Net with the unchanged one
    assert sum(name.startswith("multistream.") for name in trained["ablation"]) == 6 * 3
    assert sum(name.startswith("scade_net.") for name in trained["ablation"]) == 7 * 3
    shared = trained["ablation"] & trained["coadaptation"]
    assert shared == {variant_detector("multistream", UNCHANGED, seed) for seed in SEEDS}
    both = made["ablation"] + made["coadaptation"]
    assert len([n for n in both.nodes if n.namespace in shared and n.short_name == "train"]) == 3


def test_differences_are_paired_by_seed_and_stand_beside_the_claims() -> None:
    result = _compared("scade_net", worse="no_map")
    by_name = {row["variant"]: row for row in result["variants"]}
    unchanged, no_map = result["unchanged"]["values"], by_name["no_map"]
    assert result["seeds"] == sorted(SEEDS)
    # all fakes of the method that is trained on score above all reals, with each seed
    assert unchanged["video.auc"] == [1, 1, 1]
    cell = no_map["measured"]["video.auc"]
    assert cell["values"] == pytest.approx([value - 1 for value in no_map["values"]["video.auc"]])
    assert cell["difference"] == pytest.approx(np.mean(cell["values"]))
    assert cell["high"] < 0
    assert no_map["claims"][0]["low"] == -0.05
    # of the others nothing differs, so that nothing can be said
    assert by_name["relu"]["measured"]["video.auc"]["low"] is None
    assert result["tracked"]["no_map.video.auc"] == cell["difference"]


def test_section_has_a_verdict_where_the_interval_excludes_zero_and_claims_everywhere_else() -> None:
    section = describe_ablation(_compared("scade_net", worse="no_map"), {})
    table = section["tables"][0]
    shown = {row[0]: row[-1] for row in table["rows"]}
    assert "AUC, methods trained on: lower" in shown["without the defocus map"]
    assert shown["ReLU for SiLU"] == "nothing"
    published = {row[0]: row[-2] for row in table["rows"]}
    assert "\N{MINUS SIGN}5.0 to \N{MINUS SIGN}3.0" in published["without the defocus map"]
    assert published["constraint B for A"] == "no claim"
    assert all(isinstance(cell, str) for table in section["tables"] for row in table["rows"] for cell in row)
    assert any("seeds 3, 42, 123" in text and "30 test videos of 10 groups" in text for text in section["text"])
    figure = draw_ablation(_compared("multistream", worse="spectral"), {})
    assert figure.axes[0].get_yticklabels()[0].get_text() == "spatial stream alone"


def test_video_without_a_score_counts_as_the_evaluation_has_it() -> None:
    options = _options("scade_net")
    summaries = [_summary(options, v, s, 0.5) for s in SEEDS for v in (UNCHANGED, *find_family("scade_net").ablations)]
    for summary in summaries:
        # the first fake of the method that is trained on shows no face
        summary["videos"]["score"][PEOPLE] = None
    left_out = compare_variants(options, RETRAINING, EVALUATION, *summaries)
    assert left_out["unchanged"]["values"]["video.auc"] == [1, 1, 1]
    assert left_out["videos"] == 3 * PEOPLE - 1
    for summary in summaries:
        summary["coverage"]["missing"] = "as_real"
    as_real = compare_variants(options, RETRAINING, EVALUATION, *summaries)
    # one fake of ten is below all reals
    assert as_real["unchanged"]["values"]["video.auc"] == pytest.approx([0.9] * 3)


def test_section_without_any_result_says_what_to_run() -> None:
    with pytest.raises(InputError, match="run kedro run --pipelines=ablation"):
        describe_ablation({}, {})


def test_variants_that_were_judged_on_other_videos_are_refused() -> None:
    options = _options("scade_net")
    summaries = [_summary(options, UNCHANGED, seed, 0.5) for seed in SEEDS]
    summaries[1]["videos"] = {name: values[:-1] for name, values in summaries[1]["videos"].items()}
    with pytest.raises(InputError, match="scade_net: its variants were judged on different test videos: judge all"):
        compare_variants(options, RETRAINING, EVALUATION, *summaries)


def test_variants_of_another_training_are_refused_by_what_differs() -> None:
    options = _options("scade_net")
    summaries = [_summary(options, UNCHANGED, seed, 0.5) for seed in SEEDS]
    summaries[1]["contract"]["recipe"] = "published"
    with pytest.raises(InputError, match="scade_net: its variants were trained with different recipe: train all"):
        compare_variants(options, RETRAINING, EVALUATION, *summaries)


def test_runs_of_variants_are_tracked_with_their_own_parameters() -> None:
    parameters = {
        "scade_net": _options("scade_net").model_dump() | {"training": TRAINING | {"epochs": 4}},
        "seeds": {"seed_42": 42},
        "ablation": {"epoch_share": 0.5},
        "ablations": {"scade_net": {"no_map": {"network": {"in_chans": 3}}}},
    }
    tracked = family_parameters(parameters, "scade_net.ablation.no_map_seed_42")["scade_net"]
    assert tracked["network"]["in_chans"] == 3
    assert (tracked["training"]["seed"], tracked["training"]["epochs"]) == (42, 2)


@pytest.fixture(scope="module")
def trained(
    tiny_project: Path, tmp_path_factory: pytest.TempPathFactory, run_kedro: Callable[..., Any]
) -> tuple[Path, dict[str, Any]]:
    """Return a project in which one variant was trained, judged, and trained again."""
    folder = tmp_path_factory.mktemp("ablation") / "project"
    shutil.copytree(tiny_project, folder, symlinks=True, ignore=shutil.ignore_patterns("mlflow.db"))
    epochs: list[int] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(making, "git_commit", lambda: "0" * 40)
        for _ in range(2):
            run_kedro(folder, "ablation", namespaces=["scade_net.ablation.no_eca_seed_42"])
            weights = folder / "data/06_models/tiny/ablation/scade_net.no_eca_seed_42/history.parquet"
            epochs.append(len(pd.read_parquet(weights)))
            # a second training would begin here and find no samples
            patch.setattr("fakefocus.training.engine.fit", None)
    content = json.loads(weights.with_name("architecture.json").read_text())
    return folder, content | {"epochs": epochs}


def test_variant_is_trained_for_a_share_of_the_epochs_and_not_again(trained: tuple[Path, dict[str, Any]]) -> None:
    _, contract = trained
    assert contract["epochs"] == [1, 1]  # half of two
    assert contract["network"]["eca"] is False
    assert contract["network"]["activation"] == "silu"
    assert contract["training"]["seed"] == 42
    assert contract["made_of"]


def test_variant_is_kept_out_of_the_reports_detectors_and_has_a_run_of_its_own(
    trained: tuple[Path, dict[str, Any]],
) -> None:
    folder, _ = trained
    results = folder / "data/07_model_output/tiny"
    assert (results / "ablation/scade_net.no_eca_seed_42/summary.json").is_file()
    # the report reads the summaries of the folders beside these
    named = {path.parent.name for path in results.glob("*/summary.json")}
    assert named == {
        name for family in main_families() for name in (family, f"{family}.control", f"{family}.untrained")
    }
    client = MlflowClient(f"sqlite:///{folder}/mlflow.db")
    runs = client.search_runs([client.get_experiment_by_name("fakefocus").experiment_id])
    tracked = [run for run in runs if run.data.tags.get("family") == "scade_net.ablation.no_eca_seed_42"]
    assert {run.data.params["scade_net.network.eca"] for run in tracked} == {"False"}
    assert all("test.video.auc" in run.data.metrics for run in tracked)

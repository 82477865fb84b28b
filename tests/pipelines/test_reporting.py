"""What the report says must be so, whatever the split and the detectors were."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fakefocus.datasets.video_folders import VideoFolders
from fakefocus.parameters import Evaluation, FeatureSplit, Reporting
from fakefocus.pipelines.reporting.nodes import draw_intervals, draw_roc, gather_summaries, write_report

SPLIT = FeatureSplit(train=0.6, val=0.15, test=0.25, held_out_methods=(), seed=3)
EVALUATION = Evaluation(threshold="validation", batch_size=4, draws=100, confidence=0.95, seed=3)
WORDS = Reporting(title="A report", data_note="Data.", recipe_note="Recipe.", sample_videos=2)


@pytest.fixture(scope="module")
def write(tiny_project: Path) -> Callable[..., str]:
    """Return a function that writes the report of the tiny project, with changes."""
    data = tiny_project / "data"
    tables = {
        "videos": data / "02_intermediate/tiny/videos.parquet",
        "rejected_media": data / "03_primary/tiny/rejected_media.parquet",
        "faces": data / "03_primary/tiny/faces.parquet",
        "splits": data / "05_model_input/tiny/splits.parquet",
    }
    inputs: dict[str, Any] = {name: pd.read_parquet(path) for name, path in tables.items()}
    for name in ("splits", "leakage_report"):
        key = "splits_json" if name == "splits" else name
        inputs[key] = json.loads((data / f"05_model_input/tiny/{name}.json").read_text())
    inputs["defocus_maps"] = VideoFolders(filepath=str(data / "04_feature/tiny/defocus_maps"), suffix=".npy").load()
    inputs["summaries"] = json.loads((data / "07_model_output/tiny/summaries.json").read_text())
    inputs |= {f"{name}_figure": b"png" for name in ("samples", "curves", "roc", "scores", "intervals")}
    inputs |= {"reporting": WORDS, "feature_split": SPLIT, "evaluation": EVALUATION}
    inputs |= {"dataset": "tiny", "trained_on": "tiny"}
    return lambda **changes: write_report(**(inputs | changes))


def test_split_by_identity_is_described_as_such(write: Callable[..., str]) -> None:
    page = write()
    assert "split by identity, seed 3" in page
    assert "A group is on one side only" in page
    assert "bootstrap draws of whole identity groups" in page


def test_split_video_by_video_is_not_said_to_keep_people_apart(write: Callable[..., str]) -> None:
    page = write(feature_split=SPLIT.model_copy(update={"strategy": "video"}))
    assert "split video by video" in page
    assert "A group is on one side only" not in page
    assert "people may be on several sides" in page
    assert "single videos, which is too narrow" in page


@pytest.mark.parametrize(
    ("strategy", "text"), [("official", "split as published"), ("imported", "split as an imported list has it")]
)
def test_published_and_imported_splits_are_named(write: Callable[..., str], strategy: str, text: str) -> None:
    assert text in write(feature_split=SPLIT.model_copy(update={"strategy": strategy}))


def test_people_on_two_sides_are_mentioned(write: Callable[..., str], tiny_project: Path) -> None:
    report = json.loads((tiny_project / "data/05_model_input/tiny/leakage_report.json").read_text())
    finding = {"left": "train", "right": "test", "count": 3, "examples": ["tiny/001"]}
    checks = [c | {"findings": [finding]} if c["check"] == "identities" else c for c in report["checks"]]
    assert "The split itself has 3 people on two sides" in write(leakage_report=report | {"checks": checks})


def _summaries(tiny_project: Path) -> dict[str, Any]:
    return json.loads((tiny_project / "data/07_model_output/tiny/summaries.json").read_text())


def test_detector_that_saw_real_faces_alone_has_no_methods_trained_on(
    write: Callable[..., str], tiny_project: Path
) -> None:
    summary = _summaries(tiny_project)["scade_net"]
    metrics = summary["metrics"]
    undefined = {"value": None, "low": None, "high": None}
    empty = dict.fromkeys(("auc", "ap", "eer", "accuracy", "f1"), undefined) | {"real": 4, "fake": 0, "groups": 4}
    by_method = {name: values | {"held_out": True} for name, values in metrics["by_method"].items()}
    blended = metrics | {"video": empty, "face": empty, "by_method": by_method, "held_out": metrics["video"]}
    training = summary["contract"]["training"] | {"fakes": "self_blended"}
    contract = summary["contract"] | {"methods": [], "training": training}
    page = write(summaries={"scade_net": summary | {"contract": contract, "metrics": blended}})
    assert "<td>none tested</td>" in page
    assert "real faces alone" in page
    assert "PoissonSwap (not trained on)" in page
    assert "no verdict" not in page


def test_figures_show_any_number_of_detectors(tiny_project: Path) -> None:
    summaries = _summaries(tiny_project)
    many = {f"{name}.seed_{seed}": summary for name, summary in summaries.items() for seed in range(5)}
    assert draw_intervals(many).get_size_inches()[1] > draw_intervals(summaries).get_size_inches()[1]
    assert len(draw_roc(many).axes) == 2


def test_summaries_of_the_lineage_come_first() -> None:
    summaries = {name: {"contract": {"family": name.partition(".")[0]}} for name in ("alien", "b", "b.control", "a")}
    ordered = gather_summaries(summaries, {"detectors": [{"family": "b"}, {"family": "b"}, {"family": "a"}]})
    assert list(ordered) == ["b", "b.control", "a", "alien"]
    assert list(gather_summaries(summaries, {})) == ["a", "alien", "b", "b.control"]

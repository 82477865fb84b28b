"""What the report says must be so, whatever the split and the detectors were."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import plotly.graph_objects as go
import pytest
from huggingface_hub import DatasetCard, ModelCard
from kedro.io import DatasetError

from fakefocus.datasets.summaries import Summaries
from fakefocus.datasets.video_folders import VideoFolders
from fakefocus.errors import InputError
from fakefocus.metrics.weighted import METRICS
from fakefocus.models.fitting import training_of
from fakefocus.page import picture_uri
from fakefocus.parameters import Evaluation, Reporting
from fakefocus.pipeline_registry import PROTOCOLS
from fakefocus.pipelines.reporting import outline
from fakefocus.pipelines.reporting.cards import model_card
from fakefocus.pipelines.reporting.figures import Judged
from fakefocus.pipelines.reporting.nodes import (
    compare_detectors,
    draw_intervals,
    draw_risks,
    draw_roc,
    gather_summaries,
    write_report,
)
from fakefocus.pipelines.reporting.sections import current_sections

PICTURE = cv2.imencode(".png", np.full((2, 2, 3), 200, np.uint8))[1].tobytes()
WORDS = Reporting(title="A report", data_note="Data.", recipe_note="Recipe.", sample_videos=2)
EVALUATION = Evaluation(threshold="validation", batch_size=8, confidence=0.95)


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
    figures = ("samples", "curves", "roc", "scores", "risks", "intervals", "reliability", "defocus")
    inputs |= {f"{name}_figure": PICTURE for name in figures}
    inputs |= {"experiment_note": {"environment": "local", "changed": {}}}
    inputs |= {"comparisons": {"pairs": []}, "stored_sections": {}, "scores_to_zoom": go.Figure()}
    inputs |= {"reporting": WORDS, "recipe": "demo", "dataset": "tiny", "experiment": "tiny", "trained_on": "tiny"}

    def write_with(split: dict[str, Any] | None = None, **changes: Any) -> str:
        splits_json = inputs["splits_json"] | (split or {})
        return write_report(**(inputs | {"splits_json": splits_json} | changes))

    return write_with


def test_split_by_identity_is_described_as_such(write: Callable[..., str]) -> None:
    page = write()
    assert "split by identity, seed 3" in page
    assert "A group is on one side only" in page
    assert "what varies are whole identity groups" in page


def test_split_video_by_video_is_not_said_to_keep_people_apart(write: Callable[..., str]) -> None:
    page = write({"strategy": "video"})
    assert "split video by video" in page
    assert "A group is on one side only" not in page
    assert "people may be on several sides" in page
    assert "single videos, which is too narrow" in page


@pytest.mark.parametrize(
    ("strategy", "text"), [("official", "split as published"), ("imported", "split as an imported list has it")]
)
def test_published_and_imported_splits_are_named(write: Callable[..., str], strategy: str, text: str) -> None:
    assert text in write({"strategy": strategy})


def test_fold_is_that_of_the_split(write: Callable[..., str]) -> None:
    assert "split by identity, fold 2 of 5" in write({"folds": 5, "fold": 2})


def test_intervals_are_described_as_they_were_made(write: Callable[..., str], tiny_project: Path) -> None:
    summary = _summaries(tiny_project)["scade_net"]
    interval = {"method": "some method", "confidence": 0.99, "min_groups": 7}
    page = write(summaries={"scade_net": summary | {"metrics": summary["metrics"] | {"interval": interval}}})
    assert "99 % interval (some method; from 7 groups of each class)" in page


def _with_auc(summary: dict[str, Any], low: float | None, high: float | None, why: str = "") -> dict[str, Any]:
    """Return a summary whose test videos of methods trained on have an AUC of .8 with an interval, or without."""
    auc = {"value": 0.8, "low": low, "high": high}
    video = summary["metrics"]["video"] | {"auc": auc, "no_interval": why}
    return summary | {"metrics": summary["metrics"] | {"video": video}}


def test_interval_above_one_half_is_called_learning_and_one_around_it_is_not(
    write: Callable[..., str], tiny_project: Path
) -> None:
    summaries = _summaries(tiny_project)
    detector, control = summaries["scade_net"], summaries["scade_net.control"]
    page = write(summaries={"a": _with_auc(detector, 0.6, 0.9), "a.control": _with_auc(control, 0.4, 0.9)})
    assert "learns</span>: the whole interval lies above 0.5" in page
    assert "as it should be" in page
    page = write(summaries={"a": _with_auc(detector, 0.4, 0.9), "a.control": _with_auc(control, 0.6, 0.9)})
    assert "not shown to learn" in page
    assert "conspicuous" in page


def test_too_few_groups_are_said_in_words_and_give_no_verdict(write: Callable[..., str], tiny_project: Path) -> None:
    summaries = _summaries(tiny_project)
    why = "too few groups for an interval (3; at least 5 of each class)"
    few = {name: _with_auc(summaries[f"scade_net{name}"], None, None, why) for name in ("", ".control")}
    page = write(summaries={f"scade_net{name}": summary for name, summary in few.items()})
    assert f"0.800<br><small>{why}</small>" in page
    assert (
        f'<span class="no">no verdict</span>: {why}. Negative control: <span class="no">no verdict</span>: {why}.'
        in page
    )
    assert f"<small>{why}</small>" in page
    for verdict in (">learns<", "not shown to learn", "as it should be", "conspicuous"):
        assert verdict not in page


def test_figure_of_intervals_says_in_words_where_groups_are_too_few(tiny_project: Path) -> None:
    why = "too few groups for an interval (3; at least 5 of each class)"
    few = _with_auc(_summaries(tiny_project)["scade_net"], None, None, why)
    texts = [text.get_text().replace("\n", " ") for text in draw_intervals({"scade_net": few}).axes[0].texts]
    assert why in texts


def test_file_without_an_interval_is_not_acquitted(write: Callable[..., str], tiny_project: Path) -> None:
    report = json.loads((tiny_project / "data/05_model_input/tiny/leakage_report.json").read_text())
    unknown = report["shortcut"] | {"auc": {"value": 0.6, "low": None, "high": None}}
    page = write(leakage_report=report | {"shortcut": unknown})
    assert "groups are too few for an interval" in page
    assert "do not give the label away" not in page


def test_recipe_of_another_place_is_not_described_by_this_ones_note(
    write: Callable[..., str], tiny_project: Path
) -> None:
    summary = _summaries(tiny_project)["scade_net"]
    elsewhere = summary | {"contract": summary["contract"] | {"recipe": "published", "dataset": "ffpp"}}
    page = write(summaries={"scade_net": elsewhere})
    assert "trained elsewhere or otherwise, by the recipe published" in page
    assert "Recipe." not in page
    assert "between data sets, only identical files would have been noticed" in page


def test_folder_of_a_clip_that_is_gone_does_not_stop_the_report(write: Callable[..., str], tiny_project: Path) -> None:
    maps = VideoFolders(filepath=str(tiny_project / "data/04_feature/tiny/defocus_maps"), suffix=".npy").load()
    gone = replace(next(iter(maps.values())), made_with={"defocus": {"sigma_max": 1.0}})
    assert "A report" in write(defocus_maps=maps | {"real/gone": gone})


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
    empty = dict.fromkeys(METRICS, undefined) | {
        "real": 4,
        "fake": 0,
        "groups": 4,
        "no_interval": "no interval, a class is missing",
    }
    by_method = {name: values | {"held_out": True} for name, values in metrics["by_method"].items()}
    blended = metrics | {
        "video": empty,
        "track": empty,
        "face": empty,
        "by_method": by_method,
        "held_out": metrics["video"],
    }
    training = summary["contract"]["training"] | {"fakes": "self_blended"}
    contract = summary["contract"] | {"methods": [], "training": training}
    control = _summaries(tiny_project)["scade_net.control"]
    detector = summary | {"contract": contract, "metrics": blended}
    page = write(summaries={"scade_net": detector, "scade_net.control": control})
    assert "who blends real faces reads no label that could be shuffled" in page
    assert "<td>none tested</td>" in page
    assert "real faces alone" in page
    assert "PoissonSwap (not trained on)" in page


def test_figures_show_any_number_of_detectors(tiny_project: Path) -> None:
    summaries = _summaries(tiny_project)
    many = {f"{name}.seed_{seed}": summary for name, summary in summaries.items() for seed in range(5)}
    assert draw_intervals(many).get_size_inches()[1] > draw_intervals(summaries).get_size_inches()[1]
    assert len(draw_roc(many).axes) == 2


def test_too_little_coverage_is_said_before_any_number(write: Callable[..., str], tiny_project: Path) -> None:
    summary = _summaries(tiny_project)["scade_net"]
    short = summary["coverage"] | {"named": 20, "ok": 15, "no_face": 5, "share": 0.75, "fake": 0.6}
    page = write(summaries={"scade_net": summary | {"coverage": short}})
    warning = page.index("SCADE-Net scored 15 of 20 test videos")
    assert warning < page.index("has the highest AUC") < page.index('<h2 id="verdict">')
    assert "<td>75.0%</td>" in page
    assert "The AUCs are of methods trained on" in page
    assert "scored 15 of" not in write(summaries={"scade_net": summary})


def test_what_stands_for_missing_scores_is_said_beside_the_coverage(
    write: Callable[..., str], tiny_project: Path
) -> None:
    summary = _summaries(tiny_project)["scade_net"]
    assert "Without a score, a video is left out of the metrics." in write(summaries={"scade_net": summary})
    as_real = summary | {"coverage": summary["coverage"] | {"missing": "as_real"}}
    assert "counts with a probability of 0, as real" in write(summaries={"scade_net": as_real})


def test_sections_of_protocols_are_shown_and_those_of_another_split_are_not(
    write: Callable[..., str], tiny_project: Path, caplog: pytest.LogCaptureFixture
) -> None:
    split = json.loads((tiny_project / "data/05_model_input/tiny/splits.json").read_text())["hash"]
    table = {"title": "A table", "columns": ["what", "how much"], "rows": [["<b>", "1.5"]]}
    section = {"title": "A protocol", "order": 1, "split_hash": split, "text": ["What it says."], "tables": [table]}
    picture = {"figure": "one", "title": "A picture", "caption": "A figure.", "image": PICTURE, "to_zoom": ""}
    section |= {"caption": "", "pictures": [picture]}
    page = write(stored_sections={"one": section, "other": section | {"title": "Old", "split_hash": "before"}})
    for text in (
        '<h2 id="one">A protocol</h2>',
        '<li><a href="#one">A protocol</a></li>',
        "What it says.",
        "<td>&lt;b&gt;</td>",
        "A figure.",
        'alt="A picture"',
    ):
        assert text in page
    assert ">Old</h2>" not in page
    assert "left out, made on another split: other" in caplog.text


def test_section_of_a_detector_that_was_trained_again_is_left_out(caplog: pytest.LogCaptureFixture) -> None:
    now, before = ({"experiment": "demo", "best_epoch": epoch} for epoch in (1, 2))
    summaries = {name: {"contract": now, "experiment": "demo"} for name in ("scade_net", "multistream")}
    both, one = (training_of(now, name, "demo") for name in ("scade_net", "multistream"))
    sections = {
        "tta": {"trainings": both | one},
        "robustness": {"trainings": both | training_of(before, "multistream", "demo")},
        # judged elsewhere, by no detector of this report, or by none at all
        "cross_dataset": {"trainings": both | training_of(before, "multistream", "other")},
        "leave_one_out": {"trainings": training_of(before, "meso4", "demo")},
        "coadaptation": {},
    }
    sections = {name: section | {"title": name, "split_hash": "h"} for name, section in sections.items()}
    shown = current_sections(sections, {"hash": "h"}, summaries)
    assert [section["title"] for section in shown] == ["tta", "cross_dataset", "leave_one_out", "coadaptation"]
    assert "left out, made before multistream of demo on demo was trained again: robustness" in caplog.text


def _with_scores(summary: dict[str, Any], family: str, right: float) -> dict[str, Any]:
    """Return a summary of another family with 24 groups, of which a share is ordered rightly."""
    groups = 24
    score = [0.4 if i < right * groups else 0.6 for i in range(groups)]
    videos = {
        "video_id": [f"{label}{i}" for label in (0, 1) for i in range(groups)],
        "label": [0] * groups + [1] * groups,
        "method": [""] * groups + ["GraphicsSwap"] * groups,
        "group": [*range(groups)] * 2,
        "status": ["ok"] * 2 * groups,
        "score": score + [0.5] * groups,
    }
    by_method = {"GraphicsSwap": summary["metrics"]["by_method"]["GraphicsSwap"] | {"held_out": False}}
    contract = summary["contract"] | {"family": family, "title": family, "name": family}
    return summary | {"contract": contract, "videos": videos, "metrics": summary["metrics"] | {"by_method": by_method}}


def test_better_is_said_only_where_it_survives_the_correction(tiny_project: Path) -> None:
    summary = _summaries(tiny_project)["scade_net"]
    # of 24 groups one ordered all rightly, one 22, one none
    summaries = {name: _with_scores(summary, name, right) for name, right in (("a", 1), ("b", 22 / 24), ("c", 0))}
    control = _with_scores(_summaries(tiny_project)["scade_net.control"], "a", 0)
    pairs = compare_detectors(summaries | {"a.control": control}, EVALUATION)["pairs"]
    assert [(p["first"], p["second"], p["better"]) for p in pairs] == [("a", "b", ""), ("a", "c", "a"), ("b", "c", "b")]
    assert all(p["p_holm"] >= p["p"] for p in pairs)


@pytest.mark.parametrize("policy", ["exclude", "as_chance", "as_fake"])
def test_detectors_are_compared_on_videos_that_both_scored_whatever_stands_for_others(policy: str) -> None:
    # 12 groups with a real at .5 and a fake; «a» scores all fakes .6, «b» scores none of the last six, and those of
    # the others .4: on the six that both scored the AUC is 1 of «a» and 0 of «b»
    videos = {
        "video_id": [f"{kind}{i}" for kind in "rf" for i in range(12)],
        "label": [0] * 12 + [1] * 12,
        "method": [""] * 12 + ["swap"] * 12,
        "group": [*range(12)] * 2,
    }
    fakes = {"a": [0.6] * 12, "b": [0.4] * 6 + [None] * 6}
    summaries = {
        name: {
            "contract": {"family": name, "name": name, "labels": "true"},
            "coverage": {"missing": policy},
            "metrics": {"by_method": {"swap": {"held_out": False}}},
            "videos": videos | {"score": [0.5] * 12 + scores},
        }
        for name, scores in fakes.items()
    }
    (pair,) = compare_detectors(summaries, EVALUATION)["pairs"]
    assert (pair["videos"], pair["difference"]) == (18, -1)


def test_risks_are_drawn_of_videos_that_have_a_score(tiny_project: Path) -> None:
    summary = _summaries(tiny_project)["scade_net"]
    videos = summary["videos"] | {"score": [None, *summary["videos"]["score"][1:]]}
    (axis,) = draw_risks({"scade_net": summary | {"videos": videos}}).axes
    assert axis.lines[0].get_xdata()[-1] == 1.0
    assert len(axis.lines[0].get_xdata()) <= len(videos["score"]) - 1


def _gather(summaries: dict[str, Any], **evaluated: Any) -> dict[str, Any]:
    names = ("evaluated", "evaluated_baselines", "evaluated_seeds", "evaluated_baseline_seeds")
    return gather_summaries(summaries, {"hash": "now"}, **({name: {} for name in names} | evaluated))


def _of(family: str, split_hash: str = "now") -> dict[str, Any]:
    return {"contract": {"family": family}, "split_hash": split_hash}


def test_summaries_of_the_lineage_come_first() -> None:
    summaries = {name: _of(name.partition(".")[0]) for name in ("alien", "b", "b.control", "a")}
    ordered = _gather(summaries, evaluated={"detectors": [{"family": "b"}, {"family": "b"}, {"family": "a"}]})
    assert list(ordered) == ["b", "b.control", "a", "alien"]
    assert list(_gather(summaries)) == ["a", "alien", "b", "b.control"]


def test_summaries_of_an_earlier_split_are_left_out(caplog: pytest.LogCaptureFixture) -> None:
    assert list(_gather({"new": _of("a"), "old": _of("b", "before")})) == ["new"]
    assert "left out, judged on another split: old" in caplog.text
    with pytest.raises(InputError, match="all 1 are of another split"):
        _gather({"old": _of("b", "before")})


def test_summary_of_another_version_is_named(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs/summary.json").write_text('{"version": 1, "contract": {}}')
    with pytest.raises(
        DatasetError, match=r"theirs/summary\.json lacks parameters, dataset, .*judge that detector again"
    ):
        Summaries(filepath=str(tmp_path)).load()


def test_summary_of_the_version_before_is_to_be_made_again(tmp_path: Path, tiny_project: Path) -> None:
    earlier = _summaries(tiny_project)["scade_net"] | {"version": 1}
    (tmp_path / "earlier").mkdir()
    (tmp_path / "earlier/summary.json").write_text(json.dumps(earlier))
    with pytest.raises(DatasetError, match="is of version 1, not 3: judge that detector again, or remove the file"):
        Summaries(filepath=str(tmp_path)).load()


def test_first_words_name_the_best_detector_and_claim_no_more_than_the_paired_test() -> None:
    detectors = [
        {"name": name, "judged": {"auc": {"value": value, "low": value - 0.1, "high": value + 0.05}}}
        for name, value in (("A", 0.7), ("B", 0.9), ("C", 0.85))
    ]
    pairs = [
        {"first": "A", "second": "B", "better": "B"},
        {"first": "A", "second": "C", "better": ""},
        {"first": "B", "second": "C", "better": ""},
    ]
    assert outline.first_words(detectors, pairs) == [
        "B has the highest AUC of test videos: 0.900 [0.800, 0.950].",
        "It is shown to be better than A on the videos that both scored.",
        "That it is better than C is not shown.",
    ]
    undefined = [{"name": "A", "judged": {"auc": {"value": None, "low": None, "high": None}}}]
    assert outline.first_words(undefined, []) == [
        "No detector has an AUC here: one of both classes is missing on the test side."
    ]


def test_each_protocol_that_has_not_run_is_named_with_a_command_that_fits(write: Callable[..., str]) -> None:
    # judge is about scores of others and writes no section
    assert set(outline.PROTOCOLS) == set(PROTOCOLS) - {"judge"}
    sections = [{"protocol": "robustness"}, {"protocol": "scade_net_release"}]
    commands = {one.command for one in outline.not_run(sections, " --env=ffpp")}
    assert len(commands) == len(PROTOCOLS) - 3
    assert "kedro run --env=ffpp --pipelines=tta" in commands
    page = write(experiment_note={"environment": "folder", "changed": {"dataset": "mine", "data_root": "clips"}})
    assert "<code>kedro run --env=folder --params=dataset=mine,data_root=clips --pipelines=tta</code>" in page
    assert "<code>kedro run --pipelines=tta</code>" in write()
    named = write(experiment_note={}, experiment="other", trained_on="third")
    assert "kedro run --env=&lt;yours&gt; --params=trained_on=third,experiment=other --pipelines=tta" in named


def test_nothing_in_the_page_is_of_the_hour_or_of_chance(write: Callable[..., str]) -> None:
    page = write()
    assert page == write()
    days = {moment.strftime("%Y-%m-%d") for moment in (datetime.now(UTC), datetime.now().astimezone())}
    assert not [day for day in days if day in page]


def test_contents_lead_to_every_part(write: Callable[..., str]) -> None:
    page = write()
    for place in outline.contents([]):
        assert f'<a href="#{place}">' in page
        assert f'<h2 id="{place}">' in page


def test_cards_are_in_the_form_of_hugging_face(tiny_project: Path) -> None:
    folder = tiny_project / "data/08_reporting/tiny/cards"
    assert {file.name for file in folder.iterdir()} == {"scade_net.md", "multistream.md", "data.md"}
    card = ModelCard.load(folder / "scade_net.md")
    (auc, *_others) = card.data.eval_results
    judged = _summaries(tiny_project)["scade_net"]["metrics"]["video"]["auc"]["value"]
    assert (auc.metric_type, auc.metric_value, auc.dataset_split) == ("auc", round(judged, 4), "test")
    assert "nobody should be judged by one" in card.text
    assert DatasetCard.load(folder / "data.md").data.tags == ["deepfake-detection"]


def test_names_from_data_are_text_in_cards(tiny_project: Path) -> None:
    summary = _summaries(tiny_project)["scade_net"]
    by_method = summary["metrics"]["by_method"]
    evil = "<img src=x onerror=alert(1)> | a\nb"
    metrics = summary["metrics"] | {"by_method": {evil: next(iter(by_method.values()))}}
    contract = summary["contract"] | {"methods": [evil]}
    judged = Judged("A", "#000000", False, summary | {"metrics": metrics, "contract": contract})
    text = model_card(judged, WORDS)
    assert "<img" not in text
    assert text.count("&lt;img src=x onerror=alert(1)&gt; &#124; a b") == 2


def test_a_picture_that_is_too_tall_for_webp_stays_what_it_is() -> None:
    tall = cv2.imencode(".png", np.zeros((17_000, 2, 3), np.uint8))[1].tobytes()
    assert picture_uri(tall).startswith("data:image/png;base64,")
    assert picture_uri(PICTURE).startswith("data:image/webp;base64,")

"""Published results beside ours: tables as data, what fits, and the commands of what was not run."""

import json
import shlex
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from kedro.framework.cli.utils import _split_params
from kedro.io import DatasetError

from fakefocus.config import ProjectConfig
from fakefocus.datasets.published import PublishedTables
from fakefocus.datasets.summaries import AllSummaries
from fakefocus.errors import InputError
from fakefocus.hooks.parameters import check_parameters
from fakefocus.models import families
from fakefocus.parameters import Evaluation, PublishedTable, Reproduce
from fakefocus.pipeline_registry import register_pipelines
from fakefocus.pipelines.reproduce.nodes import compare_with_published, describe_reproduce, draw_reproduce
from fakefocus.schemas import SECTION_KEYS, SUMMARY_KEYS, SUMMARY_VERSION
from fakefocus.settings import CONFIG_LOADER_ARGS

CONF = Path(__file__).resolve().parents[2] / "conf"
OPTIONS = Reproduce(datasets={"ffpp": ("ffpp", "dfb_ffpp"), "celebdf": ("celebdf",)})
EVALUATION = Evaluation(threshold="validation", batch_size=4, confidence=0.95)
METHODS = ("Deepfakes", "Face2Face")


def _config(env: str = "local", typed: str = "", conf: Path = CONF) -> ProjectConfig:
    params: dict[str, Any] = _split_params(None, None, typed) if typed else {}
    return ProjectConfig(conf, env=env, runtime_params=params, **CONFIG_LOADER_ARGS)


def _published() -> dict[str, PublishedTable]:
    return PublishedTables(tables=_config()["catalog"]["published"]["tables"]).load()


def _table(**changes: Any) -> dict[str, PublishedTable]:
    """Return a table of one result: Meso-4, trained on FaceForensics++ and tested on Celeb-DF."""
    result = {
        "family": "meso4",
        "trained_on": {"title": "FF++ c23", "dataset": "ffpp", "methods": METHODS, "strategy": "official"},
        "tested_on": {"title": "Celeb-DF v2", "dataset": "celebdf", "strategy": "official"},
        "metric": "auc",
        "unit": "frame",
        "value": "0.6090",
    }
    source = {"title": "A paper", "year": 2023, "url": "https://example.org/paper"}
    return {"paper": PublishedTable.model_validate({"source": source, "results": [result | changes]})}


def _faces(groups: int = 12) -> pd.DataFrame:
    """Return a real and a fake face of each of some groups, and a validation face that is not to be counted.

    Fakes score .6, reals .2, and every fourth real .9: of 12 x 12 pairs, 9 x 12 are in order, so the AUC is .75.
    """
    reals = [("r", "", 0, g, 0.9 if g % 4 == 0 else 0.2, "test") for g in range(groups)]
    fakes = [("f", "celebdf", 1, g, 0.6, "test") for g in range(groups)]
    rows = [*reals, *fakes, ("v", "celebdf", 1, 99, 0.0, "val")]
    names = ["video_id", "method", "label", "group", "score", "split"]
    return pd.DataFrame(rows, columns=names).assign(crop=[f"c{i}" for i in range(len(rows))], track=0)


def _summary(**contract: Any) -> dict[str, Any]:
    own = {"family": "meso4", "labels": "true", "dataset": "ffpp", "experiment": "ffpp-official", "methods": METHODS}
    own |= {"recipe": "published", "split": {"strategy": "official"}}
    summary: dict[str, Any] = dict.fromkeys(SUMMARY_KEYS)
    videos = {
        "video_id": ["a", "b"],
        "label": [0, 1],
        "method": ["", "celebdf"],
        "group": ["0", "1"],
        "score": [0.1, 0.9],
    }
    return summary | {
        "version": SUMMARY_VERSION,
        "contract": own | contract,
        "dataset": "celebdf",
        "experiment": "celebdf-official",
        "overlap": {"videos": 2, "trained_on": 0, "validated_on": 0, "people": []},
        "metrics": {"threshold": 0.5},
        "coverage": {"missing": "exclude"},
        "videos": videos,
    }


def _judged(faces: pd.DataFrame | None = None, **contract: Any) -> dict[str, dict[str, Any]]:
    table = _faces() if faces is None else faces
    return {"ffpp-on-celebdf/meso4": {"summary": _summary(**contract), "face_scores": lambda: table}}


def _rows(tables: dict[str, PublishedTable], judged: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return list(compare_with_published(tables, judged, OPTIONS, EVALUATION)["rows"])


def test_every_published_file_is_valid_and_names_families_that_there_are() -> None:
    tables = _published()
    assert set(tables) == {"deepfakebench", "multistream", "scade_net"}
    assert {result.family for table in tables.values() for result in table.results} <= set(families())
    # 6 detectors on 5 sets
    assert len(tables["deepfakebench"].results) == 30
    assert {result.trained_on.compression for result in tables["deepfakebench"].results} == {"c23"}


def test_values_keep_the_digits_that_were_published() -> None:
    tables = _published()
    values = {(r.family, r.tested_on.dataset): str(r.value) for r in tables["deepfakebench"].results}
    assert values["meso4", "dfdc"] == "0.5560"
    assert values["xception", "dfd"] == "0.8163"
    own = {(r.family, r.tested_on.dataset): r.value for r in tables["scade_net"].results}
    assert own["scade_net", "dfd"] == Decimal("0.977")
    assert own["meso4", "ffpp"] == Decimal("0.946")
    assert all(result.note for table in tables.values() for result in table.results)


def test_tables_are_read_with_the_configuration_wherever_that_lies(tmp_path: Path) -> None:
    (tmp_path / "base").mkdir()
    (tmp_path / "local").mkdir()
    for name in ("recipes", "published", "suites"):
        (tmp_path / name).mkdir()
    (tmp_path / "recipes/demo.yml").write_text("{}")
    (tmp_path / "suites/demo.yml").write_text("trained: []")
    (tmp_path / "base/globals.yml").write_text("dataset: demo\nrecipe: demo\nsuite: demo\n")
    (tmp_path / "base/parameters.yml").write_text("{}")
    (tmp_path / "base/catalog.yml").write_text((CONF / "base/catalog_reproduce.yml").read_text())
    (tmp_path / "published/mine.yml").write_text("a text")
    # another loader is asked in between: its tables are not this one's
    mine = _config(conf=tmp_path)
    assert set(_published()) == {"deepfakebench", "multistream", "scade_net"}
    assert mine["catalog"]["published"]["tables"] == {"mine": "a text"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("source: [", r"conf/published/mine\.yml is not YAML"),
        ("results: []", r"mine\.yml:\n  source: Field required"),
        (
            "source: {title: a, year: 2023, url: https://a.b}\nresults: [{family: meso4, valu: 0.5}]",
            r"results\.0\.valu: Extra inputs are not permitted, got 0\.5",
        ),
        (
            "source: {title: a, year: 2023, url: a.b}\nshared: {value: 50}\nresults: [{family: meso4}]",
            r"source\.url: String should match pattern(.|\n)*results\.0\.value: .*less than or equal to 1, got 50",
        ),
    ],
)
def test_mistake_in_a_table_is_told_with_file_and_place(text: str, message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        PublishedTables(tables={"mine": text}).load()


def test_wrong_family_is_refused_with_the_near_one() -> None:
    with pytest.raises(InputError, match=r"paper\.yml: results\.0\.family: unknown family 'meso_4', did you mean"):
        _rows(_table(family="meso_4"), {})


def test_matching_result_stands_beside_the_published_one() -> None:
    (row,) = _rows(_table(), _judged())
    (ours,) = row["ours"]
    assert (row["published"], row["commands"]) == ("0.6090", [])
    assert ours["value"] == pytest.approx(0.75)
    assert ours["difference"] == pytest.approx(0.75 - 0.609)
    assert (ours["real"], ours["fake"], ours["groups"]) == (12, 12, 12)
    assert ours["low"] < 0.75 < ours["high"]
    assert ours["inside"] == (ours["low"] <= 0.609 <= ours["high"])
    assert ours["differs"] == []


@pytest.mark.parametrize(("value", "inside"), [("0.75", True), ("0.01", False)])
def test_published_value_is_inside_or_outside_of_our_interval(value: str, inside: bool) -> None:
    (row,) = _rows(_table(value=value), _judged())
    assert row["ours"][0]["inside"] is inside


def test_too_few_groups_give_no_verdict() -> None:
    (row,) = _rows(_table(), _judged(_faces(groups=2)))
    (ours,) = row["ours"]
    assert (ours["low"], ours["inside"]) == (None, None)
    assert ours["no_interval"]


def test_videos_are_compared_with_videos_and_methods_with_their_own_fakes() -> None:
    (row,) = _rows(_table(unit="video"), _judged())
    assert (row["ours"][0]["real"], row["ours"][0]["fake"]) == (1, 1)
    faces = pd.concat([_faces(), _faces().query("label == 1").assign(method="other", score=0.0)])
    tested_on = {"title": "Celeb-DF", "dataset": "celebdf", "methods": ["celebdf"]}
    (row,) = _rows(_table(tested_on=tested_on), _judged(faces))
    assert row["ours"][0]["value"] == pytest.approx(0.75)  # without the fakes of the other method


@pytest.mark.parametrize(
    "contract", [{"family": "xception"}, {"labels": "shuffled"}, {"dataset": "demo"}, {"dataset": "celebdf"}]
)
def test_detector_of_another_kind_is_not_put_beside_it(contract: dict[str, str]) -> None:
    (row,) = _rows(_table(), _judged(**contract))
    assert row["ours"] == []
    assert row["commands"]


def test_other_names_of_a_data_set_count_as_it_and_other_methods_are_told() -> None:
    (row,) = _rows(_table(), _judged(dataset="dfb_ffpp", methods=("Deepfakes", "FaceShifter")))
    assert row["ours"][0]["differs"] == ["not trained on Face2Face", "trained on FaceShifter too"]


def test_videos_that_a_detector_knows_are_told_beside_its_result() -> None:
    summaries = _judged()
    summaries["ffpp-on-celebdf/meso4"]["summary"]["overlap"] |= {"trained_on": 1, "people": ["celebdf/id0"]}
    (row,) = _rows(_table(), summaries)
    assert row["ours"][0]["differs"] == [
        "1 of 2 test videos were trained on, or show people who were, with celebdf/id0 (evaluation.seen)"
    ]


def test_two_names_of_one_data_set_are_said_to_hide_people() -> None:
    own = {"title": "FF++ c23", "dataset": "ffpp"}
    for tested_on, hidden in (("ffpp", 0), ("dfb_ffpp", 1)):
        summaries = _judged()
        summaries["ffpp-on-celebdf/meso4"]["summary"]["dataset"] = tested_on
        (row,) = _rows(_table(tested_on=own), summaries)
        lines = [line for line in row["ours"][0]["differs"] if "people of two names cannot be compared" in line]
        assert len(lines) == hidden
        assert all(line.startswith(f"trained on ffpp and tested on {tested_on}, which are one") for line in lines)


def _options(command: str) -> dict[str, str]:
    words = shlex.split(command.replace("<", "").replace(">", "").replace(" of ", "_of_").replace("++ c23", ""))
    return dict(word.split("=", 1) for word in words if word.startswith("--") and "=" in word)


def test_commands_of_what_was_not_run_train_judge_and_fit_together() -> None:
    (row,) = _rows(_table(), {})
    strategy = "feature_split.strategy=official"
    assert row["commands"] == [
        f"kedro run --env ffpp --pipelines=data,split --params=data_root=<folder of FF++ c23>,{strategy}",
        f"kedro run --env ffpp --pipelines=baselines --namespaces=meso4 --params={strategy}",
        "kedro run --env celebdf --pipelines=data,split "
        f"--params=data_root=<folder of Celeb-DF v2>,{strategy},trained_on=ffpp-official",
        "kedro run --env celebdf --pipelines=baselines --tags=evaluation --namespaces=meso4 "
        f"--params={strategy},trained_on=ffpp-official",
    ]
    # the first two make the experiment that the last ones judge, and its results are where they are looked for
    assert _config("ffpp", strategy)["globals"]["experiment"] == "ffpp-official"
    judged = _config("celebdf", _options(row["commands"][3])["--params"])["globals"]
    assert judged["evaluation"] == "ffpp-official-on-celebdf-official"
    nodes = register_pipelines()["baselines"].filter(tags=["evaluation"], node_namespaces=["meso4"]).nodes
    assert {node.name for node in nodes} == {
        f"meso4.{name}" for name in ("score_faces", "score_tracks", "score_videos", "summarise")
    }
    nodes = register_pipelines()["baselines"].filter(node_namespaces=["meso4"]).nodes
    assert "meso4.train" in {node.name for node in nodes}


def test_what_is_trained_already_is_judged_only() -> None:
    judged = _judged()
    judged["ffpp-on-celebdf/meso4"]["summary"]["dataset"] = "dfdc"
    (row,) = _rows(_table(), judged)
    assert [_options(command).get("--pipelines") for command in row["commands"]] == ["data,split", "baselines"]
    assert "trained_on=ffpp-official" in row["commands"][1]


def test_main_families_are_trained_and_judged_by_the_lineage() -> None:
    data = {"title": "DFD", "dataset": "dfd"}
    (row,) = _rows(_table(family="scade_net", trained_on=data, tested_on=data), {})
    assert row["commands"] == [
        "kedro run --env dfd --pipelines=data,split,train,evaluate --params=data_root=<folder of DFD>"
    ]


@pytest.mark.slow
def test_every_command_names_environments_pipelines_and_parameters_that_there_are() -> None:
    commands = {c for row in _rows(_published(), {}) for c in row["commands"]}
    assert len(commands) > 40
    pipelines = set(register_pipelines())
    typed = set()
    for command in commands:
        options = _options(command)
        assert set(options["--pipelines"].split(",")) <= pipelines
        params = [p for p in options.get("--params", "").split(",") if not p.startswith("data_root=")]
        typed.add((command.split("--env ")[1].split(" ")[0], ",".join(params)))
    for env, params in typed:
        assert check_parameters(_config(env, params)["parameters"]).dataset == env


def test_data_that_nobody_can_get_are_said_to_be_so() -> None:
    reproduced = compare_with_published(_table(tested_on={"title": "its own"}), {}, OPTIONS, EVALUATION)
    section = describe_reproduce(reproduced, {"hash": "h"})
    assert section["tables"][0]["rows"][0][-1] == "cannot be run: its data are not to be had"


def test_section_has_what_the_report_reads_and_all_of_it_is_text() -> None:
    reproduced = compare_with_published(_published() | _table(), _judged(), OPTIONS, EVALUATION)
    section = json.loads(json.dumps(describe_reproduce(json.loads(json.dumps(reproduced)), {"hash": "h"})))
    assert set(section) == {*SECTION_KEYS, "trainings"}
    assert list(section["trainings"]) == ["meso4 of ffpp-official on celebdf-official"]
    for table in section["tables"]:
        for row in table["rows"]:
            assert len(row) == len(table["columns"])
            assert all(isinstance(cell, str) for cell in row)
    compared = section["tables"][0]["rows"]
    # DeepfakeBench's Meso-4 on Celeb-DF, and the table of this test
    assert [(row[0], row[4], row[6]) for row in compared] == [
        ("Meso-4", "0.6091", "+0.141"),
        ("Meso-4", "0.6090", "+0.141"),
    ]


def test_figure_has_a_panel_a_source_and_a_line_a_published_value() -> None:
    reproduced = compare_with_published(_published(), _judged(), OPTIONS, EVALUATION)
    first, *_, last = draw_reproduce(reproduced).axes
    assert last.get_xlabel() == "AUC"
    assert len(first.get_yticklabels()) == 30
    # 30 marks, ours as a line and a point, and the line of chance
    assert len(first.lines) == 30 + 2 + 1
    nothing = compare_with_published(_table(tested_on={"title": "its own"}), {}, OPTIONS, EVALUATION)
    assert draw_reproduce(nothing).axes[0].get_xlabel() == "AUC"


def test_summaries_of_all_evaluations_are_read_and_old_ones_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert AllSummaries(folder=str(tmp_path / "none")).load() == {}
    for place, version in {"demo/meso4": SUMMARY_VERSION, "a-on-b/meso4.seed_3": SUMMARY_VERSION, "old/x": 1}.items():
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "summary.json").write_text(json.dumps(_summary() | {"version": version}))
    _faces().to_parquet(tmp_path / "demo/meso4/face_scores.parquet")
    judged = AllSummaries(folder=str(tmp_path)).load()
    assert sorted(judged) == ["a-on-b/meso4.seed_3", "demo/meso4"]
    assert len(judged["demo/meso4"]["face_scores"]()) == 25
    with pytest.raises(InputError, match=r"face_scores\.parquet is missing beside its summary\.json: judge"):
        judged["a-on-b/meso4.seed_3"]["face_scores"]()
    assert "is of version 1" in caplog.text

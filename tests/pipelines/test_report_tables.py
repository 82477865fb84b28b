"""Tables for papers: the numbers of the evaluation, escaped, and marked only where a paired test says so."""

import csv
import json
import os
import pickle
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fakefocus.hooks.parent_run import best_detector
from fakefocus.parameters import Evaluation
from fakefocus.pipelines.reporting.nodes import compare_detectors, write_tables

HOSTILE = r"100 % of <img src=x> & x_y #1 $ ~ ^ \input{a} σ ≤ 1"
HEADINGS = ["mean ‖δ‖∞", "mean ‖δ‖₂", "± deviation", "换脸", "Ψ · °", "[Ħal]", "* ŉ"]


@pytest.fixture(scope="module")
def inputs(tiny_project: Path) -> dict[str, Any]:
    data = tiny_project / "data"
    summaries = json.loads((data / "07_model_output/tiny/summaries.json").read_text())
    splits = json.loads((data / "05_model_input/tiny/splits.json").read_text())
    evaluation = Evaluation(threshold="validation", batch_size=8, confidence=0.95)
    comparisons = compare_detectors(summaries, evaluation)
    return {"splits_json": splits, "summaries": summaries, "comparisons": comparisons, "stored_sections": {}}


def _rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(text.splitlines()))


def test_every_run_writes_its_tables(tiny_project: Path) -> None:
    names = {file.name for file in (tiny_project / "data/08_reporting/tiny/tables").iterdir()}
    assert {"results.csv", "results.tex", "methods.csv", "methods.tex", "comparisons.csv"} <= names


def test_numbers_are_those_of_the_evaluation(inputs: dict[str, Any]) -> None:
    files = write_tables(**inputs)
    for row, summary in zip(_rows(files["results.csv"]), inputs["summaries"].values(), strict=True):
        video = summary["metrics"]["video"]
        assert int(row["parameters"]) == summary["parameters"]
        assert (int(row["real_videos"]), int(row["fake_videos"])) == (video["real"], video["fake"])
        for name in ("auc", "eer", "recall"):
            expected = video[name]["value"]
            assert row[name] == ("" if expected is None else str(expected))
    methods = {(row["detector"], row["method"]): row for row in _rows(files["methods.csv"])}
    for summary in inputs["summaries"].values():
        for method, metrics in summary["metrics"]["by_method"].items():
            row = methods[summary["contract"]["name"], method]
            assert row["trained_on"] == str(not metrics["held_out"])


def test_a_detector_is_marked_only_where_it_is_better_than_every_other(inputs: dict[str, Any]) -> None:
    pairs = inputs["comparisons"]["pairs"]
    names = sorted({pair["first"] for pair in pairs} | {pair["second"] for pair in pairs})
    assert names

    def results(better: str) -> str:
        judged = [pair | {"better": better if better in (pair["first"], pair["second"]) else ""} for pair in pairs]
        return write_tables(**inputs | {"comparisons": {"pairs": judged}})["results.tex"]

    assert r"\textbf" not in results("nobody")
    assert "No detector is shown to be better than every other" in results("nobody")
    for name in names:
        marked = [line for line in results(name).splitlines() if r"\textbf" in line]
        assert [line.split(" & ")[0] for line in marked] == [name]


def test_who_was_trained_on_no_tested_method_is_judged_on_the_others(inputs: dict[str, Any]) -> None:
    undefined = {"value": None, "low": None, "high": None}
    summaries = {}
    for number, name in enumerate(("scade_net", "multistream")):
        summary = inputs["summaries"][name]
        metrics = summary["metrics"]
        others = metrics["held_out"] | {"auc": {"value": 0.6 + 0.2 * number, "low": 0.5, "high": 0.9}}
        video = metrics["video"] | {"fake": 0, "auc": undefined, "eer": undefined}
        summaries[name] = summary | {"metrics": metrics | {"video": video, "held_out": others}}
    pairs = [inputs["comparisons"]["pairs"][0] | {"better": "Multi-stream"}]
    files = write_tables(**inputs | {"summaries": summaries, "comparisons": {"pairs": pairs}})
    rows = {row["detector"]: row for row in _rows(files["results.csv"])}
    for summary in summaries.values():
        row, others = rows[summary["contract"]["name"]], summary["metrics"]["held_out"]
        assert (row["judged_on"], int(row["fake_videos"])) == ("held_out", others["fake"])
        assert (row["auc"], row["auc_other_methods"]) == ("", str(others["auc"]["value"]))
        assert row["eer"] == str(others["eer"]["value"])
    assert r"& -- & \textbf{0.800 [0.500, 0.900]} &" in files["results.tex"]
    assert best_detector(summaries) == "multistream"


def test_headings_stay_distinct_and_nothing_is_called_nan(inputs: dict[str, Any]) -> None:
    table = {"columns": ["a", "a (2)", "a"], "rows": [[1, None, 3]]}
    section = {"title": "A protocol", "tables": [table], "split_hash": inputs["splits_json"]["hash"]}
    files = write_tables(**inputs | {"stored_sections": {"robustness": section}})
    assert _rows(files["robustness_1.csv"]) == [{"a": "1", "a (2)": "", "a (3)": "3"}]
    assert "nan" not in files["robustness_1.tex"]


def test_sections_become_tables_and_keep_double_headings_apart(inputs: dict[str, Any]) -> None:
    table = {"title": "", "columns": ["a", "b", "a"], "rows": [[1, HOSTILE, ""], ["x", "y", "z"]]}
    section = {"title": "A protocol", "tables": [table], "split_hash": inputs["splits_json"]["hash"]}
    files = write_tables(**inputs | {"stored_sections": {"robustness": section}})
    assert _rows(files["robustness_1.csv"])[0] == {"a": "1", "b": HOSTILE, "a (2)": ""}
    assert r"\textbackslash{}input\{a\}" in files["robustness_1.tex"]
    stale = section | {"split_hash": "another"}
    assert "robustness_1.csv" not in write_tables(**inputs | {"stored_sections": {"robustness": stale}})


def test_the_same_results_give_the_same_bytes_in_another_process(inputs: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "inputs.pickle").write_bytes(pickle.dumps(inputs))
    script = (
        "import pickle, sys; from fakefocus.pipelines.reporting.nodes import write_tables; "
        "sys.stdout.write(repr(write_tables(**pickle.load(open(sys.argv[1], 'rb')))))"
    )
    texts = [
        subprocess.run(
            [sys.executable, "-c", script, str(tmp_path / "inputs.pickle")],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert texts[0] == texts[1] == repr(write_tables(**inputs))


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
def test_tables_are_set_by_latex(inputs: dict[str, Any], tmp_path: Path) -> None:
    table = {"columns": ["text", *HEADINGS], "rows": [[first, *HEADINGS] for first in (HOSTILE, *HEADINGS)]}
    section = {"title": HOSTILE, "tables": [table], "split_hash": inputs["splits_json"]["hash"]}
    files = write_tables(**inputs | {"stored_sections": {"robustness": section}})
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    inputs = "\n".join(rf"\input{{{name}}}" for name in files if name.endswith(".tex"))
    head = r"\documentclass{article}\usepackage[T1]{fontenc}\usepackage{booktabs}\begin{document}"
    (tmp_path / "paper.tex").write_text(f"{head}\n{inputs}\n\\end{{document}}\n", encoding="utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]

"""Reading somebody's tables."""

import gzip
from pathlib import Path

import pandas as pd
import pytest
from kedro.io import DatasetError

from fakefocus.datasets.foreign_scores import ForeignScores


def _load(source: str | list[str]) -> dict[str, pd.DataFrame]:
    return ForeignScores(source=source).load()


def test_cells_stay_the_text_that_they_are(tmp_path: Path) -> None:
    file = tmp_path / "my scores.csv"
    file.write_text("\ufeffid,score\n000,.5\nNA,\n", encoding="utf-8")
    table = _load(str(file))["my scores"]
    # an id 000 is no 0, an id NA is no missing value, and the mark of the encoding is no part of a name
    assert table.to_dict("list") == {"id": ["000", "NA"], "score": [".5", ""]}


@pytest.mark.parametrize("parts", [",", ";", "\t"])
def test_commas_semicolons_and_tabs_part_cells(tmp_path: Path, parts: str) -> None:
    (tmp_path / "a.csv").write_text(f"id{parts}score\nx{parts}1\n")
    assert _load(str(tmp_path / "a.csv"))["a"].to_dict("list") == {"id": ["x"], "score": ["1"]}


def test_folder_glob_and_list_give_all_tables_by_their_stems(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("id,s\nx,1\n")
    with gzip.open(tmp_path / "two.csv.gz", "wt") as file:
        file.write("id,s\nx,2\n")
    pd.DataFrame({"id": ["x"], "s": [3.0]}).to_parquet(tmp_path / "three.parquet")
    (tmp_path / "notes.txt").write_text("no table")
    assert set(_load(str(tmp_path))) == {"one", "two", "three"}
    assert set(_load(str(tmp_path / "*.csv"))) == {"one"}
    assert list(_load([str(tmp_path / "two.csv.gz"), str(tmp_path / "one.csv")])) == ["two", "one"]
    assert _load(str(tmp_path))["two"]["s"].tolist() == ["2"]


def test_files_of_one_stem_are_told_apart_by_their_folders(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "scores.csv").write_text("id,s\nx,1\n")
    assert set(_load(str(tmp_path / "*" / "scores.csv"))) == {"a/scores", "b/scores"}


def test_no_file_is_lost_whose_folder_has_the_name_of_another(tmp_path: Path) -> None:
    for folder in ("r1/out", "r2/out", "r2/new"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "net.csv").write_text(f"id,s\n{folder},1\n")
    tables = _load(str(tmp_path / "**/net.csv"))
    # «out/net» would be two of them; a folder tells the third
    assert {name: table["id"][0] for name, table in tables.items()} == {
        "r1/out/net": "r1/out",
        "r2/out/net": "r2/out",
        "new/net": "r2/new",
    }


def test_files_that_differ_in_their_ending_keep_it(tmp_path: Path) -> None:
    (tmp_path / "net.csv").write_text("id,s\nx,1\n")
    (tmp_path / "net.csv.csv").write_text("id,s\nx,3\n")
    pd.DataFrame({"id": ["x"], "s": [2.0]}).to_parquet(tmp_path / "net.parquet")
    (tmp_path / "other.csv").write_text("id,s\nx,1\n")
    tables = _load(str(tmp_path))
    assert {name: float(table["s"][0]) for name, table in tables.items()} == {
        "net.csv": 1,
        "net.csv.csv": 3,
        "net.parquet": 2,
        "other": 1,
    }


def test_one_file_by_two_paths_is_one_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "net.csv").write_text("id,s\nx,1\n")
    monkeypatch.chdir(tmp_path)
    assert list(_load(["net.csv", str(tmp_path / "net.csv")])) == ["net"]


def test_path_is_relative_to_where_the_user_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "theirs.csv").write_text("id,s\nx,1\n")
    monkeypatch.chdir(tmp_path)
    assert set(_load("theirs.csv")) == {"theirs"}


def test_file_that_is_not_there_is_refused_with_the_near_one(tmp_path: Path) -> None:
    (tmp_path / "theirs.csv").write_text("id,s\nx,1\n")
    with pytest.raises(DatasetError, match=r"their\.csv: not there, did you mean 'theirs\.csv'\?"):
        _load(str(tmp_path / "their.csv"))
    with pytest.raises(DatasetError, match=r"scores: no file was named: kedro run --pipelines=judge --params=scores="):
        ForeignScores(source=None).load()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("id,s,s\nx,1,2\n", "the columns s are there twice"),
        ("id,s\nx,1,2\n", "cannot be read as a table"),
        ("id,s\n", "has no rows"),
        ("", "has no rows"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(DatasetError, match=message):
        _load(str(tmp_path / "a.csv"))


def test_other_encodings_are_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("id,s\nMüller,1\n".encode("latin-1"))
    with pytest.raises(DatasetError, match=r"a\.csv: cannot be read as a table .*CSV in UTF-8"):
        _load(str(tmp_path / "a.csv"))

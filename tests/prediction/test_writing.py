"""Results are kept as they come; a stopped run goes on, and a table or a list is complete or absent."""

import csv
import json
import os
from pathlib import Path

import pytest

from fakefocus.errors import InputError
from fakefocus.prediction import Options, Prediction, Predictor, find_detector
from fakefocus.prediction.notes import file_name, note_of
from fakefocus.prediction.writing import Results, is_answered


@pytest.fixture(scope="module")
def answer(face_clip: Path) -> Prediction:
    return Predictor(find_detector("scade_net"), Options(every=4))(face_clip)


@pytest.mark.parametrize("suffix", [".json", ".csv", ".ndjson"])
def test_file_that_was_asked_for_is_there_when_all_is_done(suffix: str, answer: Prediction, tmp_path: Path) -> None:
    path = tmp_path / f"results{suffix}"
    results = Results(path, resume=False)
    results.begin()
    results.add(answer)
    assert path.exists() == (suffix == ".ndjson")
    results.finish()
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    text = path.read_text()
    if suffix == ".csv":
        (row,) = csv.DictReader(text.splitlines())
        assert float(row["score"]) == answer.score
        assert (row["verdict"], row["faces"]) == (answer.verdict, str(len(answer.people[0].faces)))
    else:
        content = json.loads(text)
        assert Prediction.model_validate(content[0] if suffix == ".json" else content) == answer


@pytest.mark.parametrize("suffix", [".json", ".csv", ".ndjson"])
def test_a_stopped_run_goes_on_and_a_torn_line_is_asked_again(suffix: str, answer: Prediction, tmp_path: Path) -> None:
    path = tmp_path / f"results{suffix}"
    stopped = Results(path, resume=False)
    stopped.begin()
    stopped.add(answer)
    stopped.leave()
    (lines,) = tmp_path.iterdir()
    with lines.open("a") as file:
        file.write(answer.model_dump_json()[:80])
    with pytest.raises(InputError, match="is there already: go on with it by --resume"):
        Results(path, resume=False)
    assert Results(path, resume=True).earlier == [answer]


def test_a_line_of_something_else_is_not_passed_over(answer: Prediction, tmp_path: Path) -> None:
    (tmp_path / "results.ndjson").write_text("{}\n" + answer.model_dump_json() + "\n")
    with pytest.raises(InputError, match=r"results.ndjson: line 1 is no result"):
        Results(tmp_path / "results.ndjson", resume=True)


@pytest.mark.parametrize("end", ["", "\n"])
@pytest.mark.parametrize("before", ["", "answer"])
def test_a_last_line_that_is_no_result_is_never_written_over(
    before: str, end: str, answer: Prediction, tmp_path: Path
) -> None:
    earlier = f"{answer.model_dump_json()}\n" if before else ""
    text = earlier + '{"my": "own notes"}' + end
    (tmp_path / "results.ndjson").write_text(text)
    with pytest.raises(InputError, match=f"results.ndjson: line {2 if before else 1} is no result"):
        Results(tmp_path / "results.ndjson", resume=True)
    assert (tmp_path / "results.ndjson").read_text() == text


def test_a_file_is_asked_again_if_it_or_the_question_has_changed(answer: Prediction, face_clip: Path) -> None:
    detector = find_detector("scade_net")
    same, other = (Options(every=every) for every in (4, 2))
    note = note_of(detector, same)
    assert is_answered(face_clip, answer, note, same)
    assert not is_answered(face_clip, answer, note, other)
    assert not is_answered(face_clip, answer.model_copy(update={"sha256": "0"}), note, same)
    assert not is_answered(face_clip, answer.model_copy(update={"status": "failed"}), note, same)
    assert not is_answered(face_clip, None, note, same)


def test_what_is_asked_again_takes_the_place_of_the_earlier_result(answer: Prediction, tmp_path: Path) -> None:
    path = tmp_path / "results.ndjson"
    path.write_text(answer.model_copy(update={"seconds": 0.5}).model_dump_json() + "\n")
    for seconds in (1.0, 2.0):
        results = Results(path, resume=True)
        results.begin()
        assert answer.file in path.read_text(), "an earlier result stays until there is another"
        results.add(answer.model_copy(update={"seconds": seconds}))
        results.finish()
    assert [one.seconds for one in Results(path, resume=True).earlier] == [2.0]


def _files(path: Path) -> list[str]:
    """Return the names of files in results, as whoever reads that format finds them."""
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as table:
            return [row["file"] for row in csv.DictReader(table)]
    text = path.read_text(encoding="utf-8")
    rows = json.loads(text) if path.suffix == ".json" else [json.loads(line) for line in text.split("\n") if line]
    return [row["file"] for row in rows]


@pytest.mark.parametrize("suffix", [".json", ".csv", ".ndjson"])
def test_names_and_notes_of_any_letters_are_kept(suffix: str, answer: Prediction, tmp_path: Path) -> None:
    # a line separator is one for Python, and none for JSON
    name = file_name(Path(os.fsdecode("a\u2028b ".encode() + b"caf\xe9.mp4")))
    assert name.endswith("caf\\xe9.mp4")
    results = Results(tmp_path / f"results{suffix}", resume=False)
    results.begin()
    results.add(answer.model_copy(update={"file": name}))
    results.add(answer)
    results.finish()
    assert _files(tmp_path / f"results{suffix}") == [name, answer.file]


def test_a_file_of_something_else_is_not_gone_on_with(tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text('{"a": 1}')
    with pytest.raises(InputError, match=r"results\.json: holds no results of this version"):
        Results(tmp_path / "results.json", resume=True)


def test_another_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"must end in .ndjson, .json, .csv, got results.cvs, did you mean '.csv'"):
        Results(tmp_path / "results.cvs", resume=False)

"""Results are kept as they come; a stopped run goes on, and a table or a list is complete or absent."""

import csv
import json
from pathlib import Path

import pytest

from fakefocus.errors import InputError
from fakefocus.prediction import Options, Prediction, Predictor, find_detector
from fakefocus.prediction.notes import note_of, unanswered
from fakefocus.prediction.writing import Results, is_answered


@pytest.fixture(scope="module")
def answer(face_clip: Path) -> Prediction:
    return Predictor(find_detector("scade_net"), Options(every=4))(face_clip)


def _asked(options: Options) -> Prediction:
    return unanswered(Path(), note_of(find_detector("scade_net"), options), options, "")


@pytest.mark.parametrize("suffix", [".json", ".csv", ".ndjson"])
def test_file_that_was_asked_for_is_there_when_all_is_done(suffix: str, answer: Prediction, tmp_path: Path) -> None:
    path = tmp_path / f"results{suffix}"
    results = Results(path, resume=False)
    results.begin([])
    results.add(answer)
    assert path.exists() == (suffix == ".ndjson")
    results.finish()
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    text = path.read_text()
    if suffix == ".csv":
        (row,) = csv.DictReader(text.splitlines())
        assert float(row["score"]) == answer.score
        assert (row["verdict"], row["faces"]) == (answer.verdict, "2")
    else:
        content = json.loads(text)
        assert Prediction.model_validate(content[0] if suffix == ".json" else content) == answer


@pytest.mark.parametrize("suffix", [".json", ".csv", ".ndjson"])
def test_a_stopped_run_goes_on_and_a_torn_line_is_asked_again(suffix: str, answer: Prediction, tmp_path: Path) -> None:
    path = tmp_path / f"results{suffix}"
    stopped = Results(path, resume=False)
    stopped.begin([])
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


def test_a_file_is_asked_again_if_it_or_the_question_has_changed(answer: Prediction, face_clip: Path) -> None:
    same, other = (_asked(Options(every=every)) for every in (4, 2))
    assert is_answered(face_clip, answer, same)
    assert not is_answered(face_clip, answer, other)
    assert not is_answered(face_clip, answer.model_copy(update={"sha256": "0"}), same)
    assert not is_answered(face_clip, answer.model_copy(update={"status": "failed"}), same)
    assert not is_answered(face_clip, None, same)


def test_another_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"must end in .ndjson, .json, .csv, got results.cvs, did you mean '.csv'"):
        Results(tmp_path / "results.cvs", resume=False)

"""Rows of questions, each with an answer of its own."""

import base64
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import pandas as pd
import psutil
import pytest
import skimage.data

from fakefocus.errors import InputError
from fakefocus.prediction import Options, Predictor, find_detector, served
from fakefocus.prediction.media import suffix_of
from fakefocus.prediction.served import COLUMNS, Answers

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def answers() -> Iterator[Answers]:
    served_by = Answers("scade_net", workers=1)
    yield served_by
    served_by.close()


@pytest.fixture(scope="module")
def portrait(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("portrait") / "astronaut.png"
    cv2.imwrite(str(path), skimage.data.astronaut()[..., ::-1])
    return path


def _in_base64(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()


def test_a_bad_row_has_its_reason_and_the_others_their_answers(
    answers: Answers, portrait: Path, face_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(served, "MOST_BYTES", 2 * 2**20)
    text = base64.b64encode(b"not media at all").decode()
    contents = [_in_base64(portrait), "no base64!", text, "A" * 4 * 2**20, _in_base64(face_clip), None, "\u00e9"]
    table = answers(pd.DataFrame({"content": contents}), {"every": 4})
    assert list(table.columns) == list(COLUMNS)
    assert table["status"].tolist() == ["scored", "failed", "failed", "failed", "scored", "failed", "failed"]
    reasons = table["reason"].tolist()
    assert reasons[1].startswith("content: no base64")
    assert "not a media file" in reasons[2]
    assert reasons[3] == "content: larger than 2 MB"
    assert reasons[5] == "a row needs content (a file in base64) or path, and not both"
    assert table["score"].tolist()[1] is None, "JSON knows no NaN"
    alone = Predictor(find_detector("scade_net"), Options(every=4))
    assert table["score"].tolist()[0] == alone(portrait).score
    assert json.loads(table["result"].tolist()[4])["score"] == alone(face_clip).score


def test_paths_are_read_below_the_folder_that_was_named_alone(
    answers: Answers, portrait: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked = pd.DataFrame({"path": [portrait.name, "../secret.png", "nothere.png", "/etc/passwd"]})
    monkeypatch.delenv(served.MEDIA, raising=False)
    assert set(answers(asked, {})["reason"]) == {
        "path: this server reads no files; whoever runs it may name a folder in FAKEFOCUS_MEDIA"
    }
    (portrait.parent / "link.png").symlink_to("/etc/passwd")
    monkeypatch.setenv(served.MEDIA, str(portrait.parent))
    odd = ["a\0b", "n" * 300]
    table = answers(pd.DataFrame({"path": [*asked["path"], "link.png", *odd]}), {})
    assert [json.loads(one)["file"] for one in table["result"]][:2] == [portrait.name, "../secret.png"]
    outside = "path: must be below the folder that the server reads"
    assert table["reason"].tolist()[:5] == ["", outside, "path: no such file", outside, outside]
    assert all(reason.startswith("path: cannot be read") for reason in table["reason"].tolist()[5:])


def test_requests_of_several_threads_share_the_processes(answers: Answers, portrait: Path) -> None:
    asked = pd.DataFrame({"content": [_in_base64(portrait)]})
    processes = {child.pid for child in psutil.Process().children(recursive=True)}
    with ThreadPoolExecutor(6) as threads:
        tables = list(threads.map(lambda every: answers(asked, {"every": every}), (1, 2, 3, 1, 2, 3)))
    assert {child.pid for child in psutil.Process().children(recursive=True)} == processes
    assert len({table["score"].tolist()[0] for table in tables}) == 1
    with pytest.raises(InputError, match="up to 64 rows, got 65"):
        answers(pd.DataFrame({"content": ["x"] * 65}), {})


def test_kind_of_a_file_is_told_by_its_bytes(portrait: Path, face_clip: Path) -> None:
    assert suffix_of(portrait.read_bytes()[:16]) == ".png"
    assert suffix_of(face_clip.read_bytes()[:16]) == ".mp4"
    encoded = {
        kind: cv2.imencode(kind, skimage.data.astronaut())[1].tobytes()[:16]
        for kind in (".jpg", ".webp", ".bmp", ".tif")
    }
    assert {kind: suffix_of(beginning) for kind, beginning in encoded.items()} == {kind: kind for kind in encoded}

"""One answer from a file: who is in it, how high they score, how firm that is, and what is unusual."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data

from fakefocus.errors import InputError
from fakefocus.prediction import Options, Prediction, Predictor, find_detector
from fakefocus.prediction.notes import deciding
from fakefocus.prediction.quality import jpeg_quality
from fakefocus.prediction.result import SCHEMA_VERSION, PersonResult, Warned, json_schema, read_prediction
from fakefocus.prediction.words import in_words

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def predictor() -> Predictor:
    return Predictor(find_detector("scade_net"), Options(every=2))


@pytest.fixture(scope="module")
def portrait(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("portrait") / "astronaut.png"
    cv2.imwrite(str(path), skimage.data.astronaut()[..., ::-1])
    return path


def test_image_is_answered_with_a_box_and_both_limits(predictor: Predictor, portrait: Path) -> None:
    answer = predictor(portrait)
    assert (answer.status, answer.media.kind, len(answer.people)) == ("scored", "image", 1)
    (face,) = answer.people[0].faces
    x1, y1, x2, y2 = face.box
    # the astronaut's face, by eye
    assert 150 < x1 < 200 < x2 < 320
    assert 30 < y1 < 90 < y2 < 220
    limits = answer.model.limits
    expected = "fake" if face.score >= limits.fake_from else "real" if face.score < limits.real_below else "uncertain"
    assert answer.verdict == expected
    assert answer.score == face.score
    assert answer.probability.low is None, "one face has no interval"


def test_clip_has_a_score_a_frame_and_an_interval(predictor: Predictor, face_clip: Path) -> None:
    answer = predictor(face_clip)
    (person,) = answer.people
    assert [face.frame for face in person.faces] == [0, 2, 4, 6]
    assert answer.score == pytest.approx(np.mean([face.score for face in person.faces]))
    assert answer.probability.low <= answer.probability.value <= answer.probability.high
    down, up = person.benign_shift
    # all four faces are edited
    moved = [value - person.score for value in person.benign_edits.values()]
    assert (down, up) == pytest.approx((min(0, *moved), max(0, *moved)))
    assert answer == predictor(face_clip).model_copy(update={"seconds": answer.seconds}), "nothing is drawn anew"


def test_threshold_of_ones_own_leaves_nothing_uncertain(portrait: Path) -> None:
    detector = find_detector("scade_net")
    score = Predictor(detector)(portrait).score
    assert Predictor(detector, Options(threshold=score))(portrait).verdict == "fake"
    assert Predictor(detector, Options(threshold=1.0))(portrait).verdict == "real"


def test_what_shows_nobody_or_cannot_be_read_has_its_reason(
    predictor: Predictor, faceless_clip: Path, audio_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("not a video")
    answers = {path.name: predictor(path) for path in (faceless_clip, audio_file, *tmp_path.glob("[et]*.mp4"))}
    reasons = {name: (answer.status, answer.reason) for name, answer in answers.items()}
    assert reasons["faceless.mp4"] == ("no_face", "no face in 5 sampled frames")
    assert reasons["empty.mp4"] == ("failed", "empty file (0 bytes)")
    assert reasons["text.mp4"][0] == "failed"
    assert "not a media file" in reasons["text.mp4"][1]
    assert reasons["sound.mp4"][1].startswith("no video stream")
    assert all(answer.score is None for answer in answers.values())


def test_a_short_clip_is_sampled_more_densely(face_clip: Path) -> None:
    (person,) = Predictor(find_detector("scade_net"), Options(every=10))(face_clip).people
    # of eight frames, each tenth would be one
    assert [face.frame for face in person.faces] == [0, 2, 4, 6]
    assert "few_frames" not in {warned.problem for warned in person.warnings}


def test_small_and_hard_compressed_faces_are_warned_of(predictor: Predictor, tmp_path: Path) -> None:
    face = cv2.resize(skimage.data.astronaut()[..., ::-1], None, fx=0.4, fy=0.4, interpolation=cv2.INTER_AREA)
    path = tmp_path / "small.jpg"
    cv2.imwrite(str(path), face, [cv2.IMWRITE_JPEG_QUALITY, 12])
    answer = predictor(path)
    assert answer.status == "scored"
    assert {"tiny", "compressed"} <= {warned.problem for warned in answer.warnings}
    assert "Less certain than usual here: faces of" in answer.says


@pytest.mark.parametrize("quality", [5, 30, 50, 75, 95])
def test_quality_of_a_jpeg_is_read_off_its_tables(quality: int, tmp_path: Path) -> None:
    path = tmp_path / "picture.jpg"
    cv2.imwrite(str(path), skimage.data.astronaut(), [cv2.IMWRITE_JPEG_QUALITY, quality])
    assert jpeg_quality(path) == pytest.approx(quality, abs=2)


def _person(number: int, score: float, *problems: str) -> PersonResult:
    warnings = tuple(Warned(problem=p, measured=0, limit=0, text=p) for p in problems)
    values = {"person": number, "verdict": "uncertain", "score": score, "probability": None, "size": 100.0}
    return PersonResult(**values, benign_edits={}, benign_shift=(0.0, 0.0), warnings=warnings, faces=())


def test_passers_by_do_not_decide_where_somebody_is_seen_well() -> None:
    seen_well, passer_by, far = _person(0, 0.2), _person(1, 0.9, "few_frames"), _person(2, 0.8, "tiny")
    assert deciding([seen_well, passer_by, far]) == [seen_well]
    assert deciding([passer_by, far]) == [passer_by, far]
    assert deciding([_person(0, 0.2, "blurred")]) == [_person(0, 0.2, "blurred")]


def test_words_name_who_is_seen_well_and_who_is_not(predictor: Predictor, face_clip: Path) -> None:
    answer = predictor(face_clip)
    limits = answer.model.limits
    alone, far = _person(0, 0.2), _person(1, 0.99, "tiny").model_copy(update={"verdict": "fake"})
    said = in_words(alone, limits, [alone, far], answer.media)
    assert "person 0, the only one of 2 people who is seen well" in said
    assert "Person 1, who is hardly seen, scores 0.99" in said
    image = answer.media.model_copy(update={"kind": "image"})
    assert "no error rate is promised for a picture" in in_words(alone, limits, [alone], image)
    two = [_person(number, 0.9).model_copy(update={"verdict": "fake"}) for number in range(2)]
    assert "by mistake more often" in in_words(two[0], limits, two, answer.media)


def test_a_cache_that_cannot_be_written_to_costs_time_alone(portrait: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKEFOCUS_CACHE", "/proc/nowhere")
    assert Predictor(find_detector("scade_net"))(portrait).status == "scored"


def test_result_is_what_its_line_of_json_says(predictor: Predictor, face_clip: Path) -> None:
    answer = predictor(face_clip)
    assert read_prediction(answer.model_dump_json()) == answer
    schema = json_schema()
    assert set(schema["required"]) <= set(answer.model_dump(mode="json"))
    assert schema["properties"]["schema_version"]["const"] == SCHEMA_VERSION
    assert set(schema["properties"]) == set(Prediction.model_fields)
    published = json.loads((ROOT / "docs/schema/prediction.json").read_text())
    assert published == schema, "docs/schema/prediction.json is of another version"


def test_an_image_is_answered_without_torch_once_the_graph_is_kept(portrait: Path) -> None:
    code = (
        "import sys; from fakefocus.prediction import Predictor, find_detector; "
        f"answer = Predictor(find_detector('scade_net'))({str(portrait)!r}); assert answer.status == 'scored'; "
        "print(sorted({'torch', 'pandas', 'kedro', 'mlflow', 'timm'} & set(sys.modules)))"
    )
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_detector_is_found_by_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(find_detector("scade_net").folder, folder)
    # a folder of that name where one happens to be does not take its place
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scade_net").mkdir()
    mine, shipped = find_detector(str(folder)), find_detector("scade_net")
    assert (mine.sha256, mine.contract) == (shipped.sha256, shipped.contract)


def test_what_poses_as_a_detector_is_refused(tmp_path: Path, portrait: Path) -> None:
    with pytest.raises(InputError, match=r"nothing is called 'lit', did you mean 'lite'"):
        find_detector("lit")
    with pytest.raises(InputError, match=r"holds no architecture\.json"):
        find_detector(str(tmp_path))
    folder = tmp_path / "pickled"
    shutil.copytree(find_detector("scade_net").folder, folder)
    import torch

    torch.save({"a": torch.zeros(1)}, folder / "weights.safetensors")
    with pytest.raises(InputError, match=r"no safetensors file .* as they may run code"):
        Predictor(find_detector(str(folder)))(portrait)
    (folder / "architecture.json").write_text("[]")
    with pytest.raises(InputError, match="must hold an object, it holds a list"):
        find_detector(str(folder))

"""A page about one file: who decides comes first, and nothing is promised that was not measured."""

import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest
import skimage.data

from fakefocus.prediction import Prediction, Predictor, find_detector
from fakefocus.prediction.answer_page import Shown, answer_page
from fakefocus.prediction.boxes import find_person
from fakefocus.prediction.detectors import Detector
from fakefocus.prediction.explaining import Explanation, read_explanation, write_explanation
from fakefocus.prediction.notes import unanswered
from fakefocus.prediction.rates import rates_in_words


@pytest.fixture(scope="module")
def detector() -> Detector:
    return find_detector("scade_net")


@pytest.fixture(scope="module")
def two_people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a picture of two people, which shows the second one larger."""
    face = skimage.data.astronaut()[:300, 60:360]
    small = cv2.GaussianBlur(cv2.resize(face[:, ::-1], (200, 200)), (0, 0), 2)
    picture = np.full((320, 560, 3), 120, np.uint8)
    picture[10:310, 240:540] = face
    picture[60:260, 20:220] = small
    path = tmp_path_factory.mktemp("people") / "<b>two.png"
    cv2.imwrite(str(path), picture[..., ::-1])
    return path


@pytest.fixture(scope="module")
def explained(detector: Detector, two_people: Path) -> tuple[Prediction, Explanation]:
    answer, explanation = Predictor(detector)(two_people), Predictor(detector).explained(two_people)
    assert explanation[0].score == answer.score
    return explanation


def test_page_shows_first_by_whom_the_file_is_judged(
    explained: tuple[Prediction, Explanation], detector: Detector
) -> None:
    answer, explanation = explained
    assert len(answer.people) == 2
    page = answer_page([Shown(answer, explanation, rates_in_words(detector))])
    numbers = [int(number) for number in re.findall(r"<h3>Person (\d)", page)]
    assert numbers == [answer.person, 1 - answer.person]
    assert page.count("by whom the file is judged") == 1
    assert "<b>two" not in page, "a name is no HTML"
    assert "&lt;b&gt;two.png" in page
    assert str(Path(answer.file).parent) not in page


def test_what_nobody_read_is_not_said_of_a_file(explained: tuple[Prediction, Explanation], detector: Detector) -> None:
    answer, explanation = explained
    killed = Shown(unanswered(Path("two.png"), answer.model, answer.options, "its decoder died"), None, ())
    nothing = "no C2PA manifest, which says nothing"
    assert nothing not in answer_page([killed])
    page = answer_page([killed, Shown(answer, explanation, ())])
    assert page.count(nothing) == 1
    assert "560 x 320" in page, "the other one has read it"


def test_people_are_told_by_where_they_are_and_not_by_number(explained: tuple[Prediction, Explanation]) -> None:
    people = explained[0].people
    turned = tuple(one.model_copy(update={"person": 1 - one.person}) for one in people)
    other = explained[0].model_copy(update={"people": turned})
    for person in people:
        assert find_person(other, person).person == 1 - person.person
    nowhere = people[0].model_copy(update={"faces": tuple(f.model_copy(update={"frame": 9}) for f in people[0].faces)})
    assert find_person(other, nowhere) is None


def test_explanation_comes_back_from_its_file_as_it_was(
    explained: tuple[Prediction, Explanation], tmp_path: Path
) -> None:
    explanation = explained[1]
    write_explanation(explanation, tmp_path / "explanation.npz")
    again = read_explanation(tmp_path / "explanation.npz")
    assert list(again.people) == list(explanation.people)
    np.testing.assert_array_equal(again.scene, explanation.scene)
    for number, faces in explanation.people.items():
        for face, other in zip(faces, again.people[number], strict=True):
            assert (face.time, face.score) == (other.time, other.score)
            for values, others in zip(face[2:], other[2:], strict=True):
                np.testing.assert_array_equal(values, others)


def test_faces_pictures_and_maps_are_of_one_size(explained: tuple[Prediction, Explanation]) -> None:
    (face, *_) = explained[1].people[explained[0].person]
    side = face.picture.shape[0]
    assert (face.picture.shape, face.defocus.shape, face.heat.shape) == ((side, side, 3), (side, side), (side, side))
    assert 0 <= face.heat.min() < face.heat.max() <= 1


def test_rates_are_those_of_the_card(detector: Detector) -> None:
    card = (detector.folder / "card.md").read_text("utf-8")
    unaltered = re.search(r"as they are, c23 \| 100 \| [\d.]+ \| ([\d.]+) % \[([\d.]+), ([\d.]+)\]", card)
    rate, low, high = (f"{float(number):.0f}" for number in unaltered.groups())
    sentences = " ".join(rates_in_words(detector))
    assert f"it calls fake {rate} % [{low}, {high}] as they are" in sentences
    assert "that somebody else made, is not known" in sentences


def test_rates_without_an_interval_and_of_other_data_are_said_as_they_are(detector: Detector, tmp_path: Path) -> None:
    for file in detector.folder.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    contract = json.loads((tmp_path / "architecture.json").read_text())
    (tmp_path / "architecture.json").write_text(json.dumps(contract | {"dataset": "my {own}"}))
    results = json.loads((tmp_path / "results.json").read_text())
    for row in results["edits"]:
        row["called_fake"] |= {"low": None, "high": None}
    results["edits"][-1]["called_fake"]["value"] = None
    (tmp_path / "results.json").write_text(json.dumps(results))
    sentences = " ".join(rates_in_words(find_detector(str(tmp_path))))
    assert re.search(r"it calls fake \d+ % as they are, ", sentences)
    assert f"the test side of my {{own}}, {results['people']} people whom it had not seen" in sentences
    assert "portraits" not in sentences


def test_a_detector_that_was_not_released_has_no_rates(detector: Detector, tmp_path: Path) -> None:
    for name in ("architecture.json", "weights.safetensors"):
        (tmp_path / name).write_bytes((detector.folder / name).read_bytes())
    (sentence,) = rates_in_words(find_detector(str(tmp_path)))
    assert "was not measured" in sentence

"""Pictures of an answer: a sheet a person, scores over time, and the clip with boxes."""

from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import skimage.data

from fakefocus.imaging.frames import read_frames
from fakefocus.prediction import Options, Predictor, find_detector
from fakefocus.prediction.boxes import box_at, sampling_step
from fakefocus.prediction.result import FaceResult, PersonResult

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def explained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Predictor, Path]:
    folder = tmp_path_factory.mktemp("explained")
    return Predictor(find_detector("scade_net"), Options(every=4), folder), folder


def test_clip_has_a_sheet_a_line_and_boxes(explained: tuple[Predictor, Path], face_clip: Path) -> None:
    predictor, folder = explained
    answer = predictor(face_clip)
    (own,) = folder.glob(f"{face_clip.stem}-*")
    assert {file.name for file in own.iterdir()} == {
        "person_0.png",
        "scores.png",
        "annotated.mp4",
        "answer.json",
        "answer.html",
    }
    with av.open(str(own / "annotated.mp4")) as clip:
        frames = [frame.to_ndarray(format="rgb24") for frame in clip.decode(video=0)]
    assert len(frames) == answer.media.frames
    (original,) = (frame.image for frame in read_frames(face_clip, lambda _: [0]))
    x1, y1, _, y2 = map(round, answer.people[0].faces[0].box)
    changed = np.abs(frames[0].astype(int) - original).max(axis=2)
    # the box is drawn there, and the corner of the picture is as it was
    assert changed[(y1 + y2) // 2, x1 - 1 : x1 + 2].min() > 30
    assert np.median(changed[-40:, -40:]) < 10


def test_image_has_a_sheet_alone(explained: tuple[Predictor, Path], tmp_path: Path) -> None:
    predictor, folder = explained
    path = tmp_path / "astronaut.png"
    cv2.imwrite(str(path), skimage.data.astronaut()[..., ::-1])
    predictor(path)
    (own,) = folder.glob("astronaut-*")
    assert {file.name for file in own.iterdir()} == {"person_0.png", "answer.json", "answer.html"}
    sheet = cv2.imread(str(own / "person_0.png"))
    # the face, its map, and where the score comes from
    assert sheet.shape[1] > 2 * sheet.shape[0]


def test_a_clip_under_the_name_of_a_picture_is_drawn_as_a_clip(
    explained: tuple[Predictor, Path], face_clip: Path, tmp_path: Path
) -> None:
    predictor, folder = explained
    path = tmp_path / "misnamed.jpg"
    path.write_bytes(face_clip.read_bytes())
    predictor(path)
    (own,) = folder.glob("misnamed-*")
    assert (own / "annotated.mp4").stat().st_size > 0


def test_a_face_is_boxed_between_sampled_frames_and_not_where_it_is_gone() -> None:
    faces = tuple(
        FaceResult(frame=frame, time=frame / 25, box=(x, 0.0, x + 10, 10.0), score=0.5)
        for frame, x in ((0, 0.0), (10, 20.0), (50, 100.0))
    )
    values = {"person": 0, "verdict": "uncertain", "score": 0.5, "probability": None, "size": 10.0}
    person = PersonResult(**values, benign_edits={}, benign_shift=(0.0, 0.0), warnings=(), faces=faces)
    assert box_at(person, 5, every=10)[0] == pytest.approx(10)
    assert box_at(person, 14, every=10) is not None
    assert box_at(person, 30, every=10) is None
    assert box_at(person, 56, every=10) is None


def test_step_between_boxes_is_the_one_that_was_sampled(face_clip: Path) -> None:
    answer = Predictor(find_detector("scade_net"), Options(every=1, max_frames=3))(face_clip)
    # three of eight frames: 1, 4, 6
    assert sampling_step(answer) > answer.options.every

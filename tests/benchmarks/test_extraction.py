"""The benchmark of extraction tells a lost face from a found one."""

from pathlib import Path

import numpy as np
import pytest
from benchmarks.extraction import _credible, agreement, count_pieces

from fakefocus.detection.faces import NO_FACES, Faces

pytestmark = pytest.mark.slow


def _faces(*boxes: tuple[float, float, float, float]) -> Faces:
    box = np.array(boxes, float)
    marks = np.stack([b[:2] + np.array([[30, 40], [70, 40], [50, 60], [35, 80], [65, 80]]) for b in box])
    return Faces(box, np.ones(len(box)), marks)


def test_faces_that_are_the_reference_s_agree() -> None:
    clip = [_faces((0, 0, 100, 100)), _faces((2, 0, 102, 100))]
    told = agreement([clip], [clip])
    assert (told["videos without main face"], told["main faces found"], told["mean IoU"]) == (0, 1, 1)
    assert told["landmark error, eye distances"] == 0


def test_lost_and_displaced_faces_are_counted() -> None:
    there = _faces((0, 0, 100, 100), (300, 0, 340, 40))
    told = agreement([[there, there]], [[_faces((10, 0, 110, 100)), NO_FACES]])
    assert told["main faces found"] == 0.5
    # shifted by 10 of 100 pixels: 90 / 110 are shared; a lost face counts as 0
    assert told["mean IoU"] == pytest.approx(90 / 110 / 2, abs=1e-4)
    # 10 pixels of an eye distance of 40
    assert told["landmark error, eye distances"] == pytest.approx(0.25)


def test_video_whose_main_face_is_never_found_is_lost() -> None:
    assert agreement([[_faces((0, 0, 100, 100))]], [[NO_FACES]])["videos without main face"] == 1


def test_face_that_the_reference_sees_on_the_back_of_a_head_is_not_asked_for() -> None:
    clip = [_faces((0, 0, 100, 100))] * 10
    # the scene «corridor» shows a back from 3.0 to 5.4 seconds, from frame 75 on
    shown = [len(faces.boxes) for faces in _credible(clip, 640, Path("phone/corridor.mp4"))]
    assert shown == [1] * 8 + [0] * 2
    assert len(_credible(clip, 640, Path("own/corridor.mp4"))[9].boxes) == 1


def test_frames_in_which_a_lone_person_counts_as_somebody_else_are_pieces(
    face_clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = [_faces((0, 0, 100, 100))]
    assert count_pieces(face_clip, alone) == 0
    # with nobody who is kept, every face is somebody else's
    monkeypatch.setattr("fakefocus.extraction._kept", lambda *_, **__: [])
    assert count_pieces(face_clip, alone) == 1
    assert count_pieces(face_clip, [_faces((0, 0, 100, 100), (300, 0, 340, 40))]) == 0

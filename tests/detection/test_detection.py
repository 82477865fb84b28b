from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from fakefocus.detection.mtcnn import FaceDetector
from fakefocus.detection.tracking import box_iou, link_tracks, main_track
from fakefocus.imaging.frames import read_frames


def test_mtcnn_finds_the_portraits_eyes() -> None:
    import skimage.data

    (faces,) = FaceDetector(60, (0.6, 0.7, 0.9))([skimage.data.astronaut()])
    assert len(faces.boxes) == 1
    # the eyes of the portrait, read off it by hand: (203, 101) and (247, 103)
    assert np.abs(faces.landmarks[0, :2] - [(203, 101), (247, 103)]).max() < 5


def test_mtcnn_finds_every_frame_of_a_demo_clip(face_clip: Path) -> None:
    faces = FaceDetector(60, (0.6, 0.7, 0.9))([frame.image for frame in read_frames(face_clip)])
    assert [len(f.boxes) for f in faces] == [1] * 8


def test_overlap_of_boxes_worked_out_by_hand() -> None:
    # 10 x 10 boxes shifted by 5: they share 50 of 150 square pixels
    overlap = box_iou(np.array([0, 0, 10, 10]), np.array([[5, 0, 15, 10], [20, 20, 30, 30]]))
    assert np.allclose(overlap, [1 / 3, 0])


def test_main_track_follows_the_large_face_past_another() -> None:
    small, large = [0, 0, 10, 10], [50, 50, 90, 90]
    boxes = [np.array([small, large], float), np.array([large, small], float), np.array([small], float)]
    assert main_track(boxes) == {0: 1, 1: 0}


def test_clip_without_faces_has_no_track() -> None:
    assert main_track([np.zeros((0, 4)), np.zeros((0, 4))]) == {}


@settings(max_examples=60)
@given(st.lists(st.lists(st.tuples(*[st.integers(0, 50)] * 2, *[st.integers(1, 40)] * 2), max_size=4), max_size=6))
def test_every_box_is_in_exactly_one_track(frames: list[list[tuple[int, int, int, int]]]) -> None:
    boxes = [np.array([(x, y, x + w, y + h) for x, y, w, h in f], float).reshape(-1, 4) for f in frames]
    linked = sorted((p, row) for track in link_tracks(boxes) for p, row in track.items())
    assert linked == [(p, row) for p, found in enumerate(boxes) for row in range(len(found))]

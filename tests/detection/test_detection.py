from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from facenet_pytorch import MTCNN
from facenet_pytorch.models.mtcnn import ONet, PNet, RNet
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from fakefocus.detection.boxes import box_iou, same_place, squared, without_nested
from fakefocus.detection.faces import NO_FACES, Faces, bounded, plausible
from fakefocus.detection.following import INTERVAL, FaceFollower
from fakefocus.detection.haar import HaarDetector
from fakefocus.detection.mtcnn import FaceDetector, Region
from fakefocus.detection.networks import batches, networks
from fakefocus.detection.tracking import MAX_GAP, TrackLinker
from fakefocus.detection.views import View, viewed
from fakefocus.imaging.frames import read_frames

THRESHOLDS = (0.6, 0.7, 0.9)


@pytest.fixture(scope="module")
def detector() -> FaceDetector:
    return FaceDetector(60, THRESHOLDS)


@pytest.fixture(scope="module")
def reference() -> MTCNN:
    return MTCNN(keep_all=True, min_face_size=60, thresholds=list(THRESHOLDS))


@pytest.fixture(scope="module")
def astronaut() -> np.ndarray:
    import skimage.data

    return skimage.data.astronaut()


class Counting:
    """A detector that keeps a log of what it was asked."""

    def __init__(self, detector: FaceDetector) -> None:
        self.detector, self.log = detector, ""

    def detect(self, image: View) -> Faces:
        self.log += "w"
        return self.detector.detect(image)

    def search(self, image: View, regions: Sequence[Region], besides: np.ndarray) -> Faces:
        self.log += "s"
        return self.detector.search(image, regions, besides)

    def refine(self, image: View, boxes: np.ndarray) -> Faces:
        self.log += "."
        return self.detector.refine(image, boxes)


def _shifted(image: np.ndarray, dx: int, dy: int = 0) -> np.ndarray:
    return np.roll(image, (dy, dx), axis=(0, 1))


def test_eyes_of_the_portrait_are_found_where_they_are(detector: FaceDetector, astronaut: np.ndarray) -> None:
    faces = detector.detect(astronaut)
    assert len(faces.boxes) == 1
    # the eyes of the portrait, read off it by hand: (203, 101) and (247, 103)
    assert np.abs(faces.landmarks[0, :2] - [(203, 101), (247, 103)]).max() < 5


@pytest.mark.parametrize("scale", [1, 2])
def test_faces_are_those_of_the_reference(
    detector: FaceDetector, reference: MTCNN, astronaut: np.ndarray, scale: int
) -> None:
    import skimage.data

    wide = np.hstack([astronaut, skimage.data.astronaut()[:, ::-1]])
    image = np.kron(wide, np.ones((scale, scale, 1), np.uint8))
    boxes, _, marks = (np.asarray(found, float) for found in reference.detect(image, landmarks=True))
    faces = detector.detect(image)
    assert len(faces.boxes) == len(boxes) == 2
    for box, points in zip(boxes, marks, strict=True):
        overlap = box_iou(box, faces.boxes)
        eyes = np.linalg.norm(points[0] - points[1])
        assert overlap.max() > 0.85
        assert np.linalg.norm(faces.landmarks[overlap.argmax()] - points, axis=1).mean() < 0.06 * eyes


def test_networks_compute_what_the_reference_does() -> None:
    rng = np.random.default_rng(0)
    ours = networks("f32")
    cases = [
        (ours.proposal, PNet(), (1, 61, 83)),
        (ours.refinement, RNet(), (3, 24, 24)),
        (ours.output, ONet(), (5, 48, 48)),
    ]
    for network, reference, shape in cases:
        pictures = rng.integers(0, 256, (*shape, 3), dtype=np.uint8)
        found = network(pictures)
        with torch.inference_mode():
            x = (torch.from_numpy(pictures).permute(0, 3, 1, 2).float() - 127.5) / 128
            *offsets, scores = (t.numpy() for t in reference.eval()(x))
        for expected, got in zip([scores[:, 1], *offsets], found, strict=True):
            assert got.shape == expected.shape
            assert np.abs(got - expected).max() < 1e-4


def test_known_face_is_refined_from_where_it_was(detector: FaceDetector, astronaut: np.ndarray) -> None:
    there = detector.detect(astronaut)
    moved = detector.refine(_shifted(astronaut, 12, 6), there.boxes)
    assert np.abs(moved.landmarks[0] - there.landmarks[0] - (12, 6)).max() < 4


def test_refining_where_nobody_is_finds_nobody(detector: FaceDetector) -> None:
    grey = np.full((400, 400, 3), 120, np.uint8)
    assert not len(detector.refine(grey, np.array([[100.0, 100, 200, 220]])).boxes)
    assert not len(detector.refine(grey, np.zeros((0, 4))).boxes)


def test_face_of_a_still_clip_is_followed_with_few_looks_at_whole_frames(
    detector: FaceDetector, astronaut: np.ndarray
) -> None:
    counting = Counting(detector)
    follower = FaceFollower(counting)
    found = [follower(_shifted(astronaut, i)) for i in range(INTERVAL + 2)]
    assert counting.log.count("w") == 1  # the first frame
    assert counting.log.count("s") == 1  # the one after the interval, for new faces
    assert all(len(f.boxes) == 1 for f in found)
    steps = [b.landmarks[0] - a.landmarks[0] for a, b in pairwise(found)]
    assert np.abs(np.array(steps) - (1, 0)).max() < 5


def test_fast_face_is_found_again_in_its_neighbourhood(detector: FaceDetector, astronaut: np.ndarray) -> None:
    follower = FaceFollower(detector)
    first = follower(astronaut)
    # 60 pixels in one step: more than half of the face's width
    second = follower(_shifted(astronaut, 60))
    assert np.abs(second.landmarks[0] - first.landmarks[0] - (60, 0)).max() < 5


def test_cut_is_noticed_and_the_new_scene_looked_at(detector: FaceDetector, astronaut: np.ndarray) -> None:
    counting = Counting(detector)
    follower = FaceFollower(counting)
    follower(astronaut)
    assert not follower.cut
    faces = follower(np.ascontiguousarray(astronaut[:, ::-1]))
    assert follower.cut
    assert counting.log == "ww"
    assert len(faces.boxes) == 1


def test_somebody_new_away_from_the_known_face_is_found_at_once(detector: FaceDetector, astronaut: np.ndarray) -> None:
    empty = np.full((512, 512, 3), 128, np.uint8)
    follower = FaceFollower(detector)
    assert len(follower(np.hstack([astronaut, empty])).boxes) == 1
    assert len(follower(np.hstack([astronaut, empty])).boxes) == 1
    assert len(follower(np.hstack([astronaut, astronaut])).boxes) == 2


def test_frames_without_faces_are_all_looked_at(detector: FaceDetector) -> None:
    counting = Counting(detector)
    follower = FaceFollower(counting)
    grey = np.full((240, 320, 3), 100, np.uint8)
    assert [len(follower(grey).boxes) for _ in range(3)] == [0, 0, 0]
    assert counting.log == "www"


def test_frame_smaller_than_any_face_has_none(detector: FaceDetector) -> None:
    assert detector.detect(np.zeros((20, 30, 3), np.uint8)) is NO_FACES


def test_every_frame_of_a_demo_clip_has_its_face(detector: FaceDetector, face_clip: Path) -> None:
    follower = FaceFollower(detector)
    assert [len(follower(f.image).boxes) for f in read_frames(face_clip) if f.image is not None] == [1] * 8


def test_part_of_a_frame_is_searched_for_faces_of_a_size(detector: FaceDetector, astronaut: np.ndarray) -> None:
    # the portrait's face is near (225, 120), about 110 pixels high
    nobody = np.zeros((0, 4))
    assert len(detector.search(astronaut, [Region((100, 0, 350, 250))], nobody).boxes) == 1
    assert not len(detector.search(astronaut, [Region((100, 0, 350, 250), least=300)], nobody).boxes)
    assert not len(detector.search(astronaut, [Region((300, 300, 512, 512))], nobody).boxes)


@pytest.mark.parametrize("box", [(600, 100, 900, 300), (-300, 0, -50, 200), (100, 600, 200, 900)])
def test_region_outside_of_the_frame_holds_nobody(
    detector: FaceDetector, astronaut: np.ndarray, box: tuple[float, float, float, float]
) -> None:
    assert detector.search(astronaut, [Region(box)], np.zeros((0, 4))) is NO_FACES


def test_face_that_is_known_is_not_searched_for(detector: FaceDetector, astronaut: np.ndarray) -> None:
    both, known = np.hstack([astronaut, astronaut]), detector.detect(astronaut).boxes
    new = detector.search(both, [Region((0, 0, 1024, 512))], known)
    assert len(new.boxes) == 1
    assert np.abs(new.boxes[0] - known[0] - (512, 0, 512, 0)).max() < 15


def test_face_that_fills_its_frame_does_not_grow_from_frame_to_frame(
    detector: FaceDetector, astronaut: np.ndarray
) -> None:
    # the portrait cropped to its face, as published clips are, and moved by a pixel a frame
    follower = FaceFollower(detector)
    sides = []
    for step in range(INTERVAL):
        cropped = astronaut[38 + step % 4 : 178 + step % 4, 155 + step : 295 + step]
        faces = follower(np.kron(cropped, np.ones((2, 2, 1), np.uint8)))
        sides.append(float((faces.boxes[0, 2:] - faces.boxes[0, :2]).max()))
    assert max(sides) < 1.25 * min(sides)
    assert max(sides) < 1.2 * 280


def test_box_reaches_a_tenth_beyond_its_frame_at_most() -> None:
    boxes = np.array([[-40.0, -30, 240, 130], [10, 10, 60, 70], [190, 10, 290, 90]])
    faces = bounded(Faces(boxes, np.array([0.9, 0.8, 0.7]), np.zeros((3, 5, 2))), (100, 200, 3))
    # the first is cut off on each side; of the last a tenth lies in the frame, too little
    assert np.allclose(faces.boxes, [[-20, -10, 220, 110], [10, 10, 60, 70]])
    assert faces.scores.tolist() == [0.9, 0.8]


def test_landmarks_beside_their_box_are_not_plausible(detector: FaceDetector, astronaut: np.ndarray) -> None:
    faces = detector.detect(astronaut)
    assert plausible(faces).all()
    side = faces.boxes[0, 2] - faces.boxes[0, 0]
    assert not plausible(Faces(faces.boxes, faces.scores, faces.landmarks + side / 2)).any()
    wide = faces.boxes + side * np.array([-2, -2, 2, 2])
    assert not plausible(Faces(wide, faces.scores, faces.landmarks)).any()


@given(st.integers(1, 400))
def test_batches_are_of_few_sizes_and_none_is_lost(count: int) -> None:
    assert sum(batches(count)) == count
    assert set(batches(count)) <= {1, 2, 4, 8, 16}


@settings(max_examples=40)
@given(st.integers(50, 300), st.integers(50, 300), st.tuples(*[st.integers(-50, 350)] * 2), st.integers(1, 200))
def test_part_of_a_view_lies_where_it_says(height: int, width: int, corner: tuple[int, int], side: int) -> None:
    ys, xs = np.mgrid[:height, :width]
    frame = viewed(np.dstack([xs % 256, ys % 256, xs // 256 * 16 + ys // 256]).astype(np.uint8))
    part = frame.part(corner[0], corner[1], corner[0] + side, corner[1] + side)
    x1, y1, x2, y2 = part.limits
    assert np.array_equal(part.halves[0], frame.halves[0][y1:y2, x1:x2])
    inside = np.clip([corner, np.add(corner, side)], 0, (width, height))
    assume((inside[1] > inside[0]).all())
    assert (inside[0] >= (x1, y1)).all()
    assert (inside[1] <= (x2, y2)).all()


def test_haar_finds_the_portrait_without_landmarks(astronaut: np.ndarray) -> None:
    faces = HaarDetector(60).detect(astronaut)
    # the face lies between the eyes' (203, 101), (247, 103) and the chin near (225, 170)
    assert box_iou(np.array([175.0, 65, 275, 165]), faces.boxes).max() > 0.5
    assert np.isnan(faces.landmarks).all()
    assert not len(HaarDetector(60).detect(np.zeros((100, 100, 3), np.uint8)).boxes)


def test_overlap_of_boxes_worked_out_by_hand() -> None:
    # 10 x 10 boxes shifted by 5: they share 50 of 150 square pixels
    overlap = box_iou(np.array([0.0, 0, 10, 10]), np.array([[5.0, 0, 15, 10], [20, 20, 30, 30]]))
    assert np.allclose(overlap, [1 / 3, 0])


def test_box_within_one_of_higher_score_is_dropped() -> None:
    boxes = np.array([[0.0, 0, 100, 100], [10, 10, 40, 40], [200, 0, 300, 100]])
    assert without_nested(boxes, np.array([0.9, 0.8, 0.7]), 0.7).tolist() == [0, 2]
    assert without_nested(boxes, np.array([0.7, 0.9, 0.8]), 0.7).tolist() == [1, 2]


def test_square_has_the_box_s_centre_and_longer_side() -> None:
    assert squared(np.array([[0.0, 10, 40, 70]])).tolist() == [[-10, 10, 50, 70]]


def test_a_face_s_place_is_near_and_of_its_size() -> None:
    box = np.array([100.0, 100, 200, 200])
    others = np.array([[150.0, 100, 250, 200], [300, 100, 400, 200], [100, 100, 300, 300], [100, 100, 130, 130]])
    assert same_place(box, others).tolist() == [True, False, False, False]


def test_track_goes_on_through_a_gap_and_ends_at_a_cut() -> None:
    linker, box = TrackLinker(), np.array([[0.0, 0, 10, 10]])
    assert linker(box) == [0]
    assert linker(np.zeros((0, 4))) == []
    assert linker(box) == [0]
    assert linker(box, is_cut=True) == [1]


def test_track_that_was_long_unseen_is_over() -> None:
    linker, box = TrackLinker(), np.array([[0.0, 0, 10, 10]])
    linker(box)
    for _ in range(MAX_GAP):
        linker(np.zeros((0, 4)))
    assert linker(box) == [1]


def test_walkers_that_pass_each_other_keep_their_tracks() -> None:
    linker = TrackLinker()
    # one walks right, one left, 30 pixels a frame, with faces of 50; they meet half-way
    found = [linker(np.array([[x, 0.0, x + 50, 50], [400 - x, 20.0, 450 - x, 70]])) for x in range(0, 401, 30)]
    assert all(tracks == [0, 1] for tracks in found)


def test_person_whom_the_clip_shows_most_comes_first() -> None:
    linker = TrackLinker()
    small, large = [0.0, 0, 10, 10], [50.0, 50, 90, 90]
    assert linker(np.array([small, large])) == [0, 1]
    assert linker(np.array([large, small])) == [1, 0]
    assert linker(np.array([small])) == [0]
    assert linker.people() == [[1], [0]]


BOX = st.tuples(*[st.integers(0, 50)] * 2, *[st.integers(1, 40)] * 2)


@settings(max_examples=60)
@given(st.lists(st.lists(BOX, max_size=4), max_size=6))
def test_every_box_is_in_one_track_and_a_track_has_one_box_a_frame(frames: list[list[tuple[int, ...]]]) -> None:
    linker = TrackLinker()
    for found in frames:
        boxes = np.array([(x, y, x + w, y + h) for x, y, w, h in found], float).reshape(-1, 4)
        tracks = linker(boxes)
        assert len(tracks) == len(set(tracks)) == len(found)
    people = linker.people()
    count = len({track for person in people for track in person})
    assert sorted(track for person in people for track in person) == list(range(count))

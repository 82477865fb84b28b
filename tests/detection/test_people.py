import cv2
import numpy as np
import pytest

from fakefocus.detection.people import Track, distance, gather_people, look_of
from fakefocus.detection.tracking import TrackLinker
from fakefocus.sources.demo.people import make_person

RED, BLUE = (np.tile(np.float32([[50.0, a, b]]), (16, 1)) for a, b in ((40, 20), (0, -40)))


def _track(
    frames: range, x: float, side: float = 100.0, score: float = 1.0, look: np.ndarray = RED, scene: int = 0
) -> Track:
    boxes = [np.array([x, 100.0, x + side, 100 + side])] * len(frames)
    return Track(list(frames), [scene] * len(frames), boxes, [score] * len(frames), [look] * len(frames))


def test_false_box_of_a_few_frames_does_not_outweigh_the_person() -> None:
    person, shadow = _track(range(28), 300, side=150), _track(range(5, 8), 600, side=600, score=0.93, look=BLUE)
    assert gather_people([shadow, person]) == [[1], [0]]


def test_larger_of_two_people_comes_first() -> None:
    assert gather_people([_track(range(20), 0, side=80), _track(range(20), 400, side=160)]) == [[1], [0]]


def test_somebody_alone_who_turns_away_and_comes_back_elsewhere_is_one_person() -> None:
    assert gather_people([_track(range(10), 100), _track(range(17, 30), 900, side=60)]) == [[0, 1]]


def test_two_people_in_one_frame_stay_apart_however_alike() -> None:
    assert gather_people([_track(range(10), 100), _track(range(9, 20), 120)]) == [[1], [0]]


def test_two_people_who_look_different_stay_apart() -> None:
    assert len(gather_people([_track(range(10), 100), _track(range(11, 20), 100, look=BLUE)])) == 2


def test_behind_a_cut_only_who_looks_the_same_is_the_same() -> None:
    first, same = _track(range(10), 100), _track(range(10, 20), 500, scene=1)
    similar = _track(range(10, 20), 100, look=RED + 5, scene=1)
    assert gather_people([first, same]) == [[0, 1]]
    # 5 in each of three channels are 8.7 apart: at the same place that would do in one scene
    assert len(gather_people([first, similar])) == 2
    assert len(gather_people([first, _track(range(10, 20), 100, look=RED + 5)])) == 1


def test_with_others_about_a_distant_place_is_not_the_same_person() -> None:
    others = [_track(range(20), 1500, look=BLUE)]
    apart = [_track(range(5), 100), _track(range(6, 12), 900, look=RED + 5)]
    assert len(gather_people(others + apart)) == 3
    close = [_track(range(5), 100), _track(range(6, 12), 150, look=RED + 5)]
    assert len(gather_people(others + close)) == 2


def test_three_pieces_of_one_person_are_joined_but_not_with_whom_one_of_them_was_seen() -> None:
    pieces = [_track(range(5), 100), _track(range(6, 9), 110), _track(range(10, 15), 120)]
    beside = _track(range(6, 9), 400)
    people = gather_people([*pieces, beside])
    assert [0, 1, 2] in people
    assert [3] in people


def _crop(person: int, light: float = 1.0) -> np.ndarray:
    image = make_person(11, person).image[60:350, 95:385]
    return cv2.resize(np.clip(image * light, 0, 255).astype(np.uint8), (256, 256), interpolation=cv2.INTER_AREA)


def test_look_of_a_person_is_the_same_in_the_shade() -> None:
    assert distance(look_of(_crop(0)), look_of(_crop(0, light=0.5))) < 3


@pytest.mark.parametrize("other", [1, 2, 3])
def test_look_of_another_person_is_another(other: int) -> None:
    assert distance(look_of(_crop(0)), look_of(_crop(other))) > 8


def test_face_that_stands_still_goes_on_though_its_look_changes_and_a_stranger_beside_does_not() -> None:
    linker, box = TrackLinker(), np.array([[0.0, 0, 100, 100]])
    assert linker(box, looks=[RED]) == [0]
    # 10 in each of three channels are 17 apart, and the box is where it was
    assert linker(box, looks=[RED + 10]) == [0]
    assert linker(box, looks=[RED + 40]) == [1]
    assert linker(box + np.array([60, 0, 60, 0]), looks=[BLUE]) == [2]


def test_walkers_who_pass_each_other_between_two_frames_are_told_by_their_looks() -> None:
    linker = TrackLinker()
    left, right = [0.0, 0, 50, 50], [30.0, 0, 80, 50]
    assert linker(np.array([left, right]), looks=[RED, BLUE]) == [0, 1]
    assert linker(np.array([left, right]), looks=[BLUE, RED]) == [1, 0]

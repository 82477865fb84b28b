import cv2
import numpy as np
import pytest
from benchmarks.demo_faces import demo_landmarks
from hypothesis import given
from hypothesis import strategies as st

from fakefocus.imaging.alignment import TEMPLATE, template_for
from fakefocus.imaging.face_mask import HULLS, face_points, fill, five_points, hulls, mean_face
from fakefocus.sources.demo.people import make_person
from fakefocus.sources.demo.portraits import LANDMARKS, load_portraits

FIVE = template_for(256, 0.3)
SHAPE = (256, 256)


def _overlap(one: np.ndarray, other: np.ndarray) -> float:
    return float(np.minimum(one, other).sum() / np.maximum(one, other).sum())


def _all_points(landmarks: np.ndarray) -> np.ndarray:
    """Return the 68 points of a demo face from its 35, those in between by interpolation."""
    at = {name: landmarks[i] for i, name in enumerate(LANDMARKS)}

    def along(names: str, count: int) -> np.ndarray:
        line = np.array([at[name] for name in names.split()])
        steps = np.linspace(0, len(line) - 1, count)
        return np.column_stack([np.interp(steps, np.arange(len(line)), values) for values in line.T])

    def eye(first: str, top: str, last: str, bottom: str) -> np.ndarray:
        lids = [
            (2 * at[lid] + at[end]) / 3 for lid, end in ((top, first), (top, last), (bottom, last), (bottom, first))
        ]
        return np.array([at[first], *lids[:2], at[last], *lids[2:]])

    lips = along("mouth_r lip_top mouth_l lip_bottom mouth_r", 13)[:12]
    inner = along("mouth_r lip_top mouth_l lip_bottom mouth_r", 9)[:8]
    return np.concatenate(
        [
            along("jaw_0 jaw_1 jaw_2 jaw_3 chin jaw_5 jaw_6 jaw_7 jaw_8", 17),
            along("brow_r_outer brow_r_mid brow_r_inner", 5),
            along("brow_l_inner brow_l_mid brow_l_outer", 5),
            along("nose_bridge nose_tip", 4),
            along("ala_r nose_base ala_l", 5),
            eye("eye_r_outer", "eye_r_top", "eye_r_inner", "eye_r_bottom"),
            eye("eye_l_inner", "eye_l_top", "eye_l_outer", "eye_l_bottom"),
            *(lips, inner.mean(axis=0) + 0.7 * (inner - inner.mean(axis=0))),
        ]
    )


def test_mean_face_has_its_landmarks_where_faces_are_aligned_to() -> None:
    # a quarter of a pixel in a crop of 256
    assert np.abs(five_points(mean_face()) - TEMPLATE).max() < 0.001


def test_mean_face_is_in_the_order_of_ibug() -> None:
    x, y = mean_face().T
    # the jaw from image-left to image-right, its lowest point in the middle
    assert (np.diff(x[:17]) > 0).all()
    assert y[:17].argmax() == 8
    # brows above eyes above the nose's base above lips above the chin
    assert (np.diff(x[17:27]) > 0).all()
    assert y[17:27].max() < y[36:48].min() < y[48:68].max() < y[8]
    assert y[42:48].max() < y[33] < y[51]
    # both eyes begin at their image-left corner and go on above; so do the lips
    assert x[36:42].argmin() == x[42:48].argmin() == x[48:60].argmin() == x[60:68].argmin() == 0
    assert y[37] < y[41]
    assert y[43] < y[47]
    assert y[51] < y[62] < y[66] < y[57]


@pytest.mark.parametrize("kind", HULLS)
def test_five_landmarks_give_nearly_the_hull_of_sixty_eight(kind: str) -> None:
    people = [*load_portraits(), make_person(11, 0), make_person(11, 1)]
    for person in people:
        shape = person.image.shape[:2]
        many = fill(hulls(_all_points(person.landmarks), kind), shape)
        few = fill(hulls(face_points(demo_landmarks(person.landmarks)), kind), shape)
        assert _overlap(many, few) > 0.7


@given(st.floats(0.3, 4), st.floats(-3, 3), st.floats(-200, 200), st.floats(-200, 200))
def test_mean_face_follows_any_turn_scale_and_shift(scale: float, angle: float, dx: float, dy: float) -> None:
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    moved = face_points(FIVE @ turn.T + (dx, dy))
    assert np.abs(moved - (face_points(FIVE) @ turn.T + (dx, dy))).max() < 1e-6


def test_face_that_is_turned_away_gets_a_narrower_mask() -> None:
    narrow = np.ptp(face_points((FIVE - 128) * (0.6, 1) + 128)[:, 0])
    # half of the way that the landmarks narrow by at the least
    assert narrow < 0.8 * np.ptp(face_points(FIVE)[:, 0])


def test_hulls_are_of_four_different_shapes() -> None:
    drawn = {kind: fill(hulls(face_points(FIVE), kind), SHAPE) for kind in HULLS}
    assert (drawn["facehull"] >= drawn["components"]).all()
    assert (drawn["facehull"] >= drawn["dfl_full"]).all()
    assert (drawn["extended"] >= drawn["components"]).all()
    areas = sorted(float(mask.sum()) for mask in drawn.values())
    assert np.diff(areas).min() > 5
    # pushed up by half the gap: the gap is some .3 of the distance between the eyes, which is 62 pixels
    top = {kind: int(np.flatnonzero(mask.any(axis=1))[0]) for kind, mask in drawn.items()}
    assert 6 < top["components"] - top["extended"] < 14


def test_hull_is_one_piece_without_holes() -> None:
    for kind in HULLS:
        drawn = fill(hulls(face_points(FIVE), kind), SHAPE).astype(np.uint8)
        assert cv2.connectedComponents(drawn)[0] == 2
        assert cv2.connectedComponents(1 - drawn)[0] == 2


def test_sixty_eight_points_are_taken_as_they_are() -> None:
    points = np.array(mean_face()) * 256
    assert (face_points(points) == points).all()


@pytest.mark.parametrize(
    ("landmarks", "message"),
    [
        (np.zeros((81, 2)), r"landmarks: must be of shape \(5, 2\) or \(68, 2\), got \(81, 2\)"),
        (np.where(np.arange(5)[:, None] == 2, np.nan, FIVE), r"must be finite, got \(nan, nan\) for point 2"),
        (np.full((5, 2), 7.0), r"landmarks: must differ, got 5 points at \(7, 7\)"),
        (np.full((68, 2), 7.0), "landmarks: must differ, got 68 points"),
        (np.arange(5.0)[:, None] * (10, 20), "landmarks: must not lie on a line, got 5 points"),
    ],
)
def test_landmarks_that_make_no_face_are_refused(landmarks: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        face_points(landmarks)

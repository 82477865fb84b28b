import cv2
import numpy as np
import pytest
from benchmarks.demo_faces import faces
from hypothesis import given, settings
from hypothesis import strategies as st

from fakefocus.imaging import blending
from fakefocus.imaging.alignment import template_for
from fakefocus.imaging.blending import Blending, Face, Kind, blend_with_itself, make_fake
from fakefocus.imaging.face_mask import HULLS, face_points, fill, hulls, mean_face

FIVE = template_for(256, 0.3)
CROP = faces(0)[1][0]
"""A portrait, aligned: its eyes, nose and mouth are at about ``FIVE``."""


def _pairs(count: int, options: Blending | None = None) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    return [blend_with_itself(CROP, FIVE, np.random.default_rng(seed), options) for seed in range(count)]


@pytest.mark.parametrize("shape", [(256, 256), (224, 300), (97, 81)])
@pytest.mark.parametrize("points", ["five", "sixty-eight"])
def test_pair_and_mask_are_of_the_size_of_the_crop(shape: tuple[int, int], points: str) -> None:
    crop = cv2.resize(CROP, shape[::-1])
    landmarks = (FIVE if points == "five" else face_points(FIVE)) * shape[::-1] / 256
    target, fake, mask = blend_with_itself(crop, landmarks, np.random.default_rng(0))
    assert target.shape == fake.shape == (*shape, 3)
    assert target.dtype == fake.dtype == np.uint8
    assert mask.shape == shape
    assert mask.dtype == np.float32
    assert mask.min() == 0
    assert 0 < mask.max() <= 1


def test_fake_is_the_target_outside_the_mask() -> None:
    for target, fake, mask in _pairs(40):
        assert (fake[mask == 0] == target[mask == 0]).all()
        assert (mask == 0).mean() > 0.4


def test_fake_differs_from_the_target_inside_the_mask() -> None:
    changes = [np.abs(fake.astype(int) - target)[mask > 0].mean() for target, fake, mask in _pairs(60)]
    # a quarter of the source, barely altered, is the least that may be drawn
    assert min(changes) > 0.3
    assert np.mean(np.array(changes) > 1) > 0.9


def test_seed_gives_the_same_pair_again() -> None:
    for one, other in zip(_pairs(5), _pairs(5), strict=True):
        assert all((a == b).all() for a, b in zip(one, other, strict=True))
    masks = [mask for *_, mask in _pairs(5)]
    assert all((masks[0] != mask).any() for mask in masks[1:])


def test_what_is_given_stays_as_it_is() -> None:
    crop, landmarks = CROP.copy(), FIVE.copy()
    for seed in range(10):
        target, fake, _ = blend_with_itself(crop, landmarks, np.random.default_rng(seed))
        target[:] = fake[:] = 0
        assert (crop == CROP).all()
        assert (landmarks == FIVE).all()


def test_target_is_the_crop_itself_in_half_of_the_pairs() -> None:
    same = [bool((target == CROP).all()) for target, *_ in _pairs(60)]
    # of 60 tosses of a coin 15 to 45 are heads, but for one in 10,000
    assert 15 <= sum(same) <= 45


def test_mask_lies_on_the_face() -> None:
    # facehull at its highest, grown by the shift (6 % of some 135 pixels), the bend and the softness
    face = fill(hulls(face_points(FIVE), "extended"), (256, 256))
    near = cv2.dilate(face, np.ones((31, 31))) > 0
    for *_, mask in _pairs(60):
        y, x = (float((axis * mask).sum() / mask.sum()) for axis in np.mgrid[:256, :256])
        assert abs(x - FIVE[2, 0]) < 15
        assert abs(y - FIVE[2, 1]) < 30
        assert mask[~near].sum() < 0.01 * mask.sum()
        assert mask[int(FIVE[2, 1]), int(FIVE[2, 0])] > 0.9 * mask.max()


def test_mask_lies_on_the_face_of_a_crop_that_is_not_square() -> None:
    wide, still = cv2.resize(CROP, (320, 200)), Blending(shift=(0.0, 0.0), scale=1.0)
    nose = FIVE[2] * (320 / 256, 200 / 256)
    for seed in range(20):
        mask = blend_with_itself(wide, FIVE * (320 / 256, 200 / 256), np.random.default_rng(seed), still)[2]
        rows, columns = (np.flatnonzero((mask > mask.max() / 2).any(axis=axis)) for axis in (1, 0))
        assert abs((columns[0] + columns[-1]) / 2 - nose[0]) < 6
        assert abs((rows[0] + rows[-1]) / 2 - nose[1]) < 15


def test_mask_has_a_soft_border() -> None:
    for *_, mask in _pairs(60, Blending(ratios=(1.0,))):
        assert max(np.abs(np.diff(mask, axis=axis)).max() for axis in (0, 1)) < 0.35


def test_mask_weighs_no_more_than_the_ratio() -> None:
    tops = {round(float(mask.max()), 2) for *_, mask in _pairs(60)}
    assert tops == {0.25, 0.5, 0.75, 1.0}


def test_every_kind_of_hull_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []

    def noted(points: np.ndarray, kind: str) -> list[np.ndarray]:
        drawn.append(kind)
        return hulls(points, kind)

    monkeypatch.setattr(blending, "hulls", noted)
    _pairs(80)
    # each is expected 20 times
    assert all(8 < drawn.count(kind) < 36 for kind in HULLS)


def test_source_moves_with_its_mask() -> None:
    # a bright spot on the nose; x alone is shifted, the whole face is taken from the source
    crop = np.full((256, 256, 3), 90, np.uint8)
    x, y = FIVE[2].round().astype(int)
    crop[y - 2 : y + 3, x - 2 : x + 3] = 200
    still = Blending(
        hulls=("facehull",),
        ratios=(1.0,),
        scale=1.0,
        shift=(0.2, 0.0),
        bend=0.0,
        kernels=(0.03, 0.03),
        rgb_shift_share=0.0,
        contrast=0.0,
        brightness=0.0,
        downscaled_share=0.0,
    )
    places, centres = [], []
    for seed in range(12):
        _, fake, mask = blend_with_itself(crop, FIVE, np.random.default_rng(seed), still)
        rows, columns = np.nonzero(fake[..., 0] > fake[0, 0, 0] + 45.0)
        assert abs(rows.mean() - y) < 1.5
        places.append(columns[mask[rows, columns] > 0.9].mean())
        centres.append((mask.sum(axis=0) * np.arange(256)).sum() / mask.sum())
    assert np.ptp(places) > 20
    assert np.ptp(np.array(places) - np.array(centres)) < 2


def test_hue_turns_colours_and_keeps_their_brightness() -> None:
    # red turned by up to 90 degrees about grey: green or blue rises, the mean of the channels stays (200 + 50 + 50) / 3
    red = np.full((256, 256, 3), (200, 50, 50), np.uint8)
    options = Blending(
        rgb_shift_share=0.0, hue=90.0, saturation=0.0, contrast=0.0, brightness=0.0, downscaled_share=1.0
    )
    found = [blend_with_itself(red, FIVE, np.random.default_rng(seed), options)[0][0, 0] for seed in range(20)]
    turned = [colour for colour in found if (colour != (200, 50, 50)).any()]
    assert all(abs(float(colour.mean()) - 100) < 1.5 for colour in turned)
    assert min(float(np.ptp(colour[1:].astype(int))) for colour in turned) < 60
    assert max(float(np.ptp(colour[1:].astype(int))) for colour in turned) > 60


def test_coarser_side_keeps_every_second_or_fourth_pixel() -> None:
    options = Blending(downscaled_share=1.0, rgb_shift_share=0.0, contrast=0.0, brightness=0.0, hue=0.0, saturation=0.0)
    noise = np.random.default_rng(1).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    targets = [blend_with_itself(noise, FIVE, np.random.default_rng(seed), options)[0] for seed in range(30)]
    steps = [np.abs(np.diff(target.astype(float), axis=1)[::8]).mean() for target in (noise, *targets)]
    # along a row. Of every second pixel: 1/2 and 1/4 of the step between what is kept in turn, 3/8 on average;
    # of every fourth: 1/4 three times and 1/8 once, 7/32. Across rows another 3/4 to 1 of that, by their mixing
    shares = {round(float(step / steps[0]), 1) for step in steps}
    assert shares == {1.0, 0.3, 0.2}


def test_grey_faces_stay_grey_through_hue_and_saturation() -> None:
    grey = np.repeat(CROP[..., 1:2], 3, axis=2)
    options = Blending(rgb_shift_share=0.0, hue=90.0, saturation=0.9)
    for seed in range(10):
        for picture in blend_with_itself(grey, FIVE, np.random.default_rng(seed), options)[:2]:
            assert np.ptp(picture.astype(int), axis=2).max() <= 1


def test_nothing_dark_enters_where_a_face_reaches_beyond_the_crop() -> None:
    flat = np.full((256, 256, 3), 128, np.uint8)
    for seed, shift in enumerate(((-110, 0), (110, 0), (0, -120), (0, 60)) * 5):
        _, fake, mask = blend_with_itself(flat, FIVE + shift, np.random.default_rng(seed))
        assert mask.max() > 0.2
        # (128 * .9 - 25.5 - 20) * .75 = 52
        assert fake.min() >= 50


@settings(max_examples=80, deadline=None)
@given(
    st.floats(0.12, 2),
    st.floats(-3.1, 3.1),
    st.floats(0, 255),
    st.floats(0, 255),
    st.integers(0, 2**32 - 1),
)
def test_any_placement_of_a_face_gives_a_blend_or_is_refused(
    scale: float, angle: float, x: float, y: float, seed: int
) -> None:
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    landmarks = (FIVE - FIVE.mean(axis=0)) @ turn.T + (x, y)
    points = face_points(landmarks)
    seen = ((points >= 0) & (points <= 255)).all(axis=1).sum()
    if seen < blending.MIN_SEEN or np.ptp(points, axis=0).min() < blending.MIN_FACE:
        with pytest.raises(ValueError, match="landmarks: must"):
            blend_with_itself(CROP, landmarks, np.random.default_rng(seed))
        return
    target, fake, mask = blend_with_itself(CROP, landmarks, np.random.default_rng(seed))
    assert (fake[mask == 0] == target[mask == 0]).all()
    assert np.isfinite(mask).all()
    assert 0.1 < mask.max() <= 1


def test_face_in_a_corner_is_blended_at_every_draw() -> None:
    # 20 pixels, a quarter of them in the crop
    small = mean_face() - mean_face().min(axis=0)
    small = 20 * small / np.ptp(small, axis=0).min()
    for corner in ((-10, -10), (244, -10), (-10, 244), (244, 242)):
        placed = small + corner
        seen = ((placed >= 0) & (placed <= 255)).all(axis=1).sum()
        assert blending.MIN_SEEN <= seen < len(placed)
        for seed in range(40):
            assert blend_with_itself(CROP, placed, np.random.default_rng(seed))[2].max() > 0.1


@pytest.mark.parametrize(
    ("crop", "landmarks", "message"),
    [
        (CROP[..., 0], FIVE, r"crop: must be \(H, W, 3\) uint8, got \(256, 256\) uint8"),
        (CROP.astype(float), FIVE, r"crop: must be \(H, W, 3\) uint8, got \(256, 256, 3\) float64"),
        (CROP, FIVE / 20, "landmarks: must span at least 16 pixels, got"),
        (CROP, FIVE + 400, r"at least 17 of 68 points of the face inside the crop of 256 x 256 pixels, got 0"),
        (CROP, FIVE * np.nan, "landmarks: must be finite"),
    ],
)
def test_crops_and_landmarks_without_a_face_are_refused(crop: np.ndarray, landmarks: np.ndarray, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        blend_with_itself(crop, landmarks, np.random.default_rng(0))


def test_strengths_that_cannot_be_are_refused() -> None:
    with pytest.raises(ValueError, match=r"Blending\.hulls: must be some of dfl_full, .*, got oval"):
        Blending(hulls=("facehull", "oval"))
    with pytest.raises(ValueError, match="got none"):
        Blending(hulls=())
    with pytest.raises(ValueError, match=r"Blending\.ratios: must be in \(0, 1\], got \(0\.5, 1\.5\)"):
        Blending(ratios=(0.5, 1.5))


@pytest.mark.parametrize("kind", ["regional", "swapped", "resynthesised"])
def test_every_kind_of_fake_differs_from_its_target_on_the_face_alone(kind: Kind) -> None:
    donor = Face(np.ascontiguousarray(CROP[:, ::-1]), FIVE[[1, 0, 2, 4, 3]] * [-1, 1] + [CROP.shape[1] - 1, 0])
    for seed in range(6):
        pair = make_fake(kind, Face(CROP, FIVE), np.random.default_rng(seed), donor)
        assert np.array_equal(pair.target, CROP)
        assert np.array_equal(pair.fake[pair.mask == 0], CROP[pair.mask == 0])
        assert (pair.fake != CROP)[pair.mask > 0.25].any()


def test_regional_fakes_leave_the_outline_of_the_face_alone() -> None:
    jaw = np.round(face_points(FIVE)[[0, 1, 2, 14, 15, 16]]).astype(int)
    for seed in range(20):
        mask = make_fake("regional", Face(CROP, FIVE), np.random.default_rng(seed)).mask
        assert (mask[jaw[:, 1], jaw[:, 0]] < 0.05).all()


def test_swap_without_a_donor_is_refused() -> None:
    with pytest.raises(ValueError, match="donor: kind swapped needs the face of somebody else"):
        make_fake("swapped", Face(CROP, FIVE), np.random.default_rng(0))

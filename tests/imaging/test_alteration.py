"""Where a fake was altered, told from its mask or its original: worked out by hand."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from fakefocus.imaging.alteration import AlteredParts, Evidence, altered_share
from fakefocus.imaging.media import PassingMediaError

GREY = np.full((32, 48, 3), 100, np.uint8)
"""Four rows of six blocks of 8 pixels."""
LEFT = np.zeros((4, 6), bool)
LEFT[:, :3] = True
"""The blocks of its left half."""


def _pictures(folder: Path, *pictures: np.ndarray, first: int = 0) -> Path:
    folder.mkdir()
    for number, picture in enumerate(pictures, first):
        cv2.imwrite(str(folder / f"{number:03d}.png"), picture)
    return folder


def _half(level: int, rest: int = 0) -> np.ndarray:
    """Return a grey picture whose left half is ``level``."""
    picture = np.full_like(GREY, rest)
    picture[:, :24] = level
    return picture


@pytest.mark.parametrize(("level", "altered"), [(64, False), (65, True), (255, True)])
def test_mask_tells_the_blocks_that_are_brighter_than_compressed_black(
    tmp_path: Path, level: int, altered: bool
) -> None:
    parts = AlteredParts(Evidence("mask", _pictures(tmp_path / "mask", _half(level)), ""), lambda: [0])
    np.testing.assert_array_equal(parts(0, GREY), LEFT & altered)


@pytest.mark.parametrize(("change", "altered"), [(6, False), (7, True), (-7, True)])
def test_original_tells_the_blocks_that_differ_by_more_than_compression_makes(
    tmp_path: Path, change: int, altered: bool
) -> None:
    original = _half(100 + change, rest=100)
    parts = AlteredParts(Evidence("original", _pictures(tmp_path / "original", original), ""), lambda: [0])
    np.testing.assert_array_equal(parts(0, GREY), LEFT & altered)


def test_change_of_one_colour_is_enough_and_noise_within_a_block_is_not(tmp_path: Path) -> None:
    blue = GREY.copy()
    blue[:, :24, 2] += 7
    parts = AlteredParts(Evidence("original", _pictures(tmp_path / "blue", blue[..., ::-1]), ""), lambda: [0])
    np.testing.assert_array_equal(parts(0, GREY), LEFT)
    # every other column 20 brighter and 20 darker: the mean of each block stays
    noisy = GREY.copy()
    noisy[:, ::2] += 20
    noisy[:, 1::2] -= 20
    parts = AlteredParts(Evidence("original", _pictures(tmp_path / "noisy", noisy), ""), lambda: [0])
    np.testing.assert_array_equal(parts(0, GREY), np.zeros((4, 6), bool))


def test_frames_of_the_evidence_are_those_of_the_same_number(tmp_path: Path) -> None:
    # the mask begins with picture 2 and ends with 4; only picture 3 has a white half
    mask = _pictures(tmp_path / "mask", _half(0), _half(255), _half(0), first=2)
    parts = AlteredParts(Evidence("mask", mask, ""), lambda: [0, 1, 2, 3, 5])
    told = {index: parts(index, GREY) for index in (0, 3, 4, 5)}
    assert told[0] is None
    np.testing.assert_array_equal(told[3], LEFT)
    assert told[4] is not None
    assert not told[4].any()
    assert told[5] is None


def test_original_of_another_size_tells_nothing_and_a_mask_of_another_size_does(tmp_path: Path) -> None:
    large = cv2.resize(_half(200), (96, 64), interpolation=cv2.INTER_NEAREST)
    for kind, told in (("original", False), ("mask", True)):
        evidence = Evidence(kind, _pictures(tmp_path / kind, large), "")  # type: ignore[arg-type]
        assert (AlteredParts(evidence, lambda: [0])(0, GREY) is not None) is told


def test_damaged_evidence_tells_nothing_and_one_that_is_away_may_come_back(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "torn.mp4").write_bytes(b"no clip at all")
    parts = AlteredParts(Evidence("mask", tmp_path / "torn.mp4", ""), lambda: [0, 1])
    assert (parts(0, GREY), parts(1, GREY)) == (None, None)
    assert caplog.text.count("torn.mp4, the mask of a fake: not a media file") == 1
    away = AlteredParts(Evidence("original", tmp_path / "away.mp4", ""), lambda: [0])
    with pytest.raises(PassingMediaError, match=r"away\.mp4, the original of this fake: no such file"):
        away(0, GREY)


def test_share_of_a_face_is_of_the_middle_of_its_box() -> None:
    # a block is 8 pixels, and .6 of the sides of a box are looked at. x 4 to 44: the middle, 12 to 36, is blocks 1.5 to
    # 4.5, rounded 2 to 4, of which block 2 was altered
    assert altered_share(np.array([4.0, 6.0, 44.0, 26.0]), LEFT, (48, 32)) == pytest.approx(1 / 2)
    # x 4 to 28: of 8.8 to 23.2 the blocks are 1 and 2; the box itself would have block 3 in it, which was not altered
    assert altered_share(np.array([4.0, 0.0, 28.0, 32.0]), LEFT, (48, 32)) == 1.0
    # x 20 to 44: of 24.8 to 39.2 the blocks are 3 and 4
    assert altered_share(np.array([20.0, 0.0, 44.0, 32.0]), LEFT, (48, 32)) == 0.0


def test_small_face_is_looked_at_in_one_block_and_a_face_outside_of_the_frame_in_none() -> None:
    assert altered_share(np.array([10.0, 10.0, 12.0, 12.0]), LEFT, (48, 32)) == 1.0
    assert altered_share(np.array([60.0, 10.0, 80.0, 30.0]), LEFT, (48, 32)) is None
    assert altered_share(np.array([-40.0, -40.0, -20.0, -20.0]), LEFT, (48, 32)) is None

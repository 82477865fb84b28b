"""Files that are encoded again: really another file, smaller where it is asked for, and readable."""

from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import Image

from fakefocus.imaging.frames import probe, read_frames
from fakefocus.imaging.media import MediaError
from fakefocus.imaging.reencoding import CONDITIONS, Step, reencode, suffix_of
from fakefocus.sources.demo.corpus import write_clip


def _sent(clip: Path, folder: Path, condition: str) -> Path:
    target = folder / f"{condition}.mp4"
    reencode(clip, target, CONDITIONS[condition].steps, "video")
    return target


def test_a_higher_rate_factor_gives_a_smaller_file_that_looks_less_like_the_clip(
    face_clip: Path, tmp_path: Path
) -> None:
    sizes, errors = [face_clip.stat().st_size], [0.0]
    original = next(read_frames(face_clip)).image
    assert original is not None
    for condition in ("crf23", "crf40", "crf50"):
        sent = _sent(face_clip, tmp_path, condition)
        shown = next(read_frames(sent)).image
        assert shown is not None
        sizes.append(sent.stat().st_size)
        errors.append(float(np.abs(shown.astype(float) - original).mean()))
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[3] < 0.3 * sizes[1]
    assert errors == sorted(errors)
    assert 0.1 < errors[1] < 4


def test_frames_rate_and_size_are_those_of_the_clip(face_clip: Path, tmp_path: Path) -> None:
    before, after = probe(face_clip), probe(_sent(face_clip, tmp_path, "crf40"))
    assert (after.frames, after.rate, after.width, after.height) == (before.frames, 25, before.width, before.height)
    assert after.codec == "h264"


def test_half_size_halves_both_sides(face_clip: Path, tmp_path: Path) -> None:
    before, after = probe(face_clip), probe(_sent(face_clip, tmp_path, "half_size"))
    assert (after.width, after.height) == (before.width // 2, before.height // 2)


def test_same_frames_give_the_same_file(face_clip: Path, tmp_path: Path) -> None:
    first = _sent(face_clip, tmp_path, "shared").read_bytes()
    assert _sent(face_clip, tmp_path, "shared").read_bytes() == first


def test_each_step_of_a_chain_begins_with_what_the_one_before_wrote(face_clip: Path, tmp_path: Path) -> None:
    rough, fine = Step(50, 10), Step(1, 95)
    for name, steps in (("fine", (fine,)), ("rough_then_fine", (rough, fine))):
        reencode(face_clip, tmp_path / f"{name}.mp4", steps, "video")
    first, second = (next(read_frames(tmp_path / f"{name}.mp4")).image for name in ("fine", "rough_then_fine"))
    assert first is not None
    assert second is not None
    # what the rough step lost does not come back
    assert np.abs(first.astype(float) - second).mean() > 2
    assert sorted(p.name for p in tmp_path.iterdir()) == ["fine.mp4", "rough_then_fine.mp4"]


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        # the messenger allows 848 pixels on the longer side: 1920 x 1080 becomes 848 x 477, and 476 is even
        ((1920, 1080), (848, 476)),
        ((1080, 1920), (476, 848)),
        # what is smaller is not enlarged
        ((480, 360), (480, 360)),
        # odd sides lose a pixel
        ((481, 361), (480, 360)),
    ],
)
def test_a_messenger_limits_the_longer_side(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert CONDITIONS["shared"].steps[0].size(*size) == expected


def test_a_clip_of_50_frames_a_second_is_shared_at_half_of_them(tmp_path: Path) -> None:
    # frames 0 to 9 at 50 a second, at most 25: 0, 2, 4, 6 and 8, told by their brightness
    frames = [np.full((64, 64, 3), 20 * i, np.uint8) for i in range(10)]
    write_clip(tmp_path / "fast.mp4", frames, crf="5", rate=50)
    reencode(tmp_path / "fast.mp4", tmp_path / "slow.mp4", (Step(5, 95, rate=25),), "video")
    shown = [frame.image for frame in read_frames(tmp_path / "slow.mp4")]
    assert [round(float(image.mean()) / 20) for image in shown if image is not None] == [0, 2, 4, 6, 8]
    assert probe(tmp_path / "slow.mp4").rate == 25


def test_a_picture_becomes_a_smaller_jpeg(tmp_path: Path, face_clip: Path) -> None:
    image = next(read_frames(face_clip)).image
    assert image is not None
    cv2.imwrite(str(tmp_path / "still.png"), cv2.cvtColor(image, cv2.COLOR_RGB2BGR))
    sizes = []
    for condition in ("crf23", "crf40", "crf50"):
        target = tmp_path / f"{condition}.jpg"
        reencode(tmp_path / "still.png", target, CONDITIONS[condition].steps, "image")
        sizes.append(target.stat().st_size)
        with Image.open(target) as picture:
            assert (picture.format, picture.size) == ("JPEG", image.shape[1::-1])
    assert sizes == sorted(sizes, reverse=True)


def test_pictures_of_a_folder_keep_their_numbers(tmp_path: Path) -> None:
    folder = tmp_path / "frames"
    folder.mkdir()
    for number in (9, 10, 30):
        cv2.imwrite(str(folder / f"{number}.png"), np.full((64, 64, 3), 5 * number, np.uint8))
    (folder / "20.png").write_bytes(b"damaged")
    steps = CONDITIONS["shared"].steps
    reencode(folder, tmp_path / "again", steps, "frames")
    shown = {frame.index: frame.image for frame in read_frames(tmp_path / "again")}
    levels = {index: float(image.mean()) / 5 for index, image in shown.items() if image is not None}
    assert levels == pytest.approx({9: 9, 10: 10, 30: 30}, abs=0.5)


def test_a_file_that_is_no_clip_says_why(tmp_path: Path) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no clip at all")
    with pytest.raises(MediaError, match="not a media file"):
        reencode(broken, tmp_path / "again.mp4", CONDITIONS["crf23"].steps, "video")


def test_sound_is_left_out(face_clip: Path, tmp_path: Path) -> None:
    with av.open(str(_sent(face_clip, tmp_path, "shared"))) as container:
        assert [stream.type for stream in container.streams] == ["video"]


def _spoilt(clip: Path, target: Path) -> Path:
    """Write a clip whose index is whole and whose pictures are not: zeros are in their place."""
    data = bytearray(clip.read_bytes())
    start = data.index(b"mdat") + 4
    end = start - 8 + int.from_bytes(data[start - 8 : start - 4], "big")
    data[start:end] = bytes(end - start)
    target.write_bytes(data)
    return target


@pytest.mark.parametrize("kind", ["video", "frames", "image"])
def test_nothing_is_left_of_what_has_no_picture(kind: str, face_clip: Path, tmp_path: Path) -> None:
    source, folder = tmp_path / f"source{suffix_of(kind)}", tmp_path / "written"
    folder.mkdir()
    if kind == "video":
        _spoilt(face_clip, source)
    elif kind == "frames":
        source.mkdir()
        (source / "000.png").write_bytes(b"no picture")
    else:
        source.write_bytes(b"no picture")
    with pytest.raises(MediaError):
        reencode(source, folder / f"again{suffix_of(kind)}", CONDITIONS["crf23"].steps, kind)
    assert not [path for path in folder.rglob("*") if path.is_file()]

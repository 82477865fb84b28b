"""A folder of pictures, looked at like a clip."""

from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest

from fakefocus.imaging.frames import probe, read_frames
from fakefocus.imaging.media import MediaError
from fakefocus.imaging.sampling import sample_frames


def _write(folder: Path, *numbers: int, digits: int = 3) -> Path:
    folder.mkdir(exist_ok=True)
    for number in numbers:
        cv2.imwrite(str(folder / f"{number:0{digits}d}.png"), np.full((6, 8, 3), number, np.uint8))
    return folder


def test_frames_come_by_their_numbers_and_not_by_their_names(tmp_path: Path) -> None:
    folder = _write(tmp_path / "000_003", 100, 2, 30, digits=1)  # as text: 100, 2, 30
    frames = list(read_frames(folder))
    assert [frame.index for frame in frames] == [2, 30, 100]
    assert [int(frame.image[0, 0, 0]) for frame in frames if frame.image is not None] == [2, 30, 100]


def test_sampled_frames_are_spread_and_not_the_first(tmp_path: Path) -> None:
    folder = _write(tmp_path / "video", *range(100))
    options = {"every": 1, "min_frames": 1, "max_frames": None}
    evenly = partial(sample_frames, method="evenly", frames=8, **options)
    # the middles of eighths of 100: 6.25, 18.75, 31.25 …; the published code takes 0 to 7
    assert [frame.index for frame in read_frames(folder, evenly)] == [6, 18, 31, 43, 56, 68, 81, 93]
    most = partial(sample_frames, method="every", frames=1, every=1, min_frames=1, max_frames=4)
    assert [frame.index for frame in read_frames(folder, most)] == [12, 37, 62, 87]


def test_probe_counts_pictures_and_knows_their_content(tmp_path: Path) -> None:
    folder = _write(tmp_path / "video", 0, 10, 20)
    (folder / "notes.txt").write_text("no picture")
    (folder / ".010.png").write_bytes(b"hidden")
    first = probe(folder)
    assert (first.kind, first.frames, first.width, first.height, first.codec) == ("frames", 3, 8, 6, "png")
    assert first.bytes == sum(path.stat().st_size for path in folder.glob("[0-9]*.png"))
    assert probe(_write(tmp_path / "copy", 0, 10, 20)).sha256 == first.sha256
    _write(folder, 30)
    (folder / "030.png").rename(folder / "020.png")  # another picture under the same name
    assert probe(folder).sha256 != first.sha256
    assert probe(_write(tmp_path / "other", 0, 10, 21)).sha256 != first.sha256


def test_damaged_picture_is_a_frame_with_its_reason(tmp_path: Path) -> None:
    folder = _write(tmp_path / "video", 0, 1, 2)
    (folder / "000.png").write_bytes(b"")
    (folder / "001.png").write_bytes((folder / "001.png").read_bytes()[:40])
    assert probe(folder).frames == 3
    frames = {frame.index: frame for frame in read_frames(folder)}
    assert frames[0].reason.startswith("does not decode: ")
    assert frames[1].reason.startswith("does not decode: ")
    assert frames[2].image is not None


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ((), "no picture is in the folder"),
        (("000.png", "cover.png"), "the name of cover.png does not end in its number"),
        (("7.png", "007.png"), "007.png and 7.png both are number 7"),
        (("000.png",), "none of 1 pictures decodes: "),
    ],
)
def test_folder_that_is_no_clip_says_why(tmp_path: Path, names: tuple[str, ...], message: str) -> None:
    folder = tmp_path / "video"
    folder.mkdir()
    for name in names:
        (folder / name).write_bytes(b"no picture")
    with pytest.raises(MediaError, match=message):
        probe(folder)

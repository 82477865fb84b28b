"""What is asked about: files, folders, patterns, each file once."""

from pathlib import Path

import pytest

from fakefocus.errors import InputError
from fakefocus.prediction.media import find_media


@pytest.fixture
def clips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("a.mp4", "b.JPG", "notes.txt", "below/c.webm", ".hidden/d.mp4", "odd.bin"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_folder_gives_its_clips_and_images(clips: Path) -> None:
    assert [path.name for path in find_media([str(clips)])] == ["a.mp4", "b.JPG", "c.webm"]


def test_pattern_file_and_folder_name_a_file_once(clips: Path) -> None:
    names = ["*.mp4", "a.mp4", "odd.bin", str(clips), "**/*.webm"]
    assert [path.name for path in find_media(names)] == ["a.mp4", "odd.bin", "b.JPG", "c.webm"]


def test_what_is_not_there_is_said(clips: Path) -> None:
    with pytest.raises(InputError, match=r"nothere\.mp4: no such file or folder; looked for it in"):
        find_media(["nothere.mp4"])
    with pytest.raises(InputError, match="nothing matches this pattern"):
        find_media(["*.mov"])
    (clips / "empty").mkdir()
    with pytest.raises(InputError, match="no clip and no image is in this folder"):
        find_media(["empty"])

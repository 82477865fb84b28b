from functools import partial
from pathlib import Path

import numpy as np
import pytest
from kedro.io import DatasetError

from fakefocus.datasets.video_folders import VideoContent, VideoFolders, VideoWork


def _content(log: Path, name: str, *, fails: bool = False) -> VideoContent:
    if fails:
        msg = f"cannot make {name}"
        raise OSError(msg)
    with log.open("a") as file:
        file.write(f"{name}\n")
    picture = np.full((32, 32, 3), (200, 30, 60), np.uint8)
    return VideoContent({"frame_000000": picture, "frame_000004": picture}, [{"frame": 0}, {"frame": 4}])


def _work(log: Path, name: str, fingerprint: str = "1", *, fails: bool = False) -> VideoWork:
    return VideoWork(fingerprint, partial(_content, log, name, fails=fails))


@pytest.fixture
def folders(tmp_path: Path) -> VideoFolders:
    return VideoFolders(filepath=str(tmp_path / "crops"), suffix=".jpg", workers=1)


def test_saved_videos_load_frame_by_frame(folders: VideoFolders, tmp_path: Path) -> None:
    folders.save({"real/a": _work(tmp_path / "log", "a")})
    (video,) = folders.load().values()
    assert video.names == ["frame_000000", "frame_000004"]
    assert video.rows == [{"frame": 0}, {"frame": 4}]
    # JPEG may change a flat colour by a grey level or two, not swap red and blue
    assert np.abs(video.read("frame_000004").astype(int) - (200, 30, 60)).max() <= 2


def test_finished_videos_are_not_made_again(folders: VideoFolders, tmp_path: Path) -> None:
    log = tmp_path / "log"
    folders.save({"real/a": _work(log, "a"), "real/b": _work(log, "b")})
    folders.save({"real/a": _work(log, "a"), "real/b": _work(log, "b", fingerprint="2"), "fake/c": _work(log, "c")})
    assert log.read_text().split() == ["a", "b", "b", "c"]


def test_a_stage_that_died_goes_on_where_it_stopped(folders: VideoFolders, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with pytest.raises(DatasetError, match="cannot make b"):
        folders.save({"real/a": _work(log, "a"), "real/b": _work(log, "b", fails=True)})
    assert list(folders.load()) == ["real/a"]
    folders.save({"real/a": _work(log, "a"), "real/b": _work(log, "b")})
    assert log.read_text().split() == ["a", "b"]


def test_half_written_folder_does_not_count(folders: VideoFolders, tmp_path: Path) -> None:
    torn = tmp_path / "crops/real/.a.part"
    torn.mkdir(parents=True)
    (torn / "about.json").write_text("{}")
    assert folders.load() == {}
    folders.save({"real/a": _work(tmp_path / "log", "a")})
    assert not torn.exists()


def test_several_processes_write_what_one_does(tmp_path: Path) -> None:
    many = VideoFolders(filepath=str(tmp_path / "many"), suffix=".npy", workers=2)
    many.save({f"real/{i}": _work(tmp_path / "log", str(i)) for i in range(4)})
    assert sorted(many.load()) == [f"real/{i}" for i in range(4)]
    assert many.load()["real/3"].read("frame_000000").dtype == np.float32

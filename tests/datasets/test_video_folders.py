import base64
import json
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from kedro.io import DatasetError

from fakefocus.datasets.aside import written_aside
from fakefocus.datasets.stored_video import FrameWriter, VideoWork
from fakefocus.datasets.video_folders import VideoFolders
from fakefocus.imaging.maps import to_levels

RED = np.full((32, 32, 3), (200, 30, 60), np.uint8)


def _make(log: Path, name: str, write: FrameWriter, *, fails: bool = False) -> list[dict]:
    write("frame_000000", RED)
    if fails:
        msg = f"cannot make {name}"
        raise OSError(msg)
    with log.open("a") as file:
        file.write(f"{name}\n")
    write("frame_000004", RED)
    return [{"frame": 0}, {"frame": 4}]


def _work(log: Path, name: str, fingerprint: str = "1", *, fails: bool = False) -> VideoWork:
    return VideoWork(fingerprint, partial(_make, log, name, fails=fails))


def _leftovers(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.part"))


@pytest.fixture
def folders(tmp_path: Path) -> VideoFolders:
    return VideoFolders(filepath=str(tmp_path / "crops"), suffix=".jpg", executor={"workers": 1})


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
    assert {key: video.fingerprint for key, video in folders.load().items()} == {
        "real/a": "1",
        "real/b": "2",
        "fake/c": "1",
    }


def test_a_stage_that_died_goes_on_where_it_stopped(folders: VideoFolders, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with pytest.raises(DatasetError, match="cannot make b"):
        folders.save({"real/a": _work(log, "a"), "real/b": _work(log, "b", fails=True)})
    assert list(folders.load()) == ["real/a"]
    assert _leftovers(tmp_path) == []
    folders.save({"real/a": _work(log, "a"), "real/b": _work(log, "b")})
    assert log.read_text().split() == ["a", "b"]


def test_several_processes_write_what_one_does(tmp_path: Path) -> None:
    many = VideoFolders(filepath=str(tmp_path / "many"), suffix=".npy", executor={"workers": 2})
    many.save({f"real/{i}": _work(tmp_path / "log", str(i)) for i in range(4)})
    assert sorted(many.load()) == [f"real/{i}" for i in range(4)]
    assert many.load()["real/3"].read("frame_000000").dtype == np.float32


def test_what_a_killed_run_left_does_not_count_and_is_removed(folders: VideoFolders, tmp_path: Path) -> None:
    torn = [tmp_path / "crops/real" / name for name in (".a.7-0123abcd.part", ".gone.7-0123abcd.part")]
    for folder in torn:
        folder.mkdir(parents=True)
        (folder / "about.json").write_text('{"fingerprint": "1", "rows": []}')
    assert folders.load() == {}
    folders.save({"real/a": _work(tmp_path / "log", "a")})
    assert _leftovers(tmp_path) == []
    assert list(folders.load()) == ["real/a"]


@pytest.mark.parametrize("text", ["", '{"fingerprint": "1", "ro', "[]", "{}", "\0\0\0"])
def test_a_video_whose_description_is_torn_is_made_again(folders: VideoFolders, tmp_path: Path, text: str) -> None:
    log = tmp_path / "log"
    works = {"real/a": _work(log, "a"), "real/b": _work(log, "b")}
    folders.save(works)
    (tmp_path / "crops/real/a/about.json").write_text(text)
    assert list(folders.load()) == ["real/b"]
    folders.save(works)
    assert log.read_text().split() == ["a", "b", "a"]
    assert len(folders.load()["real/a"].rows) == 2


def test_frames_are_on_disk_at_once_and_can_be_discarded(tmp_path: Path) -> None:
    write = FrameWriter(tmp_path, ".npy")
    write("frame_000000", np.zeros(3))
    write("frame_000004", np.ones(3))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["frame_000000.npy", "frame_000004.npy"]
    write.discard("frame_000000")
    assert [p.name for p in tmp_path.iterdir()] == ["frame_000004.npy"]
    # what numpy itself writes to a file
    np.save(tmp_path / "expected.npy", np.ones(3, np.float32))
    assert (tmp_path / "frame_000004.npy").read_bytes() == (tmp_path / "expected.npy").read_bytes()


def _keep_replacing(folder: Path, writer: str, seconds: float) -> int:
    end, made = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        with written_aside(folder) as aside:
            for i in range(5):
                (aside / str(i)).write_text(writer)
        made += 1
    return made


def test_two_processes_that_make_one_video_leave_a_whole_one(tmp_path: Path) -> None:
    from joblib import Parallel, delayed

    folder = tmp_path / "a"
    made = Parallel(n_jobs=2)(delayed(_keep_replacing)(folder, writer, 1.0) for writer in "xy")
    assert min(made) > 10
    assert sorted(p.name for p in folder.iterdir()) == list("01234")
    assert len({p.read_text() for p in folder.iterdir()}) == 1
    assert list(tmp_path.iterdir()) == [folder]


def test_a_process_that_outlived_its_run_fails_when_the_next_one_begins(folders: VideoFolders, tmp_path: Path) -> None:
    folder = tmp_path / "crops/real/a"

    def outlive() -> None:
        with written_aside(folder) as aside:
            (aside / "old").touch()
            folders.save({"real/a": _work(tmp_path / "log", "a")})
            (aside / "old").touch()

    with pytest.raises(FileNotFoundError):
        outlive()
    assert sorted(p.name for p in folder.iterdir()) == ["about.json", "frame_000000.jpg", "frame_000004.jpg"]
    assert _leftovers(tmp_path) == []


def test_the_longest_name_of_a_video_fits(folders: VideoFolders, tmp_path: Path) -> None:
    key = "real/" + "é" * 127  # 254 bytes: a file system takes 255
    folders.save({key: _work(tmp_path / "log", "long")})
    assert list(folders.load()) == [key]


def test_videos_are_told_to_other_processes_by_their_full_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    folders = VideoFolders(filepath="crops", suffix=".jpg", executor={"workers": 1})
    monkeypatch.chdir("/")
    folders.save({"real/a": _work(tmp_path / "log", "a")})
    assert folders.load()["real/a"].path == tmp_path / "crops/real/a"


def test_a_video_keeps_its_times_when_it_is_finished(folders: VideoFolders, tmp_path: Path) -> None:
    works = {"real/a": _work(tmp_path / "log", "a")}
    folders.save(works)
    about = tmp_path / "crops/real/a/about.json"
    os.utime(about, (1, 1))
    folders.save(works)
    assert about.stat().st_mtime == 1
    assert json.loads(about.read_text())["fingerprint"] == "1"


@pytest.mark.parametrize(
    ("suffix", "stored", "largest_error"),
    [(".npy", np.asarray, 0.0), (".npy", to_levels, 0.6 / 65535), (".png", np.asarray, 0.6 / 65535)],
)
def test_maps_are_read_as_they_were_up_to_their_stores_precision(
    tmp_path: Path, suffix: str, stored: Callable[[np.ndarray], np.ndarray], largest_error: float
) -> None:
    values = np.random.default_rng(0).random((64, 64), dtype=np.float32)

    def make(write: FrameWriter) -> list[dict]:
        write("frame_000000", stored(values))
        return []

    # the dataset's own suffix is another one: what is on disk says what it is
    folders = VideoFolders(filepath=str(tmp_path), suffix=".npy", executor={"workers": 1})
    folders.save({"real/a": VideoWork("1", make, suffix=suffix, scale=(5.0, "pixels"))})
    video = folders.load()["real/a"]
    read = video.read("frame_000000")
    assert (video.path / f"frame_000000{suffix}").is_file()
    assert read.dtype == np.float32
    assert np.abs(read - values).max() <= largest_error
    assert video.scale == (5.0, "pixels")


def test_preview_of_maps_is_a_picture_with_room_for_a_bar(tmp_path: Path) -> None:
    folders = VideoFolders(filepath=str(tmp_path), suffix=".npy", executor={"workers": 1})

    def make(write: FrameWriter) -> list[dict]:
        write("frame_000000", np.full((64, 64), 0.5, np.float32))
        return []

    folders.save({f"real/{i}": VideoWork("1", make, scale=(5.0, "blur, pixels")) for i in range(3)})
    sheet = cv2.imdecode(np.frombuffer(base64.b64decode(folders.preview()), np.uint8), cv2.IMREAD_COLOR)
    # 9 inches at 90 dots an inch
    assert sheet.shape[1] == 810

"""A real disk that is full: one clear error, nothing torn, and the next run goes on."""

import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from kedro.io import DataCatalog, DatasetError
from kedro_datasets.pandas import ParquetDataset

from fakefocus.datasets.media_folder import MediaFolder
from fakefocus.datasets.stored_video import FrameWriter, VideoWork
from fakefocus.datasets.video_folders import VideoFolders
from fakefocus.errors import InputError
from fakefocus.hooks import PlainErrors
from fakefocus.hooks.plain_errors import RefusedInputError
from fakefocus.sources.demo.corpus import write_clip

KIB = 1024


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a disk of one MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no small disk can be mounted here: {done.stderr.strip()}")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def _fill(disk: Path, free: int) -> Path:
    ballast = disk / "ballast"
    ballast.write_bytes(bytes(KIB * KIB - free))
    return ballast


def _make(log: Path, name: str, write: FrameWriter) -> list[dict]:
    for i in range(3):
        write(f"frame_{i:06d}", np.full((100, 100), i))  # 40,000 bytes each
    with log.open("a") as file:
        file.write(f"{name}\n")
    return [{"frame": i} for i in range(3)]


@pytest.mark.parametrize("workers", [1, 2])
def test_a_full_disk_stops_the_stage_and_it_goes_on_when_space_is_free(
    small_disk: Path, tmp_path: Path, workers: int
) -> None:
    log = tmp_path / "log"
    works = {f"real/{i}": VideoWork("1", partial(_make, log, str(i))) for i in range(6)}
    folders = VideoFolders(filepath=str(small_disk / "maps"), suffix=".npy", executor={"workers": workers})
    ballast = _fill(small_disk, free=400 * KIB)
    with pytest.raises(DatasetError, match=r"maps/real/\d: cannot be written, the disk is full: free space") as told:
        folders.save(works)
    assert isinstance(told.value.__cause__, InputError)
    finished = folders.load()
    assert 0 < len(finished) < 6
    assert list(small_disk.rglob("*.part")) == []
    ballast.unlink()
    folders.save(works)
    videos = folders.load()
    assert len(videos) == 6
    assert all(video.read("frame_000002")[0, 0] == 2 for video in videos.values())
    assert len(log.read_text().split()) == 6


def plan_clips() -> dict[str, Callable[[Path], None]]:
    return {str(i): partial(_write_noise, index=i) for i in range(3)}


def _write_noise(root: Path, *, index: int) -> None:
    frames = np.random.default_rng(index).integers(0, 255, (10, 120, 160, 3), dtype=np.uint8)
    write_clip(root / f"{index}.mp4", list(frames), crf="1")


def test_a_full_disk_stops_the_making_of_the_corpus(small_disk: Path) -> None:
    media = MediaFolder(filepath=str(small_disk / "demo"), maker=f"{__name__}.plan_clips", executor={"workers": 2})
    ballast = _fill(small_disk, free=300 * KIB)
    with pytest.raises(DatasetError, match=r"disk/demo: cannot be written, the disk is full"):
        media.load()
    assert sorted(p.name for p in small_disk.iterdir()) == [".demo.lock", "ballast"]
    ballast.unlink()
    assert len(list(media.load().glob("*.mp4"))) == 3


def test_a_full_disk_under_a_table_is_one_message_too(small_disk: Path) -> None:
    _fill(small_disk, free=10 * KIB)
    catalog = DataCatalog({"faces": ParquetDataset(filepath=str(small_disk / "faces.parquet"))})
    with pytest.raises(DatasetError) as failed:
        catalog.save("faces", pd.DataFrame({"x": np.random.default_rng(0).random(10_000)}))
    with pytest.raises(RefusedInputError, match=r"faces\.parquet[\s\S]*disk is full: free space and run again"):
        PlainErrors().on_pipeline_error(error=failed.value)

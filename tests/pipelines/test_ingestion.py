"""What is remembered of a file, and what is not."""

import logging
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from fakefocus.datasets.probed_media import ProbedMedia
from fakefocus.parameters import Ingestion
from fakefocus.pipelines.ingestion.nodes import list_media, plan_probes, sort_media

FOLDER = Ingestion(layout="folder")


@pytest.fixture
def media(tmp_path: Path, face_clip: Path) -> Path:
    root = tmp_path / "media"
    for name in ("real/ann/a.mp4", "real/ben/b.mp4", "fake/swap/ann/c.mp4"):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(face_clip, root / name)
    return root


def _run(root: Path, store: Path) -> tuple[list[str], pd.DataFrame, pd.DataFrame]:
    """Probe as a run does; return the names of the files that were read, and both tables."""
    probed = ProbedMedia(filepath=str(store), executor={"workers": 1})
    listed = list_media(root, FOLDER, "x")
    plans = plan_probes(listed, probed.load())
    probed.save(plans)
    return [Path(p).name for p, plan in plans.items() if callable(plan)], *sort_media(listed, probed.load())


def test_second_run_reads_no_file_again(media: Path, tmp_path: Path) -> None:
    first, videos, _ = _run(media, tmp_path / "probes.parquet")
    again, same, _ = _run(media, tmp_path / "probes.parquet")
    assert sorted(first) == ["a.mp4", "b.mp4", "c.mp4"]
    assert again == []
    pd.testing.assert_frame_equal(videos, same)


@pytest.mark.parametrize("change", ["content", "time", "another file"])
def test_changed_file_is_read_again(media: Path, tmp_path: Path, change: str) -> None:
    _run(media, tmp_path / "probes.parquet")
    clip = media / "real/ben/b.mp4"
    status = clip.stat()
    if change == "content":
        clip.write_bytes(clip.read_bytes() + b"0")
        os.utime(clip, ns=(status.st_atime_ns, status.st_mtime_ns))
    elif change == "time":
        os.utime(clip, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    else:
        # of the same size and time, put in its place
        shutil.copy2(clip, clip.with_suffix(".new"))
        clip.with_suffix(".new").replace(clip)
    again, _, _ = _run(media, tmp_path / "probes.parquet")
    assert again == ["b.mp4"]


def test_file_that_is_gone_for_a_while_is_no_permanent_rejection(media: Path, tmp_path: Path) -> None:
    clip, elsewhere = media / "real/ben/b.mp4", tmp_path / "elsewhere.mp4"
    shutil.move(clip, elsewhere)
    clip.symlink_to(elsewhere)
    elsewhere.rename(tmp_path / "away.mp4")
    _, videos, rejected = _run(media, tmp_path / "probes.parquet")
    assert rejected["reason"].tolist() == [f"dangling link: it points to {elsewhere}"]
    (tmp_path / "away.mp4").rename(elsewhere)
    again, videos, rejected = _run(media, tmp_path / "probes.parquet")
    assert again == ["b.mp4"]
    assert (len(videos), len(rejected)) == (3, 0)


def test_rejected_file_is_remembered_with_its_reason(media: Path, tmp_path: Path) -> None:
    (media / "real/ben/b.mp4").write_bytes(b"no clip")
    _run(media, tmp_path / "probes.parquet")
    again, videos, rejected = _run(media, tmp_path / "probes.parquet")
    assert again == []
    assert len(videos) == 2
    assert rejected["reason"].str.startswith("not a media file").all()


def test_many_rejections_are_one_line_a_reason_with_three_names(
    media: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for number in range(60):
        (media / f"real/ann/empty{number:02d}.mp4").write_bytes(b"")
    with caplog.at_level(logging.WARNING):
        _run(media, tmp_path / "probes.parquet")
    (line,) = [record.getMessage() for record in caplog.records]
    names = "empty00.mp4, empty01.mp4, empty02.mp4 and others"
    assert line == f"60 of 63 files set aside: empty file (0 bytes) ({names})"


def test_clip_that_comes_back_between_two_runs_of_preprocessing_is_used(
    make_project: Callable[[str], Path], run_kedro: Callable[..., Any]
) -> None:
    project = make_project("gone")
    catalog = project / "conf/test/catalog.yml"
    catalog.write_text(catalog.read_text().replace("people: 12, frames: 12", "people: 2, frames: 4"))
    run_kedro(project, "ingest")
    clip = project / "data/01_raw/tiny/original_sequences/youtube/c23/videos/000.mp4"
    clip.rename(clip.with_suffix(".away"))
    run_kedro(project, "preprocess")
    rejected = pd.read_parquet(project / "data/03_primary/tiny/rejected_media.parquet")
    assert rejected["reason"].tolist() == ["no such file (any more)"]
    clip.with_suffix(".away").rename(clip)
    run_kedro(project, "preprocess")
    assert pd.read_parquet(project / "data/03_primary/tiny/rejected_media.parquet").empty

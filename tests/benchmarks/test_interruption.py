"""Runs that were killed, at whatever moment, and what a plain rerun makes of them."""

import hashlib
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def test_a_run_killed_at_a_random_moment_is_repaired_by_a_rerun() -> None:
    options = ("--kills", "1", "--from-nothing", "1", "--people", "2", "--frames", "4", "--pipelines", "data")
    script = str(ROOT / "benchmarks/interruption.py")
    done = subprocess.run([sys.executable, script, *options], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 kills, 0 faults" in done.stdout
    looked_at = re.findall(r"^ +none .* (\d+) +(\d+)  same$", done.stdout, re.MULTILINE)
    assert len(looked_at) == 1
    assert all(int(calls) == int(due) for calls, due in looked_at)


def _hashes(folder: Path) -> dict[str, str]:
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def _times(project: Path, stage: str) -> dict[str, int]:
    return {p.parent.name: p.stat().st_mtime_ns for p in (project / "data").glob(f"{stage}/tiny/*/*/*/about.json")}


@pytest.fixture(scope="module")
def project(make_project: Callable[[str], Path], run_kedro: Callable[..., dict]) -> Path:
    folder = make_project("torn")
    catalog = folder / "conf/test/catalog.yml"
    catalog.write_text(catalog.read_text().replace("people: 12, frames: 12", "people: 2, frames: 4"))
    run_kedro(folder, "data")
    return folder


def test_tables_that_a_kill_tore_are_written_anew_and_videos_stay(
    project: Path, run_kedro: Callable[..., dict]
) -> None:
    before, times = _hashes(project / "data"), _times(project, "0*")
    tables = list((project / "data").rglob("*.parquet"))
    assert len(tables) == 7
    for table in tables:
        table.write_bytes(table.read_bytes()[:100])
    run_kedro(project, "data")
    assert _hashes(project / "data") == before
    assert _times(project, "0*") == times


def test_a_changed_source_file_has_its_video_made_again_and_no_other(
    project: Path, run_kedro: Callable[..., dict]
) -> None:
    crops, maps = _times(project, "03_primary"), _times(project, "04_feature")
    assert len(crops) == len(maps) == 8
    clips = project / "data/01_raw/tiny/original_sequences/youtube/c23/videos"
    kept = (clips / "000.mp4").read_bytes()
    (clips / "000.mp4").write_bytes((clips / "001.mp4").read_bytes())
    run_kedro(project, "data")
    (clips / "000.mp4").write_bytes(kept)
    for stage, before in (("03_primary", crops), ("04_feature", maps)):
        now = _times(project, stage)
        assert [name for name in now if now[name] != before[name]] == ["tiny-youtube-c23-000"]


def test_changed_parameters_redo_what_depends_on_them(project: Path, run_kedro: Callable[..., dict]) -> None:
    run_kedro(project, "data")
    crops, maps = _times(project, "03_primary"), _times(project, "04_feature")
    run_kedro(project, "data", preprocessing={"sampling": {"every": 2}})
    for stage, before in (("03_primary", crops), ("04_feature", maps)):
        now = _times(project, stage)
        assert set(now) == set(before)
        assert not [name for name in now if now[name] == before[name]]
    assert list((project / "data").rglob("*.part")) == []

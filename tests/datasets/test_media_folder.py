"""The folder that a maker fills: complete or absent, whatever became of an earlier run."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from kedro.io import DatasetError

from fakefocus.datasets.media_folder import MediaFolder


def plan_files(count: int) -> dict[str, Callable[[Path], None]]:
    return {str(i): partial(_write, index=i) for i in range(count)}


def _write(root: Path, *, index: int) -> None:
    (root / f"{index}.txt").write_text(str(index))


def _folder(tmp_path: Path, count: int = 3) -> MediaFolder:
    maker = f"{__name__}.plan_files"
    return MediaFolder(
        filepath=str(tmp_path / "demo"), maker=maker, maker_args={"count": count}, executor={"workers": 1}
    )


def _held(tmp_path: Path) -> dict[str, str]:
    files = (p for p in tmp_path.rglob("*") if p.is_file() and p.suffix != ".lock")
    return {p.relative_to(tmp_path).as_posix(): p.read_text() for p in files}


def test_a_making_that_was_killed_starts_again_and_leaves_nothing_aside(tmp_path: Path) -> None:
    _folder(tmp_path / "calm").load()
    # one half written, one half deleted
    for name in (".demo.7-0123abcd.part", "..demo.7-0123abcd.part.8-0123abcd.part"):
        torn = tmp_path / "killed" / name
        torn.mkdir(parents=True)
        (torn / "0.txt").write_text("tor")
    others = tmp_path / "killed/.demo.x.7-0123abcd.part"
    others.mkdir()
    _folder(tmp_path / "killed").load()
    assert others.is_dir()
    others.rmdir()
    assert _held(tmp_path / "killed") == _held(tmp_path / "calm")
    assert sorted(p.name for p in (tmp_path / "killed").iterdir()) == [".demo.lock", "demo"]


@pytest.mark.parametrize("text", ["", '{"maker": "x'])
def test_a_torn_description_has_the_folder_made_again(tmp_path: Path, text: str) -> None:
    _folder(tmp_path).load()
    before = _held(tmp_path)
    (tmp_path / "demo/made_by.json").write_text(text)
    (tmp_path / "demo/1.txt").write_text("torn")
    _folder(tmp_path).load()
    assert _held(tmp_path) == before


def test_other_arguments_make_another_folder_and_the_same_keep_it(tmp_path: Path) -> None:
    folder = _folder(tmp_path).load()
    times = {p: p.stat().st_mtime_ns for p in folder.iterdir()}
    assert _folder(tmp_path).load() == folder
    assert {p: p.stat().st_mtime_ns for p in folder.iterdir()} == times
    _folder(tmp_path, count=1).load()
    assert sorted(_held(tmp_path)) == ["demo/0.txt", "demo/made_by.json"]


def test_a_folder_of_the_users_is_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    with pytest.raises(DatasetError, match=r"demo exists and was not made by .*plan_files: move it away"):
        _folder(tmp_path).load()


def test_the_path_is_full_wherever_the_run_began(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    assert MediaFolder(filepath="mine").load() == tmp_path / "mine"

"""What a folder of crops or maps says of itself, and what readers make of it."""

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fakefocus.datasets.stored_video import (
    FrameWriter,
    PassingFaultError,
    VideoFolder,
    VideoWork,
    check_made_with,
    check_unchanged,
    is_current,
    made_with,
    open_video,
    write_video,
)
from fakefocus.errors import InputError

MARGIN = {"size": 256, "margin": 0.3, "sampling": {"every": 4}}


def _make(write: FrameWriter) -> list[dict[str, Any]]:
    write("frame_000000", np.zeros((4, 4, 3), np.uint8))
    return [{"frame": 0}]


def _gone(write: FrameWriter) -> list[dict[str, Any]]:
    write("track_0_0", np.zeros((4, 4, 3), np.uint8))
    raise PassingFaultError({"frame": 0, "reason": "no such file (any more)"})


def _stored(folder: Path, mark: str = "1", options: dict[str, Any] | None = None) -> VideoFolder:
    made = {} if options == {} else {"preprocessing": options or MARGIN}
    write_video(VideoWork(mark, _make, made), folder, ".png", 95)
    opened = open_video(folder, ".png")
    assert opened is not None
    return opened


def test_parameters_that_made_a_folder_are_handed_out(tmp_path: Path) -> None:
    folders = {f"real/{name}": _stored(tmp_path / name) for name in "ab"}
    assert made_with(folders, folders, "preprocessing") == MARGIN
    assert check_made_with(folders, folders, "preprocessing", MARGIN) == MARGIN


def test_other_parameters_are_told_value_by_value(tmp_path: Path) -> None:
    folders = {"real/a": _stored(tmp_path / "a")}
    asked = MARGIN | {"margin": 0.5, "sampling": {"every": 10}}
    text = (
        r"margin 0\.3 on disk, 0\.5 asked for; sampling\.every 4 on disk, 10 asked for\): run .*--pipelines=preprocess"
    )
    with pytest.raises(InputError, match=text):
        check_made_with(folders, folders, "preprocessing", asked)


def test_folders_of_two_runs_are_not_taken_for_one(tmp_path: Path) -> None:
    folders = {f"real/{name}": _stored(tmp_path / name) for name in "ab"}
    folders["real/c"] = _stored(tmp_path / "c", options=MARGIN | {"margin": 0.5})
    with pytest.raises(
        InputError, match=r"crops: 1 videos were made with other parameters than 2 others \(margin 0\.3"
    ):
        made_with(folders, folders, "preprocessing")
    # who reads the two alone has nothing to fear
    assert made_with(folders, ["real/a", "real/b"], "preprocessing") == MARGIN


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        (["real/a", "real/z"], r"crops: 1 of 2 videos have none \(such as real/z\): run .*--pipelines=preprocess"),
        ([], r"crops: 0 of 0 videos have none"),
        (["real/old"], r"crops: 1 videos do not say how they were made"),
    ],
)
def test_missing_folders_and_folders_without_a_note_are_named(tmp_path: Path, keys: list[str], message: str) -> None:
    folders = {"real/a": _stored(tmp_path / "a"), "real/old": _stored(tmp_path / "old", options={})}
    with pytest.raises(InputError, match=message):
        made_with(folders, keys, "preprocessing")


def test_crops_that_were_made_anew_meanwhile_are_noticed(tmp_path: Path) -> None:
    folders = {"real/a": _stored(tmp_path / "a")}
    rows = [("real/a", "1"), ("real/a", "1")]
    check_unchanged(folders, rows, "train again")
    _stored(tmp_path / "a", mark="2")
    with pytest.raises(InputError, match=r"crops: those of 1 of 1 videos were made anew since .*real/a\): train again"):
        check_unchanged(folders, rows, "train again")


def test_video_that_cannot_be_read_now_is_shown_and_made_again_by_the_next_run(tmp_path: Path) -> None:
    folder, work = tmp_path / "a", VideoWork("1", _gone)
    write_video(work, folder, ".png", 95)
    opened = open_video(folder, ".png")
    assert opened is not None
    assert [row["reason"] for row in opened.rows] == ["no such file (any more)"]
    # nothing half-made stays, and whatever is made of it is made again too
    assert opened.names == []
    assert not is_current(folder, work)
    write_video(VideoWork("1", partial(_make)), folder, ".png", 95)
    assert is_current(folder, work)

import json
from pathlib import Path

import pytest

from fakefocus.sources import read_layout


def _touch(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


def test_ffpp_names_target_and_source_and_both_orders_share_the_side(tmp_path: Path) -> None:
    _touch(
        tmp_path,
        "original_sequences/youtube/c23/videos/012.mp4",
        "manipulated_sequences/Deepfakes/c23/videos/012_026.mp4",
        "manipulated_sequences/Deepfakes/c23/videos/026_012.mp4",
        "manipulated_sequences/Deepfakes/masks/videos/012_026.mp4",
    )
    (tmp_path / "val.json").write_text(json.dumps([["012", "026"]]))
    rows = {row["video_id"]: row for row in read_layout(tmp_path, "ffpp", "x")}
    assert sorted(rows) == ["x-Deepfakes-c23-012_026", "x-Deepfakes-c23-026_012", "x-youtube-c23-012"]
    fake = rows["x-Deepfakes-c23-012_026"]
    assert (fake["label"], fake["target_identity"], fake["source_identity"]) == (1, "012", "026")
    assert fake["mask_path"].endswith("masks/videos/012_026.mp4")
    assert {row["official_split"] for row in rows.values()} == {"val"}


def test_wrong_root_says_what_was_expected_and_found(tmp_path: Path) -> None:
    _touch(tmp_path, "real/a.mp4")
    with pytest.raises(ValueError, match=r"expected original_sequences/.*found \['real'\].*--env folder"):
        read_layout(tmp_path, "ffpp", "x")


def test_folder_reads_nested_files_methods_and_people(tmp_path: Path) -> None:
    _touch(
        tmp_path, "real/a.mp4", "real/ann/1.jpg", "fake/b.mp4", "fake/gan/c.png", "fake/gan/ann/2.png", "real/.hidden"
    )
    rows = {Path(row["path"]).name: row for row in read_layout(tmp_path, "folder", "x")}
    assert sorted(rows) == ["1.jpg", "2.png", "a.mp4", "b.mp4", "c.png"]
    assert {n: r["label"] for n, r in rows.items()} == {"1.jpg": 0, "2.png": 1, "a.mp4": 0, "b.mp4": 1, "c.png": 1}
    assert (rows["b.mp4"]["method"], rows["c.png"]["method"], rows["a.mp4"]["method"]) == ("unknown", "gan", "")
    # the same folder name is the same person, whatever the label
    assert rows["1.jpg"]["target_identity"] == rows["2.png"]["target_identity"] == "ann"
    assert rows["a.mp4"]["target_identity"] != rows["b.mp4"]["target_identity"]


def test_files_that_differ_in_suffix_only_keep_names_of_their_own(tmp_path: Path) -> None:
    _touch(tmp_path, "real/a.mp4", "real/a.avi")
    assert len({row["video_id"] for row in read_layout(tmp_path, "folder", "x")}) == 2

import json
import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

from fakefocus.parameters import LayoutName
from fakefocus.sources import layouts, read_layout

Plant = Callable[..., Path]
FFPP = "manipulated_sequences"


def _rows(root: Path, layout: str) -> dict[str, dict[str, Any]]:
    return {row["video_id"]: row for row in read_layout(root, layout, "x")}


def _reasons(root: Path, layout: str) -> dict[str, str]:
    return {Path(row["path"]).name: row["reason"] for row in read_layout(root, layout, "x") if row["reason"]}


def _told(root: Path, layout: str, caplog: pytest.LogCaptureFixture) -> str:
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        read_layout(root, layout, "x")
    return "\n".join(caplog.messages)


def test_parameter_knows_the_layouts_that_there_are() -> None:
    assert set(get_args(LayoutName)) == set(layouts())


# FaceForensics++


def test_ffpp_names_target_and_source_and_both_orders_share_the_side(ffpp_root: Path) -> None:
    rows = _rows(ffpp_root, "ffpp")
    fake = rows["x-Deepfakes-c23-012_026"]
    assert (fake["label"], fake["method"], fake["target_identity"], fake["source_identity"]) == (
        1,
        "Deepfakes",
        "012",
        "026",
    )
    assert fake["mask_path"].endswith("Deepfakes/masks/videos/012_026.mp4")
    assert rows["x-Deepfakes-c23-026_012"]["mask_path"] == ""
    sides = {row["official_split"] for row in rows.values() if not row["target_identity"].startswith("actor")}
    assert sides == {"val"}
    assert len(rows) == 9  # nine clips; the mask is none


def test_ffpp_takes_c0_and_raw_for_the_same_compression_and_keeps_both_clips(ffpp_root: Path) -> None:
    rows = _rows(ffpp_root, "ffpp")
    assert rows["x-youtube-c0-012"]["compression"] == rows["x-youtube-raw-026"]["compression"] == "raw"
    assert rows["x-FaceShifter-c40-012_026"]["compression"] == "c40"


def test_ffpp_tells_the_youtube_video_of_a_clip_and_of_what_was_made_from_it(ffpp_root: Path) -> None:
    rows = _rows(ffpp_root, "ffpp")
    # the id is the first eleven characters, a dash and an underscore among them
    assert rows["x-youtube-c23-012"]["source_video"] == "abcdef-_123"
    assert rows["x-Deepfakes-c23-012_026"]["source_video"] == "abcdef-_123"
    assert rows["x-Deepfakes-c23-026_012"]["source_video"] == "zyxwvutsrqp"
    (ffpp_root / "conversion_dict.json").unlink()
    assert _rows(ffpp_root, "ffpp")["x-Deepfakes-c23-026_012"]["source_video"] == "026"


def test_actors_are_other_people_than_sequences_of_the_same_number(ffpp_root: Path) -> None:
    rows = _rows(ffpp_root, "ffpp")
    actor = rows["x-DeepFakeDetection-c23-01_12__exit_phone_room__YVGY8LOK"]
    assert (actor["target_identity"], actor["source_identity"]) == ("actor-01", "actor-12")
    assert actor["source_video"] == "01__exit_phone_room"
    assert rows["x-actors-c23-01__exit_phone_room"]["target_identity"] == "actor-01"
    assert rows["x-youtube-c23-012"]["target_identity"] == "012"


def test_partial_ffpp_works_and_names_each_missing_thing(ffpp_root: Path, caplog: pytest.LogCaptureFixture) -> None:
    told = _told(ffpp_root, "ffpp", caplog)
    assert "manipulated_sequences: no Face2Face, FaceSwap, NeuralTextures" in told
    assert "original_sequences/youtube/c23: 2 of 1000 clips" in told
    assert "manipulated_sequences/DeepFakeDetection/c23: 1 of 3068 clips" in told
    assert "no train.json, test.json: official_split is left empty" in told
    assert "no masks of DeepFakeDetection" in told
    assert "conversion_dict" not in told


def test_methods_of_other_people_are_not_called_a_partial_download(
    plant: Plant, caplog: pytest.LogCaptureFixture
) -> None:
    root = plant("original_sequences/youtube/c23/videos/000.mp4", f"{FFPP}/MySwap/c23/videos/000_001.mp4")
    assert _told(root, "ffpp", caplog) == ""


def test_ffpp_files_out_of_place_are_rows_with_a_reason(plant: Plant) -> None:
    root = plant(
        f"{FFPP}/Deepfakes/c23/videos/012_026.mp4",
        f"{FFPP}/Deepfakes/c23/videos/copy of 012_026.mp4",
        f"{FFPP}/Deepfakes/c23/videos/012.mp4",
        f"{FFPP}/Deepfakes/c23/026_012.mp4",
        f"{FFPP}/Deepfakes/c99/videos/003_004.mp4",
        f"{FFPP}/Deepfakes/c23/images/005_006/0001.png",
        f"{FFPP}/DeepFakeDetection/c23/videos/001_002.mp4",
        "original_sequences/actors/c23/videos/01_12__exit_phone_room__YVGY8LOK.mp4",
    )
    reasons = _reasons(root, "ffpp")
    assert "012_026.mp4" not in reasons
    assert "the name is not <target>_<source>" in reasons["copy of 012_026.mp4"]
    assert "the name is not <target>_<source>" in reasons["012.mp4"]
    assert {reasons[name] for name in ("026_012.mp4", "003_004.mp4", "0001.png")} == {
        "not at <collection>/<raw, c0, c23 or c40>/videos/, where clips are published"
    }
    # DFD's folder does not hold sequences, and a fake among the actors is no original
    assert reasons["001_002.mp4"].startswith("the name is neither <actor>__<scene>")
    assert "01_12__exit_phone_room__YVGY8LOK.mp4" in reasons


@pytest.mark.parametrize("text", ["[[", '{"a": 1}'])
def test_broken_list_is_one_clear_error(ffpp_root: Path, text: str) -> None:
    (ffpp_root / "splits/val.json").write_text(text)
    with pytest.raises(ValueError, match=r"val\.json (is not JSON|must hold a list, got dict).*: download it again"):
        read_layout(ffpp_root, "ffpp", "x")


# DFD


def test_dfd_reads_flat_folders(dfd_root: Path) -> None:
    rows = _rows(dfd_root, "dfd")
    fake = rows["x-12_01__walk_down_hall_angry__0XLYT4Q5"]
    assert (fake["label"], fake["target_identity"], fake["source_identity"]) == (1, "actor-12", "actor-01")
    assert (fake["method"], fake["source_video"]) == ("DeepFakeDetection", "12__walk_down_hall_angry")
    real = rows["x-01__exit_phone_room"]
    assert (real["label"], real["target_identity"], real["source_video"], real["compression"]) == (
        0,
        "actor-01",
        "01__exit_phone_room",
        "",
    )


def test_dfd_reads_its_branches_of_the_ffpp_tree_only(ffpp_root: Path, plant: Plant) -> None:
    name = "01_12__exit_phone_room__YVGY8LOK.mp4"
    plant(f"{FFPP}/DeepFakeDetection/masks/videos/{name}")
    rows = _rows(ffpp_root, "dfd")
    assert sorted(rows) == ["x-c23-01_12__exit_phone_room__YVGY8LOK", "x-c23-01__exit_phone_room"]
    fake = rows["x-c23-01_12__exit_phone_room__YVGY8LOK"]
    assert fake["compression"] == "c23"
    assert fake["mask_path"].endswith(f"masks/videos/{name}")


def test_partial_dfd_says_how_much_is_there(dfd_root: Path, caplog: pytest.LogCaptureFixture) -> None:
    told = _told(dfd_root, "dfd", caplog)
    assert "real: 1 of 363 clips" in told
    assert "fake: 2 of 3068 clips" in told
    assert "no masks of the fakes" in told


def test_other_names_among_dfds_clips_have_a_reason(dfd_root: Path, plant: Plant) -> None:
    plant("DFD_original sequences/readme.mp4")
    assert _reasons(dfd_root, "dfd") == {
        "readme.mp4": "the name is neither <actor>__<scene> nor <target>_<source>__<scene>__<8 characters>"
    }


# Celeb-DF


@pytest.mark.parametrize("fixture", ["celebdf_root", "celebdf_videos_root"])
def test_celebdf_is_read_with_and_without_a_level_of_videos(fixture: str, request: pytest.FixtureRequest) -> None:
    rows = _rows(request.getfixturevalue(fixture), "celebdf")
    assert not any(row["reason"] for row in rows.values())
    fake = rows["x-Celeb-synthesis-id0_id1_0000"]
    assert (fake["label"], fake["target_identity"], fake["source_identity"]) == (1, "id0", "id1")
    assert fake["source_video"] == rows["x-Celeb-real-id0_0000"]["source_video"] == "id0_0000"
    assert rows["x-YouTube-real-00170"]["target_identity"] == "youtube-00170"
    assert {row["label"] for row in rows.values() if row["method"] == ""} == {0}


def test_celebdf_tests_on_what_the_list_names_and_nothing_else(celebdf_root: Path) -> None:
    tested = {row["video_id"] for row in _rows(celebdf_root, "celebdf").values() if row["official_split"] == "test"}
    assert tested == {"x-Celeb-real-id1_0000", "x-Celeb-synthesis-id0_id1_0000"}


def test_celebdf_labels_are_the_folders_and_contradicting_flags_are_counted(
    celebdf_root: Path, caplog: pytest.LogCaptureFixture
) -> None:
    # as published, 1 is real: nothing contradicts
    assert "contradict" not in _told(celebdf_root, "celebdf", caplog)
    listed = "1 Celeb-synthesis/id0_id1_0000.mp4\n0 Celeb-real/id1_0000.mp4\n1 YouTube-real/00171.mp4\nnonsense\n"
    (celebdf_root / "List_of_testing_videos.txt").write_text(listed)
    told = _told(celebdf_root, "celebdf", caplog)
    assert "2 flags contradict their folder (1 is real there): labels are from the folders" in told
    assert "1 of 3 listed clips are not there" in told
    assert "1 lines are not '<flag> <folder>/<file>'" in told
    assert _rows(celebdf_root, "celebdf")["x-Celeb-synthesis-id0_id1_0000"]["label"] == 1


def test_partial_celebdf_says_what_is_missing(plant: Plant, caplog: pytest.LogCaptureFixture) -> None:
    told = _told(plant("Celeb-real/id0_0000.mp4"), "celebdf", caplog)
    assert "no Celeb-synthesis" in told
    assert "Celeb-real: 1 of 590 clips" in told
    assert "no List_of_testing_videos.txt: official_split is left empty" in told


def test_celebdf_files_out_of_place_have_a_reason(celebdf_root: Path, plant: Plant) -> None:
    plant("Celeb-real/id0.mp4", "Celeb-real/frames/id7_0000.mp4")
    reasons = _reasons(celebdf_root, "celebdf")
    assert "the name is not one of Celeb-real" in reasons["id0.mp4"]
    assert "not directly in Celeb-real/" in reasons["id7_0000.mp4"]


# DFDC


def test_dfdc_groups_by_original_and_names_the_part(dfdc_root: Path) -> None:
    rows = _rows(dfdc_root, "dfdc")
    fake = rows["x-dfdc_train_part_0-bbb"]
    assert (fake["label"], fake["method"], fake["target_identity"], fake["source_video"]) == (1, "dfdc", "aaa", "aaa")
    assert rows["x-dfdc_train_part_0-aaa"]["target_identity"] == "aaa"
    assert {row["official_split"] for name, row in rows.items() if "part" in name} == {"train"}
    # in the test set's list 1 is fake
    assert [(rows[f"x-test-{n}"]["label"], rows[f"x-test-{n}"]["official_split"]) for n in ("ccc", "ddd")] == [
        (1, "test"),
        (0, "test"),
    ]


def test_dfdc_test_set_of_newer_downloads_has_is_fake(dfdc_root: Path) -> None:
    (dfdc_root / "test/labels.csv").unlink()
    told = {"ccc.mp4": {"is_fake": 1, "augmentations": {}}, "ddd.mp4": {"is_fake": 0}}
    (dfdc_root / "test/metadata.json").write_text(json.dumps(told))
    rows = _rows(dfdc_root, "dfdc")
    assert [(rows[f"x-test-{n}"]["label"], rows[f"x-test-{n}"]["official_split"]) for n in ("ccc", "ddd")] == [
        (1, "test"),
        (0, "test"),
    ]


def test_same_name_in_two_parts_is_two_videos_also_where_the_parts_have_one_name(plant: Plant) -> None:
    told = {"a.mp4": {"label": "REAL", "split": "train"}}
    parts = ("one/dfdc_train_part_0", "two/dfdc_train_part_0", "dfdc_train_part_1")
    root = plant(*(f"{p}/a.mp4" for p in parts), **{f"{p}/metadata.json": told for p in parts})
    rows = read_layout(root, "dfdc", "x")
    assert len({row["video_id"] for row in rows}) == 3
    assert "x-dfdc_train_part_1-a" in {row["video_id"] for row in rows}


def test_dfdc_tells_what_is_listed_only_and_what_is_not_listed(
    dfdc_root: Path, plant: Plant, caplog: pytest.LogCaptureFixture
) -> None:
    (dfdc_root / "test/ccc.mp4").unlink()
    plant("test/zzz.mp4")
    assert "test: 1 of 2 listed clips are not there" in _told(dfdc_root, "dfdc", caplog)
    assert "ccc.mp4" not in {Path(row["path"]).name for row in read_layout(dfdc_root, "dfdc", "x")}
    assert _reasons(dfdc_root, "dfdc") == {"zzz.mp4": "no metadata.json or labels.csv lists it"}


def test_dfdc_file_without_a_label_has_a_reason(plant: Plant) -> None:
    told = {"a.mp4": {"split": "train"}, "b.mp4": {"label": "MAYBE"}, "c.mp4": None}
    root = plant("part/a.mp4", "part/b.mp4", "part/c.mp4", **{"part/metadata.json": told})
    assert set(_reasons(root, "dfdc").values()) == {"its metadata give it no label FAKE or REAL"}
    assert len(_reasons(root, "dfdc")) == 3


# DFDCP


def test_dfdcp_takes_the_target_from_the_list_else_from_the_actors_folder(dfdcp_root: Path) -> None:
    rows = {row["method"]: row for row in read_layout(dfdcp_root, "dfdcp", "x")}
    told = {m: (r["label"], r["target_identity"], r["source_identity"], r["official_split"]) for m, r in rows.items()}
    assert told == {
        "": (0, "643782", "", "train"),
        "method_A": (1, "1064394", "643782", "test"),  # not its folder's number
        "method_B": (1, "643782", "1064393", "test"),
    }
    assert rows[""]["source_video"] == "643782_A_001"


def test_dfdcp_tells_what_is_listed_only_and_what_is_not_listed(
    dfdcp_root: Path, plant: Plant, caplog: pytest.LogCaptureFixture
) -> None:
    (dfdcp_root / "method_B/643782/643782_B.mp4").unlink()
    plant("method_A/9/z.mp4")
    assert "dataset.json: 1 of 3 listed clips are not there" in _told(dfdcp_root, "dfdcp", caplog)
    assert "643782_B.mp4" not in {Path(row["path"]).name for row in read_layout(dfdcp_root, "dfdcp", "x")}
    assert _reasons(dfdcp_root, "dfdcp") == {"z.mp4": "dataset.json does not list it"}


# Metadata that lead elsewhere


@pytest.mark.parametrize(
    "name", ["../../secret.mp4", "method_A/../../../secret.mp4", "..\\secret.mp4", "C:/secret.mp4"]
)
def test_listed_path_that_leads_outside_the_root_is_never_followed(plant: Plant, name: str) -> None:
    entry = {"label": "real", "set": "train"}
    root = plant("original_videos/1/a.mp4", **{"dataset.json": {"original_videos/1/a.mp4": entry, name: entry}})
    (root.parent / "secret.mp4").write_bytes(b"0")
    outside = [row for row in read_layout(root, "dfdcp", "x") if row["reason"]]
    assert [row["reason"] for row in outside] == ["its metadata name a file outside the data set's folder"]


def test_absolute_path_in_the_metadata_is_never_followed(plant: Plant, face_clip: Path) -> None:
    told = {"a.mp4": {"label": "REAL"}, str(face_clip): {"label": "FAKE"}}
    root = plant("part/a.mp4", **{"part/metadata.json": told})
    rows = read_layout(root, "dfdc", "x")
    assert [(row["label"], row["reason"]) for row in rows if not row["reason"]] == [(0, "")]
    assert [row["reason"] for row in rows if row["reason"]] == [
        "its metadata name a file outside the data set's folder"
    ]


# Images by generator


def test_images_are_read_in_each_published_layout(images_root: Path) -> None:
    rows = {
        Path(row["path"]).relative_to(images_root).as_posix(): row for row in read_layout(images_root, "images", "x")
    }
    told = {name: (row["label"], row["method"], row["official_split"]) for name, row in rows.items()}
    assert told == {
        "progan/airplane/0_real/00000.png": (0, "", ""),
        "progan/airplane/1_fake/00000.png": (1, "progan", ""),
        "stylegan/0_real/a.png": (0, "", ""),
        "stylegan/1_fake/a.png": (1, "stylegan", ""),
        "ADM/train/ai/x.png": (1, "ADM", "train"),
        "ADM/val/nature/x.png": (0, "", "val"),
        "real/FFHQ/00001.png": (0, "", ""),
        "fake/DiffusionDB/00001.png": (1, "DiffusionDB", ""),
    }
    assert len({row["target_identity"] for row in rows.values()}) == len(rows)
    assert len({row["video_id"] for row in rows.values()}) == len(rows)


def test_images_below_a_level_of_train_and_val(plant: Plant) -> None:
    root = plant("train/progan/cat/1_fake/a.png", "val/progan/0_real/b.png", "test/fake/sdxl/c.png")
    rows = {Path(row["path"]).name: row for row in read_layout(root, "images", "x")}
    assert {n: (r["method"], r["official_split"]) for n, r in rows.items()} == {
        "a.png": ("progan", "train"),
        "b.png": ("", "val"),
        "c.png": ("sdxl", "test"),
    }


def test_image_without_a_label_has_a_reason_and_a_missing_kind_is_told(
    plant: Plant, caplog: pytest.LogCaptureFixture
) -> None:
    root = plant("progan/1_fake/a.png", "progan/more/b.png")
    assert list(_reasons(root, "images")) == ["b.png"]
    assert "no real images" in _told(root, "images", caplog)


# Folders


def test_folder_reads_nested_files_methods_and_people(plant: Plant) -> None:
    root = plant("real/a.mp4", "real/ann/1.jpg", "fake/b.mp4", "fake/gan/c.png", "fake/gan/ann/2.png", "real/.hidden")
    rows = {Path(row["path"]).name: row for row in read_layout(root, "folder", "x")}
    assert sorted(rows) == ["1.jpg", "2.png", "a.mp4", "b.mp4", "c.png"]
    assert {n: r["label"] for n, r in rows.items()} == {"1.jpg": 0, "2.png": 1, "a.mp4": 0, "b.mp4": 1, "c.png": 1}
    assert (rows["b.mp4"]["method"], rows["c.png"]["method"], rows["a.mp4"]["method"]) == ("unknown", "gan", "")
    # the same folder name is the same person, whatever the label
    assert rows["1.jpg"]["target_identity"] == rows["2.png"]["target_identity"] == "ann"
    assert rows["a.mp4"]["target_identity"] != rows["b.mp4"]["target_identity"]


def test_files_that_differ_in_suffix_case_or_a_space_only_keep_names_of_their_own(plant: Plant) -> None:
    root = plant("real/a.mp4", "real/a.png", "real/B c.png", "real/b_c.png", "real/a-b/c.png", "real/a/b-c.png")
    names = [row["video_id"].casefold() for row in read_layout(root, "folder", "x")]
    assert len(set(names)) == len(names) == 6


def test_names_are_data_with_spaces_other_scripts_and_leading_dashes(plant: Plant) -> None:
    root = plant("real/-rf.png", "real/..png.png", "real/Ännchen Müller.png", "real/人 物/顔.png")
    ids = {row["video_id"] for row in read_layout(root, "folder", "x")}
    # ..png.png is hidden
    assert ids == {"x-real--rf-png", "x-real-Ännchen_Müller-png", "x-real-人_物-顔-png"}


def test_dangling_link_is_listed_and_a_link_in_a_circle_does_no_harm(plant: Plant) -> None:
    root = plant("real/a.png")
    (root / "real/gone.png").symlink_to(root / "nowhere.png")
    (root / "real/self.png").symlink_to(root / "real/self.png")
    (root / "real/up").symlink_to(root / "real")
    assert [Path(row["path"]).name for row in read_layout(root, "folder", "x")] == ["a.png", "gone.png", "self.png"]


def test_folder_that_is_linked_to_is_read(plant: Plant, tmp_path: Path) -> None:
    plant("real/a.png")
    (tmp_path / "elsewhere/gan").mkdir(parents=True)
    (tmp_path / "elsewhere/gan/b.png").write_bytes(b"0")
    root = tmp_path / "root"
    (root / "fake").symlink_to(tmp_path / "elsewhere")
    assert {row["label"] for row in read_layout(root, "folder", "x")} == {0, 1}


def test_name_that_is_not_utf8_is_set_aside_and_can_be_shown(plant: Plant) -> None:
    root = plant("real/a.png")
    try:
        Path(os.fsdecode(os.fsencode(root / "real") + b"/caf\xe9.png")).write_bytes(b"0")
    except OSError:
        pytest.skip("this file system holds UTF-8 names only")
    rows = [row for row in read_layout(root, "folder", "x") if row["reason"]]
    assert [row["reason"] for row in rows] == ["the file's name is not UTF-8: rename it"]
    assert rows[0]["path"].encode()


# Wrong roots


def test_wrong_root_says_what_was_expected_and_found_and_which_layout_it_is(folder_root: Path) -> None:
    with pytest.raises(
        ValueError,
        match=r"not in the layout 'ffpp': expected original_sequences/.*found \['fake', 'real'\].*'--env folder'",
    ):
        read_layout(folder_root, "ffpp", "x")


@pytest.mark.parametrize("layout", ["ffpp", "dfd", "celebdf", "dfdc", "dfdcp", "images", "folder"])
def test_each_layout_is_offered_where_another_was_asked_for(layout: str, request: pytest.FixtureRequest) -> None:
    root = request.getfixturevalue(f"{layout}_root")
    other = "celebdf" if layout != "celebdf" else "dfdcp"
    with pytest.raises(ValueError, match=f"'--env {layout}'"):
        read_layout(root, other, "x")


@pytest.mark.parametrize("layout", ["ffpp", "celebdf", "dfdcp", "folder"])
def test_root_that_is_one_folder_further_down_is_named(layout: str, request: pytest.FixtureRequest) -> None:
    root = request.getfixturevalue(f"{layout}_root")
    (root.parent / "other").mkdir(exist_ok=True)
    with pytest.raises(ValueError, match=f"it is one folder further down: --params=data_root={root}"):
        read_layout(root.parent, layout, "x")


def test_empty_root_is_told_apart_from_a_wrong_one(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match=r"expected .*, found nothing$"):
        read_layout(tmp_path / "empty", "dfdc", "x")


def test_folders_of_days_below_a_person_are_that_person(tmp_path: Path) -> None:
    for name in ("real/ann/day1/1.jpg", "real/ann/day2/1.jpg", "fake/swap/ann/day3/1.jpg", "real/ben.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"0")
    rows = read_layout(tmp_path, "folder", "x")
    people = {Path(row["path"]).relative_to(tmp_path).as_posix(): row["target_identity"] for row in rows}
    assert people == {
        **dict.fromkeys(("real/ann/day1/1.jpg", "real/ann/day2/1.jpg", "fake/swap/ann/day3/1.jpg"), "ann"),
        "real/ben.jpg": "real/ben",
    }
    assert len({row["video_id"] for row in rows}) == 4

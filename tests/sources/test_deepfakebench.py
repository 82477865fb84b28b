"""DeepfakeBench's lists and folders of frames, built small, with the quirks that its own tools leave."""

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from examples import ingest
from fakefocus.errors import InputError
from fakefocus.parameters import Ingestion
from fakefocus.sources import layouts, read_layout
from fakefocus.sources.deepfakebench import LABELS

Plant = Callable[..., Path]
Listed = dict[str, Any]
METHODS = {"FF-DF": "Deepfakes", "FF-F2F": "Face2Face", "FF-FS": "FaceSwap", "FF-NT": "NeuralTextures"}
PICTURES = ("000.png", "010.png")


def _video(label: str, folder: str, pictures: tuple[str, ...] = PICTURES) -> Listed:
    return {"label": label, "frames": [f"{folder}/{name}" for name in pictures]}


def _lists(root: Path, name: str, content: Listed, place: str = "dataset_json") -> Path:
    path = root / place / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return root


def _ffpp(prefix: str = "") -> Listed:
    """Return the list of one pair in all four methods, as rearrange.py writes it."""
    above = f"{prefix}FaceForensics++"
    labels: Listed = {
        "FF-real": {
            side: {"c23": {n: _video("FF-real", f"{above}/original_sequences/youtube/c23/frames/{n}") for n in names}}
            for side, names in {"train": ["000", "003"], "val": [], "test": ["005"]}.items()
        }
    }
    for label, method in METHODS.items():
        folder = f"{above}/manipulated_sequences/{method}/c23/frames/000_003"
        labels[label] = {"train": {"c23": {"000_003": _video(label, folder)}}, "val": {"c23": {}}, "test": {"c23": {}}}
    return {"FaceForensics++": labels}


def _folders(content: Any) -> list[str]:
    """Return the paths of all frames that a list names."""
    if isinstance(content, dict):
        return [path for value in content.values() for path in _folders(value)]
    return [str(path) for path in content] if isinstance(content, list) else []


def _rows(root: Path, name: str | None = None) -> dict[str, dict[str, Any]]:
    return {row["video_id"]: row for row in read_layout(root, "deepfakebench", "x", name)}


def _reasons(root: Path) -> dict[str, str]:
    return {Path(path).name: reason for path, reason in _paths_and_reasons(root)}


def _paths_and_reasons(root: Path) -> list[tuple[str, str]]:
    return [(r["path"], r["reason"]) for r in read_layout(root, "deepfakebench", "x") if r["reason"]]


@pytest.fixture
def deepfakebench_root(plant: Plant) -> Path:
    return _lists(plant(*_folders(_ffpp())), "FaceForensics++", _ffpp())


def test_one_name_in_four_methods_is_four_videos(deepfakebench_root: Path) -> None:
    # grouping by the folder's name, as is published, would make one of 000_003
    rows = _rows(deepfakebench_root)
    assert sorted(rows) == [
        *(f"x-{method}-c23-000_003" for method in sorted(METHODS.values())),
        *("x-youtube-c23-000", "x-youtube-c23-003", "x-youtube-c23-005"),
    ]
    fakes = [row for row in rows.values() if row["label"] == 1]
    assert {row["method"] for row in fakes} == set(METHODS.values())
    assert {(row["target_identity"], row["source_identity"]) for row in fakes} == {("000", "003")}


def test_ids_methods_and_identities_are_those_of_the_data_sets_own_layout(ffpp_root: Path, plant: Plant) -> None:
    own = {row["video_id"]: row for row in read_layout(ffpp_root, "ffpp", "x")}
    folder = "FaceForensics++/manipulated_sequences/Deepfakes/c23/frames/012_026"
    content = {"FF-DF": {"FF-DF": {"val": {"c23": {"012_026": _video("FF-DF", folder)}}}}}
    plant(*_folders(content))
    rows = _rows(_lists(ffpp_root, "FF-DF", content))
    same = ("label", "method", "compression", "target_identity", "source_identity", "source_video", "official_split")
    (video_id,) = rows
    assert {name: rows[video_id][name] for name in same} == {name: own[video_id][name] for name in same}


@pytest.mark.parametrize(
    "prefix", ["", "./datasets/rgb/", "/home/somebody/bench/datasets/rgb/", "E:/Research/data/", "../../rgb/"]
)
@pytest.mark.parametrize("below", ["", "datasets/rgb", "rgb"])
@pytest.mark.parametrize("slash", ["/", "\\"])
def test_paths_of_another_machine_are_found_below_the_root(plant: Plant, prefix: str, below: str, slash: str) -> None:
    plant(*(f"{below}/{path}".lstrip("/") for path in _folders(_ffpp())))
    content = json.loads(json.dumps(_ffpp(prefix)).replace("/", slash.replace("\\", "\\\\")))
    rows = _rows(_lists(plant(), "FaceForensics++", content, "preprocessing/dataset_json"))
    assert len(rows) == 7
    assert all(Path(row["path"]).is_dir() for row in rows.values())


def test_folder_of_one_data_set_is_a_root_too(plant: Plant) -> None:
    root = plant(*(path.removeprefix("FaceForensics++/") for path in _folders(_ffpp())))
    assert len(_rows(_lists(root, "FaceForensics++", _ffpp(), "."))) == 7


def test_part_of_a_path_that_differs_between_methods_is_never_left_away(plant: Plant) -> None:
    # below the folder of one method, c23/frames/000_003 of the others would be the same folder
    root = plant(*(path.rsplit("Deepfakes/")[-1] for path in _folders(_ffpp()) if "Deepfakes" in path))
    with pytest.raises(InputError, match=r"no folder of frames that FaceForensics.*json names is below .*data_root="):
        _rows(_lists(root, "FaceForensics++", _ffpp()))


def test_what_is_listed_and_not_there_is_a_row_with_its_reason(deepfakebench_root: Path) -> None:
    sequences = deepfakebench_root / "FaceForensics++"
    (sequences / "original_sequences/youtube/c23/frames/000/010.png").unlink()
    for picture in (folder := sequences / "manipulated_sequences/FaceSwap/c23/frames/000_003").iterdir():
        picture.unlink()
    folder.rmdir()
    (sequences / "manipulated_sequences/FaceSwap/c23/frames/005_006").mkdir()
    videos, rejected = ingest(deepfakebench_root, Ingestion(layout="deepfakebench"), "x")
    reasons = {
        "/".join(Path(path).parts[-2:]): reason
        for path, reason in zip(rejected["path"], rejected["reason"], strict=True)
    }
    assert reasons == {
        "000/010.png": "no such file: FaceForensics++.json lists it",
        "frames/000_003": "no such folder: FaceForensics++.json lists 2 frames in it",
        "frames/005_006": "FaceForensics++.json does not list it",
    }
    # the video with one picture less is used; 7 were listed
    assert len(videos) == 6
    assert videos.set_index("video_id").loc["x-youtube-c23-000", "frames"] == 1


def test_folder_of_frames_is_a_video_of_its_kind(deepfakebench_root: Path) -> None:
    videos, rejected = ingest(deepfakebench_root, Ingestion(layout="deepfakebench"), "x")
    assert rejected.empty
    assert videos["kind"].eq("frames").all()
    assert (videos["frames"].eq(2) & videos["width"].eq(48) & videos["codec"].eq("png")).all()


def test_video_is_tested_on_rather_than_trained_on(plant: Plant, caplog: pytest.LogCaptureFixture) -> None:
    # as rearrange.py writes Celeb-DF: train holds every clip, test and val the published test list
    above = "Celeb-DF-v2/Celeb-real/frames"
    real = {name: _video("CelebDFv2_real", f"{above}/{name}") for name in ("id0_0000", "id1_0000")}
    tested = {"id1_0000": real["id1_0000"]}
    fake = {"id0_id1_0000": _video("CelebDFv2_fake", "Celeb-DF-v2/Celeb-synthesis/frames/id0_id1_0000")}
    labels = {
        "CelebDFv2_real": {"train": real, "val": tested, "test": tested},
        "CelebDFv2_fake": {"train": fake, "val": {}, "test": {}},
    }
    root = _lists(plant(*_folders(labels)), "Celeb-DF-v2", {"Celeb-DF-v2": labels})
    with caplog.at_level(logging.WARNING):
        rows = _rows(root)
    sides = {name: row["official_split"] for name, row in rows.items()}
    assert sides == {
        "x-Celeb-real-id0_0000": "train",
        "x-Celeb-real-id1_0000": "test",
        "x-Celeb-synthesis-id0_id1_0000": "train",
    }
    fake_row = rows["x-Celeb-synthesis-id0_id1_0000"]
    assert (fake_row["method"], fake_row["target_identity"], fake_row["source_identity"]) == ("celebdf", "id0", "id1")
    assert "1 videos are listed in test and train and val, each is on one side here: test" in caplog.text


def test_three_sides_of_the_same_videos_are_no_split(plant: Plant, caplog: pytest.LogCaptureFixture) -> None:
    above = "FaceForensics++/manipulated_sequences/DeepFakeDetection/c23/frames"
    name = "01_12__exit_phone_room__YVGY8LOK"
    video = {"c23": {name: _video("DFD_fake", f"{above}/{name}")}}
    content = {"DeepFakeDetection": {"DFD_fake": dict.fromkeys(("train", "val", "test"), video)}}
    with caplog.at_level(logging.WARNING):
        (row,) = _rows(_lists(plant(*_folders(content)), "DeepFakeDetection", content)).values()
    assert (row["official_split"], row["target_identity"], row["method"]) == ("", "actor-01", "DeepFakeDetection")
    assert "train, val and test list the same videos of DFD_fake, which is no split" in caplog.text


def test_entries_that_are_no_videos_are_counted(plant: Plant, caplog: pytest.LogCaptureFixture) -> None:
    # DFDC's val side is overwritten by the label and the frames of its last video
    video = _video("DFDC_Fake", "DFDC/test/frames/aaa")
    content = {"DFDC": {"DFDC_Fake": {"test": {"aaa": video}, "val": video}}}
    with caplog.at_level(logging.WARNING):
        rows = _rows(_lists(plant(*_folders(video)), "DFDC", content))
    assert [(name, row["official_split"]) for name, row in rows.items()] == [("x-test-aaa", "test")]
    assert "DFDC.json: 2 entries of DFDC_Fake val are no videos" in caplog.text


@pytest.mark.parametrize(
    ("label", "folder", "target", "source"),
    [
        ("DFDCP_FakeA", "DFDCP/method_A/frames/1064393_D_643782_C_004", "1064393", "643782"),
        ("DFDCP_Real", "DFDCP/original_videos/frames/643782_A_001", "643782", ""),
        ("DF_fake", "DeeperForensics-1.0/manipulated_videos/end_to_end/frames/000_M101", "000", "M101"),
        ("DF_real", "DeeperForensics-1.0/source_videos/M101/frames/M101_BlendShape_camera_front", "M101", ""),
        ("UADFV_Fake", "UADFV/fake/frames/0007_fake", "0007", ""),
        ("UADFV_Real", "UADFV/real/frames/0007", "0007", ""),
        ("CelebDFv1_real", "Celeb-DF-v1/YouTube-real/frames/00170", "youtube-00170", ""),
        ("DFD_real", "FaceForensics++/original_sequences/actors/c23/frames/01__exit", "actor-01", ""),
    ],
)
def test_names_of_each_data_set_tell_who_is_shown(
    plant: Plant, label: str, folder: str, target: str, source: str
) -> None:
    content = {"any": {label: {"test": {Path(folder).name: _video(label, folder)}}}}
    (row,) = _rows(_lists(plant(*_folders(content)), "any", content)).values()
    assert (row["reason"], row["target_identity"], row["source_identity"]) == ("", target, source)
    assert row["label"] == LABELS[label].label


def test_label_is_looked_up_and_not_read_out_of_a_word(plant: Plant) -> None:
    folders = [f"set/{name}/frames/000" for name in ("a", "b")]
    content = {
        "set": {
            "surreal_fakes": {"test": {"000": _video("surreal_fakes", folders[0])}},
            "FF-reel": {"test": {"000": _video("FF-reel", folders[1])}},
        }
    }
    reasons = {reason for _, reason in _paths_and_reasons(_lists(plant(*_folders(content)), "set", content))}
    assert reasons == {"unknown label 'surreal_fakes'", "unknown label 'FF-reel', did you mean 'FF-real'?"}


def test_video_of_two_labels_is_set_aside(plant: Plant) -> None:
    folder = "set/frames/000"
    content = {"set": {label: {"test": {"000": _video(label, folder)}} for label in ("FF-real", "FF-DF")}}
    root = _lists(plant(*_folders(content)), "set", content)
    assert _reasons(root) == {"000": "it has several labels: FF-DF, FF-real"}


def test_one_of_several_lists_is_chosen_by_name(deepfakebench_root: Path) -> None:
    _lists(deepfakebench_root, "FF-DF", {"FF-DF": {"FF-DF": _ffpp()["FaceForensics++"]["FF-DF"]}})
    with pytest.raises(InputError, match=r"ingestion\.dataset_json: .* has lists of several data sets.*FF-DF"):
        _rows(deepfakebench_root)
    assert list(_rows(deepfakebench_root, "FF-DF")) == ["x-Deepfakes-c23-000_003"]
    with pytest.raises(InputError, match=r"no FF-FD\.json in .*, did you mean 'FF-DF'\?"):
        _rows(deepfakebench_root, "FF-FD")


def test_other_layouts_have_no_lists_to_choose_from(ffpp_root: Path) -> None:
    with pytest.raises(InputError, match=r"ingestion\.dataset_json: the layout 'ffpp' has no lists to choose from"):
        read_layout(ffpp_root, "ffpp", "x", "FF-DF")


@pytest.mark.parametrize("layout", ["dfdcp", "dfdc", "ffpp"])
def test_lists_of_other_layouts_are_not_taken_for_its_own(layout: str, request: pytest.FixtureRequest) -> None:
    assert not layouts()["deepfakebench"].recognises(request.getfixturevalue(f"{layout}_root"))


def test_picture_that_changes_in_its_folder_is_read_again(deepfakebench_root: Path) -> None:
    from fakefocus.pipelines.ingestion.nodes import list_media, plan_probes

    listed = list_media(deepfakebench_root, Ingestion(layout="deepfakebench"), "x")
    first = pd.DataFrame([plan() for plan in plan_probes(listed, pd.DataFrame()).values() if callable(plan)])
    assert not any(callable(plan) for plan in plan_probes(listed, first).values())
    folder = Path(listed["path"].iloc[0])
    (folder / "000.png").write_bytes((folder / "000.png").read_bytes() + b"0")
    assert [path for path, plan in plan_probes(listed, first).items() if callable(plan)] == [folder.as_posix()]

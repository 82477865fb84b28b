from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest

from fakefocus.datasets.stored_video import VideoFolder
from fakefocus.errors import InputError
from fakefocus.parameters import FeatureSplit
from fakefocus.pipelines.feature_split.audit import cross_side_checks
from fakefocus.pipelines.feature_split.nodes import audit_splits, index_samples

pytestmark = pytest.mark.slow

OPTIONS = FeatureSplit(train=0.6, val=0.2, test=0.2, held_out_methods=(), seed=3)
SIDES = ["train"] * 6 + ["val"] * 2 + ["test"] * 2


def _face(seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(0, 255, (12, 12, 3), dtype=np.uint8)
    return cv2.resize(noise, (64, 64), interpolation=cv2.INTER_CUBIC)


class Data:
    """Twenty clips of ten people on three sides, a real and a fake each, and a crop of each clip."""

    def __init__(self, folder: Path) -> None:
        names = [f"{kind}{i}" for i in range(10) for kind in "rf"]
        people = [str(i) for i in range(10) for _ in "rf"]
        rng = np.random.default_rng(0)
        self.videos = pd.DataFrame({"video_id": names, "target_identity": people, "label": [0, 1] * 10}).assign(
            method=["", "A"] * 10,
            source_identity="",
            source_video=[f"tube{p}" for p in people],
            dataset="x",
            path=[f"{n}.mp4" for n in names],
            sha256=names,
            compression="c23",
            kind="video",
            codec="h264",
            width=64,
            height=64,
            rate=25.0,
            frames=10,
            duration=0.4,
            rotation=0,
            bytes=np.repeat(rng.integers(1000, 9000, 10), 2),
        )
        self.splits = self.videos[["video_id", "label", "method"]].assign(
            group="x/" + self.videos["target_identity"], split=np.repeat(SIDES, 2), reason=""
        )
        self.faces = pd.DataFrame({"video_id": names, "frame": 0, "found": True, "crop": "frame_000000"}).assign(
            sharpness=rng.uniform(10, 90, 20),
            crop_landmarks="",
            crops="0",
            track=0,
            altered=None,
            x1=0.0,
            y1=0.0,
            x2=9.0,
            y2=9.0,
        )
        self.crops = {}
        for n, (name, label) in enumerate(zip(names, self.videos["label"], strict=True)):
            key = f"{'fake' if label else 'real'}/{name}"
            (folder / key).mkdir(parents=True)
            self.crops[key] = VideoFolder(folder / key, ".jpg", "")
            self.show(key, _face(n))

    def show(self, key: str, picture: np.ndarray, quality: int = 95) -> None:
        path = self.crops[key].path / "frame_000000.jpg"
        cv2.imwrite(str(path), picture, [cv2.IMWRITE_JPEG_QUALITY, quality])

    def audit(self, **options: Any) -> dict[str, Any]:
        return audit_splits(self.splits, self.videos, self.faces, self.crops, OPTIONS.model_copy(update=options))

    def checks(self, **options: Any) -> dict[str, list[tuple[str, str, int]]]:
        """Return what is found between two sides, by check."""
        used = self.videos.merge(self.splits[["video_id", "split"]], on="video_id")
        rows = cross_side_checks(used, self.faces, self.crops, OPTIONS.model_copy(update=options))
        return {r["check"]: [(f["left"], f["right"], f["count"]) for f in r["findings"]] for r in rows}

    def found(self, check: str) -> list[tuple[str, str, int]]:
        return self.checks()[check]


@pytest.fixture
def data(tmp_path: Path) -> Data:
    return Data(tmp_path)


def test_a_clean_split_has_no_finding(data: Data) -> None:
    report = data.audit()
    assert report["leaks"] == []
    assert [c["severity"] for c in report["checks"]] == ["none"] * 4
    assert report["rows"] == {"in": 20, "used": 20, "set_aside": 0}


def test_a_person_who_lends_a_face_across_sides_is_found(data: Data) -> None:
    # fake 0, in train, wears the face of person 9, in test
    data.videos.loc[1, "source_identity"] = "9"
    assert data.found("identities") == [("train", "test", 1)]
    assert data.audit()["leaks"] == ["1 identities in train and test (such as x/9)"]


def test_people_of_the_same_number_in_two_data_sets_are_two(data: Data) -> None:
    data.videos.loc[[18, 19], ["dataset", "target_identity"]] = ["y", "0"]
    assert data.found("identities") == []


def test_clips_cut_from_one_video_are_found_across_sides(data: Data) -> None:
    data.videos.loc[[0, 1, 12, 13], "source_video"] = "tube"
    assert data.found("source videos") == [("train", "val", 1)]


def test_unknown_source_videos_are_not_the_same(data: Data) -> None:
    data.videos["source_video"] = ""
    assert data.found("source videos") == []


def test_the_same_file_under_two_names_is_found(data: Data) -> None:
    data.videos.loc[[12, 19], "sha256"] = "same"
    assert data.found("identical files") == [("val", "test", 1)]


def test_a_recompressed_copy_of_a_face_is_found_across_sides_only(data: Data) -> None:
    data.show("real/r1", _face(0), quality=40)
    assert data.found("near-duplicate faces") == []
    data.show("real/r9", _face(0), quality=40)
    # r0 and r1, both in train, show the face: r9 is told once
    assert data.found("near-duplicate faces") == [("train", "test", 1)]


def test_pictures_are_not_compared_on_request(data: Data) -> None:
    data.crops.clear()
    assert [*data.checks(near_duplicate_distance=None)] == ["identities", "source videos", "identical files"]


def test_what_is_set_aside_leaks_nothing(data: Data) -> None:
    data.videos.loc[1, "source_identity"] = "9"
    data.splits.loc[1, ["split", "reason"]] = ["", "connects people of test and train"]
    report = data.audit()
    assert report["leaks"] == []
    assert report["rows"] == {"in": 20, "used": 19, "set_aside": 1}


def test_strict_mode_stops_before_samples_and_names_the_leak(data: Data) -> None:
    data.videos.loc[1, "source_identity"] = "9"
    strict = OPTIONS.model_copy(update={"strict": True})
    arguments = (data.splits, data.faces, data.videos, data.audit())
    with pytest.raises(InputError, match=r"strict: the audit found 1 identities in train and test \(such as x/9\)"):
        index_samples(*arguments, strict)
    assert len(index_samples(*arguments, OPTIONS)) == 20


def _saved(people: int, quality_of_fakes: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return tables of pictures that were really encoded, a real and a fake a person, scenes of all sorts."""
    rows = []
    for i in range(people):
        rng = np.random.default_rng(i)
        scene = cv2.GaussianBlur(rng.integers(0, 255, (128, 128), dtype=np.uint8), (0, 0), rng.uniform(0.8, 1.6))
        for label, quality in ((0, 90), (1, quality_of_fakes)):
            picture = cv2.add(scene, rng.integers(0, 3, scene.shape, dtype=np.uint8))
            size = len(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1])
            rows.append({"video_id": f"{'rf'[label]}{i}", "label": label, "target_identity": str(i), "bytes": size})
    videos = pd.DataFrame(rows).assign(
        method="",
        source_identity="",
        source_video="",
        dataset="x",
        compression="",
        kind="image",
        codec="mjpeg",
        width=128,
        height=128,
        rate=np.nan,
        frames=1,
        duration=np.nan,
        rotation=0,
    )
    videos = videos.assign(path=videos["video_id"] + ".jpg", sha256=videos["video_id"])
    side = np.where(np.arange(len(videos)) < people, "train", np.where(np.arange(len(videos)) % 4 < 2, "val", "test"))
    splits = videos[["video_id", "label", "method"]].assign(group=videos["target_identity"], split=side, reason="")
    return videos, splits


def _shortcut(quality_of_fakes: int, **options: Any) -> dict[str, Any]:
    videos, splits = _saved(40, quality_of_fakes)
    faces = pd.DataFrame({"video_id": videos["video_id"], "frame": 0, "found": True, "crop": "a", "sharpness": 5.0})
    update = {"near_duplicate_distance": None, **options}
    return audit_splits(splits, videos, faces, {}, OPTIONS.model_copy(update=update))


def test_fakes_saved_at_another_quality_are_found_as_a_shortcut() -> None:
    report = _shortcut(quality_of_fakes=70)
    assert report["shortcut"]["auc"]["low"] > 0.5
    assert report["shortcut"]["features"][0]["name"] in ("bytes", "bits_per_pixel")
    assert any(text.startswith("the file alone gives the label away, AUC 0.") for text in report["leaks"])


def test_fakes_saved_like_reals_are_at_chance() -> None:
    report = _shortcut(quality_of_fakes=90)
    found = report["shortcut"]["auc"]
    assert found["low"] <= 0.5 <= found["high"]
    assert report["leaks"] == []


def test_one_label_alone_has_no_shortcut() -> None:
    videos, splits = _saved(10, 90)
    real = splits["label"] == 0
    faces = pd.DataFrame({"video_id": videos["video_id"], "frame": 0, "found": True, "crop": "a", "sharpness": 5.0})
    options = OPTIONS.model_copy(update={"near_duplicate_distance": None})
    report = audit_splits(splits[real], videos[real], faces, {}, options)
    assert report["shortcut"]["auc"] == {"value": None, "low": None, "high": None}
    assert report["leaks"] == []


def test_balance_counts_sides_labels_and_methods(data: Data) -> None:
    assert data.audit()["balance"][0] == {
        "side": "train",
        "real": 6,
        "fake": 6,
        "fakes_per_real": 1.0,
        "methods": {"A": 6},
    }


def test_people_of_two_sides_who_look_alike_are_found_by_their_faces(tmp_path: Path) -> None:
    data = Data(tmp_path)
    used = data.videos.merge(data.splits[["video_id", "split"]], on="video_id")
    # brightness stands for who somebody is: clip 0 of train and clip 18 of test show the same one
    angle = {name: 0.3 * n for n, name in enumerate(data.videos["video_id"])} | {"r9": 0.0}
    shown = {data.crops[k].read("frame_000000").tobytes(): angle[k.split("/")[1]] for k in data.crops}

    def embed(crops: list[np.ndarray]) -> np.ndarray:
        turns = np.array([shown[crop.tobytes()] for crop in crops])
        return np.column_stack([np.cos(turns), np.sin(turns)])

    rows = cross_side_checks(
        used, data.faces, data.crops, OPTIONS.model_copy(update={"same_person_similarity": 0.9999}), embed
    )
    (found,) = (row["findings"] for row in rows if row["check"] == "people by their faces")
    assert [(f["left"], f["right"], f["count"], f["examples"]) for f in found] == [
        ("train", "test", 1, ["r0 and r9: 1.00"])
    ]

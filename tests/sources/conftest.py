"""Each published layout from tiny real clips and images, with the official names, lists and quirks."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

Plant = Callable[..., Path]


@pytest.fixture
def plant(tmp_path: Path, face_clip: Path) -> Plant:
    """Return a function that puts a real clip or image under each name below a root, and lists beside them."""
    root = tmp_path / "root"
    root.mkdir()
    picture = cv2.imencode(".png", np.full((48, 48, 3), 127, np.uint8))[1].tobytes()

    def put(*names: str, **lists: object) -> Path:
        for name in names:
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.suffix == ".mp4":
                shutil.copy(face_clip, path)
            else:
                path.write_bytes(picture)
        for name, told in lists.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(told if isinstance(told, str) else json.dumps(told), encoding="utf-8")
        return root

    return put


@pytest.fixture
def ffpp_root(plant: Plant) -> Path:
    real, fake = "original_sequences/youtube", "manipulated_sequences"
    return plant(
        f"{real}/c23/videos/012.mp4",
        f"{real}/c23/videos/026.mp4",
        f"{real}/c0/videos/012.mp4",
        f"{real}/raw/videos/026.mp4",
        f"{fake}/Deepfakes/c23/videos/012_026.mp4",
        f"{fake}/Deepfakes/c23/videos/026_012.mp4",
        f"{fake}/Deepfakes/masks/videos/012_026.mp4",
        f"{fake}/FaceShifter/c40/videos/012_026.mp4",
        "original_sequences/actors/c23/videos/01__exit_phone_room.mp4",
        f"{fake}/DeepFakeDetection/c23/videos/01_12__exit_phone_room__YVGY8LOK.mp4",
        **{
            "splits/val.json": [["012", "026"]],
            "conversion_dict.json": {"012": "abcdef-_123 4", "026": "zyxwvutsrqp 0"},
        },
    )


@pytest.fixture
def dfd_root(plant: Plant) -> Path:
    return plant(
        "DFD_original sequences/01__exit_phone_room.mp4",
        "DFD_manipulated_sequences/DFD_manipulated_sequences/01_12__exit_phone_room__YVGY8LOK.mp4",
        "DFD_manipulated_sequences/DFD_manipulated_sequences/12_01__walk_down_hall_angry__0XLYT4Q5.mp4",
    )


@pytest.fixture
def celebdf_root(plant: Plant) -> Path:
    return _celebdf(plant, "")


@pytest.fixture
def celebdf_videos_root(plant: Plant) -> Path:
    return _celebdf(plant, "videos/")


def _celebdf(plant: Plant, level: str) -> Path:
    return plant(
        f"Celeb-real/{level}id0_0000.mp4",
        f"Celeb-real/{level}id1_0000.mp4",
        f"Celeb-synthesis/{level}id0_id1_0000.mp4",
        f"YouTube-real/{level}00170.mp4",
        **{"List_of_testing_videos.txt": "1 Celeb-real/id1_0000.mp4\n0 Celeb-synthesis/id0_id1_0000.mp4\n"},
    )


@pytest.fixture
def dfdc_root(plant: Plant) -> Path:
    part = "train/dfdc_train_part_00/dfdc_train_part_0"
    return plant(
        f"{part}/aaa.mp4",
        f"{part}/bbb.mp4",
        "test/ccc.mp4",
        "test/ddd.mp4",
        **{
            f"{part}/metadata.json": {
                "aaa.mp4": {"label": "REAL", "split": "train"},
                "bbb.mp4": {"label": "FAKE", "split": "train", "original": "aaa.mp4"},
            },
            "test/labels.csv": "filename,label\nccc.mp4,1\nddd.mp4,0\n",
        },
    )


@pytest.fixture
def dfdcp_root(plant: Plant) -> Path:
    real = {"label": "real", "set": "train", "augmentations": [], "target_id": None, "swapped_id": None}
    fake = real | {"label": "fake", "set": "test", "target_id": 1064394, "swapped_id": 643782}
    names = {
        "original_videos/643782/643782_A_001.mp4": real,
        "method_A/1064393/1064393_D_643782_C_004.mp4": fake,
        "method_B/643782/643782_B.mp4": fake | {"target_id": None, "swapped_id": 1064393},
    }
    return plant(*names, **{"dataset.json": names})


@pytest.fixture
def images_root(plant: Plant) -> Path:
    return plant(
        "progan/airplane/0_real/00000.png",
        "progan/airplane/1_fake/00000.png",
        "stylegan/0_real/a.png",
        "stylegan/1_fake/a.png",
        "ADM/train/ai/x.png",
        "ADM/val/nature/x.png",
        "real/FFHQ/00001.png",
        "fake/DiffusionDB/00001.png",
    )


@pytest.fixture
def folder_root(plant: Plant) -> Path:
    return plant("real/ann.mp4", "fake/swap/ann/x.png")

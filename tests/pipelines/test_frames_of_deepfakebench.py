"""DeepfakeBench's frames through the stages before training: its crops as they are, or faces detected anew."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest

from fakefocus.imaging.frames import read_frames
from fakefocus.sources.demo import make_corpus

PEOPLE = ("000", "001", "002", "003", "004", "005")
SIDES = {"000": "train", "001": "train", "002": "val", "003": "val", "004": "test", "005": "test"}
FRAMES = 5


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the demo's clips as DeepfakeBench leaves them: five crops of 256 pixels a video, and their list."""
    clips = tmp_path_factory.mktemp("clips")
    for job in make_corpus(people=len(PEOPLE), frames=FRAMES, seed=7).values():
        job(clips)
    root = tmp_path_factory.mktemp("deepfakebench")
    labels: dict[str, Any] = {label: {side: {"c23": {}} for side in ("train", "val", "test")} for label in _LABELS}
    for label, place in _LABELS.items():
        for clip in sorted((clips / place / "c23/videos").glob("*.mp4")):
            inner = f"FaceForensics++/{place}/c23/frames/{clip.stem}"
            names = _write_crops(clip, root / "datasets/rgb" / inner)
            video = {"label": label, "frames": [f"{inner}/{name}".replace("/", "\\") for name in names]}
            labels[label][SIDES[clip.stem[:3]]]["c23"][clip.stem] = video
    lists = root / "preprocessing/dataset_json"
    lists.mkdir(parents=True)
    (lists / "FaceForensics++.json").write_text(json.dumps({"FaceForensics++": labels}))
    return root


_LABELS = {"FF-real": "original_sequences/youtube", "FF-DF": "manipulated_sequences/GraphicsSwap"}


def _write_crops(clip: Path, folder: Path) -> list[str]:
    folder.mkdir(parents=True)
    names = []
    for frame in read_frames(clip):
        assert frame.image is not None
        side = min(frame.image.shape[:2])
        top, left = (frame.image.shape[0] - side) // 2, (frame.image.shape[1] - side) // 2
        middle = cv2.resize(frame.image[top : top + side, left : left + side], (256, 256), interpolation=cv2.INTER_AREA)
        names.append(f"{frame.index * 10:03d}.png")
        cv2.imwrite(str(folder / names[-1]), middle[:, :, ::-1])
    return names


@pytest.mark.parametrize("region", ["whole_image", "face"])
def test_frames_run_up_to_the_published_split(
    region: str, root: Path, make_project: Callable[[str], Path], run_kedro: Callable[..., Any]
) -> None:
    project = make_project(f"deepfakebench_{region}")
    run_kedro(
        project,
        *("ingest", "preprocess", "split"),
        env="deepfakebench",
        data_root=str(root),
        dataset="dfb",
        experiment="dfb",
        preprocessing={"region": region, "sampling": {"min_frames": 3}},
    )
    faces = pd.read_parquet(project / "data/03_primary/dfb/faces.parquet")
    # frames keep the numbers of their files
    assert set(faces["frame"]) == {0, 10, 20, 30, 40}
    splits = pd.read_parquet(project / "data/05_model_input/dfb/splits.parquet").set_index("video_id")
    assert {name: row.split for name, row in splits.iterrows()} == {
        name: SIDES[name.rsplit("-", 1)[1][:3]] for name in splits.index
    }
    assert set(splits["label"]) == {0, 1}
    samples = pd.read_parquet(project / "data/05_model_input/dfb/samples.parquet")
    assert set(samples["split"]) == {"train", "val", "test"}
    crops = project / "data/03_primary/dfb/face_crops/real/dfb-youtube-c23-000"
    crop = cv2.imread(str(crops / "frame_000010.png"))
    stored = cv2.imread(str(root / "datasets/rgb/FaceForensics++/original_sequences/youtube/c23/frames/000/010.png"))
    # as it is means bit by bit; a face that is found anew is placed elsewhere in its crop
    assert np.array_equal(crop, stored) == (region == "whole_image")
    assert crop.shape == (256, 256, 3)

"""Broken media: each is set aside with its reason, and the run goes on."""

import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import pandas as pd
import pytest
import skimage.data


@pytest.fixture
def broken(tmp_path: Path, face_clip: Path, faceless_clip: Path, audio_file: Path) -> Path:
    root = tmp_path / "media"
    (root / "real").mkdir(parents=True)
    (root / "fake/swap").mkdir(parents=True)
    (root / "real/empty.mp4").touch()
    (root / "real/text.mp4").write_text("not a video")
    data = face_clip.read_bytes()
    (root / "fake/swap/cut.mp4").write_bytes(data[: len(data) // 2])
    shutil.copy(audio_file, root / "fake/swap/sound.mp4")
    shutil.copy(faceless_clip, root / "real/noise.mp4")
    return root


def test_each_broken_file_is_a_row_with_its_reason_and_the_run_goes_on(
    broken: Path, face_clip: Path, make_project: Callable[[str], Path], run_kedro: Callable[..., dict]
) -> None:
    shutil.copy(face_clip, broken / "real/good.mp4")
    cv2.imwrite(str(broken / "real/portrait.png"), skimage.data.astronaut()[..., ::-1])
    project = make_project("bad")
    run_kedro(project, "data", env="folder", data_root=str(broken), dataset="bad")
    rejected = pd.read_parquet(project / "data/03_primary/bad/rejected_media.parquet")
    reasons = {Path(r.path).name: r.reason for r in rejected.itertuples()}
    assert set(reasons) == {"empty.mp4", "text.mp4", "cut.mp4", "sound.mp4", "noise.mp4"}
    expected = {
        "empty.mp4": "empty file",
        "text.mp4": "not a media file",
        "cut.mp4": "truncated",
        "sound.mp4": "no video stream",
        "noise.mp4": "no face in 5 sampled frames",  # 5 frames; every 10th would be fewer than min_frames, 3
    }
    assert all(text in reasons[name] for name, text in expected.items())
    faces = pd.read_parquet(project / "data/03_primary/bad/faces.parquet")
    assert set(faces.loc[faces["found"], "video_id"]) == {"bad-real-good-mp4", "bad-real-portrait-png"}


def test_no_usable_media_at_all_is_one_clear_error(
    broken: Path, make_project: Callable[[str], Path], run_kedro: Callable[..., dict]
) -> None:
    (broken / "real/noise.mp4").unlink()
    with pytest.raises(ValueError, match=r"raw_media: all 4 files were rejected \(.*empty file"):
        run_kedro(make_project("none"), "data", env="folder", data_root=str(broken))


def test_no_face_anywhere_is_one_clear_error(
    faceless_clip: Path, tmp_path: Path, make_project: Callable[[str], Path], run_kedro: Callable[..., dict]
) -> None:
    (tmp_path / "m/real").mkdir(parents=True)
    shutil.copy(faceless_clip, tmp_path / "m/real")
    with pytest.raises(
        ValueError,
        match=r"no crop from any of 1 videos \(1 x no face in 5 sampled frames\): lower preprocessing\.detection",
    ):
        run_kedro(make_project("faceless"), "data", env="folder", data_root=str(tmp_path / "m"))


def test_street_clip_goes_through_ingestion_preprocessing_and_defocus(
    street_clip: Path, tmp_path: Path, make_project: Callable[[str], Path], run_kedro: Callable[..., dict]
) -> None:
    (tmp_path / "m/real").mkdir(parents=True)
    (tmp_path / "m/real/street.mp4").symlink_to(street_clip)
    project = make_project("street")
    preprocessing = {"sampling": {"every": 30}, "detection": {"min_face_size": 30}}
    run_kedro(project, "data", env="folder", data_root=str(tmp_path / "m"), preprocessing=preprocessing)
    faces = pd.read_parquet(project / "data/03_primary/folder/faces.parquet")
    maps = list((project / "data/04_feature/folder/defocus_maps").rglob("*.npy"))
    assert faces["found"].any()
    assert len(maps) == faces["found"].sum()

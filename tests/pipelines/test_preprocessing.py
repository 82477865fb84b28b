"""What becomes of a clip: crops, rows, and reasons."""

import json
from pathlib import Path
from typing import Any, Literal

import av
import cv2
import numpy as np
import pandas as pd
import pytest
import skimage.data

from fakefocus.datasets.stored_video import FrameWriter, PassingFaultError
from fakefocus.detection.mtcnn import FaceDetector
from fakefocus.extraction import extract_faces
from fakefocus.imaging.alteration import Evidence
from fakefocus.parameters import Preprocessing
from fakefocus.pipelines.preprocessing.nodes import plan_face_crops
from fakefocus.sources.demo.corpus import write_clip

SAMPLING = {"method": "every", "every": 2, "frames": 8, "min_frames": 3, "max_frames": None}
DETECTION = {"detector": "mtcnn", "precision": "bf16", "min_face_size": 60, "thresholds": [0.6, 0.7, 0.9]}
BASE: dict[str, Any] = {
    "region": "face",
    "sampling": SAMPLING,
    "detection": DETECTION,
    "faces_per_video": 1,
    "alignment": "landmarks",
    "size": 128,
    "margin": 0.3,
}


def _options(**changes: Any) -> Preprocessing:
    return Preprocessing.model_validate(BASE | changes)


@pytest.fixture(scope="module")
def couple(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a clip of 8 frames in which a larger and a smaller face sway; the larger is gone after the sixth."""
    portrait = skimage.data.astronaut()[:400, 20:420]
    small = cv2.resize(portrait, (280, 280), interpolation=cv2.INTER_AREA)[:, ::-1]
    frames = []
    for i in range(8):
        frame = np.full((400, 800, 3), 90, np.uint8)
        if i < 6:
            frame[:, 2 * i : 400 + 2 * i] = portrait
        frame[60:340, 500 - 2 * i : 780 - 2 * i] = small
        frames.append(frame)
    path = tmp_path_factory.mktemp("couple") / "couple.mp4"
    write_clip(path, frames, crf="18")
    return path


def _extract(
    path: Path, folder: Path, kind: str = "video", evidence: Evidence | None = None, **changes: Any
) -> list[dict[str, Any]]:
    folder.mkdir(parents=True, exist_ok=True)
    return extract_faces(path, "v", kind, _options(**changes), FrameWriter(folder, ".png"), evidence)


def _crops(folder: Path) -> list[str]:
    return sorted(file.stem for file in folder.iterdir())


def test_the_person_whom_the_clip_shows_most_is_kept(couple: Path, tmp_path: Path) -> None:
    rows = _extract(couple, tmp_path / "out")
    assert [(r["frame"], r["found"], r["track"]) for r in rows] == [
        (0, True, 0),
        (2, True, 0),
        (4, True, 0),
        (6, False, -1),
    ]
    assert rows[3]["reason"] == "faces, but not of a person who is kept"
    assert _crops(tmp_path / "out") == ["frame_000000", "frame_000002", "frame_000004"]
    assert all(r["x2"] < 420 for r in rows[:3])


@pytest.mark.parametrize("kept", [2, "all"])
def test_several_people_are_numbered_by_how_much_they_are_shown(couple: Path, tmp_path: Path, kept: int | str) -> None:
    rows = _extract(couple, tmp_path / "out", faces_per_video=kept)
    assert [(r["frame"], r["track"]) for r in rows] == [(0, 0), (0, 1), (2, 0), (2, 1), (4, 0), (4, 1), (6, 1)]
    assert {r["crop"] for r in rows} == set(_crops(tmp_path / "out"))
    assert "frame_000006_face_1" in _crops(tmp_path / "out")
    assert {r["frame"]: r["size"] for r in rows if r["track"] == 0}[0] > rows[1]["size"]


@pytest.fixture(scope="module")
def altered_couple(couple: Path) -> dict[str, Path]:
    """Return the couple's clip in which the smaller face was altered, hard compressed, its mask and its original."""
    with av.open(str(couple)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    mask = np.zeros((*frames[0].shape[:2], 3), np.uint8)
    cv2.ellipse(mask, (640, 150), (50, 65), 0, 0, 360, (255, 255, 255), -1)
    soft = cv2.GaussianBlur(mask, (0, 0), 6).astype(np.float32) / 255
    fakes = [np.clip(f + soft * (25, 5, -15), 0, 255).astype(np.uint8) for f in frames]
    clips = {"fake": fakes, "mask": [mask] * len(frames), "original": frames, "short": frames[:3]}
    paths = {name: couple.with_name(f"{name}.mp4") for name in clips}
    for name, path in paths.items():
        write_clip(path, clips[name], crf="35")
    return paths


@pytest.mark.parametrize("kind", ["mask", "original"])
def test_mask_or_original_of_a_fake_tells_who_was_altered(
    altered_couple: dict[str, Path], tmp_path: Path, kind: Literal["mask", "original"]
) -> None:
    rows = _extract(
        altered_couple["fake"],
        tmp_path / "out",
        evidence=Evidence(kind, altered_couple[kind], ""),
        faces_per_video=2,
    )
    shares = {track: [r["altered"] for r in rows if r["track"] == track] for track in (0, 1)}
    assert max(shares[0]) < 0.02
    assert min(shares[1]) > 0.3


def test_evidence_that_ends_or_cannot_be_read_tells_nothing(
    altered_couple: dict[str, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    short = Evidence("original", altered_couple["short"], "")
    rows = _extract(altered_couple["fake"], tmp_path / "short", evidence=short, faces_per_video=2)
    assert {r["frame"]: r["altered"] is None for r in rows} == {0: False, 2: False, 4: True, 6: True}
    (tmp_path / "torn.mp4").write_bytes(altered_couple["mask"].read_bytes()[:500])
    torn = Evidence("mask", tmp_path / "torn.mp4", "")
    rows = _extract(altered_couple["fake"], tmp_path / "torn", evidence=torn, faces_per_video=2)
    assert {r["altered"] for r in rows} == {None}
    assert "torn.mp4, the mask of a fake: " in caplog.text


def test_evidence_that_is_away_for_a_while_stops_the_clip_to_be_tried_again(
    altered_couple: dict[str, Path], tmp_path: Path
) -> None:
    away = Evidence("mask", tmp_path / "away.mp4", "")
    with pytest.raises(PassingFaultError, match=r"away\.mp4, the mask of this fake: no such file"):
        _extract(altered_couple["fake"], tmp_path / "out", evidence=away, faces_per_video=2)


def _real_and_fakes(mask: Path) -> pd.DataFrame:
    """Return a real clip, a fake of it with a mask, one without, and one of another cut of the same source video."""
    rows = [("r", 0, "ann", ""), ("f0", 1, "ann", str(mask)), ("f1", 1, "ann", ""), ("f2", 1, "bob", "")]
    table = pd.DataFrame(rows, columns=["video_id", "label", "target_identity", "mask_path"])
    about = {"dataset": "x", "compression": "c23", "source_video": "tape", "kind": "video"}
    return table.assign(path=table["video_id"] + ".mp4", sha256=table["video_id"], **about)


def test_mask_goes_before_the_original_and_only_that_of_the_same_person(tmp_path: Path) -> None:
    mask = tmp_path / "mask.mp4"
    mask.write_bytes(b"12")
    plan = plan_face_crops(_real_and_fakes(mask), _options(faces_per_video=2))
    kinds = {key: work.make.keywords["evidence"] for key, work in plan.items()}  # type: ignore[attr-defined]
    assert {key: found and (found.kind, found.path.name) for key, found in kinds.items()} == {
        "real/r": None,
        "fake/f0": ("mask", "mask.mp4"),
        "fake/f1": ("original", "r.mp4"),
        "fake/f2": None,
    }


def test_crops_are_made_again_when_evidence_changes_and_do_not_know_it_where_one_person_is_kept(tmp_path: Path) -> None:
    mask = tmp_path / "mask.mp4"

    def fingerprints(content: bytes, kept: int) -> dict[str, str]:
        mask.write_bytes(content)
        planned = plan_face_crops(_real_and_fakes(mask), _options(faces_per_video=kept))
        return {key: work.fingerprint for key, work in planned.items()}

    before, after = fingerprints(b"12", 2), fingerprints(b"123", 2)
    assert {key for key in before if before[key] != after[key]} == {"fake/f0"}
    assert fingerprints(b"12", 1) == fingerprints(b"123", 1)


def test_eyes_of_every_crop_stand_at_the_template_s_place(couple: Path, tmp_path: Path) -> None:
    rows = [row for row in _extract(couple, tmp_path / "out") if row["found"]]
    # of frames 0, 2, 4 and 6 the last does not show the person who is kept
    assert [row["frame"] for row in rows] == [0, 2, 4]
    # without margin the eyes are at .342 and .657 of the side, .460 high; 30 % around: (.342 - .5) / 1.3 + .5 = .378,
    # .620 and .469, of 128 pixels
    expected = np.array([[48.4, 60.0], [79.4, 60.0]])
    for row in rows:
        assert np.abs(np.array(json.loads(row["crop_landmarks"]))[:2] - expected).max() < 4
        assert abs(row["yaw"]) < 35
        assert row["sharpness"] > 0
        assert row["detector"] == "mtcnn"


def test_crop_without_alignment_is_the_box_with_its_margin(couple: Path, tmp_path: Path) -> None:
    (row, *_) = _extract(couple, tmp_path / "out", alignment="crop", margin=0.0)
    with av.open(str(couple)) as container:
        frame = next(container.decode(video=0)).to_ndarray(format="rgb24")
    box = [int(row[name]) for name in ("x1", "y1", "x2", "y2")]
    expected = cv2.resize(frame[box[1] : box[3], box[0] : box[2]], (128, 128), interpolation=cv2.INTER_AREA)
    crop = cv2.imread(str(tmp_path / "out/frame_000000.png"))[..., ::-1]
    assert np.array_equal(crop, expected)


def test_haar_is_a_fallback_that_says_so(couple: Path, tmp_path: Path) -> None:
    detection = DETECTION | {"detector": "haar"}
    rows = [r for r in _extract(couple, tmp_path / "out", detection=detection, alignment="crop") if r["found"]]
    assert rows
    assert {(r["detector"], r["landmarks"], r["score"], r["yaw"]) for r in rows} == {("haar", "", None, None)}
    with pytest.raises(ValueError, match=r"haar finds no landmarks, set preprocessing\.alignment to crop"):
        _options(detection=detection)


def test_whole_image_is_its_middle_as_it_is(tmp_path: Path) -> None:
    image = skimage.data.coffee()[..., ::-1]
    cv2.imwrite(str(tmp_path / "coffee.png"), image)
    (row,) = _extract(tmp_path / "coffee.png", tmp_path / "out", "image", region="whole_image")
    # 400 x 600 pixels, 128 from the middle: rows 136 to 264, columns 236 to 364
    assert np.array_equal(cv2.imread(str(tmp_path / "out/frame_000000.png")), image[136:264, 236:364])
    assert (row["x1"], row["y1"], row["x2"], row["y2"]) == (236, 136, 364, 264)


def test_small_whole_image_is_not_enlarged(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "small.png"), np.zeros((100, 300, 3), np.uint8))
    (row,) = _extract(tmp_path / "small.png", tmp_path / "out", "image", region="whole_image")
    assert not row["found"]
    assert row["reason"].startswith("300 x 100 pixels, smaller than preprocessing.size 128")


def test_clip_of_too_few_frames_is_set_aside_with_its_reason(couple: Path, tmp_path: Path) -> None:
    rows = _extract(couple, tmp_path / "out", sampling=SAMPLING | {"min_frames": 9})
    assert [r["reason"] for r in rows] == ["8 frames decode, sampling.min_frames is 9"]
    assert _crops(tmp_path / "out") == []


def test_damaged_clip_keeps_what_decodes_and_says_so(couple: Path, tmp_path: Path) -> None:
    data = bytearray(couple.read_bytes())
    with av.open(str(couple)) as container:
        packets = [(p.pos, p.size) for p in container.demux(video=0) if p.size]
    position, size = packets[-2]
    data[position : position + size] = bytes(size)
    (tmp_path / "damaged.mp4").write_bytes(data)
    rows = _extract(tmp_path / "damaged.mp4", tmp_path / "out", sampling=SAMPLING | {"every": 1})
    lost = [r for r in rows if r["reason"].startswith("does not decode")]
    assert 1 <= len(lost) <= 2
    assert sum(r["found"] for r in rows) >= 4


def test_faceless_clip_has_a_reason_for_every_frame(faceless_clip: Path, tmp_path: Path) -> None:
    rows = _extract(faceless_clip, tmp_path / "out")
    assert {r["reason"] for r in rows} == {"no face"}
    # 5 frames in at least 3 steps: each of them
    assert [r["frame"] for r in rows] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("alignment", ["landmarks", "crop"])
def test_landmarks_are_where_the_crop_shows_them(tmp_path: Path, couple: Path, alignment: str) -> None:
    rows = [row for row in _extract(couple, tmp_path, alignment=alignment, size=256) if row["found"]]
    assert len(rows) == 3
    detector = FaceDetector(60, DETECTION["thresholds"])
    for row in rows:
        crop = cv2.cvtColor(cv2.imread(str(tmp_path / f"{row['crop']}.png")), cv2.COLOR_BGR2RGB)
        seen = detector.detect(crop).landmarks[0]
        # what the detector finds in the crop itself, within a tenth of the distance of the eyes
        distance = np.linalg.norm(seen[0] - seen[1])
        assert np.abs(np.array(json.loads(row["crop_landmarks"])) - seen).max() < 0.1 * distance


def test_face_without_landmarks_has_none_in_its_crop(tmp_path: Path, couple: Path) -> None:
    haar = DETECTION | {"detector": "haar"}
    rows = _extract(couple, tmp_path, alignment="crop", detection=haar)
    assert {row["crop_landmarks"] for row in rows} == {""}


def test_clip_that_is_gone_is_not_remembered_as_a_rejection(tmp_path: Path) -> None:
    with pytest.raises(PassingFaultError, match="no such file") as fault:
        _extract(tmp_path / "gone.mp4", tmp_path / "out")
    assert (fault.value.row["found"], fault.value.row["reason"]) == (False, "no such file (any more)")

"""Fifteen faults that media have: each is told for what it is, and costs nobody else's answer."""

import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import skimage.data

from fakefocus.prediction import Options, Prediction, find_detector
from fakefocus.prediction.isolated import Isolated

pytestmark = pytest.mark.slow

EXPECTED = {
    "empty.mp4": ("failed", "empty file"),
    "text.mp4": ("failed", "not a media file"),
    "half.mp4": ("failed", "truncated"),
    "no_index.mp4": ("failed", "truncated MP4: its index (moov) is missing"),
    "sound.mp4": ("failed", "no video stream"),
    "nobody.mp4": ("no_face", "no face in"),
    "no_frames.mp4": ("failed", ""),
    "huge.png": ("failed", "absurd size in its header"),
    "cut_picture.jpg": ("failed", "image does not decode"),
    "dangling.mp4": ("failed", "dangling link"),
    "gone.mp4": ("failed", "no such file"),
    "picture.mp4": ("scored", ""),
    "clip.jpg": ("scored", ""),
    "one_frame.mp4": ("scored", ""),
    "sixteen_bits.png": ("scored", ""),
}


@pytest.fixture(scope="module")
def files(
    face_clip: Path, faceless_clip: Path, audio_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> list[Path]:
    root = tmp_path_factory.mktemp("faults")
    clip = face_clip.read_bytes()
    portrait = skimage.data.astronaut()[..., ::-1]
    picture = cv2.imencode(".jpg", portrait)[1].tobytes()
    contents = {
        "empty.mp4": b"",
        "text.mp4": b"this is no clip",
        "half.mp4": clip[: len(clip) // 2],
        "no_index.mp4": clip[: clip.index(b"moov") - 4],
        "huge.png": _with_a_size(60_000),
        "cut_picture.jpg": picture[: len(picture) // 3],
        "picture.mp4": picture,
        "clip.jpg": clip,
        "sixteen_bits.png": cv2.imencode(".png", portrait.astype(np.uint16) * 257)[1].tobytes(),
    }
    for name, content in contents.items():
        (root / name).write_bytes(content)
    shutil.copy(audio_file, root / "sound.mp4")
    shutil.copy(faceless_clip, root / "nobody.mp4")
    (root / "dangling.mp4").symlink_to(root / "nowhere.mp4")
    _write_clip(root / "one_frame.mp4", [portrait[..., ::-1]])
    _write_clip(root / "no_frames.mp4", [])
    return [root / name for name in EXPECTED]


@pytest.fixture(scope="module")
def answers(files: list[Path]) -> Iterator[dict[str, Prediction]]:
    with Isolated(find_detector("scade_net")) as isolated:
        yield {Path(one.file).name: one for one in isolated(files, Options())}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_fault_is_told_for_what_it_is(answers: dict[str, Prediction], name: str) -> None:
    status, reason = EXPECTED[name]
    answer = answers[name]
    assert (answer.status, reason in answer.reason) == (status, True), answer.reason
    assert (answer.score is not None) == (status == "scored")
    assert answer.reason or status == "scored"
    assert answer.says


def _with_a_size(side: int) -> bytes:
    """Return a PNG whose header says that it is ``side`` pixels wide and high."""
    data = bytearray(cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))[1].tobytes())
    data[16:24] = side.to_bytes(4, "big") * 2
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    return bytes(data)


def _write_clip(path: Path, frames: list[np.ndarray]) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 512, 512, "yuv420p"
        for frame in frames:
            picture = np.ascontiguousarray(frame)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))

"""Whatever a file does, it is a reason: clips and pictures are damaged by the hundred, with a seed."""

from io import BytesIO
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import skimage.data
from PIL import Image

from examples import damaged_copies
from fakefocus.datasets.stored_video import FrameWriter, PassingFaultError
from fakefocus.extraction import extract_faces
from fakefocus.imaging.frames import probe
from fakefocus.imaging.media import MediaError
from fakefocus.parameters import Preprocessing
from fakefocus.pipelines.ingestion.nodes import probe_file

WHOLE = Preprocessing.model_validate(
    {
        "region": "whole_image",
        "sampling": {"method": "every", "every": 2, "frames": 4, "min_frames": 1, "max_frames": 4},
        "detection": {"detector": "mtcnn", "precision": "f32", "min_face_size": 60, "thresholds": [0.6, 0.7, 0.9]},
        "faces_per_video": 1,
        "alignment": "crop",
        "size": 64,
        "margin": 0.0,
    }
)


def _clip(path: Path) -> bytes:
    """Return an MP4 with picture, sound and metadata."""
    frames = np.random.default_rng(0).integers(0, 255, (8, 6, 8, 3), dtype=np.uint8)
    with av.open(str(path), "w") as container:
        container.metadata.update({"title": "Jürgen am Fluß, été à Orléans " * 4, "comment": "ćęłńóśźż" * 8})
        video = container.add_stream("libx264", rate=25, options={"crf": "30", "g": "4"})
        video.width, video.height, video.pix_fmt = 96, 72, "yuv420p"
        sound = container.add_stream("aac", rate=44100, layout="mono")
        for small in frames:
            large = np.kron(small, np.ones((12, 12, 1), np.uint8))
            for packet in video.encode(av.VideoFrame.from_ndarray(large, format="rgb24")):
                container.mux(packet)
        hum = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        hum.sample_rate = 44100
        for packet in [*video.encode(None), *sound.encode(hum), *sound.encode(None)]:
            container.mux(packet)
    return path.read_bytes()


def _picture(form: str) -> bytes:
    buffer = BytesIO()
    Image.fromarray(skimage.data.astronaut()[:128, :128]).save(buffer, form)
    return buffer.getvalue()


def _look_at(path: Path, kind: str, folder: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    row = probe_file({"path": path.as_posix()})
    folder.mkdir()
    try:
        return row, extract_faces(path, "v", kind, WHOLE, FrameWriter(folder, ".png"))
    except PassingFaultError as fault:
        return row, [fault.row]


@pytest.mark.parametrize(
    ("suffix", "count"), [(".mp4", 300), (".jpg", 100), (".png", 100), (".webp", 60), (".tiff", 60)]
)
def test_damaged_file_is_used_or_has_a_reason_and_never_stops_a_run(tmp_path: Path, suffix: str, count: int) -> None:
    kind = "video" if suffix == ".mp4" else "image"
    content = (
        _clip(tmp_path / "whole.mp4") if kind == "video" else _picture({"jpg": "JPEG"}.get(suffix[1:], suffix[1:]))
    )
    outcomes = set()
    for number, data in enumerate(damaged_copies(content, count, seed=11)):
        path = tmp_path / f"{number}{suffix}"
        path.write_bytes(data)
        row, rows = _look_at(path, kind, tmp_path / f"out{number}")
        usable = row["reason"] == ""
        assert usable == ("width" in row)
        assert all(row["found"] or row["reason"] for row in rows)
        assert rows
        outcomes.add(usable)
    # both kinds were met, so that the loop has looked at something; a PNG has checksums, and none passes
    assert outcomes == ({False} if suffix == ".png" else {True, False})


def test_metadata_in_no_encoding_do_not_keep_a_clip_from_being_used(tmp_path: Path) -> None:
    content = _clip(tmp_path / "whole.mp4")
    path = tmp_path / "latin.mp4"
    path.write_bytes(content.replace("ü".encode(), b"\xfc\xfc"))
    assert probe(path).frames == 8


def test_stream_without_a_decoder_has_its_reason(tmp_path: Path) -> None:
    content = _clip(tmp_path / "whole.mp4")
    path = tmp_path / "unknown.mp4"
    path.write_bytes(content.replace(b"avc1", b"zzz9"))
    with pytest.raises(MediaError, match="no decoder for its video stream"):
        probe(path)

from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from fakefocus.imaging.frames import MediaError, probe, read_frames


def test_probe_reads_size_rate_and_frames(face_clip: Path) -> None:
    found = probe(face_clip)
    # the corpus is written at 480 x 360, 25 frames a second, 8 frames in this fixture
    assert (found.width, found.height, found.rate, found.frames, found.codec) == (480, 360, 25.0, 8, "h264")
    assert found.duration == pytest.approx(8 / 25)


def test_every_third_frame_keeps_number_and_time(face_clip: Path) -> None:
    frames = list(read_frames(face_clip, every=3))
    assert [frame.index for frame in frames] == [0, 3, 6]
    assert [frame.time for frame in frames] == pytest.approx([0, 0.12, 0.24])
    assert frames[0].image.shape == (360, 480, 3)


def test_max_frames_ends_the_clip(face_clip: Path) -> None:
    assert [frame.index for frame in read_frames(face_clip, every=2, max_frames=2)] == [0, 2]


def test_image_is_a_clip_of_one_frame(tmp_path: Path) -> None:
    path = tmp_path / "face.png"
    cv2.imwrite(str(path), np.full((20, 30, 3), (0, 0, 255), np.uint8))  # red, in OpenCV's order
    (frame,) = read_frames(path)
    assert frame.image[0, 0].tolist() == [255, 0, 0]
    assert (probe(path).kind, probe(path).width, probe(path).height) == ("image", 30, 20)


def test_empty_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    with pytest.raises(MediaError, match="empty file"):
        probe(tmp_path / "a.mp4")


def test_text_named_mp4_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("this is not a video " * 50)
    with pytest.raises(MediaError, match="not a media file"):
        probe(tmp_path / "a.mp4")


def test_mp4_cut_off_before_its_index_is_refused(face_clip: Path, tmp_path: Path) -> None:
    data = face_clip.read_bytes()
    (tmp_path / "a.mp4").write_bytes(data[: len(data) // 2])
    with pytest.raises(MediaError, match="truncated MP4: its index"):
        probe(tmp_path / "a.mp4")


def test_mp4_cut_off_behind_its_index_is_refused(face_clip: Path, tmp_path: Path) -> None:
    streamable = tmp_path / "streamable.mp4"
    with av.open(str(face_clip)) as source, av.open(str(streamable), "w", options={"movflags": "faststart"}) as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                target.mux(packet)
    data = streamable.read_bytes()
    (tmp_path / "a.mp4").write_bytes(data[: int(len(data) * 0.7)])
    with pytest.raises(MediaError, match=r"truncated: \d of 8 frames"):
        probe(tmp_path / "a.mp4")


def test_audio_only_file_is_refused(audio_file: Path) -> None:
    with pytest.raises(MediaError, match="no video stream: the file holds audio only"):
        probe(audio_file)

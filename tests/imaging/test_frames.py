import errno
import hashlib
import os
import shutil
import tempfile
import zlib
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from av.stream import Disposition
from PIL import Image

from examples import as_nobody
from fakefocus.imaging.frames import Frame, frame_rate, hash_of, picture_bytes, probe, read_frames
from fakefocus.imaging.media import MediaError, PassingMediaError
from fakefocus.imaging.packets import needed_packets, packets_of


def test_probe_reads_size_rate_and_frames(face_clip: Path) -> None:
    found = probe(face_clip)
    # the corpus is written at 480 x 360, 25 frames a second, 8 frames in this fixture
    assert (found.width, found.height, found.rate, found.frames, found.codec) == (480, 360, 25.0, 8, "h264")
    assert found.duration == pytest.approx(8 / 25)


def test_every_third_frame_keeps_number_and_time(face_clip: Path) -> None:
    frames = list(read_frames(face_clip, lambda n: range(0, n, 3)))
    assert [frame.index for frame in frames] == [0, 3, 6]
    assert [frame.time for frame in frames] == pytest.approx([0, 0.12, 0.24])
    assert frames[0].image.shape == (360, 480, 3)


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


def _written(path: Path, frames: list[np.ndarray], codec: str = "libx264", **options: object) -> Path:
    """Write grey frames; ``options`` beyond pix_fmt, times and flags go to the encoder."""
    pix_fmt, times = str(options.pop("pix_fmt", "yuv420p")), options.pop("times", range(len(frames)))
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options={k: str(v) for k, v in options.items()})
        stream.height, stream.width, stream.pix_fmt = *frames[0].shape[:2], pix_fmt
        stream.codec_context.time_base = Fraction(1, 25)
        for time, array in zip(times, frames, strict=True):  # type: ignore[call-overload]
            frame = av.VideoFrame.from_ndarray(array, format="rgb24").reformat(format=pix_fmt)
            frame.pts, frame.time_base = time, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _numbered(count: int, width: int = 160, height: int = 120) -> list[np.ndarray]:
    """Return frames whose grey level tells their number, with a moving square so that encoders have work."""
    frames = []
    for i in range(count):
        frame = np.full((height, width, 3), 30 + 4 * i, np.uint8)
        frame[20:60, (3 * i) % (width - 40) : (3 * i) % (width - 40) + 40] = 220 - 2 * i
        frames.append(frame)
    return frames


def _plain(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def _number(frame: Frame) -> int:
    assert frame.image is not None
    return round((float(np.median(frame.image[80:])) - 30) / 4)


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("pyramid.mp4", "libx264", {"bf": 3, "g": 12, "crf": 18}),
        ("open_gop.mp4", "libx264", {"bf": 3, "g": 8, "x264-params": "open-gop=1:scenecut=0", "crf": 18}),
        ("hevc.mp4", "libx265", {"x265-params": "keyint=10:bframes=4:open-gop=1:log-level=none", "crf": 18}),
        ("clip.webm", "libvpx-vp9", {"g": 10, "crf": 20}),
        ("clip.mkv", "libx264", {"bf": 2, "g": 10, "crf": 18}),
        ("clip.avi", "mpeg4", {"bf": 2, "g": 12, "q": 3}),
        ("clip.mpg", "mpeg2video", {"bf": 2, "g": 12}),
    ],
)
@pytest.mark.parametrize("chosen", [[0, 10, 20, 30], [33], [5, 6, 7], [0, 39], []])
def test_chosen_frames_are_those_of_a_full_decode(
    tmp_path: Path, name: str, codec: str, options: dict[str, object], chosen: list[int]
) -> None:
    path = _written(tmp_path / name, _numbered(40), codec, **options)
    plain = _plain(path)
    frames = list(read_frames(path, lambda count: chosen if count == 40 else range(count)))
    assert [f.index for f in frames] == chosen
    for frame in frames:
        assert np.array_equal(frame.image, plain[frame.index])


def test_frames_that_nobody_asked_for_are_not_decoded(tmp_path: Path) -> None:
    path = _written(tmp_path / "a.mp4", _numbered(40), g=10, bf=0, crf=18, sc_threshold=0)
    with av.open(str(path)) as container:
        packets = packets_of(container)
    times = sorted(p.pts for p in packets if p.pts is not None)
    # four groups of ten: frame 12 needs the second group's first three packets
    assert needed_packets(packets, {times[12]}) == {10, 11, 12}
    assert needed_packets(packets, {times[0], times[31]}) == {0, 30, 31}


def test_variable_frame_rate_keeps_time_stamps(tmp_path: Path) -> None:
    times = [0, 1, 2, 10, 11, 30]
    path = _written(tmp_path / "a.mp4", _numbered(6), times=times, crf=18)
    frames = list(read_frames(path))
    assert [f.time for f in frames] == pytest.approx([t / 25 for t in times])
    assert [_number(f) for f in frames] == list(range(6))


@pytest.mark.parametrize(
    ("pix_fmt", "codec", "width", "height"),
    [("yuv420p10le", "libx264", 160, 120), ("gray", "libx264", 160, 120), ("yuv444p", "libx264", 161, 121)],
    ids=["10 bit", "mono", "odd size"],
)
def test_unusual_pictures_come_as_rgb(tmp_path: Path, pix_fmt: str, codec: str, width: int, height: int) -> None:
    path = _written(tmp_path / "a.mp4", _numbered(8, width, height), codec, pix_fmt=pix_fmt, crf=12)
    frames = list(read_frames(path, lambda n: range(0, n, 3)))
    assert all(f.image is not None and f.image.shape == (height, width, 3) for f in frames)
    grey = [float(np.median(f.image[80:])) for f in frames if f.image is not None]
    # frames 0, 3 and 6 are 12 grey levels apart; narrow and full range differ by a sixth
    assert np.diff(grey) == pytest.approx([12, 12], abs=3)


def test_rotated_clip_stands_upright(tmp_path: Path) -> None:
    upright = np.zeros((96, 64, 3), np.uint8)
    upright[:32] = 200  # the sky of an upright picture
    flat = _written(tmp_path / "flat.mp4", [np.ascontiguousarray(np.rot90(upright))] * 4, crf=10)
    path = _rotated(flat, tmp_path / "turned.mp4")
    found = probe(path)
    assert (found.width, found.height) == (64, 96)
    (frame,) = read_frames(path, lambda _: [0])
    assert frame.image is not None
    assert frame.image[:24].mean() > 180 > 40 > frame.image[40:].mean()


def _rotated(source: Path, target: Path) -> Path:
    """Copy an MP4 and set the matrix of its track header to a quarter turn clockwise, as phones do."""
    data = bytearray(source.read_bytes())
    header = data.index(b"tkhd")
    one = (1 << 16).to_bytes(4, "big")
    minus_one = (-(1 << 16)).to_bytes(4, "big", signed=True)
    zero = bytes(4)
    quarter = zero + one + zero + minus_one + zero + zero + zero + zero + (1 << 30).to_bytes(4, "big")
    # version and flags, five fields of four bytes, eight reserved, four of two bytes: the matrix
    start = header + 4 + 4 + 20 + 8 + 8
    data[start : start + 36] = quarter
    target.write_bytes(data)
    return target


def test_interlaced_frame_is_one_field_at_full_height(tmp_path: Path) -> None:
    # fields of different moments: even rows dark, odd rows bright
    comb = np.full((120, 160, 3), 40, np.uint8)
    comb[1::2] = 200
    path = _written(tmp_path / "a.mp4", [comb] * 4, crf=4, **{"x264-params": "tff=1"})
    frame = next(iter(read_frames(path)))
    assert frame.image is not None
    assert frame.image.shape == (120, 160, 3)
    assert frame.image.astype(float).std() < 15


def test_damage_half_way_costs_its_frames_only(tmp_path: Path) -> None:
    path = _written(tmp_path / "a.mp4", _numbered(40), g=10, bf=0, crf=18, sc_threshold=0)
    with av.open(str(path)) as container:
        third = [p.pos for p in container.demux(video=0) if p.size and p.is_keyframe][2]
    data = bytearray(path.read_bytes())
    data[third : third + 400] = bytes(400)  # the key frame of the third group
    path.write_bytes(data)
    frames = list(read_frames(path))
    assert len(frames) == 40
    broken = {f.index for f in frames if f.image is None}
    assert 20 in broken
    assert broken <= set(range(20, 30))
    assert all(f.reason.startswith("does not decode") for f in frames if f.image is None)
    assert [_number(f) for f in frames if f.index < 20 and f.image is not None] == list(range(20))


def test_video_without_frames_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.avi"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        container.start_encoding()
    with pytest.raises(MediaError, match="zero frames"):
        probe(path)


def test_image_named_as_a_video_is_refused(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.jpg"), np.zeros((50, 50, 3), np.uint8))
    (tmp_path / "a.jpg").rename(tmp_path / "a.mp4")
    with pytest.raises(MediaError, match=r"wrong container: an image \(.*\) in a file named \.mp4"):
        probe(tmp_path / "a.mp4")


def test_video_named_as_an_image_is_refused(face_clip: Path, tmp_path: Path) -> None:
    shutil.copy(face_clip, tmp_path / "a.png")
    with pytest.raises(MediaError, match="not an image"):
        probe(tmp_path / "a.png")


def test_cut_off_image_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    cv2.imwrite(str(path), np.random.default_rng(0).integers(0, 255, (200, 200, 3), dtype=np.uint8))
    path.write_bytes(path.read_bytes()[:9000])
    with pytest.raises(MediaError, match="image does not decode: image file is truncated"):
        probe(path)


def test_absurd_size_in_a_header_is_refused_before_memory_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), np.zeros((8, 8, 3), np.uint8))
    data = bytearray(path.read_bytes())
    data[16:24] = (60000).to_bytes(4, "big") * 2  # width and height in the header of PNG
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    path.write_bytes(data)
    with pytest.raises(MediaError, match="absurd size in its header"):
        probe(path)


def test_dangling_link_and_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "link.mp4").symlink_to("gone.mp4")
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(MediaError, match=r"dangling link: it points to gone\.mp4"):
        probe(tmp_path / "link.mp4")
    with pytest.raises(MediaError, match="not a regular file"):
        probe(tmp_path / "folder.mp4")


def test_file_that_vanished_is_a_reason(tmp_path: Path) -> None:
    for name in ("a.mp4", "a.png"):
        with pytest.raises(MediaError, match=r"no such file \(any more\)"):
            list(read_frames(tmp_path / name))


def test_file_without_permission_is_a_reason(face_clip: Path) -> None:
    # another user's file: as root, by becoming nobody for a moment
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        path = Path(shutil.copy(face_clip, folder))
        path.chmod(0)
        with as_nobody(), pytest.raises(MediaError, match="no permission"):
            probe(path)


def test_photograph_is_turned_as_its_exif_data_say(tmp_path: Path) -> None:
    flat = Image.fromarray(np.vstack([np.full((20, 60, 3), 250, np.uint8), np.zeros((20, 60, 3), np.uint8)]))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise: what is at the top belongs to the right
    flat.save(tmp_path / "a.jpg", exif=exif, quality=95)
    (frame,) = read_frames(tmp_path / "a.jpg")
    assert frame.image is not None
    assert frame.image.shape == (60, 40, 3)
    assert frame.image[:, 25:].mean() > 240 > 10 > frame.image[:, :15].mean()


def test_frames_that_an_edit_list_hides_are_not_counted(tmp_path: Path) -> None:
    whole = _written(tmp_path / "whole.mp4", _numbered(20), g=20, bf=0, crf=18, sc_threshold=0)
    path = tmp_path / "trimmed.mp4"
    # as trimming without encoding does: the first five frames are kept for those behind them, and not shown
    with (
        av.open(str(whole)) as source,
        av.open(str(path), "w", options={"avoid_negative_ts": "disabled"}) as target,
    ):
        stream = target.add_stream_from_template(source.streams.video[0])
        step = round(1 / 25 / source.streams.video[0].time_base)
        for packet in source.demux(video=0):
            if packet.size:
                packet.pts, packet.dts = packet.pts - 5 * step, packet.dts - 5 * step
                packet.stream = stream
                target.mux(packet)
    assert probe(path).frames == len(_plain(path)) == 15
    frames = list(read_frames(path))
    assert [_number(f) for f in frames] == list(range(5, 20))


def test_music_with_a_cover_picture_has_no_video(audio_file: Path, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "cover.png"), np.zeros((64, 64, 3), np.uint8))
    path = tmp_path / "song.mp4"
    with (
        av.open(str(audio_file)) as sound,
        av.open(str(tmp_path / "cover.png")) as cover,
        av.open(str(path), "w") as song,
    ):
        streams = [(sound, song.add_stream_from_template(sound.streams.audio[0]))]
        streams.append((cover, song.add_stream_from_template(cover.streams.video[0])))
        streams[1][1].disposition = Disposition.attached_pic
        for source, stream in streams:
            for packet in source.demux():
                if packet.size:
                    packet.stream = stream
                    song.mux(packet)
    with pytest.raises(MediaError, match="no video stream: the file holds audio only"):
        probe(path)


def test_hash_is_that_of_the_bytes_and_of_a_folder_that_of_its_pictures(face_clip: Path, tmp_path: Path) -> None:
    assert hash_of(face_clip) == probe(face_clip).sha256 == hashlib.sha256(face_clip.read_bytes()).hexdigest()
    for name, level in (("one", 0), ("same", 0), ("other", 1)):
        (tmp_path / name).mkdir()
        cv2.imwrite(str(tmp_path / name / "000.png"), np.full((6, 8, 3), level, np.uint8))
    one, same, other = (hash_of(tmp_path / name) for name in ("one", "same", "other"))
    assert one == same == probe(tmp_path / "one").sha256
    assert one != other
    with pytest.raises(PassingMediaError, match=r"no such file \(any more\)"):
        hash_of(tmp_path / "gone.mp4")


def test_bytes_of_pictures_are_those_of_the_clip_without_its_sound(tmp_path: Path) -> None:
    sizes = {}
    for name in ("silent", "loud"):
        with av.open(str(tmp_path / f"{name}.mp4"), "w") as container:
            video = container.add_stream("libx264", rate=10)
            video.width, video.height, video.pix_fmt = 160, 120, "yuv420p"
            video.codec_context.thread_count = 1
            # the same bytes each time: no thread that looks ahead
            video.options = {"x264-params": "sync-lookahead=0:sliced-threads=0"}
            sound = container.add_stream("aac", rate=44100, layout="mono") if name == "loud" else None
            for picture in _numbered(4):
                container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
            container.mux(video.encode(None))
            if sound is not None:
                noise = np.random.default_rng(0).random((1, 1024)).astype(np.float32)
                frame = av.AudioFrame.from_ndarray(noise, format="fltp", layout="mono")
                frame.sample_rate = 44100
                container.mux([*sound.encode(frame), *sound.encode(None)])
        sizes[name] = picture_bytes(tmp_path / f"{name}.mp4")
        assert 0 < sizes[name] < (tmp_path / f"{name}.mp4").stat().st_size
        assert frame_rate(tmp_path / f"{name}.mp4") == 10
    assert sizes["silent"] == sizes["loud"]


def test_sound_alone_has_neither_rate_nor_bytes_of_pictures(audio_file: Path) -> None:
    for read in (frame_rate, picture_bytes):
        with pytest.raises(MediaError, match="no video stream"):
            read(audio_file)


def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(MediaError, match="not a regular file"):
        probe(tmp_path / "pipe.mp4")


FAULTS = {
    "disk": (OSError(errno.EIO, "Input/output error"), PassingMediaError, "cannot be read: Input/output error"),
    "network": (OSError(errno.ESTALE, "Stale file handle"), PassingMediaError, "cannot be read: Stale file handle"),
    "memory": (MemoryError(), PassingMediaError, "cannot be read: memory ran out"),
    "bomb": (Image.DecompressionBombError("10**9 pixels"), MediaError, "absurd size in its header: 10"),
    "decoder": (RuntimeError("bad tag"), MediaError, "damaged: RuntimeError: bad tag"),
}


@pytest.mark.parametrize(("fault", "kind", "reason"), FAULTS.values(), ids=FAULTS)
def test_fault_that_may_pass_is_told_from_a_damaged_file(
    fault: Exception, kind: type[MediaError], reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "clip").mkdir()
    for path in (tmp_path / "a.png", tmp_path / "clip/000.png"):
        cv2.imwrite(str(path), np.zeros((8, 8, 3), np.uint8))

    def fail(*_: object, **__: object) -> None:
        raise fault

    monkeypatch.setattr(Image, "open", fail)
    with pytest.raises(MediaError, match=reason) as raised:
        list(read_frames(tmp_path / "a.png"))
    assert type(raised.value) is kind
    # in a folder, a picture that is damaged is one frame less; what may pass stops the clip, to be tried again
    if kind is PassingMediaError:
        with pytest.raises(PassingMediaError, match=reason):
            list(read_frames(tmp_path / "clip"))
    else:
        (frame,) = read_frames(tmp_path / "clip")
        assert (frame.image, frame.reason) == (None, f"does not decode: {raised.value}")


def test_clip_on_a_failing_disk_may_be_read_later(
    face_clip: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise av.error.OSError(errno.EIO, "Input/output error", str(face_clip))

    monkeypatch.setattr(av, "open", fail)
    with pytest.raises(PassingMediaError, match="cannot be read: Input/output error"):
        list(read_frames(face_clip))

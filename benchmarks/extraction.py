"""How long a clip takes from file to crops, compared with the published way and with decoding alone.

Everything runs on one core and warm: on other clips of the same size first, as in a long run. The clips are
`clips.SCENES`, made at the first run, or those that are named; goals are for each kind of clips. The reference detects
as published code does, ``MTCNN(image_size=256, margin=76, min_face_size=60, thresholds=[.6, .7, .9])`` on every tenth
frame; the fastest decoding that we know of is PyAV's or OpenCV's, with one thread, without conversion to RGB.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import av
import cv2
import numpy as np
import psutil
import torch
from facenet_pytorch import MTCNN
from numpy.typing import NDArray

from benchmarks.clips import CLIPS, EVERY, OPTIONS, SCENES, THRESHOLDS, make_clips, shows_a_back
from benchmarks.results import Result
from fakefocus.datasets.stored_video import FrameWriter
from fakefocus.detection.boxes import box_iou
from fakefocus.detection.faces import NO_FACES, Faces
from fakefocus.detection.following import FaceFollower
from fakefocus.detection.mtcnn import FaceDetector
from fakefocus.detection.tracking import TrackLinker
from fakefocus.extraction import OTHER_FACES, extract_faces
from fakefocus.imaging.frames import read_frames

ROOT = Path(__file__).resolve().parents[1]
_DETECTION_GOALS = {"720p": 20.0, "1080p": 30.0, "tight": 10.0}
_DETECTION_GOAL = 15.0
_EXTRACTION_GOALS = {"tight": 2.5}
_EXTRACTION_GOAL, _MEMORY_GOAL = 1.3, 1.1
_BEYOND = 1.2
"""A box whose side is more than so many of the frame's longer side shows no face but what a network makes of one."""
Picture = NDArray[np.uint8]
T = TypeVar("T")


def measure(own: Sequence[Path] = (), portraits: Path | None = None) -> Iterator[Result]:
    """Yield the results, a kind of clips after the other, or on clips of one's own where they are given."""
    clips = {"own clips": list(own)} if own else {kind: make_clips(CLIPS, kind, portraits) for kind in SCENES}
    with one_core():
        for size, paths in clips.items():
            yield detection(size, paths)
            yield extraction(size, paths)
    yield memory(next(iter(clips.values())))


def detection(size: str, paths: Sequence[Path]) -> Result:
    """Compare detection alone, frame by frame, on frames that are decoded already."""
    theirs = MTCNN(image_size=256, margin=76, min_face_size=60, thresholds=list(THRESHOLDS))
    ours = FaceDetector(60, THRESHOLDS)
    clips = [[f.image for f in read_frames(p, lambda n: range(0, n, EVERY)) if f.image is not None] for p in paths]
    for frames in clips:
        theirs.detect(frames[0])
        _all(FaceFollower(ours), frames)
    spent, expected, detected = [0.0, 0.0], [], []
    for frames in clips:
        seconds, faces = _timed(lambda frames=frames: [_reference(theirs, frame) for frame in frames])
        spent[0] += seconds
        expected.append(faces)
        seconds, faces = _timed(lambda frames=frames: _all(FaceFollower(ours), frames))
        spent[1] += seconds
        detected.append(faces)
    lengths = [max(clip[0].shape[:2]) for clip in clips]
    believed = [_credible(*clip) for clip in zip(expected, lengths, paths, strict=True)]
    more = agreement(believed, detected)
    more |= _misses(expected, detected, lengths)
    more["frames of a person in pieces"] = sum(map(count_pieces, paths, believed))
    count, goal = sum(map(len, clips)), _DETECTION_GOALS.get(size, _DETECTION_GOAL)
    ratio = spent[0] / spent[1]
    good = more["videos without main face"] == 0 and more["main faces found"] >= 0.995 and more["mean IoU"] >= 0.93
    good = good and more["largest box, frames"] <= _BEYOND and more["frames of a person in pieces"] == 0
    met = ratio >= goal and good and more["landmark error, eye distances"] <= 0.04
    reference, own = (1000 * seconds / count for seconds in spent)
    unit = "ms a sampled frame"
    return Result(f"detection_{size}", own, reference, ratio, unit, f"≥ {goal:g}", met, more)


def agreement(expected: Sequence[Sequence[Faces]], detected: Sequence[Sequence[Faces]]) -> dict[str, float]:
    """Say how well the reference's main faces, those of the largest track of each clip, were found."""
    overlaps, errors, lost = [], [], 0
    for theirs, ours in zip(expected, detected, strict=True):
        here = [_match(t, row, o) for (t, row), o in zip(_main(theirs), ours, strict=True) if row is not None]
        lost += bool(here) and not any(overlap > 0.5 for overlap, _ in here)
        overlaps += [overlap for overlap, _ in here]
        errors += [error for overlap, error in here if overlap > 0.5]
    good = [overlap for overlap in overlaps if overlap > 0.5]
    return {
        "videos without main face": lost,
        "main faces found": round(len(good) / len(overlaps), 4),
        "of": len(overlaps),
        "mean IoU": round(float(np.mean(overlaps)), 4),
        "landmark error, eye distances": round(float(np.mean(errors)), 4) if errors else float("nan"),
    }


def _credible(clip: Sequence[Faces], side: int, path: Path) -> list[Faces]:
    """Leave out of the reference's faces what is none.

    That is boxes that reach far beyond the frame, ``side`` pixels long, and what it sees on the back of a head.
    """
    kept = [(f.boxes[:, 2:] - f.boxes[:, :2]).max(axis=1, initial=0) <= _BEYOND * side for f in clip]
    faces = [Faces(f.boxes[k], f.scores[k], f.landmarks[k]) for f, k in zip(clip, kept, strict=True)]
    return [NO_FACES if shows_a_back(path, EVERY * index) else f for index, f in enumerate(faces)]


def _misses(
    expected: Sequence[Sequence[Faces]], detected: Sequence[Sequence[Faces]], lengths: Sequence[int]
) -> dict[str, float]:
    """Say what goes wrong beside the main face, and what the reference gets wrong itself."""
    sides = [_largest(clip) / length for clip, length in zip(detected, lengths, strict=True)]
    theirs = [_largest(clip) / length for clip, length in zip(expected, lengths, strict=True)]
    frames = [(e, f) for clips in zip(expected, detected, strict=True) for e, f in zip(*clips, strict=True)]
    return {
        "largest box, frames": round(max(sides), 2),
        "reference's largest box, frames": round(max(theirs), 2),
        "frames where only the reference finds nobody": sum(len(f.boxes) > 0 and not len(e.boxes) for e, f in frames),
        "frames where only ours finds nobody": sum(len(e.boxes) > 0 and not len(f.boxes) for e, f in frames),
    }


def count_pieces(path: Path, expected: Sequence[Faces]) -> int:
    """Extract the crops of a clip; return in how many frames its only person is left out as somebody else.

    The reference's faces of each sampled frame say where one person is alone; where it sees several in any frame,
    others may rightly be left out, and nothing is counted.
    """
    if any(len(faces.boxes) > 1 for faces in expected):
        return 0
    with tempfile.TemporaryDirectory() as folder:
        rows = extract_faces(path, path.stem, "video", OPTIONS, FrameWriter(Path(folder), ".jpg"))
    shown = {index * EVERY for index, faces in enumerate(expected) if len(faces.boxes)}
    return sum(row["reason"] == OTHER_FACES and row["frame"] in shown for row in rows)


def _largest(clip: Sequence[Faces]) -> float:
    return max((float((f.boxes[:, 2:] - f.boxes[:, :2]).max()) for f in clip if len(f.boxes)), default=0.0)


def extraction(size: str, paths: Sequence[Path]) -> Result:
    """Compare everything from file to crops with only decoding the same clips."""
    decoders = {"PyAV": decode_pyav, "OpenCV": decode_opencv}
    with tempfile.TemporaryDirectory() as folder:
        _extract(paths, Path(folder) / "warm")
        plain = {name: sum(_timed(lambda p=p, d=d: d(p))[0] for p in paths) for name, d in decoders.items()}
        ours, _ = _timed(lambda: _extract(paths, Path(folder) / "timed"))
    fastest = min(plain, key=plain.__getitem__)
    ratio = ours / plain[fastest]
    seconds = {name: round(value, 2) for name, value in plain.items()}
    goal = _EXTRACTION_GOALS.get(size, _EXTRACTION_GOAL)
    name = f"extraction_over_decoding_{size}"
    return Result(name, ours, plain[fastest], ratio, "s", f"≤ {goal}", ratio <= goal, seconds)


def memory(paths: Sequence[Path]) -> Result:
    """Compare the peak memory of four times the videos, of all processes together."""
    few, many = (_peak(list(paths) * times) for times in (1, 4))
    ratio = many / few
    return Result("peak_memory_4x_videos", many, few, ratio, "MiB", f"≤ {_MEMORY_GOAL}", ratio <= _MEMORY_GOAL)


def _peak(paths: Sequence[Path]) -> float:
    """Return the peak of what a process and its workers hold together, in MiB, looked at 50 times a second."""
    run = psutil.Popen([sys.executable, "-m", "benchmarks.extraction", *map(str, paths)], cwd=ROOT)
    peak = 0
    while run.poll() is None:
        peak = max(peak, sum(map(_held, [run, *run.children(recursive=True)])))
        time.sleep(0.02)
    if run.returncode:
        raise subprocess.CalledProcessError(run.returncode, "benchmarks.extraction")
    return peak / 2**20


def _held(process: psutil.Process) -> int:
    try:
        return int(process.memory_info().rss)
    except psutil.NoSuchProcess:
        return 0


def _run_dataset(paths: Sequence[Path]) -> None:
    """Make the crops of clips as the pipeline does."""
    import pandas as pd

    from fakefocus.datasets.video_folders import VideoFolders
    from fakefocus.pipelines.preprocessing.nodes import plan_face_crops

    shared = {"label": 0, "kind": "video"}
    rows = [shared | {"video_id": f"{i}", "path": str(p), "sha256": f"{i}"} for i, p in enumerate(paths)]
    with tempfile.TemporaryDirectory() as folder:
        VideoFolders(filepath=folder, suffix=".jpg").save(plan_face_crops(pd.DataFrame(rows), OPTIONS))


def _main(clip: Sequence[Faces]) -> list[tuple[Faces, int | None]]:
    linker = TrackLinker()
    tracks = [linker(faces.boxes, faces.scores) for faces in clip]
    main = next(iter(linker.people()), [])
    rows = [next((row for row, track in enumerate(here) if track in main), None) for here in tracks]
    return list(zip(clip, rows, strict=True))


def _match(theirs: Faces, row: int, ours: Faces) -> tuple[float, float]:
    """Return the overlap with the best of our boxes, and its landmarks' mean distance in eye distances."""
    if not len(ours.boxes):
        return 0.0, np.inf
    overlap = box_iou(theirs.boxes[row], ours.boxes)
    best, marks = int(overlap.argmax()), theirs.landmarks[row]
    error = np.linalg.norm(ours.landmarks[best] - marks, axis=1).mean() / np.linalg.norm(marks[0] - marks[1])
    return float(overlap[best]), float(error)


def _reference(mtcnn: MTCNN, frame: Picture) -> Faces:
    boxes, scores, marks = mtcnn.detect(frame, landmarks=True)
    if boxes is None:
        return Faces(np.zeros((0, 4)), np.zeros(0), np.zeros((0, 5, 2)))
    return Faces(*(np.asarray(column, dtype=float) for column in (boxes, scores, marks)))


def _all(follower: FaceFollower, frames: Sequence[Picture]) -> list[Faces]:
    return [follower(frame) for frame in frames]


def _extract(paths: Sequence[Path], folder: Path) -> None:
    for path in paths:
        (folder / path.stem).mkdir(parents=True)
        extract_faces(path, path.stem, "video", OPTIONS, FrameWriter(folder / path.stem, ".jpg"))


def decode_pyav(path: Path) -> None:
    """Decode a clip by PyAV, with one thread."""
    with av.open(str(path)) as container:
        container.streams.video[0].codec_context.thread_count = 1
        for _ in container.decode(video=0):
            pass


def decode_opencv(path: Path) -> None:
    """Decode a clip by OpenCV, with one thread and without conversion to RGB."""
    video = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG, [cv2.CAP_PROP_N_THREADS, 1])
    while video.grab():
        pass


def _timed(work: Callable[[], T]) -> tuple[float, T]:
    start = time.perf_counter()
    result = work()
    return time.perf_counter() - start, result


@contextmanager
def one_core() -> Iterator[None]:
    """Compute on one core, with one thread."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    cv2.setNumThreads(1)
    torch.set_num_threads(1)
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


if __name__ == "__main__":
    _run_dataset([Path(p) for p in sys.argv[1:]])

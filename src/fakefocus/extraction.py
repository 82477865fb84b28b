"""The one way from a clip to crops: sampled frames in, crops and a row for each face or each reason out."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fakefocus.datasets.stored_video import FrameWriter, PassingFaultError, Row
from fakefocus.imaging.alignment import align_face, centre_of, crop_box, place_in_box, place_landmarks, sharpness
from fakefocus.imaging.alteration import AlteredParts, Evidence, altered_share
from fakefocus.imaging.frames import Frame, read_frames
from fakefocus.imaging.media import MediaError, PassingMediaError
from fakefocus.imaging.pose import estimate_pose
from fakefocus.imaging.reencoding import Step, reencode, suffix_of
from fakefocus.imaging.sampling import sample_frames
from fakefocus.parameters import Preprocessing, Sampling

RECIPE = 5
"""Raise when the same parameters give other crops, so that finished videos are made again."""
NO_FACE = "no face"
_NUMBERS = ("x1", "y1", "x2", "y2", "score", "size", "sharpness", "yaw", "pitch", "roll", "altered")
OTHER_FACES = "faces, but not of a person who is kept"


@dataclass
class _Clip:
    """What is known of a clip so far: frames that are wanted, crops by track and frame, and frames without."""

    sampling: Sampling
    progress: Callable[[float], None] | None = None
    wanted: Sequence[int] = ()
    crops: dict[int, dict[int, Row]] = field(default_factory=dict)
    empty: list[Row] = field(default_factory=list)
    decoded: int = 0

    def choose(self, count: int) -> Sequence[int]:
        """Return the numbers of the frames that are wanted, of ``count``."""
        self.wanted = sample_frames(count, **self.sampling.model_dump())
        return self.wanted


def extract_faces(
    path: Path,
    video_id: str,
    kind: str,
    options: Preprocessing,
    write: FrameWriter,
    evidence: Evidence | None = None,
    progress: Callable[[float], None] | None = None,
) -> list[Row]:
    """Write the crops of a clip or image; return a row for each, and for each frame without one its reason.

    Args:
        path: The file.
        video_id: Its name in tables.
        kind: ``video``, ``image`` or ``frames``.
        options: How frames are sampled, and faces found and cut out.
        write: Where crops go.
        evidence: Of a fake, what tells who in it was altered.
        progress: Called with the share of the wanted frames that was looked at.

    Raises:
        PassingFaultError: If the file cannot be read now, but may be later.
    """
    clip = _Clip(options.sampling, progress)
    parts = None if evidence is None else AlteredParts(evidence, lambda: clip.wanted)
    look = _whole_images if options.region == "whole_image" else partial(_faces, parts=parts)
    least = 1 if kind == "image" else options.sampling.min_frames
    try:
        people = look(_decoded(read_frames(path, clip.choose), clip), clip, options, write)
    except PassingMediaError as error:
        raise PassingFaultError(_row(0, 0.0, reason=str(error)) | {"video_id": video_id}) from error
    except MediaError as error:
        write.discard_all()
        return [_row(0, 0.0, reason=str(error)) | {"video_id": video_id}]
    kept = _kept(people, options, enough=clip.decoded >= least)
    rows = [*_named(clip, kept, write), *clip.empty] or [_row(0, 0.0, reason="zero frames: the video stream is empty")]
    if clip.decoded < least:
        rows = [r | {"reason": f"{clip.decoded} frames decode, sampling.min_frames is {least}"} for r in rows[:1]]
    return [row | {"video_id": video_id} for row in sorted(rows, key=lambda r: (r["frame"], r["track"]))]


def extract_reencoded(
    path: Path, video_id: str, kind: str, steps: Sequence[Step], options: Preprocessing, write: FrameWriter
) -> list[Row]:
    """Encode a clip or image again, and then do with it what `extract_faces` does.

    The file is written aside and removed; each row has its size in ``bytes``, 0 where nothing could be written.

    Raises:
        PassingFaultError: If the file cannot be read now, but may be later.
    """
    with TemporaryDirectory(prefix="fakefocus-") as folder:
        target = Path(folder) / f"{video_id}{suffix_of(kind)}"
        try:
            reencode(path, target, steps, kind)
        except PassingMediaError as error:
            raise PassingFaultError(_row(0, 0.0, reason=str(error)) | {"video_id": video_id, "bytes": 0}) from error
        except MediaError as error:
            return [_row(0, 0.0, reason=str(error)) | {"video_id": video_id, "bytes": 0}]
        size = sum(file.stat().st_size for file in (target.iterdir() if target.is_dir() else [target]))
        return [row | {"bytes": size} for row in extract_faces(target, video_id, kind, options, write)]


def cut_face(
    image: NDArray[np.uint8], box: NDArray[np.float64], marks: NDArray[np.float64], options: Preprocessing
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Return a crop ``(size, size, 3) uint8``, and the landmarks ``(5, 2)`` in pixels of it.

    Args:
        image: The frame, ``(H, W, 3) uint8``.
        box: ``(4,)``, x1, y1, x2, y2 in pixels of the frame.
        marks: ``(5, 2)`` landmarks in pixels of the frame.
        options: Alignment, size and margin.
    """
    if options.alignment == "landmarks":
        crop = align_face(image, marks, options.size, options.margin)
        return crop, place_landmarks(marks, options.size, options.margin)
    frame = (image.shape[1], image.shape[0])
    crop = crop_box(image, box, options.size, options.margin)
    return crop, place_in_box(marks, box, frame, options.size, options.margin)


def crop_name(frame: int, track: int) -> str:
    """Return the name of a crop: of the main face ``frame_000010``, of the next one ``frame_000010_face_1``."""
    return f"frame_{frame:06d}" + (f"_face_{track}" if track else "")


def _decoded(frames: Iterator[Frame], clip: _Clip) -> Iterator[tuple[Frame, NDArray[np.uint8]]]:
    """Pass on frames with their image, and note the others with their reason."""
    for passed, frame in enumerate(frames, start=1):
        if frame.image is None:
            clip.empty.append(_row(frame.index, frame.time, reason=frame.reason))
        else:
            clip.decoded += 1
            yield frame, frame.image
        if clip.progress is not None:
            clip.progress(passed / len(clip.wanted))


def _faces(
    frames: Iterator[tuple[Frame, NDArray[np.uint8]]],
    clip: _Clip,
    options: Preprocessing,
    write: FrameWriter,
    parts: AlteredParts | None,
) -> list[list[int]]:
    """Follow all faces and write their crops; return each person's tracks, whom the clip shows most first."""
    # torch takes seconds to import: only the processes that detect need it
    from fakefocus.detection.people import look_of
    from fakefocus.detection.tracking import TrackLinker

    find, was_cut = _finder(options)
    linker = TrackLinker()
    for frame, image in frames:
        faces = find(image)
        cuts = [cut_face(image, box, marks, options) for box, marks in zip(faces.boxes, faces.landmarks, strict=True)]
        tracks = linker(faces.boxes, faces.scores, [look_of(crop) for crop, _ in cuts], is_cut=was_cut())
        altered = parts(frame.index, image) if tracks and parts is not None else None
        if not tracks:
            clip.empty.append(_row(frame.index, frame.time, reason=NO_FACE))
        for track, box, score, marks, (crop, crop_marks) in zip(
            tracks, faces.boxes, faces.scores, faces.landmarks, cuts, strict=True
        ):
            write(_raw_name(frame.index, track), crop)
            details = _quality(box, float(score), marks, crop) | {"detector": options.detection.detector}
            details["crop_landmarks"] = _as_json(crop_marks)
            if altered is not None:
                details["altered"] = altered_share(box, altered, (image.shape[1], image.shape[0]))
            clip.crops.setdefault(track, {})[frame.index] = _row(frame.index, frame.time, **details)
    return linker.people()


def _finder(options: Preprocessing) -> tuple[Callable[[NDArray[np.uint8]], Any], Callable[[], bool]]:
    """Return what finds the faces of the next frame, and what says whether that frame was behind a cut."""
    detection = options.detection
    if detection.detector == "haar":
        from fakefocus.detection.haar import haar_detector

        return haar_detector(detection.min_face_size).detect, lambda: False
    from fakefocus.detection.following import FaceFollower
    from fakefocus.detection.mtcnn import FaceDetector

    detector = FaceDetector(detection.min_face_size, detection.thresholds, detection.precision)
    follower = FaceFollower(detector, None if options.faces_per_video == "all" else options.faces_per_video + 1)
    return follower, lambda: follower.cut


def _as_json(marks: NDArray[np.float64]) -> str:
    """Return points as JSON; empty where they are not known."""
    return json.dumps(np.round(marks, 2).tolist()) if np.isfinite(marks).all() else ""


def _quality(box: NDArray[np.float64], score: float, marks: NDArray[np.float64], crop: NDArray[np.uint8]) -> Row:
    pose = estimate_pose(marks)._asdict() if np.isfinite(marks).all() else {}
    return {
        **dict(zip(("x1", "y1", "x2", "y2"), box.tolist(), strict=True)),
        "score": score if np.isfinite(score) else None,
        "landmarks": _as_json(marks),
        "size": float((box[2:] - box[:2]).max()),
        "sharpness": sharpness(crop),
        **pose,
    }


def _whole_images(
    frames: Iterator[tuple[Frame, NDArray[np.uint8]]], clip: _Clip, options: Preprocessing, write: FrameWriter
) -> list[list[int]]:
    """Write the middle of each frame as it is; one that is smaller than a crop is not enlarged but left out."""
    for frame, image in frames:
        height, width = image.shape[:2]
        if min(height, width) < options.size:
            reason = f"{width} x {height} pixels, smaller than preprocessing.size {options.size}: nothing is enlarged"
            clip.empty.append(_row(frame.index, frame.time, reason=reason))
            continue
        crop, (x, y) = centre_of(image, options.size)
        write(_raw_name(frame.index, 0), crop)
        place = {"x1": x, "y1": y, "x2": x + options.size, "y2": y + options.size, "size": options.size}
        details: Row = {name: float(value) for name, value in place.items()} | {"sharpness": sharpness(crop)}
        clip.crops.setdefault(0, {})[frame.index] = _row(frame.index, frame.time, **details)
    return [[track] for track in clip.crops]


def _kept(people: list[list[int]], options: Preprocessing, *, enough: bool) -> list[list[int]]:
    if not enough:
        return []
    return people if options.faces_per_video == "all" else people[: options.faces_per_video]


def _named(clip: _Clip, kept: list[list[int]], write: FrameWriter) -> Iterator[Row]:
    """Name the crops of the people who are kept, drop the others, and yield the rows."""
    shown: set[int] = set()
    for rank, track in ((rank, track) for rank, person in enumerate(kept) for track in person):
        for index, row in clip.crops[track].items():
            shown.add(index)
            name = crop_name(index, rank)
            write.rename(_raw_name(index, track), name)
            yield row | {"found": True, "crop": name, "track": rank}
    for track in clip.crops.keys() - {track for person in kept for track in person}:
        for index, row in clip.crops[track].items():
            write.discard(_raw_name(index, track))
            if index not in shown:
                shown.add(index)
                yield _row(row["frame"], row["time"], reason=OTHER_FACES)


def _raw_name(frame: int, track: int) -> str:
    return f"track_{track}_{frame}"


def _row(frame: int, time: float, reason: str = "", **details: Any) -> Row:  # noqa: ANN401
    empty = dict.fromkeys(_NUMBERS, None)
    base = {"frame": frame, "time": time, "found": False, "reason": reason, "crop": "", "track": -1}
    return base | {"landmarks": "", "crop_landmarks": "", "detector": ""} | empty | details

"""Boxes around the faces of a clip, with each person's number and verdict."""

import math
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from fakefocus.detection.boxes import box_iou
from fakefocus.imaging.frames import read_frames
from fakefocus.plotting import CONTROL, FAKE, HELD_OUT, INK, REAL
from fakefocus.prediction.notes import deciding
from fakefocus.prediction.result import PersonResult, Prediction

Picture = NDArray[np.uint8]
_WIDEST = 1280
_SECONDS = 120.0
"""Of a clip that are shown with boxes, from its start."""
COLOURS = {"fake": FAKE, "uncertain": HELD_OUT, "real": REAL}
_CRF = "23"
_SAME = 0.5
"""Mean overlap of two people's boxes, from which on they are one."""


def write_annotated(path: Path, answer: Prediction, target: Path) -> None:
    """Write a clip again, with a box, number and score at each face, between sampled frames where it moved to."""
    media = answer.media
    if media is None:
        return
    scale, size = picture_size(media.width, media.height)
    rate = media.rate or 25.0
    last = math.ceil(min(media.frames, _SECONDS * rate))
    with av.open(str(target), "w") as container:
        stream = container.add_stream("libx264", rate=round(rate), options={"crf": _CRF})
        stream.width, stream.height = size
        stream.pix_fmt = "yuv420p"
        for frame in read_frames(path, lambda count: range(min(count, last))):
            if frame.image is None:
                continue
            drawn = np.asarray(cv2.resize(frame.image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
            draw_people(drawn, frame.index, answer, scale)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(drawn, format="rgb24")))
        container.mux(stream.encode(None))


def picture_size(width: int, height: int) -> tuple[float, tuple[int, int]]:
    """Return by how much a frame is made smaller to be shown, and its width and height then, both even."""
    scale = min(1.0, _WIDEST / width)
    return scale, (max(2, 2 * round(width * scale / 2)), max(2, 2 * round(height * scale / 2)))


def sampling_step(answer: Prediction) -> int:
    """Return how many frames lie from one sampled frame to the next: more than asked for where a clip is long."""
    frames = sorted({face.frame for person in answer.people for face in person.faces})
    steps = np.diff(frames)
    return int(np.median(steps)) if len(steps) else answer.options.every


def box_at(person: PersonResult, frame: int, every: int) -> NDArray[np.float64] | None:
    """Return where a person's face is in a frame, between sampled ones; None where they are not seen.

    ``every``: frames from one sampled one to the next. A face is there from half of that before to half of that after
    those that show it, and in between if no more than one of them does not.
    """
    frames = np.array([face.frame for face in person.faces])
    boxes = np.array([face.box for face in person.faces])
    after = int(np.searchsorted(frames, frame))
    gap = frames[after] - frames[after - 1] if 0 < after < len(frames) else np.inf
    if gap > 2 * every and np.abs(frames - frame).min() > every / 2:
        return None
    return np.array([np.interp(frame, frames, side) for side in boxes.T])


def find_person(answer: Prediction, person: PersonResult) -> PersonResult | None:
    """Return whom an answer shows where another detector's answer shows a person; None if that is nobody.

    Detectors that cut out faces otherwise may number people otherwise.
    """
    overlaps = {n: _overlap(one, person) for n, one in enumerate(answer.people)}
    best = max(overlaps, key=lambda n: overlaps[n], default=None)
    return None if best is None or overlaps[best] < _SAME else answer.people[best]


def _overlap(one: PersonResult, other: PersonResult) -> float:
    """Return the mean overlap of boxes (intersection over union) in the frames that show both."""
    boxes = {face.frame: face.box for face in other.faces}
    shared = [(face.box, boxes[face.frame]) for face in one.faces if face.frame in boxes]
    return float(np.mean([box_iou(np.array(a), np.array([b]))[0] for a, b in shared])) if shared else 0.0


def draw_people(picture: Picture, frame: int, answer: Prediction, scale: float, *, verdicts: bool = True) -> None:
    """Draw who is in a frame; those by whom the clip is not judged without a label.

    Args:
        picture: The frame, ``(H, W, 3) uint8, RGB``; drawn on.
        frame: Its number.
        answer: Who is where.
        scale: Of the picture's pixels to the frame's.
        verdicts: Whether scores and verdicts are written beside the numbers.
    """
    labelled, step = {person.person for person in deciding(answer.people)}, sampling_step(answer)
    for person in answer.people:
        box = box_at(person, frame, step)
        if box is None:
            continue
        x1, y1, x2, y2 = (box * scale).round().astype(int).tolist()
        colour = _rgb(COLOURS[person.verdict] if verdicts else INK)
        if person.person not in labelled:
            cv2.rectangle(picture, (x1, y1), (x2, y2), _rgb(CONTROL), 1, cv2.LINE_AA)
            continue
        cv2.rectangle(picture, (x1, y1), (x2, y2), colour, 2, cv2.LINE_AA)
        text = f"{person.person}: {person.score:.2f} {person.verdict}" if verdicts else f"person {person.person}"
        (wide, tall), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.5, 1)
        left, base = max(0, min(x1, picture.shape[1] - wide - 6)), max(tall + 8, y1)
        cv2.rectangle(picture, (left, base - tall - 8), (left + wide + 6, base), colour, -1)
        place = (left + 3, base - 5)
        cv2.putText(picture, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1, cv2.LINE_AA)


def _rgb(colour: str) -> tuple[int, int, int]:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return red, green, blue

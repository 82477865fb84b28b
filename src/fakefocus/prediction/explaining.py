"""What shows an answer: faces as the detector sees them, where their scores come from, and who is who."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from fakefocus.datasets.memory_video import MemoryVideo
from fakefocus.explain.heat import heat_maps
from fakefocus.imaging.alignment import centre_of
from fakefocus.imaging.frames import read_frames
from fakefocus.imaging.maps import from_levels, to_levels
from fakefocus.inference import Scorer
from fakefocus.models import find_family
from fakefocus.prediction.boxes import draw_people, picture_size
from fakefocus.prediction.detectors import Detector
from fakefocus.prediction.notes import deciding
from fakefocus.prediction.result import PersonResult, Prediction
from fakefocus.training.samples import network_input

Picture = NDArray[np.uint8]
MOST_PEOPLE = 5
"""Who are shown: those by whom a file is judged first."""
_FACES = 4
"""Of a person, spread over the clip."""


class ExplainedFace(NamedTuple):
    """A face of a frame, all of ``(S, S)``: what the network is shown, and where it looks.

    ``time`` in seconds; ``picture`` ``(S, S, 3) uint8, RGB``; ``defocus`` and ``heat`` ``float32`` in [0, 1], None
    where the detector sees no map or has no place to look at. Heat is relative to its own hottest place.
    """

    time: float
    score: float
    picture: Picture
    defocus: NDArray[np.float32] | None
    heat: NDArray[np.float32] | None


class Explanation(NamedTuple):
    """What shows an answer: the frame in which most people are seen, with boxes, and faces by person.

    ``scene`` ``(H, W, 3) uint8, RGB``.
    """

    scene: Picture
    people: dict[int, tuple[ExplainedFace, ...]]


class Explainer:
    """Says of answers what the detector saw and where it looked."""

    def __init__(self, detector: Detector) -> None:
        """Put the detector's network together: gradients run through it."""
        self._family = find_family(detector.contract.family)
        self._scorer = Scorer(detector.contract, detector.read_weights(), "cpu")

    def __call__(
        self, path: Path, answer: Prediction, rows: Sequence[dict[str, Any]], crops: MemoryVideo
    ) -> Explanation:
        """Return what shows an answer.

        Args:
            path: The file.
            answer: Its answer.
            rows: Of its faces, with ``track``, ``frame`` and the name of the ``crop``.
            crops: What reads these.
        """
        seen_well = deciding(answer.people)
        shown = sorted(answer.people, key=lambda one: (one not in seen_well, -one.score))[:MOST_PEOPLE]
        people = {
            one.person: self._faces(one, [row for row in rows if row["track"] == one.person], crops) for one in shown
        }
        return Explanation(_scene(path, answer), people)

    def _faces(
        self, person: PersonResult, rows: Sequence[dict[str, Any]], crops: MemoryVideo
    ) -> tuple[ExplainedFace, ...]:
        chosen = np.unique(np.linspace(0, len(rows) - 1, _FACES).round().astype(int))
        contract, make = self._scorer.contract, self._scorer.make_maps
        side = contract.training.augmentation.crop
        read = [crops.read(rows[i]["crop"]) for i in chosen]
        pictures = [centre_of(crop, side)[0] for crop in read]
        maps = None
        if make is not None:
            maps = np.stack([centre_of(from_levels(to_levels(make(crop))), side)[0] for crop in read])
        images = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255
        planes = None if maps is None else torch.from_numpy(maps).permute(0, 3, 1, 2)
        x = network_input(images, planes, contract.input.img_size)
        heat = heat_maps(self._scorer.network, x, self._family.heat_part)
        return tuple(
            ExplainedFace(
                person.faces[place].time,
                person.faces[place].score,
                picture,
                None if maps is None else maps[line, ..., 0],
                None if heat is None else _as_large(heat[line], side),
            )
            for line, (place, picture) in enumerate(zip(chosen, pictures, strict=True))
        )


def coloured(values: NDArray[np.float32], palette: int = cv2.COLORMAP_VIRIDIS) -> Picture:
    """Return values in [0, 1] ``(H, W)`` as a picture ``(H, W, 3) uint8, RGB``, in a palette of OpenCV."""
    levels = np.round(np.clip(values, 0, 1) * 255).astype(np.uint8)
    return np.asarray(cv2.cvtColor(cv2.applyColorMap(levels, palette), cv2.COLOR_BGR2RGB), dtype=np.uint8)


def overlaid(picture: Picture, heat: NDArray[np.float32], opacity: float = 0.45) -> Picture:
    """Return a picture under its heat map; ``opacity`` in [0, 1] is that of the heat."""
    drawn = cv2.addWeighted(picture, 1 - opacity, coloured(heat, cv2.COLORMAP_INFERNO), opacity, 0)
    return np.asarray(drawn, dtype=np.uint8)


def write_explanation(explanation: Explanation, file: Path) -> None:
    """Write what shows an answer into one file of arrays (``.npz``), for another process."""
    faces = [(person, face) for person, own in explanation.people.items() for face in own]
    arrays: dict[str, Any] = {
        "scene": explanation.scene,
        "numbers": np.array([(person, face.time, face.score) for person, face in faces], dtype=np.float64),
    }
    for place, (_, face) in enumerate(faces):
        arrays |= {f"{name}_{place}": value for name, value in face._asdict().items() if isinstance(value, np.ndarray)}
    np.savez(file, **arrays)


def read_explanation(file: Path) -> Explanation:
    """Return what `write_explanation` wrote."""
    people: dict[int, tuple[ExplainedFace, ...]] = {}
    with np.load(file, allow_pickle=False) as arrays:
        for place, (person, time, score) in enumerate(arrays["numbers"].tolist()):
            defocus, heat = (arrays.get(f"{name}_{place}") for name in ("defocus", "heat"))
            face = ExplainedFace(time, score, arrays[f"picture_{place}"], defocus, heat)
            people[int(person)] = (*people.get(int(person), ()), face)
        return Explanation(arrays["scene"], people)


def _scene(path: Path, answer: Prediction) -> Picture:
    """Return the first of the frames that show most people, with boxes."""
    counts: dict[int, int] = {}
    for person in answer.people:
        for face in person.faces:
            counts[face.frame] = counts.get(face.frame, 0) + 1
    most = min(counts, key=lambda frame: (-counts[frame], frame))
    image = next(frame.image for frame in read_frames(path, lambda _: [most]) if frame.image is not None)
    height, width = image.shape[:2]
    scale, size = picture_size(width, height)
    drawn = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    draw_people(drawn, most, answer, scale, verdicts=False)
    return drawn


def _as_large(heat: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    return np.asarray(cv2.resize(heat, (side, side), interpolation=cv2.INTER_LINEAR), dtype=np.float32)

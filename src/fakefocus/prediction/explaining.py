"""Shows an answer: sheets of faces with maps and heat maps, scores over time, and the clip with boxes."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import av
import cv2
import matplotlib as mpl
import numpy as np
import torch
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fakefocus.datasets.memory_video import MemoryVideo
from fakefocus.explain.heat import heat_maps
from fakefocus.imaging.alignment import centre_of
from fakefocus.imaging.frames import Frame, read_frames
from fakefocus.imaging.maps import from_levels, to_levels
from fakefocus.inference import Scorer
from fakefocus.models import find_family
from fakefocus.plotting import CONTROL, FAKE, HELD_OUT, INK, OTHER_COLOURS, REAL, WIDTH, style
from fakefocus.prediction.detectors import Detector
from fakefocus.prediction.notes import deciding
from fakefocus.prediction.result import PersonResult, Prediction
from fakefocus.training.samples import network_input

Picture = NDArray[np.uint8]
_FACES = 4
"""On a sheet, spread over the clip."""
_PEOPLE = len(OTHER_COLOURS)
"""Of whom sheets are made, those by whom the file is judged first; and lines of scores, those who are seen most."""
_WIDEST = 1280
_SECONDS = 120.0
"""Of a clip that are shown with boxes, from its start."""
_COLOURS = {"fake": FAKE, "uncertain": HELD_OUT, "real": REAL}
_CRF = "23"
_DPI = 110


class Explainer:
    """Writes pictures about answers into a folder, a folder of its own for each file."""

    def __init__(self, detector: Detector, folder: Path) -> None:
        """Put the detector's network together: gradients run through it."""
        self._folder, self._family = folder, find_family(detector.contract.family)
        self._scorer = Scorer(detector.contract, detector.read_weights(), "cpu")
        mpl.use("agg")

    def __call__(self, path: Path, answer: Prediction, rows: Sequence[dict[str, Any]], crops: MemoryVideo) -> Path:
        """Write what shows an answer; return the folder.

        Args:
            path: The file.
            answer: Its answer.
            rows: Of its faces, with ``track``, ``frame`` and the name of the ``crop``.
            crops: What reads these.
        """
        folder = self._folder / f"{path.stem}-{answer.sha256[:8]}"
        folder.mkdir(parents=True, exist_ok=True)
        seen_well = deciding(answer.people)
        for person in sorted(answer.people, key=lambda one: (one not in seen_well, -one.score))[:_PEOPLE]:
            own = [row for row in rows if row["track"] == person.person]
            self._sheet(person, own, crops).savefig(folder / f"person_{person.person}.png", dpi=_DPI)
        if answer.media is not None and answer.media.kind == "video":
            _over_time(answer).savefig(folder / "scores.png", dpi=_DPI)
            write_annotated(path, answer, folder / "annotated.mp4")
        (folder / "answer.json").write_text(answer.model_dump_json(indent=1), encoding="utf-8")
        return folder

    def _sheet(self, person: PersonResult, rows: Sequence[dict[str, Any]], crops: MemoryVideo) -> Figure:
        """Draw faces of a person: the picture, its map if the detector sees one, and where it looks."""
        chosen = np.unique(np.linspace(0, len(rows) - 1, _FACES).round().astype(int))
        pictures, maps, heat = self._seen([crops.read(rows[i]["crop"]) for i in chosen])
        columns = (
            ["the face"] + ["defocus map"] * (maps is not None) + ["where the score comes from"] * (heat is not None)
        )
        figure = Figure(figsize=(2.3 * len(columns), 2.35 * len(chosen) + 0.5), layout="constrained")
        grid = figure.subplots(len(chosen), len(columns), squeeze=False)
        for line, (axes, place) in enumerate(zip(grid, chosen, strict=True)):
            drawn = [pictures[line]]
            drawn += [] if maps is None else [_coloured(maps[line], cv2.COLORMAP_VIRIDIS)]
            drawn += [] if heat is None else [_overlaid(pictures[line], heat[line])]
            for axis, picture, title in zip(axes, drawn, columns, strict=True):
                axis.imshow(picture)
                axis.set_axis_off()
                if line == 0:
                    axis.set_title(title, fontsize=9, color=INK)
            face = person.faces[place]
            axes[0].text(0.02, 0.97, f"{face.time:.1f} s   {face.score:.2f}", transform=axes[0].transAxes, **_LABEL)
        name = "person" if len(rows) == 1 else f"person {person.person}"
        figure.suptitle(f"{name}: {person.verdict}, {person.score:.2f}", fontsize=10, color=INK)
        return figure

    def _seen(
        self, crops: Sequence[Picture]
    ) -> tuple[list[Picture], NDArray[np.float32] | None, NDArray[np.float32] | None]:
        """Return the pictures that the network is shown, their first map, and where it looks."""
        contract, make = self._scorer.contract, self._scorer.make_maps
        side = contract.training.augmentation.crop
        pictures = [centre_of(crop, side)[0] for crop in crops]
        maps = None
        if make is not None:
            maps = np.stack([centre_of(from_levels(to_levels(make(crop))), side)[0] for crop in crops])
        images = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255
        planes = None if maps is None else torch.from_numpy(maps).permute(0, 3, 1, 2)
        x = network_input(images, planes, contract.input.img_size)
        heat = heat_maps(self._scorer.network, x, self._family.heat_part)
        return pictures, None if maps is None else maps[..., 0], heat


def write_annotated(path: Path, answer: Prediction, target: Path) -> None:
    """Write a clip again, with a box, number and score at each face, between sampled frames where it moved to."""
    media = answer.media
    if media is None:
        return
    scale = min(1.0, _WIDEST / media.width)
    width, height = (2 * round(side * scale / 2) for side in (media.width, media.height))
    rate = media.rate or 25.0
    last = math.ceil(min(media.frames, _SECONDS * rate))
    with av.open(str(target), "w") as container:
        stream = container.add_stream("libx264", rate=round(rate), options={"crf": _CRF})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for frame in read_frames(path, lambda count: range(min(count, last))):
            if frame.image is None:
                continue
            drawn = np.asarray(cv2.resize(frame.image, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)
            _draw_boxes(drawn, frame, answer, scale)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(drawn, format="rgb24")))
        container.mux(stream.encode(None))


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


def _draw_boxes(picture: Picture, frame: Frame, answer: Prediction, scale: float) -> None:
    """Draw who is in a frame; those by whom the clip is not judged without a label."""
    labelled, step = {person.person for person in deciding(answer.people)}, sampling_step(answer)
    for person in answer.people:
        box = box_at(person, frame.index, step)
        if box is None:
            continue
        x1, y1, x2, y2 = (box * scale).round().astype(int).tolist()
        colour = _rgb(_COLOURS[person.verdict])
        if person.person not in labelled:
            cv2.rectangle(picture, (x1, y1), (x2, y2), _rgb(CONTROL), 1, cv2.LINE_AA)
            continue
        cv2.rectangle(picture, (x1, y1), (x2, y2), colour, 2, cv2.LINE_AA)
        text = f"{person.person}: {person.score:.2f} {person.verdict}"
        (wide, tall), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 0.5, 1)
        left, base = max(0, min(x1, picture.shape[1] - wide - 6)), max(tall + 8, y1)
        cv2.rectangle(picture, (left, base - tall - 8), (left + wide + 6, base), colour, -1)
        place = (left + 3, base - 5)
        cv2.putText(picture, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.5, (255, 255, 255), 1, cv2.LINE_AA)


def _rgb(colour: str) -> tuple[int, int, int]:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return red, green, blue


def _over_time(answer: Prediction) -> Figure:
    """Draw each person's score over time, with the limits of the verdict."""
    figure = Figure(figsize=(WIDTH, 3.2), layout="constrained")
    axis = figure.subplots()
    style(axis, "time, seconds", "score, 0 real to 1 fake")
    limits = answer.model.limits
    axis.axhspan(limits.fake_from, 1, color=FAKE, alpha=0.08, linewidth=0)
    axis.axhspan(0, limits.real_below, color=REAL, alpha=0.08, linewidth=0)
    shown = sorted(answer.people, key=lambda one: -len(one.faces))[:_PEOPLE]
    for person, colour in zip(shown, OTHER_COLOURS, strict=False):
        times, scores = zip(*((face.time, face.score) for face in person.faces), strict=True)
        axis.plot(times, scores, color=colour, marker="o", markersize=3, linewidth=1.2, label=f"person {person.person}")
    axis.set_ylim(0, 1)
    hidden = len(answer.people) - len(shown)
    more = f"; {hidden} people who are seen less are left out" if hidden else ""
    title = f"red: called fake, green: called real{more}"
    axis.legend(fontsize=8, ncols=3, frameon=False, title=title, title_fontsize=8)
    return figure


def _coloured(values: NDArray[np.float32], palette: int) -> Picture:
    levels = np.round(np.clip(values, 0, 1) * 255).astype(np.uint8)
    return np.asarray(cv2.cvtColor(cv2.applyColorMap(levels, palette), cv2.COLOR_BGR2RGB), dtype=np.uint8)


def _overlaid(picture: Picture, heat: NDArray[np.float32]) -> Picture:
    side = picture.shape[0]
    large = np.asarray(cv2.resize(heat, (side, side), interpolation=cv2.INTER_LINEAR), dtype=np.float32)
    return np.asarray(cv2.addWeighted(picture, 0.55, _coloured(large, cv2.COLORMAP_INFERNO), 0.45, 0), dtype=np.uint8)


_LABEL: dict[str, Any] = {
    "fontsize": 8,
    "color": "white",
    "va": "top",
    "bbox": {"facecolor": INK, "edgecolor": "none", "pad": 2, "alpha": 0.8},
}

"""Writes what shows an answer into a folder: sheets of faces, scores over time, the clip with boxes, and a page."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from fakefocus.plotting import FAKE, INK, OTHER_COLOURS, REAL, WIDTH, style
from fakefocus.prediction.answer_page import Shown, answer_page
from fakefocus.prediction.boxes import write_annotated
from fakefocus.prediction.explaining import MOST_PEOPLE, ExplainedFace, coloured, overlaid
from fakefocus.prediction.result import PersonResult, Prediction

_DPI = 110


def draw_answer(path: Path, name: str, shown: Shown, folder: Path) -> Path:
    """Write what shows an answer into a folder of its own, below ``folder``; return that one.

    Args:
        path: The file.
        name: What its folder's name begins with.
        shown: Its answer, with an explanation.
        folder: Where folders of answers are.
    """
    answer, explanation = shown.answer, shown.explanation
    own = folder / f"{name}-{answer.sha256[:8]}"
    own.mkdir(parents=True, exist_ok=True)
    people = {} if explanation is None else explanation.people
    for person in (one for one in answer.people if one.person in people):
        sheet(person, people[person.person]).savefig(own / f"person_{person.person}.png", dpi=_DPI)
    (own / "answer.json").write_text(answer.model_dump_json(indent=1), encoding="utf-8")
    (own / "answer.html").write_text(answer_page([shown]), encoding="utf-8")
    if answer.media is not None and answer.media.kind == "video":
        over_time(answer).savefig(own / "scores.png", dpi=_DPI)
        write_annotated(path, answer, own / "annotated.mp4")
    return own


def sheet(person: PersonResult, faces: Sequence[ExplainedFace]) -> Figure:
    """Draw faces of a person: the picture, its map if the detector sees one, and where the score comes from."""
    with_map, with_heat = faces[0].defocus is not None, faces[0].heat is not None
    columns = ["the face"] + ["defocus map"] * with_map + ["where the score comes from"] * with_heat
    figure = Figure(figsize=(2.3 * len(columns), 2.35 * len(faces) + 0.5), layout="constrained")
    grid = figure.subplots(len(faces), len(columns), squeeze=False)
    for line, (axes, face) in enumerate(zip(grid, faces, strict=True)):
        drawn = [face.picture]
        drawn += [] if face.defocus is None else [coloured(face.defocus)]
        drawn += [] if face.heat is None else [overlaid(face.picture, face.heat)]
        for axis, picture, title in zip(axes, drawn, columns, strict=True):
            axis.imshow(picture)
            axis.set_axis_off()
            if line == 0:
                axis.set_title(title, fontsize=9, color=INK)
        axes[0].text(0.02, 0.97, f"{face.time:.1f} s   {face.score:.2f}", transform=axes[0].transAxes, **_LABEL)
    name = "person" if len(person.faces) == 1 else f"person {person.person}"
    figure.suptitle(f"{name}: {person.verdict}, {person.score:.2f}", fontsize=10, color=INK)
    return figure


def over_time(answer: Prediction) -> Figure:
    """Draw each person's score over time, with the limits of the verdict."""
    figure = Figure(figsize=(WIDTH, 3.2), layout="constrained")
    axis = figure.subplots()
    style(axis, "time, seconds", "score, 0 real to 1 fake")
    limits = answer.model.limits
    axis.axhspan(limits.fake_from, 1, color=FAKE, alpha=0.08, linewidth=0)
    axis.axhspan(0, limits.real_below, color=REAL, alpha=0.08, linewidth=0)
    shown = sorted(answer.people, key=lambda one: -len(one.faces))[:MOST_PEOPLE]
    for person, colour in zip(shown, OTHER_COLOURS, strict=False):
        times, scores = zip(*((face.time, face.score) for face in person.faces), strict=True)
        axis.plot(times, scores, color=colour, marker="o", markersize=3, linewidth=1.2, label=f"person {person.person}")
    axis.set_ylim(0, 1)
    hidden = len(answer.people) - len(shown)
    more = f"; {hidden} people who are seen less are left out" if hidden else ""
    title = f"red: called fake, green: called real{more}"
    axis.legend(fontsize=8, ncols=3, frameon=False, title=title, title_fontsize=8)
    return figure


_LABEL: dict[str, Any] = {
    "fontsize": 8,
    "color": "white",
    "va": "top",
    "bbox": {"facecolor": INK, "edgecolor": "none", "pad": 2, "alpha": 0.8},
}

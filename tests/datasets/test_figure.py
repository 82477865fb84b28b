from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from fakefocus.datasets.figure import PngFigure


def _line() -> Figure:
    figure = Figure(figsize=(2, 1))
    figure.subfigures(1, 1).subplots().plot([0, 1], [0, 1], label="a line")
    return figure


def test_a_figure_of_lines_is_kept_for_papers_too_the_same_each_time(tmp_path: Path) -> None:
    dataset = PngFigure(filepath=str(tmp_path / "line.png"))
    dataset.save(_line())
    first = (tmp_path / "line.svg").read_bytes()
    assert dataset.load()[:4] == b"\x89PNG"
    assert b"<svg" in first
    dataset.save(_line())
    assert (tmp_path / "line.svg").read_bytes() == first


def test_photographs_are_no_vectors(tmp_path: Path) -> None:
    figure = Figure(figsize=(2, 1))
    figure.subfigures(1, 1).subplots().imshow(np.zeros((4, 4)))
    PngFigure(filepath=str(tmp_path / "photo.png")).save(figure)
    assert [file.name for file in tmp_path.iterdir()] == ["photo.png"]

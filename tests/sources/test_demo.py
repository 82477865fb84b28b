from pathlib import Path

import numpy as np
import pytest

from fakefocus.imaging.frames import read_frames
from fakefocus.sources import read_layout
from fakefocus.sources.demo import make_corpus
from fakefocus.sources.demo.people import draw_traits

CLIPS = "original_sequences/youtube/c23/videos"


def _frames(path: Path) -> np.ndarray:
    return np.stack([frame.image for frame in read_frames(path)]).astype(float)


def test_corpus_is_in_the_published_layout(two_people: Path) -> None:
    rows = read_layout(two_people, "ffpp", "demo")
    assert len(rows) == 2 * (1 + 3)  # two people: a clip and one fake a method each
    assert {row["method"] for row in rows} == {"", "GraphicsSwap", "AutoencoderSwap", "PoissonSwap"}
    assert all(row["mask_path"] for row in rows if row["label"] == 1)


def test_same_seed_gives_the_same_bytes(two_people: Path, tmp_path: Path) -> None:
    for job in make_corpus(people=2, frames=8, seed=7).values():
        job(tmp_path)
    first = {p.relative_to(two_people): p.read_bytes() for p in two_people.rglob("*") if p.is_file()}
    again = {p.relative_to(tmp_path): p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}
    assert first == again


def test_people_differ_from_each_other() -> None:
    shapes = {tuple(draw_traits(3, i)["modes"]) for i in range(64)}
    assert len(shapes) == 64


@pytest.mark.parametrize("method", ["GraphicsSwap", "AutoencoderSwap", "PoissonSwap"])
def test_fake_differs_from_its_real_clip_where_the_mask_is(two_people: Path, method: str) -> None:
    real = _frames(two_people / CLIPS / "000.mp4")
    fake = _frames(two_people / f"manipulated_sequences/{method}/c23/videos/000_001.mp4")
    mask = _frames(two_people / f"manipulated_sequences/{method}/masks/videos/000_001.mp4")[..., 0]
    change = np.abs(fake - real).mean(axis=-1)
    # what the encoder does elsewhere stays below a third of what the swap does inside
    assert change[mask > 200].mean() > 3 * change[mask < 5].mean()


def test_people_must_come_in_pairs() -> None:
    with pytest.raises(ValueError, match=r"people: must be even and at least 2, got 3"):
        make_corpus(people=3, frames=8, seed=1)

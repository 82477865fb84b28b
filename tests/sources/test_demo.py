from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fakefocus.errors import InputError
from fakefocus.imaging.frames import read_frames
from fakefocus.sources import read_layout
from fakefocus.sources.demo import examples, make_corpus
from fakefocus.sources.demo.corpus import write_clip
from fakefocus.sources.demo.people import CANVAS, draw_traits, landmarks_of, person_of
from fakefocus.sources.demo.portraits import LANDMARKS, load_portraits

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


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"people": 3},
            r"raw_media\.maker_args\.people: must be even and at least 2, got 3: faces are swapped in pairs",
        ),
        ({"people": 0}, r"people: must be even and at least 2, got 0"),
        ({"frames": 0}, r"raw_media\.maker_args\.frames: must be at least 1, got 0"),
        ({"compression": "c20"}, r"raw_media\.maker_args\.compression: must be one of c23, c40, got c20"),
    ],
)
def test_corpus_that_cannot_be_made_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        make_corpus(**({"people": 2, "frames": 8, "seed": 1} | changes))


def test_clip_of_no_frames_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"empty\.mp4: a clip needs at least one frame"):
        write_clip(tmp_path / "empty.mp4", [], crf="23")


def test_example_and_its_fake_are_clips_of_three_seconds_that_differ_in_the_face(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # 75 frames at 25 a second; here only five
    assert examples._FRAMES == 3 * 25
    monkeypatch.setattr(examples, "_FRAMES", 5)
    for method in (None, "PoissonSwap"):
        examples.write_example(tmp_path / f"{method}.mp4", method)
    real, fake = _frames(tmp_path / "None.mp4"), _frames(tmp_path / "PoissonSwap.mp4")
    assert real.shape == fake.shape == (5, 360, 480, 3)
    change = np.abs(fake - real).mean(axis=(0, 3))
    # a face is swapped, the frame around it is the same but for what the encoder makes of it
    assert change.max() > 10
    assert change[:40].mean() < 1
    assert (change > 5).mean() < 0.2


def _five(points: np.ndarray) -> np.ndarray:
    """Return the middles of both eyes, the tip of the nose and the corners of the mouth."""
    place = {name: points[LANDMARKS.index(name)] for name in LANDMARKS}
    eyes = [(place[f"eye_{side}_outer"] + place[f"eye_{side}_inner"]) / 2 for side in "rl"]
    return np.stack([*eyes, place["nose_tip"], place["mouth_r"], place["mouth_l"]])


def test_person_of_a_portrait_looks_straight_out_of_the_canvas_with_their_own_face() -> None:
    portrait, _ = load_portraits()
    person = person_of(portrait.image, _five(portrait.landmarks))
    assert person.image.shape == (*CANVAS, 3)
    assert (person.alpha == 1).all()
    # the eyes stand level, as far apart as those of everybody
    right, left, *_others = _five(person.landmarks)
    assert left - right == pytest.approx([64, 0], abs=1.0)
    # the nose of the canvas is that of the picture
    x, y = person.landmarks[LANDMARKS.index("nose_tip")].round().astype(int)
    own = portrait.landmarks[LANDMARKS.index("nose_tip")].round().astype(int)
    nose = portrait.image[own[1] - 8 : own[1] + 8, own[0] - 8 : own[0] + 8].mean(axis=(0, 1))
    assert person.image[y - 3 : y + 3, x - 3 : x + 3].mean(axis=(0, 1)) == pytest.approx(nose, abs=20)


def test_landmarks_of_a_face_follow_the_five_that_are_known() -> None:
    five = np.array([[100.0, 100.0], [160.0, 100.0], [130.0, 135.0], [105.0, 165.0], [155.0, 165.0]])
    placed = landmarks_of(five)
    assert placed.shape == (len(LANDMARKS), 2)
    # a mean face does not meet five given points exactly; it is near them
    assert np.abs(_five(placed) - five).max() < 8
    # twice as large and moved, all are twice as large and moved
    assert landmarks_of(2 * five + (30, -10)) == pytest.approx(2 * placed + (30, -10))

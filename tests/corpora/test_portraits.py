"""A corpus from portraits: who is on which side, what is written, and what is left out with its reason."""

import csv
import json
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from fakefocus.corpora.portraits import COMPRESSIONS, PROGRAMS, make_corpus
from fakefocus.sources.demo.people import make_person

pytestmark = pytest.mark.slow

PEOPLE = 10


@pytest.fixture(scope="module")
def portraits(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of pictures of synthetic people, one of them with nobody on it and one that is torn."""
    folder = tmp_path_factory.mktemp("portraits")
    for index in range(PEOPLE):
        person = cv2.cvtColor(make_person(9, index).image.astype(np.uint8), cv2.COLOR_RGB2BGR)
        cv2.imwrite(str(folder / f"person_{index}.png"), person)
    cv2.imwrite(str(folder / "wall.png"), np.full((300, 300, 3), 128, np.uint8))
    (folder / "torn.jpg").write_bytes(b"\xff\xd8 no picture")
    (folder / "README.md").write_text("not a picture")
    return folder


@pytest.fixture(scope="module")
def corpus(portraits: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("corpus")
    jobs = make_corpus(str(portraits), frames=3, seed=3, val=4, test=4)
    assert len(jobs) == PEOPLE + 1
    chosen = [*json.loads(_lists(jobs, root)["test"])[0], *json.loads(_lists(jobs, root)["train"])[0]]
    for name in chosen:
        jobs[name](root)
    return root


def _lists(jobs: dict, root: Path) -> dict[str, str]:
    jobs["lists"](root)
    return {side: (root / f"{side}.json").read_text() for side in ("train", "val", "test")}


def test_nobody_is_on_two_sides_and_everybody_is_on_one(corpus: Path) -> None:
    sides = [json.loads((corpus / f"{side}.json").read_text()) for side in ("train", "val", "test")]
    people = [name for side in sides for pair in side for name in pair]
    assert sorted(people) == [f"{number:03d}" for number in range(PEOPLE)]
    assert [sum(len(pair) for pair in side) for side in sides] == [2, 4, 4]


def test_training_has_real_clips_alone_and_others_all_programs_at_all_compressions(corpus: Path) -> None:
    written = {path.relative_to(corpus).as_posix() for path in corpus.rglob("*.mp4")}
    trained = json.loads((corpus / "train.json").read_text())[0][0]
    first, second = json.loads((corpus / "test.json").read_text())[0]
    expected = {f"original_sequences/{collection}/c0/videos/{trained}.mp4" for collection in ("youtube", "pictures")}
    for target, source in ((first, second), (second, first)):
        for compression in COMPRESSIONS:
            expected.add(f"original_sequences/youtube/{compression}/videos/{target}.mp4")
            expected |= {
                f"manipulated_sequences/{name}/{compression}/videos/{target}_{source}.mp4" for name in PROGRAMS
            }
    assert written == expected


def test_fake_differs_from_its_original_on_the_face_alone(corpus: Path) -> None:
    first, second = json.loads((corpus / "test.json").read_text())[0]
    original = _last_frame(corpus / f"original_sequences/youtube/c0/videos/{first}.mp4")
    for name in PROGRAMS:
        fake = _last_frame(corpus / f"manipulated_sequences/{name}/c0/videos/{first}_{second}.mp4")
        change = np.abs(fake.astype(int) - original).max(axis=2)
        assert (change > 12).mean() > 0.002, name
        assert change[:30].max() < 12, name


def test_shot_of_a_picture_moves_and_keeps_what_the_picture_shows(corpus: Path, portraits: Path) -> None:
    trained = json.loads((corpus / "train.json").read_text())[0][0]
    with (corpus / "portraits.csv").open(newline="") as file:
        picture = next(row["picture"] for row in csv.DictReader(file) if row["sequence"] == trained)
    stored = cv2.cvtColor(cv2.imread(str(portraits / picture)), cv2.COLOR_BGR2RGB)
    with av.open(str(corpus / f"original_sequences/pictures/c0/videos/{trained}.mp4")) as container:
        first, *_, last = (frame.to_ndarray(format="rgb24") for frame in container.decode(video=0))
    assert first.shape == stored.shape
    assert np.abs(first.astype(int) - last).mean() > 1
    assert np.abs(first.mean(axis=(0, 1)) - stored.mean(axis=(0, 1))).max() < 6


def test_harder_compression_is_smaller(corpus: Path) -> None:
    first, _ = json.loads((corpus / "test.json").read_text())[0]
    sizes = [(corpus / f"original_sequences/youtube/{name}/videos/{first}.mp4").stat().st_size for name in COMPRESSIONS]
    assert sizes == sorted(sizes, reverse=True)


def test_pictures_without_a_face_are_listed_with_their_reason(corpus: Path) -> None:
    with (corpus / "portraits.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == PEOPLE + 2
    assert {row["picture"]: row["side"] for row in rows if not row["sequence"]} == dict.fromkeys(
        ("wall.png", "torn.jpg"), "left out: shows no face"
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"portraits": None}, r"needs a folder of portraits, got none: name yours with --params=data_root=<folder>"),
        ({"portraits": "nowhere"}, r"needs a folder of portraits, got nowhere"),
        ({"val": 5}, r"raw_media\.maker_args\.val: must be even and at least 4, got 5"),
        ({"test": 2}, r"raw_media\.maker_args\.test: must be even and at least 4, got 2"),
        ({"test": 40}, r"10 pictures below .* show a face: 44 people are for validation and test"),
    ],
)
def test_what_cannot_be_made_is_refused(portraits: Path, changes: dict, message: str) -> None:
    options = {"portraits": str(portraits), "frames": 3, "seed": 3, "val": 4, "test": 4} | changes
    with pytest.raises(ValueError, match=message):
        make_corpus(**options)


def _last_frame(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        return list(container.decode(video=0))[-1].to_ndarray(format="rgb24")

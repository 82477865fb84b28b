"""FaceForensics++ as it lies on disk (Rössler et al. 2019, https://github.com/ondyari/FaceForensics).

``original_sequences/<youtube|actors>/<compression>/videos/NNN.mp4``,
``manipulated_sequences/<method>/<compression>/videos/<target>_<source>.mp4``,
``manipulated_sequences/<method>/masks/videos/…``; ``train.json``, ``val.json`` and ``test.json`` with pairs, each of
which stands for both orders; and ``conversion_dict.json``, which tells the YouTube video of each sequence: 1000
sequences are from 977 videos. ``actors`` and ``DeepFakeDetection`` are DFD (see ``dfd``). Folders of other methods in
the same tree are read alike.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fakefocus.sources import dfd
from fakefocus.sources.layout import Layout, fewer, files_below, read_json
from fakefocus.sources.rows import Row, media_row, set_aside

METHODS = ("Deepfakes", "Face2Face", "FaceSwap", "NeuralTextures", "FaceShifter", dfd.METHOD)

_BRANCHES = ("original_sequences", "manipulated_sequences")
_SIDES = ("train", "val", "test")
_PUBLISHED = {"youtube": 1000, dfd.ACTORS: dfd.REALS, dfd.METHOD: dfd.FAKES}
_WITHOUT_MASKS = ("FaceShifter",)
_NAMES = (re.compile(r"(\d{3})()"), re.compile(r"(\d{3})_(\d{3})"))
"""Of real and of fake clips."""
_YOUTUBE_ID = 11
_MISPLACED = "not at <collection>/<raw, c0, c23 or c40>/videos/, where clips are published"


@dataclass(frozen=True)
class _Lists:
    """What the files beside the clips tell: side and YouTube video of each sequence."""

    sides: dict[str, str]
    youtube: dict[str, str]


def _recognises(root: Path) -> bool:
    return any((root / branch).is_dir() for branch in _BRANCHES)


def _read(root: Path, dataset: str) -> Iterator[Row]:
    lists = _Lists(_official_splits(root), youtube_ids(root))
    for path in _clips(root):
        yield _row(root, path, dataset, lists)


def _row(root: Path, path: Path, dataset: str, lists: _Lists) -> Row:
    branch, *folders = path.relative_to(root).parts[:-1]
    if not _is_published_place(folders):
        return set_aside(dataset, path, _MISPLACED)
    fake = branch == _BRANCHES[1]
    name = parse_name(folders[0], path.stem, fake, lists.youtube)
    if isinstance(name, str):
        return set_aside(dataset, path, name)
    mask = root / branch / folders[0] / "masks/videos" / path.name
    return media_row(
        dataset,
        path,
        *(*folders[:2], path.stem),
        label=int(fake),
        method=folders[0] if fake else "",
        compression=folders[1],
        target_identity=name.target,
        source_identity=name.source,
        source_video=name.original,
        official_split=lists.sides.get(name.target, ""),
        mask_path=mask.as_posix() if fake and mask.is_file() else "",
    )


def parse_name(collection: str, stem: str, fake: bool, youtube: Mapping[str, str]) -> dfd.Name | str:
    """Read a clip's name, or say why it is none of this collection; ``youtube`` is what `youtube_ids` returns."""
    if collection in (dfd.ACTORS, dfd.METHOD):
        name = dfd.parse_name(stem)
        return name if name is not None and name.label == fake else dfd.UNNAMED
    match = _NAMES[fake].fullmatch(stem)
    if match is None:
        return f"the name is not {'<target>_<source>' if fake else '<sequence>'} with numbers of three digits"
    target, source = match.groups()
    return dfd.Name(int(fake), target, source, youtube.get(target, target))


def _clips(root: Path) -> Iterator[Path]:
    for branch in _BRANCHES:
        for path in files_below(root / branch):
            if "masks" not in path.relative_to(root).parts[:-1]:
                yield path


def _is_published_place(folders: list[str]) -> bool:
    return len(folders) == 3 and folders[1] in dfd.COMPRESSIONS and folders[2] == "videos"


def _official_splits(root: Path) -> dict[str, str]:
    """Map each sequence to its published side; both orders of a pair belong to the pair's side."""
    sides: dict[str, str] = {}
    for side in _SIDES:
        for path in _beside(root, f"{side}.json"):
            for pair in read_json(path, list):
                sides.update(dict.fromkeys(map(str, pair if isinstance(pair, list) else [pair]), side))
    return sides


def youtube_ids(root: Path) -> dict[str, str]:
    """Map sequences to YouTube videos, as ``conversion_dict.json`` does.

    The published values are ``<11-character id> <number of the cut>``.
    """
    videos: dict[str, Any] = {}
    for path in _beside(root, "conversion_dict.json"):
        videos |= read_json(path, dict)
    return {key: value[:_YOUTUBE_ID] for key, value in videos.items() if isinstance(value, str) and value}


def _beside(root: Path, name: str) -> list[Path]:
    """Find a list: in the root, or where the published code keeps it."""
    places = (root / name, root / "splits" / name, root / "dataset" / name, root / "dataset/splits" / name)
    return [path for path in places if path.is_file()][:1]


def _missing(root: Path) -> list[str]:
    counts: Counter[tuple[str, ...]] = Counter()
    for path in _clips(root):
        branch, *folders = path.relative_to(root).parts[:-1]
        if _is_published_place(folders):
            counts[branch, folders[0], folders[1]] += 1
    present = {collection for _, collection, _ in counts}
    methods = [method for method in METHODS if method in present]
    if not methods and any(branch == _BRANCHES[1] for branch, *_ in counts):
        return []  # methods of other people in the same tree: nothing was published of them
    return [
        *_missing_collections(present, methods),
        *_missing_clips(counts),
        *_missing_masks(root, methods),
        *_missing_lists(root),
    ]


def _missing_collections(present: set[str], methods: list[str]) -> list[str]:
    lacking = [] if "youtube" in present else ["original_sequences: no youtube"]
    if dfd.METHOD in present and dfd.ACTORS not in present:
        lacking.append("original_sequences: no actors, which DeepFakeDetection was made from")
    absent = [method for method in METHODS if method not in methods]
    return [*lacking, *([f"manipulated_sequences: no {', '.join(absent)}"] if absent else [])]


def _missing_clips(counts: Counter[tuple[str, ...]]) -> list[str]:
    published = {**dict.fromkeys(METHODS, 1000), **_PUBLISHED}
    return [
        line
        for place, count in sorted(counts.items())
        if place[1] in published
        for line in fewer("/".join(place), count, published[place[1]])
    ]


def _missing_masks(root: Path, methods: list[str]) -> list[str]:
    folder = root / _BRANCHES[1]
    absent = [m for m in methods if m not in _WITHOUT_MASKS and not (folder / m / "masks/videos").is_dir()]
    return [f"no masks of {', '.join(absent)}: mask_path is left empty"] if absent else []


def _missing_lists(root: Path) -> list[str]:
    absent = [f"{side}.json" for side in _SIDES if not _beside(root, f"{side}.json")]
    lacking = [f"no {', '.join(absent)}: official_split is left empty for their sequences"] if absent else []
    if not _beside(root, "conversion_dict.json"):
        lacking.append(
            "no conversion_dict.json: sequences that were cut from one YouTube video count as different people"
        )
    return lacking


LAYOUT = Layout(
    name="ffpp",
    expected="original_sequences/<youtube|actors>/<compression>/videos and "
    "manipulated_sequences/<method>/<compression>/videos",
    recognises=_recognises,
    read=_read,
    missing=_missing,
)

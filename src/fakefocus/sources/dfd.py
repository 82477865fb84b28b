"""DeepFakeDetection, DFD (Dufour and Gully, Google, 2019).

https://research.google/blog/contributing-data-to-deepfake-detection-research/. 28 actors, 363 real and 3068 fake
clips. Names tell who is shown: ``<actor>__<scene>.mp4`` is real, ``<target>_<source>__<scene>__<8 characters>.mp4`` is
fake. Published inside FaceForensics++'s tree (``original_sequences/actors``,
``manipulated_sequences/DeepFakeDetection``) and as flat folders (``DFD_original sequences``,
``DFD_manipulated_sequences/DFD_manipulated_sequences``). There is no official split.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fakefocus.sources.layout import Layout, fewer, files_below, peek
from fakefocus.sources.rows import Row, media_row, set_aside

COMPRESSIONS = ("raw", "c0", "c23", "c40")
ACTORS, METHOD = "actors", "DeepFakeDetection"
REALS, FAKES = 363, 3068
UNNAMED = "the name is neither <actor>__<scene> nor <target>_<source>__<scene>__<8 characters>"

_REAL = re.compile(r"(\d{2})__([^_].*)")
_FAKE = re.compile(r"(\d{2})_(\d{2})__(.+)__([A-Za-z0-9]{8})")
_BRANCHES = (f"original_sequences/{ACTORS}", f"manipulated_sequences/{METHOD}")


@dataclass(frozen=True)
class Name:
    """What a clip's name tells: actors, and the real clip that it is or was made from."""

    label: int
    target: str
    source: str
    original: str


def parse_name(stem: str) -> Name | None:
    """Read a clip's name; None where it is not one of DFD's."""
    if fake := _FAKE.fullmatch(stem):
        target, source, scene, _ = fake.groups()
        return Name(1, f"actor-{target}", f"actor-{source}", f"{target}__{scene}")
    if real := _REAL.fullmatch(stem):
        return Name(0, f"actor-{real.group(1)}", "", stem)
    return None


def _recognises(root: Path) -> bool:
    return any(parse_name(path.stem) for branch in _roots(root) for path in peek(branch))


def _read(root: Path, dataset: str) -> Iterator[Row]:
    files = list(_files(root))
    masks = {path.name: path for path in files if _is_mask(root, path)}
    for path in files:
        if not _is_mask(root, path):
            yield _row(path, dataset, _compression(root, path), masks)


def _row(path: Path, dataset: str, folder: str, masks: dict[str, Path]) -> Row:
    name = parse_name(path.stem)
    if name is None:
        return set_aside(dataset, path, UNNAMED)
    mask = masks.get(path.name) if name.label else None
    return media_row(
        dataset,
        path,
        *filter(None, (folder, path.stem)),
        label=name.label,
        method=METHOD if name.label else "",
        compression=folder,
        target_identity=name.target,
        source_identity=name.source,
        source_video=name.original,
        mask_path=mask.as_posix() if mask else "",
    )


def _missing(root: Path) -> list[str]:
    files = list(_files(root))
    clips = [(path, name) for path in files if not _is_mask(root, path) and (name := parse_name(path.stem))]
    counts = Counter((_compression(root, path), name.label) for path, name in clips)
    lacking = []
    for folder in sorted({folder for folder, _ in counts}):
        lacking += fewer(f"{folder} real".strip(), counts[folder, 0], REALS)
        lacking += fewer(f"{folder} fake".strip(), counts[folder, 1], FAKES)
    if any(name.label for _, name in clips) and not any(_is_mask(root, path) for path in files):
        lacking.append("no masks of the fakes: mask_path is left empty")
    return lacking


def _roots(root: Path) -> list[Path]:
    """DFD's branches of FaceForensics++'s tree where they are there, else everything."""
    return [root / branch for branch in _BRANCHES if (root / branch).is_dir()] or [root]


def _files(root: Path) -> Iterator[Path]:
    return (path for branch in _roots(root) for path in files_below(branch))


def _is_mask(root: Path, path: Path) -> bool:
    return "masks" in path.relative_to(root).parts[:-1]


def _compression(root: Path, path: Path) -> str:
    return next((part for part in path.relative_to(root).parts[:-1] if part in COMPRESSIONS), "")


LAYOUT = Layout(
    name="dfd",
    expected="clips named <actor>__<scene>.mp4 and <target>_<source>__<scene>__<8 characters>.mp4, in any folder",
    recognises=_recognises,
    read=_read,
    missing=_missing,
)

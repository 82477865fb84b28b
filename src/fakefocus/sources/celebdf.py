"""Celeb-DF v1 and v2 (Li et al. 2020, https://github.com/yuezunli/celeb-deepfakeforensics).

``Celeb-real/idN_K.mp4``, ``Celeb-synthesis/idT_idS_K.mp4`` (target and source) and ``YouTube-real/NNNNN.mp4``, with or
without a level ``videos/``. ``List_of_testing_videos.txt`` holds ``<flag> <folder>/<file>`` with **1 for real**, the
other way round than here: labels come from the folders, the list tells only what is tested on. What it does not list
is not promised to show other people. Who is shown in YouTube-real is not known: each file counts as an identity.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fakefocus.sources.dfd import Name
from fakefocus.sources.layout import Layout, fewer, files_below
from fakefocus.sources.rows import Row, media_row, set_aside

LIST = "List_of_testing_videos.txt"
METHOD = "celebdf"

_SYNTHESIS = "Celeb-synthesis"
_LABELS = {"Celeb-real": 0, "YouTube-real": 0, _SYNTHESIS: 1}
_NAMES = {
    "Celeb-real": re.compile(r"(?P<target>id\d+)_(?P<clip>\d+)"),
    _SYNTHESIS: re.compile(r"(?P<target>id\d+)_(?P<source>id\d+)_(?P<clip>\d+)"),
    "YouTube-real": re.compile(r"(?P<clip>\d+)"),
}
_PUBLISHED = {
    1: {"Celeb-real": 158, "YouTube-real": 250, _SYNTHESIS: 795},
    2: {"Celeb-real": 590, "YouTube-real": 300, _SYNTHESIS: 5639},
}
_LISTED_IN_V1 = 100
"""Clips that version 1 tests on; version 2 tests on 518."""
_LINE = re.compile(r"([01])\s+(\S.*)")


@dataclass(frozen=True)
class _Listed:
    """A line of the list: what it says of the label, turned to ours, and of which clip."""

    label: int
    folder: str
    name: str


def _recognises(root: Path) -> bool:
    return any((root / folder).is_dir() for folder in _LABELS)


def _read(root: Path, dataset: str) -> Iterator[Row]:
    tested = {(line.folder, line.name) for line in _listed(root)[0]}
    for folder in _LABELS:
        for path in files_below(root / folder):
            yield _row(root, folder, path, dataset, (folder, path.name) in tested)


def _row(root: Path, folder: str, path: Path, dataset: str, tested: bool) -> Row:
    if path.relative_to(root / folder).parts[:-1] not in ((), ("videos",)):
        return set_aside(dataset, path, f"not directly in {folder}/ or {folder}/videos/, where clips are published")
    name = parse_name(folder, path.stem)
    if isinstance(name, str):
        return set_aside(dataset, path, name)
    return media_row(
        dataset,
        path,
        *(folder, path.stem),
        label=name.label,
        method=METHOD if name.label else "",
        target_identity=name.target,
        source_identity=name.source,
        source_video=name.original,
        official_split="test" if tested else "",
    )


def parse_name(folder: str, stem: str) -> Name | str:
    """Read a clip's name, or say why it is none of this folder."""
    if folder not in _NAMES:
        return f"its folder is none of {', '.join(_NAMES)}"
    match = _NAMES[folder].fullmatch(stem)
    if match is None:
        return f"the name is not one of {folder}: {_NAMES[folder].pattern}"
    parts = match.groupdict()
    target = parts.get("target") or f"youtube-{stem}"
    original = f"{target}_{parts['clip']}" if "target" in parts else target
    return Name(_LABELS[folder], target, parts.get("source", ""), original)


def _listed(root: Path) -> tuple[list[_Listed], int]:
    """Read the list: its lines, and how many could not be read."""
    path = root / LIST
    lines = path.read_text(encoding="utf-8-sig").splitlines() if path.is_file() else []
    matches = [_LINE.fullmatch(line.strip()) for line in lines if line.strip()]
    read = [_line(flag, clip) for flag, clip in (m.groups() for m in matches if m)]
    return read, matches.count(None)


def _line(flag: str, clip: str) -> _Listed:
    parts = clip.replace("\\", "/").split("/")
    return _Listed(1 - int(flag), parts[0], parts[-1])


def _missing(root: Path) -> list[str]:
    listed, unread = _listed(root)
    clips = {folder: {p.name for p in files_below(root / folder)} for folder in _LABELS}
    published = _PUBLISHED[1 if 0 < len(listed) <= _LISTED_IN_V1 else 2]
    lacking = [f"no {folder}" for folder, names in clips.items() if not names]
    for folder, names in clips.items():
        lacking += fewer(folder, len(names), published[folder]) if names else []
    if not (root / LIST).is_file():
        return [*lacking, f"no {LIST}: official_split is left empty"]
    absent = sum(line.name not in clips.get(line.folder, ()) for line in listed)
    wrong = sum(line.label != _LABELS.get(line.folder, line.label) for line in listed)
    return lacking + [
        text
        for count, text in (
            (absent, f"{LIST}: {absent} of {len(listed)} listed clips are not there"),
            (unread, f"{LIST}: {unread} lines are not '<flag> <folder>/<file>'"),
            (wrong, f"{LIST}: {wrong} flags contradict their folder (1 is real there): labels are from the folders"),
        )
        if count
    ]


LAYOUT = Layout(
    name="celebdf",
    expected="Celeb-real/, Celeb-synthesis/ and YouTube-real/, with clips in them or in videos/ below",
    recognises=_recognises,
    read=_read,
    missing=_missing,
)

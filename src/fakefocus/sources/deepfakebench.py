"""DeepfakeBench's folders (Yan et al. 2023, https://github.com/SCLBD/DeepfakeBench): frames that it has cut out.

A list ``<data set>.json``, in ``preprocessing/dataset_json/``, ``dataset_json/`` or the root, says ``{data set: {label:
{train, val or test: {video: {"label": …, "frames": [paths], "masks": [paths]}}}}}``; some data sets have a level of
compressions above their videos. Its paths may begin with a folder of another machine, and have backslashes. Frames are
pictures of 256 pixels, ``<collection>/frames/<video>/<number of the frame>.png`` or ``<collection>/<compression>/…``.

A video is its folder, which all methods of FaceForensics++ name alike: an id has the collection in it. Labels are those
of a table, never read out of a word; who is shown is read from names as in the data sets' own layouts. A list may put
one video on several sides; here each is on one: test before train before val, and on none where all three sides of a
label hold the same videos. Pictures that are listed and not there are rows with a reason, and so are unlisted videos.
"""

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import product, takewhile
from pathlib import Path
from typing import Any

from fakefocus.errors import InputError, did_you_mean
from fakefocus.sources import celebdf, dfd, ffpp
from fakefocus.sources.dfd import COMPRESSIONS, Name
from fakefocus.sources.dfdc import OUTSIDE
from fakefocus.sources.layout import Layout, inside, read_json
from fakefocus.sources.rows import Row, media_row, set_aside

SIDES = ("test", "train", "val")
"""A video of several sides is on the first of these."""

_LISTS = ("preprocessing/dataset_json", "dataset_json")
_BASES = ("", "datasets/rgb", "datasets", "rgb")
"""Below the root, where data sets may lie."""
_FRAMES = "frames"
_DFDCP = re.compile(r"(?P<target>\d+)(?:_[A-Z]+(?:_(?P<source>\d{5,}))?.*)?")
_DEEPER = re.compile(r"(?P<target>\d{3})_(?P<source>[MW]\d{3})")
_UADFV = re.compile(r"(?P<target>\d{4})(?:_fake)?")

Read = Callable[[int, Path], Name | str]
"""Label and folder of a video to what its name tells, or to the reason why it is none."""


@dataclass(frozen=True)
class _Label:
    """What a label means: ours, the method, and how names are read."""

    label: int
    method: str
    read: Read


@dataclass
class _Video:
    """What a list says of one video: parts of its folder's path, labels, pictures by name, and sides."""

    key: str
    compression: str
    folder: tuple[str, ...]
    masks: tuple[str, ...]
    labels: set[str] = field(default_factory=set)
    pictures: set[str] = field(default_factory=set)
    sides: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class _List:
    """A list: its file's name, its videos, and how many entries of which sides are no videos."""

    name: str
    videos: list[_Video]
    strays: Counter[str]


def _sequence(label: int, folder: Path) -> Name | str:
    return ffpp.parse_name("", folder.name, bool(label), {})


def _actor(label: int, folder: Path) -> Name | str:
    name = dfd.parse_name(folder.name)
    return name if name is not None and name.label == label else dfd.UNNAMED


def _celebdf(label: int, folder: Path) -> Name | str:
    name = celebdf.parse_name(_collection(folder), folder.name)
    return name if isinstance(name, str) or name.label == label else f"{_collection(folder)} contradicts its label"


def _alone(label: int, folder: Path) -> Name | str:
    """DFDC's lists do not tell the original of a fake: each video is an identity of its own."""
    return Name(label, folder.name, "", folder.name)


def _dfdcp(label: int, folder: Path) -> Name | str:
    match = _DFDCP.fullmatch(folder.name)
    if match is None:
        return "the name does not begin with the number of an actor"
    return Name(label, match["target"], (match["source"] or "") if label else "", "" if label else folder.name)


def _deeper(label: int, folder: Path) -> Name | str:
    if not label:
        return Name(label, _collection(folder), "", folder.name)
    match = _DEEPER.fullmatch(folder.name)
    return Name(label, match["target"], match["source"], match["target"]) if match else "not named <sequence>_<actor>"


def _uadfv(label: int, folder: Path) -> Name | str:
    match = _UADFV.fullmatch(folder.name)
    return Name(label, match["target"], "", match["target"]) if match else "the name is not a number of four digits"


LABELS: dict[str, _Label] = {
    "FF-real": _Label(0, "", _sequence),
    "FF-DF": _Label(1, "Deepfakes", _sequence),
    "FF-F2F": _Label(1, "Face2Face", _sequence),
    "FF-FS": _Label(1, "FaceSwap", _sequence),
    "FF-NT": _Label(1, "NeuralTextures", _sequence),
    "FF-FH": _Label(1, "FaceShifter", _sequence),
    "FF-SH": _Label(1, "FaceShifter", _sequence),
    "DFD_real": _Label(0, "", _actor),
    "DFD_fake": _Label(1, dfd.METHOD, _actor),
    "CelebDFv1_real": _Label(0, "", _celebdf),
    "CelebDFv1_fake": _Label(1, celebdf.METHOD, _celebdf),
    "CelebDFv2_real": _Label(0, "", _celebdf),
    "CelebDFv2_fake": _Label(1, celebdf.METHOD, _celebdf),
    "DFDC_Real": _Label(0, "", _alone),
    "DFDC_Fake": _Label(1, "dfdc", _alone),
    "DFDCP_Real": _Label(0, "", _dfdcp),
    "DFDCP_FakeA": _Label(1, "method_A", _dfdcp),
    "DFDCP_FakeB": _Label(1, "method_B", _dfdcp),
    "DF_real": _Label(0, "", _deeper),
    "DF_fake": _Label(1, "DeeperForensics", _deeper),
    "UADFV_Real": _Label(0, "", _uadfv),
    "UADFV_Fake": _Label(1, "UADFV", _uadfv),
}
"""Every label of DeepfakeBench's nine data sets."""


def _recognises(root: Path) -> bool:
    return bool(_lists(root))


def _lists(root: Path) -> dict[str, Path]:
    """Return the lists by name: every JSON in a folder of lists, and those in the root that have the shape of one."""
    own = [path for place in _LISTS for path in sorted((root / place).glob("*.json"))]
    return {path.stem: path for path in [*filter(_has_shape, sorted(root.glob("*.json"))), *own]}


def _has_shape(path: Path) -> bool:
    try:
        content = read_json(path, dict)
    except InputError:
        return False  # another layout's list, which its own reader complains of
    below = [sides for labels in content.values() for sides in (labels.values() if isinstance(labels, dict) else [0])]
    return bool(below) and all(isinstance(sides, dict) and sides.keys() <= set(SIDES) for sides in below)


def _chosen(root: Path, name: str | None) -> Path:
    lists = _lists(root)
    if name is None and len(lists) == 1:
        return next(iter(lists.values()))
    if name is None:
        msg = (
            f"ingestion.dataset_json: {root} has lists of several data sets, name the one to read: "
            f"--params=ingestion.dataset_json=<{', '.join(lists)}>,dataset=<a name for it>"
        )
        raise InputError(msg)
    if name.removesuffix(".json") not in lists:
        near = did_you_mean(name, lists) or f", there are {', '.join(lists)}"
        msg = f"ingestion.dataset_json: no {name}.json in {root}{near}"
        raise InputError(msg)
    return lists[name.removesuffix(".json")]


def _read(root: Path, dataset: str, name: str | None = None) -> Iterator[Row]:
    listed = _parse(_chosen(root, name))
    base, begin = _place(root, listed)
    youtube = ffpp.youtube_ids(base / "FaceForensics++") or ffpp.youtube_ids(base)
    undivided = _undivided(listed.videos)
    folders = set()
    for video in listed.videos:
        path = inside(base, "/".join(video.folder[begin:] or (video.key,)))
        if path is None:
            yield set_aside(dataset, root / video.key, OUTSIDE)
            continue
        folders.add(path)
        yield from _lost(dataset, path, video, listed.name)
        if video.pictures and path.is_dir():
            side = "" if video.labels & undivided else _side(video)
            mask = inside(base, "/".join(video.masks[begin:]))
            yield _row(dataset, path, video, side, youtube, mask if mask and mask.is_dir() else None)
    yield from _unlisted(dataset, folders, listed.name)


def _row(dataset: str, path: Path, video: _Video, side: str, youtube: Mapping[str, str], mask: Path | None) -> Row:
    first, *others = sorted(video.labels)
    if others or first not in LABELS:
        near = "" if others else did_you_mean(first, LABELS)
        wrong = f"it has several labels: {first}, {', '.join(others)}" if others else f"unknown label {first!r}{near}"
        return set_aside(dataset, path, wrong)
    label = LABELS[first]
    name = label.read(label.label, path)
    if isinstance(name, str):
        return set_aside(dataset, path, name)
    return media_row(
        dataset,
        path,
        *filter(None, (_collection(path), video.compression, path.name)),
        label=label.label,
        method=label.method,
        compression=video.compression,
        target_identity=name.target,
        source_identity=name.source,
        source_video=youtube.get(name.target, name.original),
        official_split=side,
        mask_path=mask.as_posix() if mask and label.label else "",
    )


def _lost(dataset: str, path: Path, video: _Video, list_name: str) -> Iterator[Row]:
    """Yield a row for what is listed and not there: a video, or single pictures of one."""
    if not video.pictures:
        yield set_aside(dataset, path, f"{list_name} lists no frame of it")
    elif not path.is_dir():
        yield set_aside(dataset, path, f"no such folder: {list_name} lists {len(video.pictures)} frames in it")
    else:
        for picture in sorted(video.pictures - {entry.name for entry in os.scandir(path)}):
            yield set_aside(dataset, path / picture, f"no such file: {list_name} lists it")


def _unlisted(dataset: str, folders: set[Path], list_name: str) -> Iterator[Row]:
    """Yield a row for each folder of frames beside listed ones that no line of the list is about."""
    for parent in sorted({folder.parent for folder in folders if folder.parent.is_dir()}):
        for path in sorted(Path(entry) for entry in os.scandir(parent) if entry.is_dir()):
            if path not in folders:
                yield set_aside(dataset, path, f"{list_name} does not list it")


def _collection(path: Path) -> str:
    """Return the folder that tells what a video is of: above ``frames`` and above a compression."""
    above = [part for part in path.parts[:-1] if part != _FRAMES and part not in COMPRESSIONS]
    return above[-1]


def _parse(path: Path) -> _List:
    """Read a list; a video that is on several sides, or listed twice, is one."""
    videos: dict[tuple[str, ...], _Video] = {}
    strays: Counter[str] = Counter()
    for label, side, compression, key, entry in _entries(read_json(path, dict)):
        if not isinstance(entry, dict) or side not in SIDES:
            strays[f"{label} {side}"] += 1
            continue
        for video in _videos(key, compression, entry):
            first = videos.setdefault((compression, *(video.folder or (label, video.key))), video)
            first.labels.add(str(entry.get("label", label)))
            first.pictures |= video.pictures
            first.sides.add(side)
    return _List(path.name, list(videos.values()), strays)


def _entries(content: dict[str, Any]) -> Iterator[tuple[str, str, str, str, Any]]:
    """Yield label, side, compression, key and entry of each video, whether there is a level of compressions or not."""
    for labels in content.values():
        for label, sides in _items(labels):
            for side, entries in _items(sides):
                for key, entry in _items(entries):
                    if key in COMPRESSIONS and isinstance(entry, dict) and _FRAMES not in entry:
                        yield from ((label, side, key, name, video) for name, video in entry.items())
                    else:
                        yield label, side, "", key, entry


def _items(content: Any) -> Iterable[tuple[str, Any]]:  # noqa: ANN401 (whatever JSON holds)
    return content.items() if isinstance(content, dict) else ()


def _videos(key: str, compression: str, entry: dict[str, Any]) -> Iterator[_Video]:
    """Yield what an entry lists: a video, or one a folder where its frames lie in several."""
    by_folder: dict[tuple[str, ...], set[str]] = {}
    for *folder, picture in (_parts(str(frame)) for frame in entry.get(_FRAMES) or []):
        by_folder.setdefault(tuple(folder), set()).add(picture)
    masks = _parts(str((entry.get("masks") or [""])[0]))[:-1]
    for place, pictures in by_folder.items() or [((), set())]:
        level = compression or next((part for part in place if part in COMPRESSIONS), "")
        yield _Video(_parts(key)[-1], level, place, tuple(masks), pictures=pictures)


def _parts(path: str) -> list[str]:
    return [part for part in path.replace("\\", "/").split("/") if part not in ("", ".")]


def _place(root: Path, listed: _List) -> tuple[Path, int]:
    """Find where paths of a list begin on this disk: a folder, and the number of parts that are left away.

    Only parts that all paths share are left away: two methods cannot come to lie in one folder.

    Raises:
        InputError: If no folder of the list is anywhere below the root.
    """
    folders = [video.folder for video in listed.videos if video.folder]
    levels = zip(*(folder[:-1] for folder in folders), strict=False)
    shared = len(list(takewhile(lambda parts: len(set(parts)) == 1, levels)))
    for base, begin in product(_BASES, range(shared + 1)):
        places = (inside(root / base, "/".join(folder[begin:])) for folder in folders)
        if any(place is not None and place.is_dir() for place in places):
            return root / base, begin
    example = "/".join(folders[0]) if folders else "no frame at all"
    msg = (
        f"raw_media: no folder of frames that {listed.name} names is below {root} (it names {example}): "
        "--params=data_root=<folder with dataset_json/ and the data sets' folders, or DeepfakeBench's own>"
    )
    raise InputError(msg)


def _side(video: _Video) -> str:
    return next((side for side in SIDES if side in video.sides), "")


def _undivided(videos: Iterable[_Video]) -> set[str]:
    """Return the labels of which every video is on all three sides: that is no split."""
    on_all = [(video.labels, len(video.sides) == len(SIDES)) for video in videos]
    divided = {label for labels, everywhere in on_all if not everywhere for label in labels}
    return {label for labels, _ in on_all for label in labels} - divided


def _missing(root: Path, name: str | None = None) -> list[str]:
    listed = _parse(_chosen(root, name))
    undivided = _undivided(listed.videos)
    several = Counter(
        " and ".join(sorted(video.sides))
        for video in listed.videos
        if len(video.sides) > 1 and not video.labels & undivided
    )
    lines = [
        f"{count} videos are listed in {sides}, each is on one side here: {next(s for s in SIDES if s in sides)}"
        for sides, count in sorted(several.items())
    ]
    if undivided:
        lines.append(
            f"train, val and test list the same videos of {', '.join(sorted(undivided))}, which is no split: "
            "official_split is left empty, use feature_split.strategy identity or test_only"
        )
    lines += [f"{count} entries of {place} are no videos" for place, count in sorted(listed.strays.items())]
    return [f"{listed.name}: {line}" for line in lines]


def _layout(dataset_json: str | None) -> Layout:
    return Layout(
        name="deepfakebench",
        expected="DeepfakeBench's lists (dataset_json/<data set>.json, or in preprocessing/) and its folders of frames",
        recognises=_recognises,
        read=partial(_read, name=dataset_json),
        missing=partial(_missing, name=dataset_json),
        choose=_layout,
    )


LAYOUT = _layout(None)

"""One video on disk: a folder with its crops or maps, the rows that describe them, and what they were made from."""

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from fakefocus.datasets.aside import written_aside
from fakefocus.errors import InputError
from fakefocus.imaging.maps import from_levels, to_levels

Row = dict[str, Any]
ABOUT = "about.json"
_AGAIN = " (to be made again)"
_log = logging.getLogger(__name__)


class PassingFaultError(Exception):
    """A video that cannot be read now but may be later: its ``row`` is shown, and the next run tries again."""

    def __init__(self, row: Row) -> None:
        """Keep the row that says why."""
        super().__init__(str(row.get("reason", "")))
        self.row = row


class FrameWriter:
    """Writes the arrays of one video, each at once: memory does not grow with the length of a clip."""

    def __init__(self, folder: Path, suffix: str, quality: int = 95) -> None:
        """Write to ``folder``; ``suffix`` is ``.jpg``, ``.png`` or ``.npy``, ``quality`` that of JPEG."""
        self._folder = folder
        self._suffix = suffix
        self._quality = quality

    def __call__(self, name: str, array: NDArray[Any]) -> None:
        """Write the array of a frame: ``(H, W, 3) uint8, RGB`` for pictures, or a map ``(H, W) float`` in [0, 1].

        A ``.png`` keeps a map in 16 bits; a ``.npy`` keeps the levels that `imaging.maps.to_levels` gives, in as many,
        and makes float32 of other numbers.
        """
        _WRITERS[self._suffix](self._file(name), array, self._quality)

    def discard(self, name: str) -> None:
        """Remove what was written under a name, where it turned out not to be wanted."""
        self._file(name).unlink()

    def discard_all(self) -> None:
        """Remove all that was written."""
        for file in self._folder.glob(f"*{self._suffix}"):
            file.unlink()

    def rename(self, old: str, new: str) -> None:
        """Give what was written under a name another one."""
        self._file(old).rename(self._file(new))

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}{self._suffix}"


@dataclass(frozen=True)
class VideoWork:
    """How a video's folder is made; it is made again only when ``fingerprint`` differs from the folder's.

    ``make`` writes the arrays and returns one row a frame that was looked at. ``made_with`` are the parameters of each
    stage that led here, by its name. ``suffix`` replaces that of the dataset; ``scale`` is what a map's value of 1
    stands for and its unit, for those who look at it.
    """

    fingerprint: str
    make: Callable[[FrameWriter], list[Row]]
    made_with: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    suffix: str | None = None
    scale: tuple[float, str] | None = None


@dataclass(frozen=True)
class VideoFolder:
    """A finished video on disk; frames are read one by one."""

    path: Path
    suffix: str
    fingerprint: str
    made_with: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def rows(self) -> list[Row]:
        """One row a frame that was looked at."""
        return list(_read_about(self.path)["rows"])

    @property
    def scale(self) -> tuple[float, str] | None:
        """What a map's value of 1 stands for, and its unit; None for values without one."""
        scale = _read_about(self.path).get("scale")
        return None if scale is None else (float(scale[0]), str(scale[1]))

    @cached_property
    def names(self) -> list[str]:
        """Names of the stored frames, in order."""
        return sorted(file.stem for file in self.path.glob(f"*{self.suffix}"))

    def read(self, name: str) -> NDArray[Any]:
        """Read one frame: ``(H, W, 3) uint8, RGB`` for pictures, ``(H, W) float32`` in [0, 1] for maps."""
        return _read_array(self.path / f"{name}{self.suffix}")


def fingerprint(*parts: object) -> str:
    """Return a short hash of anything that JSON can write: what a folder was made from."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:16]


def write_video(work: VideoWork, folder: Path, suffix: str, quality: int) -> None:
    """Make a video's folder, complete or not at all, unless it is there already."""
    if is_current(folder, work):
        return  # a cluster does a job again whose worker died before it could tell that it was done
    with written_aside(folder) as aside:
        suffix, mark = work.suffix or suffix, work.fingerprint
        writer = FrameWriter(aside, suffix, quality)
        try:
            rows = work.make(writer)
        except PassingFaultError as fault:
            writer.discard_all()
            rows, mark = [fault.row], mark + _AGAIN
        about = {"fingerprint": mark, "made_with": work.made_with, "suffix": suffix, "scale": work.scale, "rows": rows}
        (aside / ABOUT).write_text(json.dumps(about), encoding="utf-8")


def open_video(folder: Path, suffix: str) -> VideoFolder | None:
    """Return the handle of a finished folder, None where it is not finished; ``suffix`` if it does not name its own."""
    about = _about_or_none(folder)
    if about is None:
        return None
    return VideoFolder(
        folder, str(about.get("suffix") or suffix), str(about["fingerprint"]), about.get("made_with") or {}
    )


def is_current(folder: Path, work: VideoWork) -> bool:
    """Return whether a folder is finished and made from what ``work`` is made from."""
    about = _about_or_none(folder)
    return about is not None and about["fingerprint"] == work.fingerprint


def made_with(
    folders: Mapping[str, VideoFolder], keys: Iterable[str], stage: Literal["preprocessing", "defocus"]
) -> dict[str, Any]:
    """Return the parameters with which a stage made the folders of videos: what readers go by.

    Args:
        folders: Crops or maps of all videos.
        keys: The videos that are read.
        stage: The group of parameters.

    Raises:
        InputError: If a folder is missing or has no note, or folders differ: then part of them is of an earlier run.
    """
    verb, what = _STAGES[stage]
    remedy = f"run kedro run --pipelines={verb} again, with the parameters that you want"
    keys = sorted(set(keys))
    missing = [key for key in keys if key not in folders]
    if missing or not keys:
        named = f" (such as {', '.join(missing[:3])})" if missing else ""
        msg = f"{what}: {len(missing)} of {len(keys)} videos have none{named}: {remedy}"
        raise InputError(msg)
    notes = Counter(json.dumps(folders[key].made_with.get(stage), sort_keys=True) for key in keys)
    if "null" in notes:
        msg = f"{what}: {notes['null']} videos do not say how they were made (of an earlier version?): {remedy}"
        raise InputError(msg)
    if len(notes) > 1:
        (first, count), (second, others) = notes.most_common(2)
        differing = _differing(json.loads(first), json.loads(second))
        msg = f"{what}: {others} videos were made with other parameters than {count} others ({differing}): {remedy}"
        raise InputError(msg)
    return dict(json.loads(next(iter(notes))))


def check_unchanged(folders: Mapping[str, VideoFolder], rows: Iterable[tuple[str, str]], remedy: str) -> None:
    """Check that folders on disk are still those of rows of ``(key, fingerprint)``.

    Raises:
        InputError: If some were made anew since, with the ``remedy``.
    """
    expected = dict(rows)
    now = {key: open_video(folders[key].path, folders[key].suffix) for key in expected}
    changed = [key for key, folder in now.items() if folder is None or folder.fingerprint != expected[key]]
    if changed:
        named = ", ".join(changed[:3])
        msg = (
            f"crops: those of {len(changed)} of {len(expected)} videos were made anew since (such as {named}): {remedy}"
        )
        raise InputError(msg)


def check_made_with(
    folders: Mapping[str, VideoFolder],
    keys: Iterable[str],
    stage: Literal["preprocessing", "defocus"],
    asked: Mapping[str, Any],
) -> dict[str, Any]:
    """Return the parameters with which a stage made the folders of videos, if they are those that are asked for.

    Raises:
        InputError: If they are others, with both values and the stage to run; or as `made_with` does.
    """
    stored = made_with(folders, keys, stage)
    wanted = json.loads(json.dumps(asked, sort_keys=True))
    if stored != wanted:
        msg = (
            f"{stage}: the {_STAGES[stage][1]} on disk were made with other parameters ({_differing(stored, wanted)}): "
            f"run kedro run --pipelines={_STAGES[stage][0]} with yours first, or leave them out"
        )
        raise InputError(msg)
    return stored


_STAGES = {"preprocessing": ("preprocess", "crops"), "defocus": ("defocus", "maps")}
"""The pipeline that makes what each group of parameters describes, and what that is."""


def _differing(stored: Mapping[str, Any], wanted: Mapping[str, Any], prefix: str = "") -> str:
    """Return ``margin 0.3 on disk, 0.5 asked for`` for each value that differs."""
    texts = []
    for name in sorted({*stored, *wanted}):
        ours, theirs = stored.get(name), wanted.get(name)
        if isinstance(ours, dict) and isinstance(theirs, dict):
            texts.append(_differing(ours, theirs, f"{prefix}{name}."))
        elif ours != theirs:
            texts.append(f"{prefix}{name} {ours} on disk, {theirs} asked for")
    return "; ".join(text for text in texts if text)


def _about_or_none(folder: Path) -> dict[str, Any] | None:
    if not (folder / ABOUT).is_file():
        return None
    try:
        about = _read_about(folder)
        str(about["fingerprint"])
    except (ValueError, TypeError, KeyError):
        _log.warning("%s: cannot be read (torn by a power loss?): the video is made again", folder / ABOUT)
        return None
    return about


def _read_about(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / ABOUT).read_text(encoding="utf-8")))


def _write_npy(path: Path, array: NDArray[Any], quality: int) -> None:
    del quality  # of JPEG only
    # numpy's own writing to a file does not say why it failed
    buffer = BytesIO()
    np.save(buffer, array if array.dtype == np.uint16 else array.astype(np.float32))
    path.write_bytes(buffer.getbuffer())


def _write_picture(path: Path, array: NDArray[Any], quality: int) -> None:
    path.write_bytes(encode_picture(array, path.suffix, quality))


def encode_picture(array: NDArray[Any], suffix: str, quality: int) -> bytes:
    """Return a picture ``(H, W, 3) uint8, RGB``, or a map ``(H, W)`` in [0, 1], as a ``.jpg`` or ``.png`` holds it.

    Raises:
        InputError: If OpenCV cannot encode it.
    """
    options = [cv2.IMWRITE_JPEG_QUALITY, quality] if suffix == ".jpg" else []
    levels = to_levels(array) if array.ndim == 2 else cv2.cvtColor(array, cv2.COLOR_RGB2BGR)
    encoded, data = cv2.imencode(suffix, levels, options)
    if not encoded:
        msg = f"OpenCV could not encode an array of {array.shape} {array.dtype} as {suffix}"
        raise InputError(msg)
    return data.tobytes()


_WRITERS: dict[str, Callable[[Path, NDArray[Any], int], None]] = {
    ".jpg": _write_picture,
    ".png": _write_picture,
    ".npy": _write_npy,
}
SUFFIXES = tuple(_WRITERS)
"""Of files that frames can be stored in."""


def _read_array(path: Path) -> NDArray[Any]:
    if path.suffix == ".npy":
        stored = np.load(path, allow_pickle=False)
        return from_levels(stored) if stored.dtype == np.uint16 else np.asarray(stored, dtype=np.float32)
    decoded = cv2.imread(str(path), cv2.IMREAD_UNCHANGED if path.suffix == ".png" else cv2.IMREAD_COLOR)
    if decoded is None:
        msg = f"{path}: cannot be read; delete its folder and run the stage again"
        raise InputError(msg)
    if decoded.dtype == np.uint16:
        return from_levels(np.asarray(decoded))
    return cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB)

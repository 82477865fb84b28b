"""One folder a video: crops or maps, the rows that describe them, and what they were made from."""

import base64
import hashlib
import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any, NewType

import cv2
import numpy as np
from kedro.io import AbstractDataset, DatasetError
from numpy.typing import NDArray

from fakefocus.datasets.aside import remove_parts, written_aside
from fakefocus.datasets.parallel import read_executor, run_jobs

ImagePreview = NewType("ImagePreview", str)
"""Kedro-Viz shows what a method ``preview`` of this return type gives, a PNG in base64."""

_ABOUT = "about.json"
_log = logging.getLogger(__name__)


class FrameWriter:
    """Writes the arrays of one video, each at once: memory does not grow with the length of a clip."""

    def __init__(self, folder: Path, suffix: str, quality: int = 95) -> None:
        """Write to ``folder``; ``suffix`` is ``.jpg``, ``.png`` or ``.npy``, ``quality`` that of JPEG."""
        self._folder = folder
        self._suffix = suffix
        self._quality = quality

    def __call__(self, name: str, array: NDArray[Any]) -> None:
        """Write the array of a frame: ``(H, W, 3) uint8, RGB`` for pictures, any numbers for ``.npy`` (float32)."""
        _WRITERS[self._suffix](self._file(name), array, self._quality)

    def discard(self, name: str) -> None:
        """Remove what was written under a name, where it turned out not to be wanted."""
        self._file(name).unlink()

    def rename(self, old: str, new: str) -> None:
        """Give what was written under a name another one."""
        self._file(old).rename(self._file(new))

    def _file(self, name: str) -> Path:
        return self._folder / f"{name}{self._suffix}"


@dataclass(frozen=True)
class VideoWork:
    """How a video's folder is made; it is made again only when ``fingerprint`` differs from the folder's.

    ``make`` writes the arrays and returns one row a frame that was looked at.
    """

    fingerprint: str
    make: Callable[[FrameWriter], list[dict[str, Any]]]


@dataclass(frozen=True)
class VideoFolder:
    """A finished video on disk; frames are read one by one."""

    path: Path
    suffix: str
    fingerprint: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        """One row a frame that was looked at."""
        return list(_read_about(self.path)["rows"])

    @property
    def names(self) -> list[str]:
        """Names of the stored frames, in order."""
        return sorted(file.stem for file in self.path.glob(f"*{self.suffix}"))

    def read(self, name: str) -> NDArray[Any]:
        """Read one frame: ``(H, W, 3) uint8, RGB`` for pictures, the array itself for ``.npy``."""
        return _read_array(self.path / f"{name}{self.suffix}")


def fingerprint(*parts: object) -> str:
    """Return a short hash of anything that JSON can write: what a folder was made from."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:16]


class VideoFolders(AbstractDataset[dict[str, VideoWork], dict[str, VideoFolder]]):
    """Saves ``{"<label>/<video_id>": VideoWork}`` side by side, loads ``{key: VideoFolder}``.

    A folder is written aside and renamed when it is complete, so a killed run goes on where it stopped;
    what is finished and still matches its fingerprint is not made again.
    """

    def __init__(
        self,
        *,
        filepath: str,
        suffix: str,
        executor: Mapping[str, Any] | None = None,
        quality: int = 95,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Create the dataset; ``executor`` as in ``globals.yml``, ``suffix`` and ``quality`` as in `FrameWriter`."""
        if suffix not in _WRITERS:
            msg = f"suffix: must be one of {sorted(_WRITERS)}, got {suffix!r}"
            raise DatasetError(msg)
        # workers of a cluster have another working directory
        self._filepath = Path(filepath).absolute()
        self._suffix = suffix
        self._executor = read_executor(executor)
        self._quality = quality
        self.metadata = metadata

    def save(self, data: dict[str, VideoWork]) -> None:
        """Make every video that is not there yet or no longer matches."""
        jobs = [
            partial(_write_video, work, self._filepath / key, self._suffix, self._quality)
            for key, work in data.items()
            if not _is_current(self._filepath / key, work)
        ]
        if kept := len(data) - len(jobs):
            _log.info("%s: %d of %d videos are finished already", self._filepath.name, kept, len(data))
        self._remove_parts()
        try:
            for _ in run_jobs(jobs, self._executor, title=self._filepath.name):
                pass
        finally:
            self._remove_parts()

    def load(self) -> dict[str, VideoFolder]:
        """Return a handle for every finished video; nothing is read before it is asked for."""
        found = {}
        for folder in sorted(about.parent for about in self._filepath.glob(f"*/*/{_ABOUT}")):
            if not folder.name.startswith(".") and (mark := _fingerprint_of(folder)):
                found[folder.relative_to(self._filepath).as_posix()] = VideoFolder(folder, self._suffix, mark)
        return found

    def preview(self) -> ImagePreview:
        """Show the first frame of up to 12 videos, spread over the data set."""
        folders = [folder for folder in self.load().values() if folder.names]
        chosen = folders[:: max(1, len(folders) // 12)][:12]
        return ImagePreview(_contact_sheet([_as_picture(f.read(f.names[0])) for f in chosen]))

    def _remove_parts(self) -> None:
        """Remove what killed processes left: of a run, or of one worker of a cluster."""
        remove_parts(self._filepath.glob("*/.*.part"))

    def _exists(self) -> bool:
        return bool(self.load())

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath), "suffix": self._suffix}


def _write_video(work: VideoWork, folder: Path, suffix: str, quality: int) -> None:
    if _is_current(folder, work):
        return  # a cluster does a job again whose worker died before it could tell that it was done
    with written_aside(folder) as aside:
        rows = work.make(FrameWriter(aside, suffix, quality))
        about = {"fingerprint": work.fingerprint, "rows": rows}
        (aside / _ABOUT).write_text(json.dumps(about), encoding="utf-8")


def _is_current(folder: Path, work: VideoWork) -> bool:
    return _fingerprint_of(folder) == work.fingerprint


def _fingerprint_of(folder: Path) -> str | None:
    """Return what a folder was made from, or None where it is not finished."""
    if not (folder / _ABOUT).is_file():
        return None
    try:
        return str(_read_about(folder)["fingerprint"])
    except (ValueError, TypeError, KeyError):
        _log.warning("%s: cannot be read (torn by a power loss?): the video is made again", folder / _ABOUT)
        return None


def _read_about(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / _ABOUT).read_text(encoding="utf-8")))


def _write_npy(path: Path, array: NDArray[Any], quality: int) -> None:
    del quality  # of JPEG only
    # numpy's own writing to a file does not say why it failed
    buffer = BytesIO()
    np.save(buffer, array.astype(np.float32))
    path.write_bytes(buffer.getbuffer())


def _write_picture(path: Path, array: NDArray[Any], quality: int) -> None:
    options = [cv2.IMWRITE_JPEG_QUALITY, quality] if path.suffix == ".jpg" else []
    encoded, data = cv2.imencode(path.suffix, cv2.cvtColor(array, cv2.COLOR_RGB2BGR), options)
    if not encoded:
        msg = f"{path}: OpenCV could not encode an array of {array.shape} {array.dtype}"
        raise DatasetError(msg)
    path.write_bytes(data.tobytes())


_WRITERS: dict[str, Callable[[Path, NDArray[Any], int], None]] = {
    ".jpg": _write_picture,
    ".png": _write_picture,
    ".npy": _write_npy,
}


def _read_array(path: Path) -> NDArray[Any]:
    if path.suffix == ".npy":
        return np.asarray(np.load(path, allow_pickle=False))
    decoded = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if decoded is None:
        msg = f"{path}: cannot be read; delete its folder and run the stage again"
        raise DatasetError(msg)
    return cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB)


def _as_picture(array: NDArray[Any]) -> NDArray[np.uint8]:
    if array.ndim == 3:
        return array
    coloured = cv2.applyColorMap(np.round(array * 255).astype(np.uint8), cv2.COLORMAP_VIRIDIS)
    return cv2.cvtColor(coloured, cv2.COLOR_BGR2RGB).astype(np.uint8)


def _contact_sheet(pictures: list[NDArray[np.uint8]], columns: int = 4, side: int = 160) -> str:
    tiles = [cv2.resize(p, (side, side), interpolation=cv2.INTER_AREA) for p in pictures]
    tiles += [np.full((side, side, 3), 255, np.uint8)] * (-len(tiles) % columns or (columns if not tiles else 0))
    sheet = np.vstack([np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)])
    _, data = cv2.imencode(".png", cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))
    return base64.b64encode(data.tobytes()).decode()

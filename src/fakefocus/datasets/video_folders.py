"""One folder a video: crops or maps, the rows that describe them, and what they were made from."""

import base64
import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NewType

import cv2
import numpy as np
from kedro.io import AbstractDataset, DatasetError
from numpy.typing import NDArray

from fakefocus.datasets.parallel import run_jobs

ImagePreview = NewType("ImagePreview", str)
"""Kedro-Viz shows what a method ``preview`` of this return type gives, a PNG in base64."""

_ABOUT = "about.json"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class VideoContent:
    """What a video's folder holds: arrays by frame name, and one row a frame that was looked at."""

    frames: Mapping[str, NDArray[Any]]
    rows: list[dict[str, Any]]


@dataclass(frozen=True)
class VideoWork:
    """How a video's folder is made; it is made again only when ``fingerprint`` differs from the folder's."""

    fingerprint: str
    make: Callable[[], VideoContent]


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
    """Saves ``{"<label>/<video_id>": VideoWork}`` on all cores, loads ``{key: VideoFolder}``.

    A folder is written aside and renamed when it is complete, so a killed run goes on where it stopped;
    what is finished and still matches its fingerprint is not made again.
    """

    def __init__(
        self,
        *,
        filepath: str,
        suffix: str,
        workers: int | None = None,
        quality: int = 95,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Create the dataset; ``suffix`` is ``.jpg``, ``.png`` or ``.npy``, ``quality`` that of JPEG."""
        if suffix not in _WRITERS:
            msg = f"suffix: must be one of {sorted(_WRITERS)}, got {suffix!r}"
            raise DatasetError(msg)
        self._filepath = Path(filepath)
        self._suffix = suffix
        self._workers = workers
        self._quality = quality
        self.metadata = metadata

    def save(self, data: dict[str, VideoWork]) -> None:
        """Make every video that is not there yet or no longer matches."""
        jobs = [
            partial(_write_video, work, self._filepath / key, self._suffix, self._quality)
            for key, work in data.items()
            if not self._is_current(key, work)
        ]
        if kept := len(data) - len(jobs):
            _log.info("%s: %d of %d videos are finished already", self._filepath.name, kept, len(data))
        for _ in run_jobs(jobs, workers=self._workers, title=self._filepath.name):
            pass

    def load(self) -> dict[str, VideoFolder]:
        """Return a handle for every finished video; nothing is read before it is asked for."""
        found = {}
        for about in sorted(self._filepath.glob(f"*/*/{_ABOUT}")):
            if not about.parent.name.startswith("."):
                key = about.parent.relative_to(self._filepath).as_posix()
                found[key] = VideoFolder(about.parent, self._suffix, _read_about(about.parent)["fingerprint"])
        return found

    def preview(self) -> ImagePreview:
        """Show the first frame of up to 12 videos, spread over the data set."""
        folders = [folder for folder in self.load().values() if folder.names]
        chosen = folders[:: max(1, len(folders) // 12)][:12]
        return ImagePreview(_contact_sheet([_as_picture(f.read(f.names[0])) for f in chosen]))

    def _is_current(self, key: str, work: VideoWork) -> bool:
        folder = self._filepath / key
        return (folder / _ABOUT).is_file() and _read_about(folder)["fingerprint"] == work.fingerprint

    def _exists(self) -> bool:
        return bool(self.load())

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath), "suffix": self._suffix}


def _write_video(work: VideoWork, folder: Path, suffix: str, quality: int) -> None:
    content = work.make()
    aside = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True)
    for name, array in content.frames.items():
        _WRITERS[suffix](aside / f"{name}{suffix}", array, quality)
    about = {"fingerprint": work.fingerprint, "rows": content.rows}
    (aside / _ABOUT).write_text(json.dumps(about), encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    aside.rename(folder)


def _read_about(folder: Path) -> dict[str, Any]:
    return dict(json.loads((folder / _ABOUT).read_text(encoding="utf-8")))


def _write_npy(path: Path, array: NDArray[Any], quality: int) -> None:
    del quality  # of JPEG only
    np.save(path, array.astype(np.float32))


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

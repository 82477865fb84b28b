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
        """Write the array of a frame: ``(H, W, 3) uint8, RGB`` for pictures, or a map ``(H, W) float`` in [0, 1].

        A ``.png`` keeps a map in 16 bits, a ``.npy`` keeps float16 and makes float32 of other numbers.
        """
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

    ``make`` writes the arrays and returns one row a frame that was looked at. ``suffix`` replaces that of the
    dataset; ``scale`` is what a map's value of 1 stands for and its unit, for those who look at it.
    """

    fingerprint: str
    make: Callable[[FrameWriter], list[dict[str, Any]]]
    suffix: str | None = None
    scale: tuple[float, str] | None = None


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
    def scale(self) -> tuple[float, str] | None:
        """What a map's value of 1 stands for, and its unit; None for values without one."""
        scale = _read_about(self.path).get("scale")
        return None if scale is None else (float(scale[0]), str(scale[1]))

    @property
    def names(self) -> list[str]:
        """Names of the stored frames, in order."""
        return sorted(file.stem for file in self.path.glob(f"*{self.suffix}"))

    def read(self, name: str) -> NDArray[Any]:
        """Read one frame: ``(H, W, 3) uint8, RGB`` for pictures, ``(H, W) float32`` in [0, 1] for maps."""
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
                suffix = str(_read_about(folder).get("suffix", self._suffix))
                found[folder.relative_to(self._filepath).as_posix()] = VideoFolder(folder, suffix, mark)
        return found

    def preview(self) -> ImagePreview:
        """Show the first frame of up to 12 videos, spread over the data set; maps with a colour bar."""
        folders = [folder for folder in self.load().values() if folder.names]
        chosen = folders[:: max(1, len(folders) // 12)][:12]
        first = {f.path.name: f.read(f.names[0]) for f in chosen}
        if any(array.ndim == 2 for array in first.values()):
            return ImagePreview(_map_sheet(first, chosen[0].scale))
        return ImagePreview(_contact_sheet(list(first.values())))

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
        suffix = work.suffix or suffix
        rows = work.make(FrameWriter(aside, suffix, quality))
        about = {"fingerprint": work.fingerprint, "suffix": suffix, "scale": work.scale, "rows": rows}
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
    np.save(buffer, array if array.dtype == np.float16 else array.astype(np.float32))
    path.write_bytes(buffer.getbuffer())


def _write_picture(path: Path, array: NDArray[Any], quality: int) -> None:
    options = [cv2.IMWRITE_JPEG_QUALITY, quality] if path.suffix == ".jpg" else []
    levels = np.round(array * 65535).astype(np.uint16) if array.ndim == 2 else cv2.cvtColor(array, cv2.COLOR_RGB2BGR)
    encoded, data = cv2.imencode(path.suffix, levels, options)
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
        return np.asarray(np.load(path, allow_pickle=False), dtype=np.float32)
    decoded = cv2.imread(str(path), cv2.IMREAD_UNCHANGED if path.suffix == ".png" else cv2.IMREAD_COLOR)
    if decoded is None:
        msg = f"{path}: cannot be read; delete its folder and run the stage again"
        raise DatasetError(msg)
    if decoded.dtype == np.uint16:
        return decoded.astype(np.float32) / np.float32(65535)
    return cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB)


def _map_sheet(maps: Mapping[str, NDArray[np.float32]], scale: tuple[float, str] | None) -> str:
    """Draw maps under their names, with one colour bar for all."""
    from matplotlib.figure import Figure

    top, unit = scale or (1.0, "0 sharp to 1 blurred")
    rows = -(-len(maps) // 4)
    figure = Figure(figsize=(9, 2.3 * rows + 0.2), layout="constrained")
    panels = figure.subplots(rows, 4, squeeze=False)
    for axis in panels.flat:
        axis.set_axis_off()
    for axis, (name, values) in zip(panels.flat, maps.items(), strict=False):
        shown = axis.imshow(values * top, vmin=0, vmax=top, cmap="viridis")
        axis.set_title(name if len(name) < 27 else f"…{name[-25:]}", fontsize=8)
    figure.colorbar(shown, ax=panels, fraction=0.03, pad=0.01).set_label(unit)
    buffer = BytesIO()
    figure.savefig(buffer, dpi=90)
    return base64.b64encode(buffer.getvalue()).decode()


def _contact_sheet(pictures: list[NDArray[np.uint8]], columns: int = 4, side: int = 160) -> str:
    tiles = [cv2.resize(p, (side, side), interpolation=cv2.INTER_AREA) for p in pictures]
    tiles += [np.full((side, side, 3), 255, np.uint8)] * (-len(tiles) % columns or (columns if not tiles else 0))
    sheet = np.vstack([np.hstack(tiles[i : i + columns]) for i in range(0, len(tiles), columns)])
    _, data = cv2.imencode(".png", cv2.cvtColor(sheet, cv2.COLOR_RGB2BGR))
    return base64.b64encode(data.tobytes()).decode()

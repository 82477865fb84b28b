"""The folders of all videos as a Kedro dataset: made side by side, read one by one, previewed."""

import base64
import logging
from collections.abc import Mapping
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any, NewType

import cv2
import numpy as np
from kedro.io import AbstractDataset, DatasetError
from numpy.typing import NDArray

from fakefocus.datasets.aside import remove_parts
from fakefocus.datasets.lock import only_writer
from fakefocus.datasets.parallel import read_executor, run_jobs
from fakefocus.datasets.stored_video import ABOUT, SUFFIXES, VideoFolder, VideoWork, is_current, open_video, write_video

ImagePreview = NewType("ImagePreview", str)
"""Kedro-Viz shows what a method ``preview`` of this return type gives, a PNG in base64."""

_log = logging.getLogger(__name__)


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
        if suffix not in SUFFIXES:
            msg = f"suffix: must be one of {', '.join(SUFFIXES)}, got {suffix!r}"
            raise DatasetError(msg)
        # workers of a cluster have another working directory
        self._filepath = Path(filepath).absolute()
        self._suffix = suffix
        self._executor = read_executor(executor)
        self._quality = quality
        self.metadata = metadata

    def save(self, data: dict[str, VideoWork]) -> None:
        """Make every video that is not there yet or no longer matches; another run that does so is waited for."""
        with only_writer(self._filepath):
            jobs = [
                partial(write_video, work, self._filepath / key, self._suffix, self._quality)
                for key, work in data.items()
                if not is_current(self._filepath / key, work)
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
        folders = sorted(about.parent for about in self._filepath.glob(f"*/*/{ABOUT}"))
        opened = {f: open_video(f, self._suffix) for f in folders if not f.name.startswith(".")}
        return {f.relative_to(self._filepath).as_posix(): video for f, video in opened.items() if video is not None}

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

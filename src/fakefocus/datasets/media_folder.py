"""The folder that holds a data set as it was published, or that a maker fills on first use."""

import json
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset, DatasetError
from kedro.utils import load_obj

from fakefocus.datasets.aside import parts_of, remove_parts, written_aside
from fakefocus.datasets.lock import only_writer
from fakefocus.datasets.parallel import read_executor, run_jobs
from fakefocus.errors import InputError

_ABOUT = "made_by.json"


class MediaFolder(AbstractDataset[None, Path]):
    """Loads as the path of a folder of media.

    With ``maker``, a function that plans files as ``{name: callable(root)}``, the first load makes them
    side by side; the folder is complete or absent, and is made again when ``maker_args`` change.
    """

    def __init__(
        self,
        *,
        filepath: str | None,
        maker: str | None = None,
        maker_args: dict[str, Any] | None = None,
        executor: Mapping[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        """Create the dataset; ``maker`` is a dotted name, ``executor`` is that of ``globals.yml``."""
        self._filepath = Path(filepath).expanduser().absolute() if filepath else None
        self._maker = maker
        self._maker_args = maker_args or {}
        self._executor = read_executor(executor)
        self.metadata = metadata

    def load(self) -> Path:
        """Return the folder, made first where a maker is given.

        Raises:
            InputError: If no folder was named, or it does not exist.
        """
        if self._filepath is None:
            msg = (
                "raw_media: no folder given; name yours with --params=data_root=<folder>, or in the environment "
                "variable that conf/<env>/catalog.yml names"
            )
            raise InputError(msg)
        if self._maker and self._made_by() != self._about():
            with only_writer(self._filepath):
                # another run may have made it meanwhile
                if self._made_by() != self._about():
                    self._make(load_obj(self._maker), self._filepath)
        if not self._filepath.is_dir():
            msg = f"raw_media: no such folder: {self._filepath}; name yours with --params=data_root=<folder>"
            raise InputError(msg)
        return self._filepath

    def save(self, data: None) -> None:
        """Refuse: published media are never written."""
        msg = "raw_media is read only"
        raise DatasetError(msg)

    def _exists(self) -> bool:
        return self._filepath is not None and self._filepath.is_dir()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath), "maker": self._maker, "maker_args": self._maker_args}

    def _about(self) -> dict[str, Any]:
        return {"maker": self._maker, "maker_args": self._maker_args}

    def _made_by(self) -> Any:  # noqa: ANN401 (whatever JSON holds)
        about = (self._filepath or Path()) / _ABOUT
        try:
            return json.loads(about.read_text(encoding="utf-8")) if about.is_file() else None
        except ValueError:
            return None  # torn by a power loss: it was made by us, and is made again

    def _make(self, maker: Callable[..., dict[str, Callable[[Path], None]]], root: Path) -> None:
        if root.exists() and not (root / _ABOUT).is_file():
            msg = f"raw_media: {root} exists and was not made by {self._maker}: move it away, nothing is overwritten"
            raise InputError(msg)
        remove_parts(parts_of(root))
        with written_aside(root) as aside:
            jobs = [partial(job, aside) for job in maker(**self._maker_args).values()]
            for _ in run_jobs(jobs, self._executor, title=f"making {root.name}"):
                pass
            (aside / _ABOUT).write_text(json.dumps(self._about()), encoding="utf-8")

"""What each file of a data set is: probed side by side, and kept as it comes in."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from kedro.io import AbstractDataset

from fakefocus.datasets.lock import only_writer
from fakefocus.datasets.parallel import read_executor, run_jobs
from fakefocus.datasets.table import TableIfThere

Row = dict[str, Any]
_SAVE_SECONDS = 30.0


def _sorted(rows: list[Row]) -> pd.DataFrame:
    """Return rows in an order that nothing but their paths has a say in."""
    ordered = sorted(rows, key=_path_of)
    return pd.DataFrame(ordered)


def _path_of(row: Row) -> str:
    return str(row["path"])


class ProbedMedia(AbstractDataset[dict[str, Row | Callable[[], Row]], pd.DataFrame]):
    """Saves ``{path: row, or a callable that probes it}``, loads the table of rows.

    Callables run side by side; every half a minute the rows so far are written, so that a run that is killed leaves
    them to the next one.
    """

    def __init__(
        self, *, filepath: str, executor: Mapping[str, Any] | None = None, metadata: dict[str, Any] | None = None
    ) -> None:
        """Create the dataset; ``executor`` as in ``globals.yml``."""
        self._filepath = Path(filepath).absolute()
        self._table = TableIfThere(filepath=filepath)
        self._executor = read_executor(executor)
        self.metadata = metadata

    def save(self, data: dict[str, Row | Callable[[], Row]]) -> None:
        """Probe what is not probed yet, and write all rows."""
        rows = [row for row in data.values() if isinstance(row, dict)]
        jobs = [probe for probe in data.values() if callable(probe)]
        saved = time.monotonic()
        with only_writer(self._filepath):
            for row in run_jobs(jobs, self._executor, title="probing media"):
                rows.append(row)
                if time.monotonic() - saved > _SAVE_SECONDS:
                    self._table.save(_sorted(rows))
                    saved = time.monotonic()
            self._table.save(_sorted(rows))

    def load(self) -> pd.DataFrame:
        """Return one row a file; empty before the first run."""
        return self._table.load()

    def preview(self, nrows: int = 5) -> Any:  # noqa: ANN401 (what Kedro-Viz knows as a table)
        """Show the first rows in Kedro-Viz."""
        return self._table.preview(nrows)

    def _exists(self) -> bool:
        return self._filepath.is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath)}

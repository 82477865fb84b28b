"""Tables on disk that another run never sees half written."""

import logging
from pathlib import Path
from typing import Any, NoReturn

import pandas as pd
from kedro.io import AbstractDataset, DatasetError
from kedro_datasets.pandas import CSVDataset, ParquetDataset

from fakefocus.datasets.aside import file_aside

_log = logging.getLogger(__name__)


class Table(ParquetDataset):
    """A Parquet file, written beside its place and renamed."""

    def save(self, data: pd.DataFrame) -> None:
        """Write the table."""
        with file_aside(Path(str(self._filepath))) as part:
            data.to_parquet(part, **self._save_args)


class CsvTable(CSVDataset):
    """A CSV file in UTF-8, written likewise: for people and programs that read no Parquet."""

    def save(self, data: pd.DataFrame) -> None:
        """Write the table."""
        with file_aside(Path(str(self._filepath))) as part:
            data.to_csv(part, index=False, encoding="utf-8")


class TableIfThere(Table):
    """The same, loaded as an empty table where there is no file: what an earlier run may have left."""

    def load(self) -> pd.DataFrame:
        """Return the table; a torn one counts as none."""
        if not self.exists():
            return pd.DataFrame()
        try:
            return super().load()
        except DatasetError:
            _log.warning("%s: cannot be read (torn by a power loss?): it is made anew", self._filepath)
            return pd.DataFrame()


class CsvIfNamed(AbstractDataset[None, pd.DataFrame]):
    """Loads a CSV file of the user's as text; an empty table where none is named."""

    def __init__(self, *, filepath: str | None, metadata: dict[str, Any] | None = None) -> None:
        """Create the dataset; ``filepath`` None names no file."""
        self._filepath = filepath
        self.metadata = metadata

    def load(self) -> pd.DataFrame:
        """Return the table; empty cells are empty texts.

        Raises:
            DatasetError: If there is no such file.
        """
        if self._filepath is None:
            return pd.DataFrame()
        if not Path(self._filepath).is_file():
            msg = f"{self._filepath}: there is no such file"
            raise DatasetError(msg)
        return pd.read_csv(self._filepath, dtype=str, keep_default_na=False)

    def save(self, data: None) -> NoReturn:
        """Refuse: the file is the user's."""
        msg = f"{self._filepath} is the user's file, nothing is written to it"
        raise DatasetError(msg)

    def _exists(self) -> bool:
        return self._filepath is not None

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath}

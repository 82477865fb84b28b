"""A table on disk that another run never sees half written."""

import logging
import os
from pathlib import Path

import pandas as pd
from kedro.io import DatasetError
from kedro_datasets.pandas import ParquetDataset

_log = logging.getLogger(__name__)


class Table(ParquetDataset):
    """A Parquet file, written beside its place and renamed."""

    def save(self, data: pd.DataFrame) -> None:
        """Write the table."""
        place = Path(str(self._filepath))
        place.parent.mkdir(parents=True, exist_ok=True)
        part = place.with_name(f".{place.name}.{os.getpid()}.part")
        try:
            data.to_parquet(part, **self._save_args)
            part.replace(place)
        finally:
            part.unlink(missing_ok=True)


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

"""A table on disk that another run never sees half written."""

import pandas as pd
from kedro_datasets.pandas import ParquetDataset


class Table(ParquetDataset):
    """A Parquet file, written beside its place and renamed."""

    def save(self, data: pd.DataFrame) -> None:
        """Write the table."""
        with self._fs.transaction:
            super().save(data)


class TableIfThere(Table):
    """The same, loaded as an empty table where there is no file: what an earlier run may have left."""

    def load(self) -> pd.DataFrame:
        """Return the table."""
        return super().load() if self.exists() else pd.DataFrame()

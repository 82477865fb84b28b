"""Tables of published results, files of the configuration."""

from collections.abc import Mapping
from typing import Any, NoReturn

import yaml
from kedro.io import AbstractDataset, DatasetError
from pydantic import ValidationError

from fakefocus.errors import InputError
from fakefocus.parameters import PublishedTable

_PLACE = "conf/published"


class PublishedTables(AbstractDataset[None, dict[str, PublishedTable]]):
    """Loads ``{name of the file: table}``, checked."""

    def __init__(self, *, tables: Mapping[str, str], metadata: dict[str, Any] | None = None) -> None:
        """Create the dataset; ``tables`` are the texts of YAML files by name."""
        self._tables = dict(tables)
        self.metadata = metadata

    def load(self) -> dict[str, PublishedTable]:
        """Return all tables by name.

        Raises:
            InputError: If one is no table of published results; names file, place, rule and value.
        """
        return {name: _read(name, text) for name, text in sorted(self._tables.items())}

    def save(self, data: None) -> NoReturn:
        """Refuse: tables are written by hand."""
        msg = f"{_PLACE} is read only"
        raise DatasetError(msg)

    def _exists(self) -> bool:
        return bool(self._tables)

    def _describe(self) -> dict[str, Any]:
        return {"tables": sorted(self._tables)}


def _read(name: str, text: str) -> PublishedTable:
    try:
        return PublishedTable.model_validate(yaml.safe_load(text))
    except yaml.YAMLError as error:
        msg = f"{_PLACE}/{name}.yml is not YAML: {error}"
        raise InputError(msg) from error
    except ValidationError as error:
        lines = [f"  {'.'.join(map(str, e['loc']))}: {e['msg']}, got {e['input']!r}" for e in error.errors()]
        msg = "\n".join([f"{_PLACE}/{name}.yml:", *lines])
        raise InputError(msg) from None

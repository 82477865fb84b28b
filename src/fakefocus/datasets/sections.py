"""What protocols found, each a section of the report."""

import base64
from pathlib import Path
from typing import Any, NoReturn

from kedro.io import AbstractDataset, DatasetError

from fakefocus.datasets.json_file import read_object
from fakefocus.errors import InputError
from fakefocus.schemas import SECTION_KEYS


class Sections(AbstractDataset[None, dict[str, dict[str, Any]]]):
    """Loads ``{protocol: section}`` of every protocol that has run; none is no mistake.

    A section (`fakefocus.schemas.SECTION_KEYS`) gets a key ``picture``: its figure as base64 of a PNG, empty without.
    """

    def __init__(self, *, filepath: str, figures: str, metadata: dict[str, Any] | None = None) -> None:
        """Create the dataset; ``filepath`` is the folder of sections, ``figures`` that of figures."""
        self._filepath, self._figures = Path(filepath), Path(figures)
        self.metadata = metadata

    def load(self) -> dict[str, dict[str, Any]]:
        """Return all sections by protocol, in the order that they ask for."""
        sections = {file.stem: _checked(file) for file in sorted(self._filepath.glob("*.json"))}
        with_pictures = {name: section | {"picture": self._picture(name)} for name, section in sections.items()}
        return dict(sorted(with_pictures.items(), key=lambda item: item[1]["order"]))

    def save(self, data: None) -> NoReturn:
        """Refuse: each protocol writes its own."""
        msg = f"{self._filepath}: each protocol writes its own section"
        raise DatasetError(msg)

    def _picture(self, name: str) -> str:
        file = self._figures / f"{name}.png"
        return base64.b64encode(file.read_bytes()).decode() if file.is_file() else ""

    def _exists(self) -> bool:
        return self._filepath.is_dir()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath), "figures": str(self._figures)}


def _checked(file: Path) -> dict[str, Any]:
    section = read_object(file)
    missing = [key for key in SECTION_KEYS if key not in section]
    if missing:
        msg = f"{file} lacks {', '.join(missing)}: run kedro run --pipelines={file.stem} again, or remove the file"
        raise InputError(msg)
    return section

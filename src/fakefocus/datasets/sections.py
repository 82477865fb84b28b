"""What protocols found, each a section of the report."""

from pathlib import Path
from typing import Any, NoReturn

from kedro.io import AbstractDataset, DatasetError

from fakefocus.datasets.json_file import read_object
from fakefocus.errors import InputError
from fakefocus.schemas import SECTION_KEYS


class Sections(AbstractDataset[None, dict[str, dict[str, Any]]]):
    """Loads ``{protocol: section}`` of every protocol that has run; none is no mistake.

    A section (`fakefocus.schemas.SECTION_KEYS`) gets its ``pictures``, each with ``image``, the bytes of a PNG, and
    ``to_zoom``, plotly's JSON of it or nothing. Those that are not there are left out.
    """

    def __init__(self, *, filepath: str, figures: str, metadata: dict[str, Any] | None = None) -> None:
        """Create the dataset; ``filepath`` is the folder of sections, ``figures`` that of figures."""
        self._filepath, self._figures = Path(filepath), Path(figures)
        self.metadata = metadata

    def load(self) -> dict[str, dict[str, Any]]:
        """Return all sections by protocol, in the order that they ask for."""
        sections = {file.stem: _checked(file) for file in sorted(self._filepath.glob("*.json"))}
        with_pictures = {
            name: section | {"pictures": self._pictures(name, section)} for name, section in sections.items()
        }
        return dict(sorted(with_pictures.items(), key=lambda item: item[1]["order"]))

    def save(self, data: None) -> NoReturn:
        """Refuse: each protocol writes its own."""
        msg = f"{self._filepath}: each protocol writes its own section"
        raise DatasetError(msg)

    def _pictures(self, name: str, section: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the figure that has the protocol's name, and those that the section names."""
        own = {"figure": name, "title": section["title"], "caption": section["caption"]}
        named = [own, *section.get("pictures", [])]
        files = [self._figures / f"{picture['figure']}.png" for picture in named]
        return [
            picture | {"image": file.read_bytes(), "to_zoom": _text_of(file.with_suffix(".json"))}
            for picture, file in zip(named, files, strict=True)
            if file.is_file()
        ]

    def _exists(self) -> bool:
        return self._filepath.is_dir()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath), "figures": str(self._figures)}


def _text_of(file: Path) -> str:
    """Return JSON for a page, in which nothing ends a script; empty where there is none."""
    return file.read_text(encoding="utf-8").replace("<", "\\u003c") if file.is_file() else ""


def _checked(file: Path) -> dict[str, Any]:
    section = read_object(file)
    missing = [key for key in SECTION_KEYS if key not in section]
    if missing:
        msg = f"{file} lacks {', '.join(missing)}: run kedro run --pipelines={file.stem} again, or remove the file"
        raise InputError(msg)
    return section

"""Somebody's tables of scores, as they are."""

import csv
import glob
import gzip
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import pandas as pd
from kedro.io import AbstractDataset, DatasetError

from fakefocus.errors import InputError, did_you_mean

ENDINGS = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet")
"""Of files that are read."""


class ForeignScores(AbstractDataset[None, dict[str, pd.DataFrame]]):
    """Loads ``{name: table}`` of CSV and Parquet files, named by their stems; of one stem, by their folders too.

    Cells of CSV files are text, as they stand there: an id ``000`` stays one. Commas, semicolons or tabs part them.
    """

    def __init__(self, *, source: str | Sequence[str] | None, metadata: dict[str, Any] | None = None) -> None:
        """Create the dataset.

        Args:
            source: A file, a glob or a folder, relative to where the command runs; or several of them.
            metadata: Of Kedro-Viz.
        """
        # no key «filepath»: Kedro would look for it in the project, not where the user is
        self._source = [source] if isinstance(source, str) else list(source or [])
        self.metadata = metadata

    def load(self) -> dict[str, pd.DataFrame]:
        """Return all tables.

        Raises:
            InputError: If no file was named, one is not there, or one cannot be read as a table.
        """
        if not self._source:
            msg = "scores: no file was named: kedro run --pipelines=judge --params=scores=<file, glob or folder>"
            raise InputError(msg)
        files = [file for source in self._source for file in list_files(source)]
        return {name: read_table(file) for name, file in _named(files).items()}

    def save(self, data: None) -> NoReturn:
        """Refuse: they are somebody else's."""
        msg = "scores are read, not written"
        raise DatasetError(msg)

    def _exists(self) -> bool:
        return bool(self._source)

    def _describe(self) -> dict[str, Any]:
        return {"source": self._source}


def list_files(source: str) -> list[Path]:
    """Return the tables of a file's name, a glob (``**`` too) or a folder, by name.

    Raises:
        InputError: If there are none; names a near one.
    """
    path = Path(source).expanduser()
    if path.is_dir():
        files = sorted(file for file in path.iterdir() if is_table(file))
    elif path.is_file():
        files = [path]
    else:
        files = sorted(Path(name) for name in glob.glob(str(path), recursive=True) if Path(name).is_file())  # noqa: PTH207
    if not files:
        near = did_you_mean(path.name, _siblings(path)) if not path.is_dir() else ""
        what = f"no file ending in {', '.join(ENDINGS)} there" if path.is_dir() else f"not there{near}"
        msg = f"scores: {path.absolute()}: {what}; a path is relative to where the command runs"
        raise InputError(msg)
    return files


def is_table(file: Path) -> bool:
    """Tell whether a file's name is that of a table."""
    return file.is_file() and file.name.lower().endswith(ENDINGS) and not file.name.startswith(".")


def read_table(file: Path) -> pd.DataFrame:
    """Return a table; of CSV files each cell as text, an empty one as ``""``.

    Raises:
        InputError: If it is no table, or two of its columns have one name.
    """
    try:
        table = pd.read_parquet(file) if file.name.lower().endswith(".parquet") else _read_text(file)
    except (ValueError, OSError, EOFError, csv.Error, pd.errors.ParserWarning) as error:
        if isinstance(error, InputError):
            raise
        reason = str(error).partition("\n")[0]
        msg = f"scores: {file}: cannot be read as a table ({reason}); it has to be CSV in UTF-8, or Parquet"
        raise InputError(msg) from error
    if table.empty:
        msg = f"scores: {file}: has no rows: write a row for each video or face, or leave the file out"
        raise InputError(msg)
    return table


def _read_text(file: Path) -> pd.DataFrame:
    opened = gzip.open if file.name.lower().endswith(".gz") else open
    with opened(file, "rt", encoding="utf-8-sig", newline="") as lines:
        first = lines.readline()
        if not first.strip():
            return pd.DataFrame()
        parts = max(",;\t", key=first.count)
        header = [name.strip() for name in next(csv.reader([first], delimiter=parts), [])]
        doubled = sorted(name for name, count in Counter(header).items() if count > 1)
        if doubled:
            msg = f"scores: {file}: the columns {', '.join(doubled)} are there twice, name each once"
            raise InputError(msg)
        with warnings.catch_warnings():
            # more cells than names: pandas would drop them, and warn
            warnings.simplefilter("error", pd.errors.ParserWarning)
            return pd.read_csv(lines, sep=parts, names=header, dtype=str, keep_default_na=False, index_col=False)


def _named(files: Sequence[Path]) -> dict[str, Path]:
    """Return each file once, by its stem and as many of its folders as tell it from others.

    The ending is kept where files of one folder have one stem.
    """
    whole = {file.parent.resolve() / file.name: file for file in files}
    bare = [path.parent / _stem(path) for path in whole]
    uses = Counter([*bare, *whole])
    paths = [path if uses[stem] > 1 else stem for path, stem in zip(whole, bare, strict=True)]
    ends = Counter(end for path in paths for end in _ends(path))
    names = [next(end for end in _ends(path) if ends[end] == 1) for path in paths]
    return dict(zip(names, whole.values(), strict=True))


def _ends(path: Path) -> list[str]:
    """Return the ends of a path, the shortest first."""
    return [Path(*path.parts[first:]).as_posix() for first in reversed(range(len(path.parts)))]


def _stem(file: Path) -> str:
    ending = next((ending for ending in ENDINGS if file.name.lower().endswith(ending)), file.suffix)
    return file.name.removesuffix(file.name[len(file.name) - len(ending) :]) if ending else file.name


def _siblings(path: Path) -> list[str]:
    return [file.name for file in path.parent.iterdir()] if path.parent.is_dir() else []

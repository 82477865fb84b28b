"""The summaries of all detectors that were judged on a data set, whoever judged them."""

import logging
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import pandas as pd
from kedro.io import AbstractDataset, DatasetError

from fakefocus.datasets.json_file import read_object
from fakefocus.errors import InputError
from fakefocus.schemas import SUMMARY_KEYS, SUMMARY_VERSION

_log = logging.getLogger(__name__)


class Summaries(AbstractDataset[None, dict[str, dict[str, Any]]]):
    """Loads ``{detector: summary}``: of each folder below ``filepath`` its ``summary.json``."""

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        """Create the dataset; ``filepath`` is the folder of results."""
        self._filepath = Path(filepath)
        self.metadata = metadata

    def load(self) -> dict[str, dict[str, Any]]:
        """Return all summaries, by the names of their folders.

        Raises:
            DatasetError: If there is none.
        """
        files = sorted(self._filepath.glob("*/summary.json"))
        if not files:
            msg = (
                f"no detector was judged in {self._filepath}: run kedro run --pipelines=evaluate with the same --params"
            )
            raise DatasetError(msg)
        return {file.parent.name: read_summary(file) for file in files}

    def save(self, data: None) -> NoReturn:
        """Refuse: each detector's evaluation writes its own."""
        msg = f"{self._filepath}: each detector's evaluation writes its own summary"
        raise DatasetError(msg)

    def _exists(self) -> bool:
        return any(self._filepath.glob("*/summary.json"))

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath)}


def read_summary(file: Path) -> dict[str, Any]:
    """Return a summary that has all that a report reads.

    Raises:
        InputError: If it has not, or is of another version.
    """
    summary = read_object(file)
    missing = [key for key in SUMMARY_KEYS if key not in summary]
    if missing or summary["version"] != SUMMARY_VERSION:
        what = (
            f"lacks {', '.join(missing)}" if missing else f"is of version {summary['version']}, not {SUMMARY_VERSION}"
        )
        msg = f"{file} {what}: judge that detector again, or remove the file"
        raise InputError(msg)
    return summary


class AllSummaries(AbstractDataset[None, dict[str, dict[str, Any]]]):
    """Loads what was judged in any experiment: ``{"<evaluation>/<detector>": {"summary", "face_scores"}}``.

    ``face_scores`` is a function that reads the scores of single faces. None is no mistake; a summary of another
    version is left out, and logged.
    """

    def __init__(self, *, folder: str, metadata: dict[str, Any] | None = None) -> None:
        """Create the dataset; ``folder`` holds the folders of results of all evaluations."""
        self._folder = Path(folder)
        self.metadata = metadata

    def load(self) -> dict[str, dict[str, Any]]:
        """Return all summaries that this version can read."""
        summaries = {}
        for file in sorted(self._folder.glob("*/*/summary.json")):
            try:
                summary = read_summary(file)
            except InputError as error:
                _log.warning("left out: %s", error)
                continue
            scores = partial(_face_scores, file.with_name("face_scores.parquet"))
            summaries[f"{file.parent.parent.name}/{file.parent.name}"] = {"summary": summary, "face_scores": scores}
        return summaries

    def save(self, data: None) -> NoReturn:
        """Refuse: each detector's evaluation writes its own."""
        msg = f"{self._folder}: each detector's evaluation writes its own summary"
        raise DatasetError(msg)

    def _exists(self) -> bool:
        return self._folder.is_dir()

    def _describe(self) -> dict[str, Any]:
        return {"folder": str(self._folder)}


def _face_scores(file: Path) -> pd.DataFrame:
    if not file.is_file():
        msg = f"{file} is missing beside its summary.json: judge that detector again"
        raise InputError(msg)
    return pd.read_parquet(file)

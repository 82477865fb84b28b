"""What lies in the folders of all experiments: for those who compare them."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from kedro.io import AbstractDataset, DatasetError

from fakefocus.datasets.json_file import read_object
from fakefocus.datasets.summaries import read_summary


@dataclass(frozen=True)
class StoredExperiments:
    """Reads the stages of any experiment; what is not there is None."""

    root: Path

    def has_faces(self, dataset: str) -> bool:
        """Return whether a data set was preprocessed."""
        return (self.root / "03_primary" / dataset / "faces.parquet").is_file()

    def split(self, experiment: str) -> dict[str, Any] | None:
        """Return ``splits.json`` of an experiment."""
        return _read(self.root / "05_model_input" / experiment / "splits.json")

    def contract(self, experiment: str, detector: str) -> dict[str, Any] | None:
        """Return ``architecture.json`` of a trained detector."""
        return _read(self.root / "06_models" / experiment / detector / "architecture.json")

    def summary(self, trained: str, tested: str, detector: str) -> dict[str, Any] | None:
        """Return ``summary.json`` of a detector of one experiment that was judged on another, or on its own.

        Raises:
            InputError: If it is of another version.
        """
        evaluation = tested if trained == tested else f"{trained}-on-{tested}"
        file = self.root / "07_model_output" / evaluation / detector / "summary.json"
        return read_summary(file) if file.is_file() else None


class ExperimentFolders(AbstractDataset[None, StoredExperiments]):
    """Loads what reads the folders of all experiments."""

    def __init__(self, *, path: str, metadata: dict[str, Any] | None = None) -> None:
        """Create the dataset; ``path`` is the folder that holds the stages."""
        self._path = Path(path)
        self.metadata = metadata

    def load(self) -> StoredExperiments:
        """Return what reads the folders."""
        return StoredExperiments(self._path)

    def save(self, data: None) -> NoReturn:
        """Refuse: each stage writes its own."""
        msg = f"{self._path}: each stage writes its own folders"
        raise DatasetError(msg)

    def _exists(self) -> bool:
        return self._path.is_dir()

    def _describe(self) -> dict[str, Any]:
        return {"path": str(self._path)}


def _read(file: Path) -> dict[str, Any] | None:
    return read_object(file) if file.is_file() else None

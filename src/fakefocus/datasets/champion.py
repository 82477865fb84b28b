"""The detector that MLflow's registry knows as champion of a data set."""

from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset, DatasetError

from fakefocus.datasets.detector_folder import DetectorFolder

ALIAS = "champion"


class Champion(AbstractDataset[None, dict[str, Any]]):
    """Loads ``contract``, ``weights`` and ``version`` of a registered model's version with the alias champion.

    Empty where there is none. What tracks runs registers a new one.
    """

    def __init__(self, *, name: str, metadata: dict[str, Any] | None = None) -> None:
        """Create the dataset; ``name`` is that of the registered model."""
        self._name = name
        self.metadata = metadata

    def load(self) -> dict[str, Any]:
        """Return the champion, copied from the store."""
        import mlflow
        from mlflow.exceptions import MlflowException

        try:
            version = mlflow.MlflowClient().get_model_version_by_alias(self._name, ALIAS)
        except MlflowException as error:
            # there is no such model, or no version of it has the alias
            if error.error_code == "RESOURCE_DOES_NOT_EXIST" or "alias" in str(error).lower():
                return {}
            msg = f"MLflow's registry does not say which {self._name} is champion ({error})"
            raise DatasetError(msg) from error
        copied = Path(mlflow.artifacts.download_artifacts(artifact_uri=f"models:/{self._name}/{version.version}"))
        folders = sorted(file.parent for file in copied.rglob("architecture.json"))
        if not folders:
            msg = f"version {version.version} of {self._name} is no detector of fakefocus: take the alias from it"
            raise DatasetError(msg)
        return DetectorFolder(filepath=str(folders[0])).load() | {"version": int(version.version)}

    def save(self, data: None) -> None:
        """Refuse: a version is registered by the run that made it."""
        msg = "a champion is registered by the run that chooses it"
        raise DatasetError(msg)

    def _describe(self) -> dict[str, Any]:
        return {"name": self._name, "alias": ALIAS}

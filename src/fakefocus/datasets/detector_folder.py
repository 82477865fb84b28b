"""A trained detector on disk: safetensors and its contract as JSON; nothing is unpickled."""

import json
import shutil
from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset, DatasetError

from fakefocus.datasets.aside import file_aside
from fakefocus.errors import did_you_mean
from fakefocus.weights import SHIPPED, load_shipped


class DetectorFolder(AbstractDataset[dict[str, Any], dict[str, Any]]):
    """Saves and loads ``{"contract": …, "weights": {name: tensor}}`` in one folder.

    With ``optional``, it loads an empty one where there is none: what an earlier run may have left. A folder of the
    experiment ``shipped`` that is not there is the detector that comes with the package.
    """

    def __init__(self, *, filepath: str, optional: bool = False, metadata: dict[str, Any] | None = None) -> None:
        """Create the dataset; ``filepath`` is the folder."""
        self._filepath = Path(filepath)
        self._optional = optional
        self.metadata = metadata

    def save(self, data: dict[str, Any]) -> None:
        """Write weights and contract; while one does not belong to the other, there is no contract."""
        from safetensors.torch import save_file

        place = self._filepath / "architecture.json"
        # the file that was given first takes its place last
        with file_aside(place) as contract, file_aside(self._filepath / "weights.safetensors") as weights:
            save_file(data["weights"], weights)
            contract.write_text(json.dumps(data["contract"], indent=2) + "\n", encoding="utf-8")
            place.unlink(missing_ok=True)
        # what a stopped training would have gone on from
        shutil.rmtree(self._filepath / "checkpoints", ignore_errors=True)

    def load(self) -> dict[str, Any]:
        """Read both files.

        Raises:
            DatasetError: If the detector was not trained yet.
            InputError: If none of this family comes with the package.
        """
        from safetensors.torch import load_file

        if self._filepath.parent.name == SHIPPED and not self._exists():
            return load_shipped(self._filepath.name)
        if self._optional and not self._exists():
            return {}
        if not self._exists():
            experiments = self._filepath.parent.parent
            others = [folder.name for folder in experiments.iterdir()] if experiments.is_dir() else []
            near = did_you_mean(self._filepath.parent.name, set(others) - {self._filepath.parent.name})
            msg = (
                f"no trained detector in {self._filepath}{near}: run kedro run --pipelines=train (baselines: "
                "--pipelines=baselines) with these --params, "
                "choose a trained family by --namespaces=<family>, or another experiment's detectors by "
                "--params=trained_on=<its name>"
            )
            raise DatasetError(msg)
        contract = json.loads((self._filepath / "architecture.json").read_text(encoding="utf-8"))
        return {"contract": contract, "weights": load_file(self._filepath / "weights.safetensors")}

    def _exists(self) -> bool:
        return all((self._filepath / n).is_file() for n in ("architecture.json", "weights.safetensors"))

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath)}

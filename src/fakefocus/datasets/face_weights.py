"""Weights of a face-recognition network that a user may have."""

from pathlib import Path
from typing import Any

from kedro.io import AbstractDataset, DatasetError

from fakefocus.errors import InputError


class FaceWeights(AbstractDataset[None, dict[str, Any]]):
    """Loads a state dictionary, ``.pt`` or ``.safetensors``, or an empty one where no file is named.

    Nothing is unpickled but tensors.
    """

    def __init__(self, *, filepath: str | None, metadata: dict[str, Any] | None = None) -> None:
        """Create the dataset."""
        self._filepath = Path(filepath).expanduser() if filepath else None
        self.metadata = metadata

    def load(self) -> dict[str, Any]:
        """Return tensors by name.

        Raises:
            InputError: If the file is not there, or holds something else.
        """
        if self._filepath is None:
            return {}
        if not self._filepath.is_file():
            msg = f"face_weights: no such file: {self._filepath}; correct --params=face_weights=<file> or leave it out"
            raise InputError(msg)
        stored = _read(self._filepath)
        if not isinstance(stored, dict) or not all(hasattr(value, "shape") for value in stored.values()):
            msg = f"face_weights: {self._filepath} must hold tensors by name, got {type(stored).__name__}"
            raise InputError(msg)
        return stored

    def save(self, data: None) -> None:
        """Refuse: weights are never written.

        Raises:
            DatasetError: Always.
        """
        msg = "face_weights are read only"
        raise DatasetError(msg)

    def _exists(self) -> bool:
        return self._filepath is not None and self._filepath.is_file()

    def _describe(self) -> dict[str, Any]:
        return {"filepath": str(self._filepath)}


def _read(path: Path) -> Any:  # noqa: ANN401 (whatever the file holds)
    # torch takes seconds to import
    import pickle

    import torch
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        return torch.load(path, weights_only=True, map_location="cpu")
    except (pickle.UnpicklingError, SafetensorError, RuntimeError, EOFError) as error:
        msg = f"face_weights: {path} must be a .pt of tensors or a .safetensors; nothing else in it is unpickled"
        raise InputError(msg) from error

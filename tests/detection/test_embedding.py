from pathlib import Path

import numpy as np
import pytest
import skimage.data
import torch
from facenet_pytorch import InceptionResnetV1
from kedro.io import DatasetError
from safetensors.torch import save_file

from fakefocus.datasets.face_weights import FaceWeights
from fakefocus.detection.embedding import FaceEmbedder
from fakefocus.errors import InputError


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file of random weights, with the classifier that published ones carry."""
    torch.manual_seed(0)
    held = InceptionResnetV1(classify=False).state_dict() | {"logits.weight": torch.zeros(3, 512)}
    path = tmp_path_factory.mktemp("weights") / "faces.pt"
    torch.save(held, path)
    return path


def test_a_face_has_one_unit_vector_alone_and_in_a_batch(weights: Path) -> None:
    embed = FaceEmbedder(FaceWeights(filepath=str(weights)).load())
    face, other = skimage.data.astronaut()[30:190, 140:300], skimage.data.coffee()[:160, :160]
    together = embed([face, other])
    assert together.shape == (2, 512)
    assert np.linalg.norm(together, axis=1) == pytest.approx([1, 1], abs=1e-5)
    assert np.abs(embed([face])[0] - together[0]).max() < 1e-4
    assert float(together[0] @ together[1]) < 0.9999


def test_weights_of_another_network_are_refused_by_name(weights: Path, tmp_path: Path) -> None:
    held = torch.load(weights, weights_only=True)
    del held["last_bn.weight"]
    save_file({name: value.contiguous() for name, value in held.items()}, tmp_path / "faces.safetensors")
    with pytest.raises(InputError, match=r"1 names or shapes differ, such as last_bn\.weight"):
        FaceEmbedder(FaceWeights(filepath=str(tmp_path / "faces.safetensors")).load())


def test_no_file_named_is_no_weights_and_a_wrong_one_an_error(tmp_path: Path) -> None:
    assert FaceWeights(filepath=None).load() == {}
    with pytest.raises(DatasetError, match="face_weights: no such file"):
        FaceWeights(filepath=str(tmp_path / "gone.pt")).load()
    (tmp_path / "text.pt").write_text("no weights")
    with pytest.raises(DatasetError, match=r"must be a \.pt of tensors"):
        FaceWeights(filepath=str(tmp_path / "text.pt")).load()


class _Trap:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return Path.touch, (self.path,)


def test_hostile_pickle_is_refused(tmp_path: Path) -> None:
    torch.save({"a": _Trap(tmp_path / "sprung")}, tmp_path / "trap.pt")
    with pytest.raises(DatasetError, match=r"must be a \.pt of tensors"):
        FaceWeights(filepath=str(tmp_path / "trap.pt")).load()
    assert not (tmp_path / "sprung").exists()

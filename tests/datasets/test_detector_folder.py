import json
from pathlib import Path

import pytest
import torch
from kedro.io import DatasetError

from examples import make_contract
from fakefocus.datasets.detector_folder import DetectorFolder
from fakefocus.errors import InputError
from fakefocus.models.build import build_network, load_network
from fakefocus.models.contract import read_contract


def test_detector_on_disk_scores_as_before_and_is_no_pickle(tmp_path: Path) -> None:
    torch.manual_seed(0)
    options = {"in_chans": 3, "constraint": "B", "drop_rate": 0.5}
    network = build_network("scade_net", options).eval()
    contract = make_contract("scade_net", options)
    dataset = DetectorFolder(filepath=str(tmp_path / "model"))
    dataset.save({"contract": contract.model_dump(mode="json"), "weights": network.state_dict()})
    loaded = dataset.load()
    assert read_contract(loaded["contract"]) == contract
    again = load_network(contract, loaded["weights"])
    x = torch.rand(2, 3, 256, 256)
    with torch.inference_mode():
        assert torch.allclose(network(x), again(x), atol=1e-5)
    assert sorted(p.name for p in (tmp_path / "model").iterdir()) == ["architecture.json", "weights.safetensors"]
    assert json.loads((tmp_path / "model/architecture.json").read_text()) == contract.model_dump(mode="json")


def test_untrained_detector_is_an_error_that_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"no trained detector.*kedro run --pipelines=train"):
        DetectorFolder(filepath=str(tmp_path)).load()


def test_detector_of_another_version_says_what_to_do() -> None:
    old = {"family": "scade_net", "network": {"in_chans": 4}, "defocus": {"method": "gradient_ratio"}}
    with pytest.raises(InputError, match=r"scade_net: its architecture\.json is of another version .*: train it again"):
        read_contract(old)

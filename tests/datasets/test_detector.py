import json
from pathlib import Path

import pytest
import torch
from fakefocus.datasets.detector import Detector
from kedro.io import DatasetError

from fakefocus.datasets.commit import git_commit
from fakefocus.models.build import build_network, load_network


def test_detector_on_disk_scores_as_before_and_is_no_pickle(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = build_network("scade_net", {"in_chans": 3, "constraint": "B", "drop_rate": 0.5}).eval()
    architecture = {"family": "scade_net", "network": {"in_chans": 3, "constraint": "B", "drop_rate": 0.5}}
    dataset = Detector(filepath=str(tmp_path / "model"))
    dataset.save({"architecture": architecture, "weights": network.state_dict()})
    loaded = dataset.load()
    again = load_network(loaded["architecture"], loaded["weights"])
    x = torch.rand(2, 3, 256, 256)
    with torch.inference_mode():
        assert torch.allclose(network(x), again(x), atol=1e-5)
    assert sorted(p.name for p in (tmp_path / "model").iterdir()) == ["architecture.json", "weights.safetensors"]
    told = json.loads((tmp_path / "model/architecture.json").read_text())
    assert told.pop("commit") == git_commit()
    assert told == architecture


def test_untrained_detector_is_an_error_that_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"no trained detector.*kedro run --pipelines=train"):
        Detector(filepath=str(tmp_path)).load()

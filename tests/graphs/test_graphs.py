"""A detector's graph scores as its network does, for every family, and is made once."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import openvino as ov
import pytest
import torch

from fakefocus.errors import InputError
from fakefocus.graphs.convert import to_graph
from fakefocus.graphs.scorer import GraphScorer
from fakefocus.graphs.stored import stored_graph
from fakefocus.graphs.transforms import MatrixMask
from fakefocus.imaging.maps import from_levels, to_levels
from fakefocus.inference import Crop, Scorer
from fakefocus.models.multistream.layers import SpectralMask
from graphs.random_detectors import NETWORKS, make_detector


@pytest.fixture(scope="module")
def crops() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)
    return [np.kron(one, np.ones((8, 8, 1), np.uint8)) for one in small]


@pytest.mark.parametrize("family", NETWORKS)
def test_graph_scores_as_the_network_does(family: str, crops: list[np.ndarray], tmp_path: Path) -> None:
    contract, weights = make_detector(family, crops)
    ov.save_model(to_graph(contract, weights), tmp_path / "graph.xml", compress_to_fp16=False)
    scores = GraphScorer(contract, tmp_path / "graph.xml")(crops)
    scorer = Scorer(contract, weights)
    make = scorer.make_maps
    maps = [None if make is None else from_levels(to_levels(make(crop))) for crop in crops]
    expected = scorer([partial(Crop, crop, one) for crop, one in zip(crops, maps, strict=True)])
    assert np.ptp(expected) > 0.3
    # random weights tell crops apart by rounding's thousandfold alone; trained ones are held to 1e-4 in test_shipped
    np.testing.assert_allclose(scores, expected, atol=1e-3)


def test_a_spectral_mask_is_the_same_as_products_of_matrices() -> None:
    torch.manual_seed(0)
    mask = SpectralMask(64)
    with torch.no_grad():
        mask.weight.uniform_(0, 2)
        mask.band_weight.uniform_(0.5, 2)
        x = torch.rand(2, 3, 64, 64)
        torch.testing.assert_close(MatrixMask(mask)(x), mask(x), atol=1e-5, rtol=0)


def test_graph_is_made_once(crops: list[np.ndarray], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("FAKEFOCUS_CACHE", str(tmp_path))
    contract, weights = make_detector("meso4", crops)
    reads = []

    def read() -> dict[str, torch.Tensor]:
        reads.append(1)
        return weights

    files = {stored_graph(contract, "a", read, tmp_path) for _ in range(2)}
    assert len(files) == len(reads) == 1
    assert stored_graph(contract, "b", read, tmp_path) not in files
    assert not list((tmp_path / "graphs").glob(".*")), "nothing half-made is left"


def test_weights_of_another_network_are_refused(crops: list[np.ndarray]) -> None:
    contract, _ = make_detector("meso4", crops)
    _, others = make_detector("scade_net", crops)
    with pytest.raises(InputError, match="meso4"):
        to_graph(contract, others)


def test_a_conversion_reports_to_nobody(tmp_path: Path) -> None:
    """OpenVINO keeps a number of the user and tells its makers of each conversion, where it may."""
    code = (
        "import fakefocus.graphs.convert, openvino as ov, torch\n"
        "ov.convert_model(torch.nn.Linear(2, 1), example_input=torch.zeros(1, 2))\n"
        "from openvino.tools.ovc import telemetry_utils\n"
        "print(telemetry_utils.tm.__name__)"
    )
    environment = {name: value for name, value in os.environ.items() if name != "CI"} | {"HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "openvino.tools.ovc.telemetry_stub"
    assert not list(tmp_path.iterdir())

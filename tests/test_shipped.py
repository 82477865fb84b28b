"""Detectors that come with the package: loaded without a network, as their cards say, with a score that stays."""

import hashlib
import json
import re
import shutil
import socket
from collections.abc import Callable
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pandas as pd
import pytest

from fakefocus.errors import InputError
from fakefocus.inference import Crop, Scorer
from fakefocus.models.build import build_network
from fakefocus.models.contract import read_contract
from fakefocus.prediction import Options, Predictor, find_detector
from fakefocus.sources.demo.people import make_person
from fakefocus.weights import load_shipped, shipped_detectors

SHIPPED = ["lite", "scade_net"]
LOGITS = {"lite": -9.78, "scade_net": -1.22}
"""Of one generated face: they change if weights, map, crop or network do."""
MEGABYTES = 10


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        msg = "a network was asked for"
        raise AssertionError(msg)

    monkeypatch.setattr(socket, "socket", refuse)


@pytest.fixture(scope="module")
def face() -> np.ndarray:
    """Return a crop of a person who does not exist, ``(320, 320, 3) uint8, RGB``."""
    person = make_person(9, 0)
    x, y = person.landmarks.mean(axis=0).round().astype(int)
    half = int(np.ptp(person.landmarks, axis=0).max())
    around = person.image[max(0, y - half) : y + half, max(0, x - half) : x + half].astype(np.uint8)
    return cv2.resize(around, (320, 320), interpolation=cv2.INTER_AREA)


def _folder(name: str) -> Path:
    return Path(str(files("fakefocus.weights") / name))


def test_the_detectors_that_are_promised_are_there() -> None:
    assert shipped_detectors() == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_card_holds_the_hashes_of_the_files_beside_it(name: str) -> None:
    card = (_folder(name) / "card.md").read_text()
    hashes = dict(re.findall(r"^- `(\S+)`: SHA-256 `([0-9a-f]{64})`$", card, re.MULTILINE))
    assert set(hashes) == {"weights.safetensors", "architecture.json", "results.json"}
    for file, digest in hashes.items():
        assert hashlib.sha256((_folder(name) / file).read_bytes()).hexdigest() == digest, file


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("name", SHIPPED)
def test_a_generated_face_keeps_its_score(name: str, face: np.ndarray) -> None:
    detector = load_shipped(name)
    scorer = Scorer(read_contract(detector["contract"]), detector["weights"])
    (score,) = scorer([partial(Crop, face)])
    assert np.log(score / (1 - score)) == pytest.approx(LOGITS[name], abs=0.02)


@pytest.mark.parametrize("name", SHIPPED)
def test_contract_says_from_when_on_a_video_is_called_fake(name: str) -> None:
    contract = read_contract(load_shipped(name)["contract"])
    assert contract.family == name
    assert contract.verdict is not None
    assert 0 < contract.verdict.real_below <= contract.verdict.fake_from < 1
    assert not set(contract.train.people) & set(contract.val.people)


@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("name", SHIPPED)
def test_a_training_starts_from_them_by_name(name: str) -> None:
    detector = load_shipped(name)
    options = read_contract(detector["contract"]).network | {"weights": "portraits"}
    network = build_network(name, options).state_dict()
    assert set(network) == set(detector["weights"])
    assert all(np.allclose(network[key], tensor.float(), atol=1e-6) for key, tensor in detector["weights"].items())


def test_they_judge_a_folder_of_yours(
    make_project: Callable[[str], Path], run_kedro: Callable[..., Any], face_clip: Path, tmp_path: Path
) -> None:
    (tmp_path / "real").mkdir()
    shutil.copy(face_clip, tmp_path / "real/somebody.mp4")
    project = make_project("shipped")
    crops = {"size": 320, "margin": 0.375, "sampling": {"every": 2, "min_frames": 1}}
    params = {"data_root": str(tmp_path), "dataset": "mine", "trained_on": "shipped", "experiment": "mine"}
    run_kedro(project, "data", "split", "shipped", env="folder_test", preprocessing=crops, **params)
    looked_at = {"every": 2, "min_face_size": 60, "faces": "main"}
    for name in SHIPPED:
        (file,) = (project / "data/07_model_output").glob(f"*/{name}/video_scores.parquet")
        (score,) = pd.read_parquet(file)["score"]
        # the same file, asked about alone
        for runtime, tolerance in (("torch", 1e-6), ("openvino", 1e-4)):
            answer = Predictor(find_detector(name), Options(runtime=runtime, **looked_at))(face_clip)
            assert answer.score == pytest.approx(score, abs=tolerance), (name, runtime)


def test_a_family_without_one_says_which_there_are() -> None:
    with pytest.raises(InputError, match="no detector of meso4 comes with fakefocus: there are lite, scade_net"):
        load_shipped("meso4")


def test_they_are_small() -> None:
    # graphs beside them are made for a wheel, and not committed
    files = [file for name in SHIPPED for file in _folder(name).iterdir() if not file.name.startswith("graph-")]
    size = sum(file.stat().st_size for file in files)
    assert size < MEGABYTES * 1e6
    assert all(json.loads((_folder(name) / "architecture.json").read_text())["family"] == name for name in SHIPPED)

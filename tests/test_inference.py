"""One scorer: the same crop has the same score, wherever its map comes from and whatever is done to it first."""

from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from examples import AUGMENTATION, TRAINING, make_contract
from fakefocus.errors import InputError
from fakefocus.imaging.defocus import estimate_map
from fakefocus.inference import Crop, Scorer, pick_device, stored_crops
from fakefocus.models.build import build_network
from fakefocus.parameters import Defocus
from fakefocus.training.augmentation import Plan
from fakefocus.training.samples import MapSource

OPTIONS = {"in_chans": 4, "constraint": "A", "drop_rate": 0.5}
MAPS = {"method": "gradient_ratio", "sigma_max": 5.0}
DEFOCUS = Defocus(**MAPS, store="float32")


class Memory(dict):
    """Frames of one video by name, as a folder on disk hands them out."""

    def read(self, name: str) -> np.ndarray:
        return self[name]


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def crops() -> list[np.ndarray]:
    rng = np.random.default_rng(4)
    small = rng.integers(0, 255, (5, 32, 32, 3), dtype=np.uint8)
    return [np.kron(picture, np.ones((8, 8, 1), np.uint8)) for picture in small]


def _scorer(**changes: Any) -> Scorer:
    torch.manual_seed(1)
    network = build_network("scade_net", OPTIONS)
    contract = make_contract("scade_net", OPTIONS, maps=MAPS, training=TRAINING | changes.pop("training", {}))
    return Scorer(contract, network.state_dict(), **changes)


def test_map_that_is_stored_and_map_that_is_made_give_one_score(crops: list[np.ndarray]) -> None:
    made = _scorer()([partial(Crop, crop) for crop in crops])
    stored = [Crop(crop, estimate_map(crop, "gradient_ratio", 5.0)[..., None]) for crop in crops]
    assert _scorer()([partial(lambda c: c, crop) for crop in stored]) == pytest.approx(made, abs=1e-6)
    assert ((made > 0) & (made < 1)).all()


@pytest.mark.parametrize("batch_size", [1, 2, 64])
def test_scores_do_not_depend_on_the_batch(crops: list[np.ndarray], batch_size: int) -> None:
    readers = [partial(Crop, crop) for crop in crops]
    assert _scorer(batch_size=batch_size)(readers) == pytest.approx(_scorer(batch_size=5)(readers), abs=1e-5)


def test_no_crop_has_no_score() -> None:
    assert _scorer()([]).shape == (0,)


def test_map_is_of_what_the_detector_sees_after_a_perturbation(crops: list[np.ndarray]) -> None:
    def darker(crop: np.ndarray, number: int) -> np.ndarray:
        return (crop // (2 + number)).astype(np.uint8)

    # a stored map, which is of another picture now, is not read
    wrong = [Crop(crop, np.full((256, 256, 1), 0.9, np.float32)) for crop in crops]
    perturbed = _scorer()([partial(lambda c: c, crop) for crop in wrong], perturb=darker)
    by_hand = _scorer()([partial(Crop, darker(crop, number)) for number, crop in enumerate(crops)])
    assert perturbed == pytest.approx(by_hand, abs=1e-6)


def test_view_moves_crop_and_map_alike(crops: list[np.ndarray]) -> None:
    maps = np.linspace(0, 1, 256, dtype=np.float32).repeat(256).reshape(256, 256, 1).transpose(1, 0, 2)
    seen = _scorer()([partial(Crop, crop, maps) for crop in crops], view=Plan(flip=True))
    by_hand = _scorer()([partial(Crop, crop[:, ::-1], maps[:, ::-1]) for crop in crops])
    assert seen == pytest.approx(by_hand, abs=1e-6)
    assert seen != pytest.approx(_scorer()([partial(Crop, crop, maps) for crop in crops]), abs=1e-6)


def test_middle_of_a_crop_is_what_was_trained_on(crops: list[np.ndarray]) -> None:
    cut = {"training": {"augmentation": AUGMENTATION | {"crop": 128}}}
    framed = [crop.copy() for crop in crops]
    for picture in framed:
        picture[:20] = 0
    scores = [
        _scorer(**cut)([partial(Crop, c, np.zeros((256, 256, 1), np.float32)) for c in group])
        for group in (crops, framed)
    ]
    assert scores[0] == pytest.approx(scores[1], abs=1e-6)


def test_rows_of_samples_read_their_crops_and_maps(crops: list[np.ndarray]) -> None:
    names = [f"frame_{number:06d}" for number in range(len(crops))]
    samples = pd.DataFrame({"folder": "real/v", "crop": [f"real/v/{name}" for name in names]})
    folders = {"real/v": Memory(zip(names, crops, strict=True))}
    maps = {"real/v": Memory({n: estimate_map(c, "gradient_ratio", 5.0) for n, c in folders["real/v"].items()})}
    readers = stored_crops(samples, folders, MapSource(DEFOCUS, maps), 1)
    assert _scorer()(readers) == pytest.approx(_scorer()([partial(Crop, crop) for crop in crops]), abs=1e-6)


def test_best_device_is_taken_and_a_missing_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert pick_device("auto").type == "cuda"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert pick_device("auto").type == "cpu"
    with pytest.raises(InputError, match=r"device: there is no cuda here, only cpu: set evaluation.device"):
        pick_device("cuda")


def test_network_and_batches_go_to_the_device(crops: list[np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    # a device that computes nothing shows what has been sent to it
    monkeypatch.setattr("fakefocus.inference.pick_device", lambda _: torch.device("meta"))
    scorer = Scorer(make_contract("meso4"), build_network("meso4", {}).state_dict())
    assert scorer.device.type == "meta"
    with pytest.raises(NotImplementedError, match="meta"):
        scorer([partial(Crop, crop) for crop in crops])


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_scores_of_the_processor_and_of_a_cuda_device_agree(crops: list[np.ndarray]) -> None:
    readers = [partial(Crop, crop) for crop in crops]
    assert _scorer(device="cuda")(readers) == pytest.approx(_scorer(device="cpu")(readers), abs=1e-3)


def test_faces_pass_through_memory_a_few_batches_at_a_time(crops: list[np.ndarray]) -> None:
    # what is read and not yet scored: the batch that is scored, and the one that is read meanwhile
    alive, most = 0, 0

    class Counted(np.ndarray):
        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    def read(number: int) -> Crop:
        nonlocal alive, most
        alive, most = alive + 1, max(most, alive + 1)
        return Crop(crops[number % len(crops)].copy().view(Counted), np.zeros((256, 256, 1), np.float32))

    scorer = _scorer(batch_size=4)
    assert len(scorer([partial(read, number) for number in range(60)])) == 60
    assert most <= 12

"""Who becomes champion: the best on validation, if a paired test says so, and never by test videos."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from examples import make_contract
from fakefocus import inference
from fakefocus.errors import InputError
from fakefocus.pipelines.champion.nodes import compare_with_champion, promote

_PEOPLE = 24
EVALUATION = SimpleNamespace(confidence=0.95, aggregation="mean")


@pytest.fixture
def samples() -> pd.DataFrame:
    """Return a face of a real and of a fake video a person, on two sides."""
    rows = [
        {
            "video_id": f"{side}{person}{label}",
            "crop": f"{side}{person}{label}",
            "track": 0,
            "label": label,
            "group": f"{side}{person}",
            "split": side,
            "people": f"set/{side}{person}",
            "fingerprint": f"{side}{person}{label}",
        }
        for side in ("val", "test")
        for person in range(_PEOPLE)
        for label in (0, 1)
    ]
    return pd.DataFrame(rows)


def _detector(error: float, auc: float, **changes: Any) -> dict[str, Any]:
    """Return a detector whose scores are wrong by a deviation of ``error``."""
    contract = make_contract("scade_net").model_dump(mode="json") | {"val_video_auc": auc} | changes
    return {"contract": contract, "weights": {"error": torch.tensor(error)}}


@pytest.fixture(autouse=True)
def _scores(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a detector score by the label and its own error."""

    def prepare(model: dict[str, Any], rows: pd.DataFrame, *_: object) -> SimpleNamespace:
        assert set(rows["split"]) == {"val"}, "no test video is read"
        error = float(model["weights"]["error"])
        noise = np.random.default_rng(round(1000 * error)).normal(0, error, len(rows))
        return SimpleNamespace(crops=None, scorer=lambda _: np.clip(rows["label"] * 0.4 + 0.3 + noise, 0, 1))

    monkeypatch.setattr(inference, "prepare", prepare)


def _compare(detectors: dict[str, Any], former: dict[str, Any], samples: pd.DataFrame) -> dict[str, Any]:
    return compare_with_champion(detectors, former, samples, {}, {}, {"hash": "0"}, None, None, EVALUATION, "demo")


def test_first_champion_is_the_best_on_validation_and_no_control(samples: pd.DataFrame) -> None:
    detectors = {
        "scade_net": _detector(0.2, 0.8),
        "scade_net.seed_42": _detector(0.1, 0.9),
        "scade_net.control": _detector(0.1, 0.95, labels="shuffled"),
        "scade_net.ablation.rgb_seed_3": _detector(0.1, 0.97),
    }
    told = _compare(detectors, {}, samples)
    assert (told["candidate"], told["promoted"], told["registered_model"]) == (
        "scade_net.seed_42",
        True,
        "fakefocus_demo",
    )
    assert told["videos"] == 2 * _PEOPLE
    assert promote(detectors, told)["model"] is detectors["scade_net.seed_42"]


def test_a_much_better_detector_takes_its_place_and_one_that_is_hardly_better_does_not(samples: pd.DataFrame) -> None:
    former = _detector(0.6, 0.7) | {"version": 3}
    better = _compare({"scade_net": _detector(0.05, 0.99)}, former, samples)
    assert better["promoted"]
    assert better["comparison"]["p"] < 0.05
    assert better["auc"] > better["former_auc"]
    alike = _compare({"scade_net": _detector(0.59, 0.99)}, former, samples)
    assert not alike["promoted"]
    assert promote({}, alike) == {}


def test_of_several_the_best_has_to_be_better_by_more(samples: pd.DataFrame) -> None:
    former = _detector(0.45, 0.7) | {"version": 3}
    alone = _compare({"scade_net": _detector(0.2, 0.99)}, former, samples)
    names = ("scade_net", *(f"scade_net.seed_{seed}" for seed in range(9)))
    among = _compare({n: _detector(0.2, 0.99 if n == "scade_net" else 0.5) for n in names}, former, samples)
    assert (alone["tried"], among["tried"]) == (1, 10)
    assert among["comparison"]["p"] == pytest.approx(min(1, 10 * alone["comparison"]["p"]))


def test_a_detector_of_another_split_is_not_tried(samples: pd.DataFrame) -> None:
    other = make_contract("scade_net").model_dump(mode="json")["split"] | {"hash": "1"}
    detectors = {"scade_net": _detector(0.2, 0.8), "scade_net.seed_3": _detector(0.01, 0.99, split=other)}
    assert _compare(detectors, {}, samples)["candidate"] == "scade_net"


def test_a_worse_detector_does_not_however_sure_that_is(samples: pd.DataFrame) -> None:
    former = _detector(0.05, 0.99) | {"version": 3}
    told = _compare({"scade_net": _detector(0.9, 0.999)}, former, samples)
    assert told["comparison"]["p"] < 0.05
    assert not told["promoted"]


def test_a_champion_that_knows_the_validation_people_is_not_compared(samples: pd.DataFrame) -> None:
    known = {"videos": [], "sha256": [], "people": ["set/val3"]}
    former = _detector(0.1, 0.9, train=known) | {"version": 3}
    with pytest.raises(InputError, match=r"version 3, .*, was trained on 2 of these validation videos"):
        _compare({"scade_net": _detector(0.2, 0.9)}, former, samples)


def test_an_experiment_without_detectors_says_what_to_run(samples: pd.DataFrame) -> None:
    with pytest.raises(InputError, match="run kedro run --pipelines=train, seeds or baselines first"):
        _compare({"scade_net.control": _detector(0.1, 0.9, labels="shuffled")}, {}, samples)


def test_a_validation_side_of_one_label_registers_nobody(samples: pd.DataFrame) -> None:
    reals = samples[(samples["split"] != "val") | (samples["label"] == 0)]
    with pytest.raises(InputError, match=r"validation videos with a face are all of one label"):
        _compare({"scade_net": _detector(0.2, 0.9)}, {}, reals)

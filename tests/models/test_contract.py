"""What a detector may be shown: crops, maps, videos and people."""

from typing import Any

import pandas as pd
import pytest

from examples import CROPS, NOBODY, make_contract
from fakefocus.errors import InputError
from fakefocus.models.contract import Side
from fakefocus.models.fitting import check_fit, check_judged, training_of
from fakefocus.models.overlap import find_overlap, side_of
from fakefocus.parameters import CropSpec, Defocus, MapSpec, Preprocessing

MAPS = {"method": "gradient_ratio", "sigma_max": 5.0}
KNOWN = NOBODY | {"videos": ("v1",), "sha256": ("hash1",), "people": ("demo/ann", "demo/ben")}


def _samples(*rows: tuple[str, str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["video_id", "fingerprint", "people"])


STRANGERS = _samples(("v8", "hash8", "demo/eve"), ("v8", "hash8", "demo/eve"), ("v9", "hash9", "demo/eve\ndemo/mia"))


def _check(test: pd.DataFrame = STRANGERS, crops: Any = CROPS, maps: Any = MAPS, **changes: Any) -> Any:
    contract = make_contract("scade_net", maps=MAPS, **changes)
    maps = None if maps is None else MapSpec(**maps)
    return check_fit(contract, test, CropSpec(**crops), maps)


def test_strangers_in_crops_of_the_kind_it_knows_are_judged() -> None:
    overlap = _check(train=KNOWN, val=KNOWN)
    assert (overlap.videos, overlap.known, overlap.people) == (2, 0, ())


@pytest.mark.parametrize("side", ["train", "val"])
@pytest.mark.parametrize(
    ("rows", "names"),
    [
        ([("v8", "hash8", "demo/eve"), ("v9", "hash9", "demo/mia\ndemo/ben")], "with demo/ben"),
        ([("v8", "hash8", "demo/eve"), ("other name", "hash1", "other/x")], ""),
    ],
    ids=["somebody in a fake", "the same file under another name"],
)
def test_known_people_and_files_are_refused_by_name_and_number(side: str, rows: list, names: str) -> None:
    how = {"train": "trained on", "val": "validated on"}[side]
    with pytest.raises(InputError, match=f": 1 of 2 test videos were {how}.*{names}.*evaluation.seen to allow"):
        _check(_samples(*rows), **{side: KNOWN})


def test_video_that_is_known_twice_counts_as_trained_on() -> None:
    known = Side(**KNOWN)
    overlap = find_overlap(known, known, _samples(("v1", "hash1", "demo/ann"), ("v8", "hash8", "demo/eve")))
    assert (overlap.trained_on, overlap.validated_on) == (1, 0)


def test_scores_of_an_earlier_training_are_refused_with_what_differs_and_the_command() -> None:
    contract = make_contract("scade_net", train=KNOWN).model_dump(mode="json")
    # a summary counts videos and people
    described = contract | {"name": "SCADE-Net", "train": {"videos": 1, "people": 2}, "val": {"videos": 0, "people": 0}}
    check_judged(contract, {"contract": described})
    again = contract | {"val_video_auc": 0.8, "threshold": {"value": 0.4, "source": "x"}}
    with pytest.raises(
        InputError,
        match=r"SCADE-Net of demo was trained again since it was judged \(val_video_auc, threshold differ\): "
        r"its scores are those of before, run kedro run --pipelines=evaluate",
    ):
        check_judged(again, {"contract": described})


def test_training_is_known_by_its_contract_and_by_what_a_summary_says_of_it() -> None:
    contract = make_contract("scade_net", train=KNOWN).model_dump(mode="json")
    described = contract | {"name": "SCADE-Net", "train": {"videos": 1, "people": 2}, "val": {"videos": 0, "people": 0}}
    training = training_of(contract, "scade_net", "other")
    assert list(training) == ["scade_net of demo on other"]
    assert training_of(described, "scade_net", "other") == training
    assert training_of(contract | {"val_video_auc": 0.8}, "scade_net", "other") != training


def test_contract_of_an_earlier_version_is_of_the_training_that_it_was_judged_with() -> None:
    contract = make_contract("scade_net", train=KNOWN).model_dump(mode="json")
    described = contract | {"name": "SCADE-Net", "train": {"videos": 1, "people": 2}, "val": {"videos": 0, "people": 0}}
    earlier = contract | {"training": {k: v for k, v in contract["training"].items() if k != "ema_decay"}}
    check_judged(earlier, {"contract": described})
    assert training_of(earlier, "scade_net", "demo") == training_of(described, "scade_net", "demo")


def test_split_with_people_on_two_sides_is_told_what_applies_to_it() -> None:
    split = {"strategy": "video", "seed": 3, "hash": "own"}
    contract = make_contract("scade_net", train=KNOWN, split=split)
    test = _samples(("v8", "hash8", "demo/ann"))
    with pytest.raises(
        InputError, match=r"its own split \(video\) has them on two sides: set evaluation.seen to allow"
    ):
        check_fit(contract, test, CropSpec(**CROPS), None, split_hash="own")
    with pytest.raises(InputError, match=r"judge it on the split that it was trained with"):
        check_fit(contract, test, CropSpec(**CROPS), None, split_hash="other")


def test_people_of_one_name_in_two_data_sets_are_two() -> None:
    assert _check(_samples(("v8", "hash8", "other/ann")), train=KNOWN).known == 0


def test_known_people_are_let_through_on_request_and_counted() -> None:
    contract = make_contract("scade_net", train=KNOWN)
    test = _samples(("v8", "hash8", "demo/eve"), ("v9", "hash9", "demo/ann"))
    overlap = check_fit(contract, test, CropSpec(**CROPS), None, seen="allow")
    assert (overlap.trained_on, overlap.videos, overlap.people) == (1, 2, ("demo/ann",))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"margin": 0.5}, r"crops: .* was trained on crops with margin 0\.3, these have margin 0\.5: .*preprocess"),
        ({"alignment": "crop"}, "alignment landmarks, these have alignment crop"),
        ({"size": 224}, "size 256, these have size 224"),
    ],
)
def test_other_crops_are_refused_with_both_values_and_the_remedy(change: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        _check(crops=CROPS | change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sigma_max": 3.0}, r"maps: .* maps with sigma_max 5\.0, these have sigma_max 3\.0: .*--pipelines=defocus"),
        ({"method": "edge_variance"}, "method gradient_ratio, these have method edge_variance"),
    ],
)
def test_other_maps_are_refused_by_a_detector_that_sees_maps(change: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        _check(maps=MAPS | change)
    contract = make_contract("scade_net", maps=None)
    assert check_fit(contract, STRANGERS, CropSpec(**CROPS), MapSpec(**(MAPS | change))).known == 0


def test_how_often_frames_are_taken_makes_no_other_crops() -> None:
    options = {
        "region": "face",
        "sampling": {"method": "every", "every": 4, "frames": 8, "min_frames": 1, "max_frames": None},
        "detection": {"detector": "mtcnn", "precision": "f32", "min_face_size": 60, "thresholds": [0.6, 0.7, 0.9]},
        "faces_per_video": 1,
        "alignment": "landmarks",
        "size": 256,
        "margin": 0.3,
    }
    often = Preprocessing.model_validate(options)
    seldom = often.model_copy(update={"sampling": often.sampling.model_copy(update={"every": 10})})
    assert CropSpec.of(often) == CropSpec.of(seldom) == CropSpec(**CROPS)
    stored = Defocus(method="gradient_ratio", sigma_max=5.0, store="uint16")
    assert MapSpec.of(stored) == MapSpec.of(stored.model_copy(update={"store": "none"}))


def test_side_names_each_video_and_everybody_in_it_once() -> None:
    side = side_of(STRANGERS)
    assert side.videos == ("v8", "v9")
    assert side.sha256 == ("hash8", "hash9")
    assert side.people == ("demo/eve", "demo/mia")

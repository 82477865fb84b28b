"""What families declare, and what is made of it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError
from safetensors.torch import save_file
from small import SHARED

from examples import make_contract
from fakefocus import models
from fakefocus.config import with_every_family
from fakefocus.errors import InputError
from fakefocus.models import DetectorOptions, baselines, families, find_family, main_families
from fakefocus.models.build import build_network, starting_weights
from fakefocus.models.family import UNCHANGED, Ablation


def test_each_folder_of_models_declares_a_family_of_its_name() -> None:
    assert main_families() == ["multistream", "scade_net"]
    folders = {path.parent.name for path in Path(models.__file__).parent.glob("*/__init__.py")}
    assert set(families()) == folders
    assert set(baselines()) == folders - set(main_families())
    colours = [family.colour for family in families().values()]
    assert len(set(colours)) == len(colours)


def test_unknown_family_offers_the_near_one() -> None:
    with pytest.raises(InputError, match=r"unknown family 'scadenet', did you mean 'scade_net'\?"):
        find_family("scadenet")


@pytest.mark.parametrize("name", ["Mine", "a.b", "x_control", "x_seed_3", "evaluation", "../x"])
def test_name_that_folders_or_parameters_cannot_have_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=r"Family\.name: must be lower-case letters"):
        replace(find_family("meso4"), name=name)


def test_recipe_has_an_entry_for_every_family_and_its_own_values_win() -> None:
    recipe = with_every_family(SHARED | {"univfd": {"training": {"epochs": 7}}})
    assert recipe["univfd"]["training"]["epochs"] == 7
    assert recipe["meso4"]["training"]["epochs"] == SHARED["every_family"]["training"]["epochs"]
    assert recipe["meso4"]["family"] == "meso4"
    assert "every_family" not in recipe


def test_parameters_are_checked_by_what_their_family_declares() -> None:
    values = with_every_family(SHARED)["multistream"]
    options = DetectorOptions.model_validate(values | {"network": {"semantic": "test_vit", "img_size": 64}})
    assert options.loss.model_dump()["orthogonality_weight"] == 0.01
    with pytest.raises(ValidationError, match="constraint"):
        DetectorOptions.model_validate(values | {"network": {"constraint": "A"}})


def test_origin_and_licence_of_starting_weights_are_named() -> None:
    network = build_network("univfd", {"backbone": "test_vit", "img_size": 64, "drop_rate": 0.0, "weights": "none"})
    assert [w.source for w in starting_weights({"weights": "none"}, network)] == ["random"]
    (fetched,) = starting_weights({"weights": "pretrained"}, network)
    assert fetched.part == "backbone"
    assert fetched.source.startswith("timm test_vit")
    (file,) = starting_weights({"weights": "theirs.safetensors"}, network)
    assert (file.source, file.licence) == ("theirs.safetensors", "not known: ask whoever made the file")


def test_each_declared_variant_is_another_network_or_loss_and_known_by_its_contract() -> None:
    for name in main_families():
        family, values = find_family(name), with_every_family(SHARED)[name]
        options = family.options.model_validate(values)
        assert options.variant_of(options.model_dump(mode="json")) == UNCHANGED
        for variant, ablation in family.variants.items():
            changed = options.trained_as(ablation.changes, seed=42, epoch_share=0.01)
            assert (changed.training.seed, changed.training.epochs) == (42, 1)
            assert options.variant_of(changed.model_dump(mode="json")) == variant


def test_contract_of_other_parameters_is_no_variant() -> None:
    options = find_family("scade_net").options.model_validate(with_every_family(SHARED)["scade_net"])
    other = options.varied({"network": {"activation": "relu", "eca": False}})
    with pytest.raises(InputError, match=r"scade_net: .* is no variant of these parameters: train the variants again"):
        options.variant_of(other.model_dump(mode="json"))


@pytest.mark.parametrize("name", ["Mine", "unchanged", "a_seed_3", "relu.b", "dropout"])
def test_variant_that_cannot_have_its_name_is_refused(name: str) -> None:
    with pytest.raises(InputError, match=r"Family\.ablations and regularisers: names must be"):
        replace(find_family("multistream"), ablations={name: Ablation("another one", {})})


def test_weights_of_an_ablation_of_the_same_shapes_are_refused_by_their_contract(tmp_path: Path) -> None:
    # ReLU has no weights: shapes are the same, and a strict loading succeeds
    network = {"activation": "relu"}
    save_file(build_network("scade_net", network).state_dict(), tmp_path / "weights.safetensors")
    contract = make_contract("scade_net", network).model_dump(mode="json")
    (tmp_path / "architecture.json").write_text(json.dumps(contract))
    file = str(tmp_path / "weights.safetensors")
    assert build_network("scade_net", network | {"weights": file}) is not None
    with pytest.raises(
        InputError, match=r"was trained with activation relu, this network has silu: set scade_net\.net"
    ):
        build_network("scade_net", {"weights": file})

"""What families declare, and what is made of it."""

from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import ValidationError
from small import SHARED

from fakefocus import models
from fakefocus.config import with_every_family
from fakefocus.errors import InputError
from fakefocus.models import DetectorOptions, baselines, families, find_family, main_families
from fakefocus.models.build import build_network, starting_weights


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

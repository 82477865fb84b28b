"""What families declare, and what is made of it."""

from dataclasses import replace

import pytest
import torch
from pydantic import ValidationError
from small import SHARED

from fakefocus.config import with_every_family
from fakefocus.errors import InputError
from fakefocus.models import DetectorOptions, baselines, families, find_family, main_families
from fakefocus.models.build import build_loss, build_network, starting_weights
from fakefocus.models.gend.network import GenD


def test_each_folder_of_models_declares_a_family_of_its_name() -> None:
    assert main_families() == ["multistream", "scade_net"]
    assert set(baselines()) == {
        *("meso4", "meso_inception4", "xception", "efficientnet_b4", "cnndetect", "univfd", "f3net", "gend"),
    }
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
    recipe = with_every_family(SHARED | {"gend": {"training": {"epochs": 7}}})
    assert recipe["gend"]["training"]["epochs"] == 7
    assert recipe["meso4"]["training"]["epochs"] == SHARED["every_family"]["training"]["epochs"]
    assert recipe["meso4"]["family"] == "meso4"
    assert "every_family" not in recipe


def test_parameters_are_checked_by_what_their_family_declares() -> None:
    values = with_every_family(SHARED)["gend"]
    options = DetectorOptions.model_validate(values | {"network": {"backbone": "test_vit", "img_size": 64}})
    assert options.loss.model_dump()["uniformity_weight"] == 0.5
    with pytest.raises(ValidationError, match="constraint"):
        DetectorOptions.model_validate(values | {"network": {"constraint": "A"}})


def test_in_gend_only_layer_norms_and_the_head_learn() -> None:
    network = build_network("gend", {"backbone": "test_vit", "img_size": 64, "drop_rate": 0.0, "weights": "none"})
    learning = {name for name, value in network.named_parameters() if value.requires_grad}
    assert learning
    assert all("norm" in name or name.startswith("head.") for name in learning)
    assert {"head.1.weight", "backbone.norm.weight"} <= learning


def test_gends_embeddings_have_length_one_and_its_loss_all_its_parts() -> None:
    torch.manual_seed(0)
    network = GenD("test_vit", 64, 0.0)
    features = network.forward_features(torch.rand(4, 3, 64, 64))
    assert torch.allclose(features.norm(dim=1), torch.ones(4), atol=1e-5)
    loss = build_loss("gend", {"alignment_weight": 0.1, "uniformity_weight": 0.5})
    parts = loss(features, network.forward_head(features), torch.tensor([0.0, 1, 0, 1]))
    expected = parts["bce"] + 0.1 * parts["alignment"] + 0.5 * parts["uniformity"]
    assert torch.allclose(parts["loss"], expected)
    parts["loss"].backward()
    assert network.backbone.norm.weight.grad.abs().sum() > 0


@pytest.mark.parametrize(
    "name",
    [
        "vit_large_patch14_clip_quickgelu_224.openai",
        "vit_large_patch16_dinov3.lvd1689m",
        "vit_pe_core_large_patch14_336.fb",
    ],
)
def test_the_backbones_that_gend_names_have_layer_norms_that_can_learn(name: str) -> None:
    side = 336 if "336" in name else 224
    with torch.device("meta"):
        network = GenD(name, side, 0.0)
    learning = sum(value.numel() for value in network.parameters() if value.requires_grad)
    total = sum(value.numel() for value in network.parameters())
    # layer norms are about three in ten thousand of a large transformer
    assert 0.0001 < learning / total < 0.001


def test_origin_and_licence_of_starting_weights_are_named() -> None:
    network = build_network("gend", {"backbone": "test_vit", "img_size": 64, "drop_rate": 0.0, "weights": "none"})
    assert [w.source for w in starting_weights({"weights": "none"}, network)] == ["random"]
    (fetched,) = starting_weights({"weights": "pretrained"}, network)
    assert fetched.part == "backbone"
    assert fetched.source.startswith("timm test_vit")
    (file,) = starting_weights({"weights": "theirs.safetensors"}, network)
    assert (file.source, file.licence) == ("theirs.safetensors", "not known: ask whoever made the file")

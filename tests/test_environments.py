"""Every environment under conf/: its recipe, its root and what the command line may change."""

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from kedro.framework.cli.utils import _split_params

from fakefocus.config import ProjectConfig
from fakefocus.errors import InputError
from fakefocus.hooks.parameters import ParameterError, check_parameters
from fakefocus.models import families
from fakefocus.parameters import HubImages
from fakefocus.settings import CONFIG_LOADER_ARGS
from fakefocus.sources import layouts

pytestmark = pytest.mark.slow

CONF = Path(__file__).resolve().parents[1] / "conf"
PUBLISHED = ["ffpp", "dfd", "celebdf", "dfdc", "dfdcp", "deepfakebench", "images", "hf"]


def _config(env: str, typed: str = "", conf: Path = CONF) -> ProjectConfig:
    params: dict[str, Any] = _split_params(None, None, typed) if typed else {}
    return ProjectConfig(conf, env=env, runtime_params=params, **CONFIG_LOADER_ARGS)


def test_each_layout_has_an_environment_of_its_name() -> None:
    for name in layouts():
        assert check_parameters(_config(name)["parameters"]).ingestion.layout == name
    assert check_parameters(_config("hf")["parameters"]).ingestion.layout == "images"


@pytest.mark.parametrize("env", PUBLISHED)
def test_published_recipe_reaches_each_environment_and_the_rest_stays_the_base(env: str) -> None:
    told = check_parameters(_config(env)["parameters"])
    assert (told.scade_net.training.epochs, told.scade_net.training.batch_size) == (50, 75)
    assert told.multistream.network.semantic == "vit_tiny_patch16_224"
    assert told.multistream.training.augmentation.rotation == 15
    assert told.scade_net.loss.scl_form == "hinge"  # the family's own
    assert told.feature_split.held_out_methods == ()


@pytest.mark.parametrize("env", PUBLISHED)
def test_one_typed_value_changes_the_recipe_and_nothing_else(env: str) -> None:
    before = check_parameters(_config(env)["parameters"])
    after = check_parameters(_config(env, "scade_net.training.augmentation.flip=0.25")["parameters"])
    assert after.scade_net.training.augmentation.flip == 0.25
    same = {"update": {"augmentation": before.scade_net.training.augmentation}}
    assert after.scade_net.training.model_copy(**same) == before.scade_net.training
    assert after.multistream == before.multistream


def test_demo_computes_in_32_bits_on_every_processor() -> None:
    told = check_parameters(_config("local")["parameters"])
    assert told.preprocessing.detection.precision == "f32"
    assert {getattr(told, family).training.precision for family in families()} == {"32-true"}


@pytest.mark.parametrize("recipe", sorted(path.stem for path in (CONF / "recipes").glob("*.yml")))
def test_recipe_sets_nothing_that_the_base_would_take_back(recipe: str) -> None:
    base = [yaml.safe_load(path.read_text("utf-8")) for path in sorted((CONF / "base").glob("parameters*.yml"))]
    own = yaml.safe_load((CONF / "recipes" / f"{recipe}.yml").read_text("utf-8"))
    assert not _leaves(own) & set().union(*map(_leaves, base))


def test_crops_of_portraits_have_room_around_what_is_seen() -> None:
    told = check_parameters(_config("portraits")["parameters"])
    assert (told.preprocessing.size, told.preprocessing.margin) == (320, 0.375)
    assert told.lite.training.augmentation.crop == 256


def _leaves(values: dict[str, Any], above: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    inner = ((value, (*above, str(name))) for name, value in values.items())
    return set().union(*(_leaves(value, place) if isinstance(value, dict) else {place} for value, place in inner))


@pytest.mark.parametrize("recipe", ["demo", "published"])
@pytest.mark.parametrize("env", [*layouts(), "hf"])
def test_no_recipe_needs_fakes_that_name_their_originals(env: str, recipe: str) -> None:
    told = check_parameters(_config(env, f"recipe={recipe}")["parameters"])
    assert {getattr(told, family).training.paired for family in families()} == {False, "where_named"}


def test_demo_recipe_trains_on_self_blended_faces_too() -> None:
    told = check_parameters(_config("local", "multistream.training.fakes=self_blended")["parameters"])
    assert told.multistream.training.fakes == "self_blended"


def test_recipes_are_read_from_a_project_that_was_copied(tmp_path: Path) -> None:
    shutil.copytree(CONF, tmp_path / "conf")
    told = check_parameters(_config("dfdc", conf=tmp_path / "conf")["parameters"])
    assert told.scade_net.training.epochs == 50


def test_mistyped_recipe_offers_the_near_one() -> None:
    with pytest.raises(InputError, match=r"recipe: no recipes/publishd\.yml in .*, did you mean 'published'\?"):
        _ = _config("ffpp", "recipe=publishd")["parameters"]


def test_any_environment_takes_any_recipe() -> None:
    told = check_parameters(_config("folder", "recipe=published")["parameters"])
    assert told.scade_net.training.epochs == 50
    assert (told.experiment, told.preprocessing.sampling.every) == ("folder-published", 10)


def test_data_set_that_is_only_tested_on_has_an_experiment_of_its_own() -> None:
    names = [_config(env, "dataset=mine")["globals"]["experiment"] for env in ("folder", "folder_test")]
    assert names == ["mine", "mine-test_only"]


def test_what_differs_is_measured_from_the_chosen_recipe() -> None:
    typed = "recipe=published,scade_net.training.epochs=9"
    assert _config("folder", typed)["globals"]["experiment"] == "folder-published-epochs9"


def test_archive_of_configuration_is_as_good_as_a_folder(tmp_path: Path) -> None:
    archive = shutil.make_archive(str(tmp_path / "conf"), "gztar", CONF.parent, "conf")
    told = check_parameters(_config("dfdc", conf=Path(archive))["parameters"])
    assert told.scade_net.training.epochs == 50


@pytest.mark.parametrize("env", list(layouts()))
def test_root_comes_from_the_command_line_else_from_the_environment(env: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(f"FAKEFOCUS_{env.upper()}", raising=False)
    assert _config(env)["catalog"]["raw_media"]["filepath"] is None
    monkeypatch.setenv(f"FAKEFOCUS_{env.upper()}", "/media/one")
    assert _config(env)["catalog"]["raw_media"]["filepath"] == "/media/one"
    assert _config(env, "data_root=/media/two")["catalog"]["raw_media"]["filepath"] == "/media/two"


def test_shards_are_named_like_any_other_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FAKEFOCUS_HF", "someone/one")
    assert _config("hf")["catalog"]["raw_media"]["maker_args"]["source"] == "someone/one"
    entry = _config("hf", "data_root=someone/two,dataset=sofake")["catalog"]["raw_media"]
    assert entry["maker_args"]["source"] == "someone/two"
    assert entry["filepath"] == "data/01_raw/sofake"


def test_columns_and_labels_are_typed_one_by_one() -> None:
    config = _config("hf", "hf.label=kind,hf.labels.2=real,hf.limit=5")
    options = config["catalog"]["raw_media"]["maker_args"]["options"]
    assert (options["label"], options["image"], options["limit"]) == ("kind", "image", 5)
    assert options["labels"] == {
        "real": "real",
        "fake": "fake",
        "full_synthetic": "fake",
        "tampered": "fake",
        "2": "real",
    }
    assert check_parameters(config["parameters"]).hf == HubImages.model_validate(options)


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("hf.lable=kind", r"hf\.lable: unknown \(value 'kind'\), did you mean 'label'\?"),
        ("hf.labels.tampered=forged", r"hf\.labels\.tampered: .*'real' or 'fake', got 'forged'"),
        (
            "ingestion.layout=celeb_df",
            r"ingestion\.layout: must be one of .*, did you mean 'celebdf'\?, got 'celeb_df'",
        ),
    ],
)
def test_mistakes_are_told_before_anything_runs(typed: str, message: str) -> None:
    with pytest.raises(ParameterError, match=message):
        check_parameters(_config("hf", typed)["parameters"])

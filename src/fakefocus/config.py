"""Kedro's configuration, with a recipe below it and the names of experiments beside it."""

import json
import os
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

from kedro.config import OmegaConfigLoader
from kedro.utils import find_kedro_project
from omegaconf import DictConfig, OmegaConf

from fakefocus.errors import InputError, did_you_mean
from fakefocus.experiment import differences, experiment_name
from fakefocus.models import families
from fakefocus.models.family import UNCHANGED

RECIPES = "recipes"
"""The folder of recipes beside the environments; a file holds parameters that environments and ``--params`` change."""
SUITES = "suites"
"""The folder of suites beside the environments; a file names what is trained and what it is tested on."""
PUBLISHED = "published"
"""The folder of published results beside the environments; a catalog has their texts by ``${published:}``."""
ABLATIONS = "ablations"
"""Parameters that families declare: what their variants change."""
_SERVERS = ("http", "https", "databricks")
EVERY_FAMILY = "every_family"
"""The entry of a recipe that holds for each family, below its own entry."""


class ProjectConfig(OmegaConfigLoader):
    """Adds to Kedro's loader what its environments share.

    - ``parameters``: the recipe that ``globals.yml`` or ``--params=recipe=`` names, then the environment, then
      ``--params``. Every registered family has its parameters, whether the recipe knows it or not.
      ``suite_plan`` is what the suite's file holds that ``globals.yml`` or ``--params=suite=`` names.
    - ``globals``: ``dataset``, ``experiment``, ``trained_on``, ``evaluation`` (folder of results and report).

    All comes from the folder or archive that ``--conf-source`` names.
    """

    def __init__(
        self,
        conf_source: str | Path,
        env: str | None = None,
        runtime_params: dict[str, Any] | None = None,
        **options: Any,  # noqa: ANN401 (Kedro's)
    ) -> None:
        """Load ``globals`` and name the experiment."""
        self._kept_parameters: dict[str, Any] | None = None
        self._recipes: dict[str, dict[str, Any]] = {}
        super().__init__(str(conf_source), env, runtime_params, custom_resolvers=RESOLVERS, **options)
        self["globals"] = self._named(super().__getitem__("globals"))
        self._globals_oc = None  # what was resolved while naming knew the names not yet

    def __getitem__(self, key: str) -> Any:  # noqa: ANN401 (whatever configuration holds)
        """Return the configuration of a kind."""
        # resolvers belong to the process: another loader may have registered its own since
        self._register_globals_resolver()
        OmegaConf.register_new_resolver(PUBLISHED, self._published, replace=True)
        if key != "parameters":
            return super().__getitem__(key)
        # Kedro and hooks ask several times a run, and to merge them takes a third of a second
        if self._kept_parameters is None:
            self._kept_parameters = self._parameters()
        return deepcopy(self._kept_parameters)

    def _parameters(self) -> dict[str, Any]:
        names = ("dataset", "experiment", "trained_on", "recipe", "suite")
        own = {name: self["globals"][name] for name in names}
        plan = {"suite_plan": self._read(SUITES, "suite", own["suite"]) | {"name": own["suite"]}}
        parameters = super().__getitem__("parameters")
        if ABLATIONS in parameters:
            msg = f"{ABLATIONS}: what a family's ablations change is declared in its Family; remove {ABLATIONS} here"
            raise InputError(msg)
        recipe = self._recipe(own["recipe"])
        return _merged(recipe, parameters, own, {ABLATIONS: declared_ablations()}) | plan

    def _named(self, settings: dict[str, Any]) -> dict[str, Any]:
        changed: dict[str, Any] = dict(getattr(self, "runtime_params", None) or {})
        dataset, recipe = (str(changed.get(name) or settings[name]) for name in ("dataset", "recipe"))
        self.runtime_params, environment = {}, {}
        try:
            environment = _merged(self._recipe(recipe), super().__getitem__("parameters"))
        finally:
            self.runtime_params = changed
        environment["recipe"] = settings["recipe"]
        note = {"environment": self.env or self.default_run_env, "changed": differences(changed, environment)}
        experiment = str(changed.get("experiment") or experiment_name(dataset, changed, environment))
        trained_on = str(changed.get("trained_on") or experiment)
        evaluation = experiment if trained_on == experiment else f"{trained_on}-on-{experiment}"
        names = {"dataset": dataset, "recipe": recipe, "experiment": experiment, "trained_on": trained_on}
        names["suite"] = str(changed.get("suite") or settings["suite"])
        # a name that the user has given is the user's to keep apart
        return settings | names | {"evaluation": evaluation, "made_by": None if "experiment" in changed else note}

    def _recipe(self, name: str) -> dict[str, Any]:
        """Return a recipe's parameters, with those of families that it does not name."""
        if name not in self._recipes:
            self._recipes[name] = with_every_family(self._read(RECIPES, "recipe", name))
        return self._recipes[name]

    def _read(self, kind: str, what: str, name: str) -> dict[str, Any]:
        """Return what a file of a folder beside the environments holds.

        Raises:
            InputError: If there is no such file, or it holds no names.
        """
        files = self._files(kind)
        if name not in files:
            near = did_you_mean(name, files) or f", there are {', '.join(sorted(files)) or 'none'}"
            msg = f"{what}: no {kind}/{name}.yml in {self.conf_source}{near}"
            raise InputError(msg)
        content = OmegaConf.create(self._text(files[name]))
        if not isinstance(content, DictConfig):
            msg = f"{what}: {kind}/{name}.yml must hold names and values, got a list"
            raise InputError(msg)
        return _plain(content)

    def _published(self) -> dict[str, str]:
        """Return the texts of files of published results by name."""
        return {name: self._text(file) for name, file in self._files(PUBLISHED).items()}

    def _files(self, folder: str) -> dict[str, str]:
        """Return YAML files beside the environments, by name."""
        place = Path(self._get_conf_env_path(folder)).as_posix()
        return {Path(str(file)).stem: str(file) for file in self._fs.glob(f"{place}/*.yml")}

    def _text(self, file: str) -> str:
        with self._fs.open(file) as opened:
            return str(opened.read().decode("utf-8"))


def declared_ablations() -> dict[str, dict[str, Any]]:
    """Return what the variants of each family change, by family and variant; the unchanged one changes nothing."""
    return {
        name: {UNCHANGED: {}} | {variant: dict(ablation.changes) for variant, ablation in family.variants.items()}
        for name, family in families().items()
        if family.variants
    }


def with_every_family(recipe: dict[str, Any]) -> dict[str, Any]:
    """Return a recipe in which each registered family has an entry: what holds for all, its own, then the file's."""
    shared = recipe.get(EVERY_FAMILY, {})
    others = {name: value for name, value in recipe.items() if name != EVERY_FAMILY}
    own = {
        name: _merged(shared, dict(family.recipe), others.get(name, {}), {"family": name})
        for name, family in families().items()
    }
    return others | own


def merged(*maps: Any) -> dict[str, Any]:  # noqa: ANN401 (whatever configuration holds)
    """Merge configuration, later over earlier, with text as keys as in JSON: ``${merged:${globals:a}, …}``."""
    parts = [part for part in maps if part is not None]
    return dict(json.loads(json.dumps(OmegaConf.to_container(OmegaConf.merge(*parts), resolve=True))))


def project_path() -> str:
    """Return the folder of the project, from wherever in it a command runs; without a project, where it runs."""
    return Path(find_kedro_project(Path.cwd()) or Path.cwd()).as_posix()


def artifacts() -> str | None:
    """Return the folder of what runs keep; None where ``MLFLOW_TRACKING_URI`` names a server, which has its own."""
    store = os.environ.get("MLFLOW_TRACKING_URI", "")
    return None if store.partition(":")[0] in _SERVERS else f"{project_path()}/mlruns/artifacts"


def _merged(*maps: dict[str, Any]) -> dict[str, Any]:
    return _plain(OmegaConf.unsafe_merge(*maps))


def _plain(config: Any) -> dict[str, Any]:  # noqa: ANN401 (OmegaConf's)
    container: Any = OmegaConf.to_container(config, resolve=True) if isinstance(config, DictConfig) else config
    return {str(name): value for name, value in dict(container).items()}


RESOLVERS: dict[str, Callable[..., Any]] = {
    "project_path": project_path,
    "env": lambda name, default=None: os.environ.get(name, default),
    "merged": merged,
    "artifacts": artifacts,
}

"""Kedro's settings: configuration, hooks and the session."""

import json
import os
from difflib import get_close_matches
from functools import cache
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from fakefocus.hooks import CheckParameters, FamilyRuns, OneWriter, PlainErrors

HOOKS = (OneWriter(), CheckParameters(), FamilyRuns(), PlainErrors())
PROJECT = Path(__file__).resolve().parents[2]


@cache
def _recipes() -> DictConfig:
    loaded = OmegaConf.load(PROJECT / "conf/recipes/published.yml")
    return loaded if isinstance(loaded, DictConfig) else OmegaConf.create({})


def recipe(name: str) -> DictConfig:
    """Return a published recipe as parameters: ``${recipe:scade_net}``.

    It is a node, not a dict: OmegaConf merges what ``--params`` changes into nodes, and replaces dicts.

    Raises:
        ValueError: If there is no such recipe.
    """
    known = [str(key) for key in _recipes()]
    if name not in known:
        near = get_close_matches(name, known, n=1)
        meant = f", did you mean {near[0]!r}?" if near else f", there are {', '.join(known)}"
        msg = f"conf/recipes/published.yml: no recipe {name!r}{meant}"
        raise ValueError(msg)
    return DictConfig(OmegaConf.to_container(_recipes()[name]))


def merged(*maps: Any) -> dict[str, Any]:  # noqa: ANN401 (whatever configuration holds)
    """Merge configuration, later over earlier, with text as keys as in JSON: ``${merged:${globals:a}, …}``."""
    given = [part for part in maps if part is not None]
    return dict(json.loads(json.dumps(OmegaConf.to_container(OmegaConf.merge(*given), resolve=True))))


CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "local",
    "merge_strategy": {"parameters": "soft", "mlflow": "soft", "globals": "soft"},
    "custom_resolvers": {
        "project_path": PROJECT.as_posix,
        "env": lambda name, default=None: os.environ.get(name, default),
        "recipe": recipe,
        "merged": merged,
    },
}

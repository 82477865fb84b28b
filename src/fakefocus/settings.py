"""Kedro's settings: configuration, hooks and the session."""

import os
from pathlib import Path

from fakefocus.hooks import CheckParameters, FamilyRuns, PlainErrors

HOOKS = (CheckParameters(), FamilyRuns(), PlainErrors())

CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "local",
    "merge_strategy": {"parameters": "soft", "mlflow": "soft", "globals": "soft"},
    "custom_resolvers": {
        "project_path": lambda: Path(__file__).resolve().parents[2].as_posix(),
        "env": lambda name, default=None: os.environ.get(name, default),
    },
}

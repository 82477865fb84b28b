"""Kedro's settings: configuration, hooks and the session."""

from fakefocus import load_kedro_mlflow
from fakefocus.config import ProjectConfig
from fakefocus.hooks import CheckParameters, EnoughCovered, FamilyRuns, OneWriter, ParentRun, PlainErrors

load_kedro_mlflow()

HOOKS = (OneWriter(), CheckParameters(), EnoughCovered(), FamilyRuns(), ParentRun(), PlainErrors())

CONFIG_LOADER_CLASS = ProjectConfig
CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "local",
    "merge_strategy": {"parameters": "soft", "mlflow": "soft", "globals": "soft"},
}

"""What options of several commands share."""

import os
from importlib.util import find_spec
from pathlib import Path

import click
from click.shell_completion import CompletionItem

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


class Model(click.ParamType):
    """The name of a detector; shells complete those that come with the package, and folders."""

    name = "model"

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Return what a name that was begun may become."""
        from fakefocus.weights import shipped_detectors

        names = [CompletionItem(name) for name in shipped_detectors() if name.startswith(incomplete)]
        return [*names, CompletionItem(incomplete, type="dir")]


MODEL = Model()


def demand(extra: str, what: str, *modules: str) -> None:
    """Refuse what needs packages that are not installed, before any work is done.

    Raises:
        UsageError: With ``what`` needs them, and the command that installs ``fakefocus[extra]``.
    """
    missing = [module for module in modules if find_spec(module) is None]
    if missing:
        msg = f"{what} needs {', '.join(missing)}, not installed here: pip install 'fakefocus[{extra}]'"
        raise click.UsageError(msg)


def cores() -> int:
    """Return how many cores this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed is not None else os.cpu_count() or 1

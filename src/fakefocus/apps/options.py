"""What options of several commands share."""

import os
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


def cores() -> int:
    """Return how many cores this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed is not None else os.cpu_count() or 1

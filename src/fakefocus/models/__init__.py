"""Networks and their losses: a folder a family. Which families there are is found out here, and only here."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from fakefocus.errors import InputError, did_you_mean
from fakefocus.extensions import FAMILIES as ENTRY_POINTS
from fakefocus.extensions import extended
from fakefocus.models.family import DetectorOptions, Family

__all__ = ["DetectorOptions", "Family", "baselines", "families", "find_family", "main_families"]


@cache
def families() -> dict[str, Family]:
    """Return all families by name: the folders of this package, and what other packages register.

    Raises:
        InputError: If a package registers something else, or a name that is taken.
    """
    folders = [module.name for module in iter_modules(__path__) if module.ispkg]
    registered = {name: import_module(f"{__name__}.{name}").FAMILY for name in sorted(folders)}
    return extended(ENTRY_POINTS, registered, Family, "a fakefocus.models.Family")


def main_families() -> list[str]:
    """Return the names of the families that the default lineage trains."""
    return [name for name, family in families().items() if not family.baseline]


def baselines() -> list[str]:
    """Return the names of the families that they are compared with."""
    return [name for name, family in families().items() if family.baseline]


def find_family(name: str) -> Family:
    """Return a family by name.

    Raises:
        InputError: If there is none; names the near ones.
    """
    if name not in families():
        near = did_you_mean(name, families()) or f", there are {', '.join(families())}"
        msg = f"unknown family {name!r}{near}"
        raise InputError(msg)
    return families()[name]

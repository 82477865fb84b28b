"""Networks and their losses: a folder a family. Which families there are is found out here, and only here."""

from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from pkgutil import iter_modules

from fakefocus.errors import InputError, did_you_mean
from fakefocus.models.family import DetectorOptions, Family

__all__ = ["DetectorOptions", "Family", "baselines", "families", "find_family", "main_families"]

ENTRY_POINTS = "fakefocus.families"
"""Under this name other packages register a `Family`."""


@cache
def families() -> dict[str, Family]:
    """Return all families by name: the folders of this package, and what other packages register.

    Raises:
        InputError: If a package registers something else, or a name that is taken.
    """
    folders = [module.name for module in iter_modules(__path__) if module.ispkg]
    registered = {name: import_module(f"{__name__}.{name}").FAMILY for name in sorted(folders)}
    for point in entry_points(group=ENTRY_POINTS):
        place = f"entry point {ENTRY_POINTS}: {point.value}"
        try:
            family = point.load()
        except (ImportError, AttributeError) as error:
            msg = f"{place} cannot be loaded ({error}): mend or remove the package that registers it"
            raise InputError(msg) from error
        if not isinstance(family, Family):
            msg = f"{place} must be a fakefocus.models.Family, got {type(family).__name__}"
            raise InputError(msg)
        if family.name in registered:
            msg = f"{place}: the name {family.name!r} is taken, choose another"
            raise InputError(msg)
        registered[family.name] = family
    return registered


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

"""What other packages add to this one, by entry points (https://packaging.python.org/specifications/entry-points)."""

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TypeVar

from fakefocus.errors import InputError

FAMILIES, LAYOUTS = "fakefocus.families", "fakefocus.layouts"
PERTURBATIONS, METRICS = "fakefocus.perturbations", "fakefocus.metrics"
Kind = TypeVar("Kind")


def names(group: str) -> list[str]:
    """Return the names under which other packages add something to ``group``; nothing of theirs is imported."""
    return [point.name for point in _points(group)]


def extended(group: str, ours: dict[str, Kind], kind: type[Kind], rule: str) -> dict[str, Kind]:
    """Return what is ours and what other packages add, by name.

    Args:
        group: One of the names above.
        ours: What comes with this package.
        kind: What an addition has to be.
        rule: That in words.

    Raises:
        InputError: If an addition cannot be imported, is something else, or has a name that is taken.
    """
    all_of_them = dict(ours)
    for point in _points(group):
        place = f"entry point {group}: {point.value}"
        try:
            added = point.load()
        except (ImportError, AttributeError) as error:
            msg = f"{place} cannot be loaded ({error}): mend or remove the package that registers it"
            raise InputError(msg) from error
        if not isinstance(added, kind):
            msg = f"{place} must be {rule}, got {type(added).__name__}"
            raise InputError(msg)
        name = str(getattr(added, "name", point.name))
        if name in all_of_them:
            msg = f"{place}: the name {name!r} is taken, choose another"
            raise InputError(msg)
        all_of_them[name] = added
    return all_of_them


@cache
def _points(group: str) -> tuple[EntryPoint, ...]:
    return tuple(entry_points(group=group))

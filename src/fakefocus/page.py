"""HTML pages that need no other file, all of one look."""

from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup


def render(
    template: str,
    filters: Mapping[str, Callable[..., Any]],
    **values: Any,  # noqa: ANN401 (whatever a template shows)
) -> str:
    """Return a page.

    Args:
        template: Of Jinja; ``style`` in it is the shared CSS. What it shows is escaped.
        filters: Functions that the template calls.
        values: What it shows; a name that it lacks is an error.
    """
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= dict(filters)
    style = Markup((files("fakefocus") / "page.css").read_text("utf-8"))
    return environment.from_string(template).render(style=style, **values)

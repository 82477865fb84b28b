"""HTML pages that need no other file, all of one look."""

import base64
import io
from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup
from PIL import Image

_LARGE = 120_000
"""Bytes of a picture from which on it is kept with loss: photographs, not charts."""

_LONGEST = 16383
"""Pixels of a side that WebP can hold."""


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


def picture_uri(png: bytes) -> str:
    """Return a picture as an address that holds it: WebP, without loss where that is small; PNG beyond WebP's size."""
    with Image.open(io.BytesIO(png)) as image:
        if max(image.size) > _LONGEST:
            return f"data:image/png;base64,{base64.b64encode(png).decode()}"
        whole = _webp(image, lossless=True)
        data = whole if len(whole) <= _LARGE else _webp(image, quality=88)
    return f"data:image/webp;base64,{base64.b64encode(data).decode()}"


def _webp(image: Image.Image, **options: Any) -> bytes:  # noqa: ANN401 (Pillow's)
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, "WEBP", method=4, **options)
    return buffer.getvalue()

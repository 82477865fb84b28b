"""Reads images, and folders of numbered ones that stand for clips."""

import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from fakefocus.imaging.media import IMAGE_SUFFIXES, PASSING, MediaError, check_size

_NUMBER = re.compile(r"(\d+)$")
"""A picture of a folder has its number at the end of its name."""


def pictures_in(folder: Path) -> dict[int, Path]:
    """Return the pictures in a folder by the number at the end of their names, rising: ``9.png`` before ``010.png``.

    Other files and hidden ones are passed over.

    Raises:
        MediaError: If a picture has no number, or two have the same.
    """
    names = sorted(e.name for e in os.scandir(folder) if is_image(Path(e.name)) and not e.name.startswith("."))
    pictures: dict[int, Path] = {}
    for name in names:
        number = _NUMBER.search(Path(name).stem)
        if number is None:
            msg = f"a folder of frames, and the name of {name} does not end in its number"
            raise MediaError(msg)
        if (index := int(number.group(1))) in pictures:
            msg = f"a folder of frames, and {pictures[index].name} and {name} both are number {index}"
            raise MediaError(msg)
        pictures[index] = folder / name
    return dict(sorted(pictures.items()))


def digest_folder(pictures: Sequence[Path]) -> str:
    """Return the SHA-256 over names, sizes and content of pictures, in their order."""
    digest = hashlib.sha256()
    for path in pictures:
        content = path.read_bytes()
        digest.update(f"{path.name}\0{len(content)}\0".encode("utf-8", "surrogateescape") + content)
    return digest.hexdigest()


def first_picture(pictures: Sequence[Path]) -> NDArray[np.uint8]:
    """Return the first picture that decodes."""
    errors = []
    for path in pictures:
        try:
            return read_image(path)
        except MediaError as error:
            errors.append(str(error))
    msg = f"none of {len(pictures)} pictures decodes: {errors[0]}"
    raise MediaError(msg)


def is_image(path: Path) -> bool:
    """Return whether a file is an image, by its suffix."""
    return path.suffix.lower() in IMAGE_SUFFIXES


def read_image(path: Path) -> NDArray[np.uint8]:
    """Decode an image to ``(H, W, 3) uint8, RGB``, turned as its EXIF data say."""
    try:
        with Image.open(path) as image:
            check_size(*image.size)
            return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    except UnidentifiedImageError as error:
        msg = "not an image that Pillow can read"
        raise MediaError(msg) from error
    except Image.DecompressionBombError as error:
        msg = f"absurd size in its header: {error}"
        raise MediaError(msg) from error
    except (OSError, SyntaxError, ValueError) as error:
        if isinstance(error, (MediaError, FileNotFoundError, PermissionError)):
            raise
        if isinstance(error, OSError) and error.errno in PASSING:
            raise
        msg = f"image does not decode: {error}"
        raise MediaError(msg) from error

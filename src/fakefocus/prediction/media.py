"""Finds the files that are asked about: paths, folders, patterns, and lists of them."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from glob import glob, has_magic
from pathlib import Path
from tempfile import TemporaryDirectory

from fakefocus.errors import InputError
from fakefocus.imaging.media import IMAGE_SUFFIXES, VIDEO_SUFFIXES

SUFFIXES = VIDEO_SUFFIXES | IMAGE_SUFFIXES
_BEGINNINGS = (
    (b"\xff\xd8\xff", ".jpg"),
    (b"\x89PNG", ".png"),
    (b"BM", ".bmp"),
    (b"II*\x00", ".tif"),
    (b"MM\x00*", ".tif"),
)
"""Of images, which are told by their bytes; FFmpeg tells clips itself."""


def suffix_of(beginning: bytes) -> str:
    """Return the suffix of a file that begins with these bytes, 12 or more: an image's, or ``.mp4`` for all else."""
    if beginning[:4] == b"RIFF" and beginning[8:12] == b"WEBP":
        return ".webp"
    return next((suffix for mark, suffix in _BEGINNINGS if beginning.startswith(mark)), ".mp4")


def find_media(names: Iterable[str]) -> list[Path]:
    """Return the files that are named, each once, in order.

    Args:
        names: Files of any suffix; folders, of which clips and images are taken, those below too, but hidden ones;
            patterns such as ``clips/*.mp4``.

    Raises:
        InputError: If nothing is there under a name, or a folder or pattern holds no clip and no image.
    """
    files = {path.absolute(): path for name in names for path in _readable(name)}
    return list(files.values())


@contextmanager
def under_its_kind(path: Path) -> Iterator[Path]:
    """Give a file whose bytes are of another kind than its name says a name of its kind, for a while."""
    try:
        with path.open("rb") as file:
            suffix = suffix_of(file.read(16))
    except OSError:
        # a folder, or a file that cannot be read: whoever looks at it says why
        yield path
        return
    is_image = path.suffix.lower() in IMAGE_SUFFIXES
    if is_image == (suffix in IMAGE_SUFFIXES):
        yield path
        return
    with TemporaryDirectory(prefix="fakefocus-") as folder:
        named = Path(folder) / f"media{suffix}"
        named.symlink_to(path.absolute())
        yield named


def _readable(name: str) -> Iterator[Path]:
    try:
        yield from _named(name)
    except OSError as error:
        msg = f"{name[:80]}: cannot be looked for ({error.strerror})"
        raise InputError(msg) from error


def _named(name: str) -> Iterator[Path]:
    path = Path(name)
    if path.is_dir():
        inside = sorted(file for file in path.rglob("*") if _is_media(file) and not _hidden(file.relative_to(path)))
        if not inside:
            msg = f"{name}: no clip and no image is in this folder ({_suffixes()})"
            raise InputError(msg)
        yield from inside
    elif path.exists() or path.is_symlink():
        yield path
    elif has_magic(name):
        # Path.glob has no absolute patterns
        named = sorted(glob(name, recursive=True))  # noqa: PTH207
        matching = [Path(file) for file in named if not Path(file).is_dir()]
        if not matching:
            msg = f"{name}: nothing matches this pattern; quote it, so that no shell changes it"
            raise InputError(msg)
        yield from matching
    else:
        msg = f"{name}: no such file or folder; looked for it in {Path.cwd()}"
        raise InputError(msg)


def _is_media(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and path.is_file()


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _suffixes() -> str:
    return " ".join(sorted(SUFFIXES))

"""Which files hold faces, and why one cannot be used."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import av

VIDEO_SUFFIXES = frozenset({".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v", ".mpg", ".mpeg", ".wmv"})
IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
MAX_PIXELS = 2**26
"""A picture of more pixels than this (8192 x 8192) is taken for a broken or hostile header."""
PASSING = frozenset({errno.EIO, errno.ESTALE, errno.ETIMEDOUT, errno.ENETUNREACH, errno.EHOSTDOWN})
"""What the system says of a disk or a network that fails, not of the file."""


class MediaError(ValueError):
    """A file that cannot be used; its text is the reason that ``rejected_media`` shows."""


class PassingMediaError(MediaError):
    """A file that cannot be read now, but may be later: it is gone, or the disk or the network failed."""


def check_size(width: int, height: int) -> None:
    """Check the size in pixels that a file claims.

    Raises:
        MediaError: If it is more than `MAX_PIXELS`.
    """
    if width * height > MAX_PIXELS:
        msg = f"absurd size in its header: {width} x {height}, more than {MAX_PIXELS} pixels"
        raise MediaError(msg)


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """Turn what a file system, FFmpeg or Pillow say of a file into a reason."""
    try:
        yield
    except MediaError:
        raise
    except FileNotFoundError as error:
        gone = f"dangling link: it points to {path.readlink()}" if path.is_symlink() else "no such file (any more)"
        raise PassingMediaError(gone) from error
    except PermissionError as error:
        msg = "no permission to read it"
        raise PassingMediaError(msg) from error
    except IsADirectoryError as error:
        msg = "not a regular file"
        raise MediaError(msg) from error
    except av.error.FFmpegError as error:
        raise _unreadable(path, error) from error
    except OSError as error:
        msg = f"cannot be read: {error.strerror or error}"
        raise PassingMediaError(msg) from error
    except MemoryError as error:
        msg = "cannot be read: memory ran out"
        raise PassingMediaError(msg) from error
    except Exception as error:
        # decoders fail in ways of their own on damaged files; whatever a file does, it is set aside with its reason
        msg = f"damaged: {type(error).__name__}: {str(error)[:200]}"
        raise MediaError(msg) from error


def _unreadable(path: Path, error: Any) -> MediaError:  # noqa: ANN401 (FFmpegError has no stub)
    """Return the reason for what FFmpeg says; a failing disk or network may pass."""
    if error.errno in PASSING:
        return PassingMediaError(f"cannot be read: {error.strerror}")
    with path.open("rb") as file:
        head = file.read(12)
    if head[4:8] == b"ftyp":
        return MediaError("truncated MP4: its index (moov) is missing; the copy or the download was cut off")
    return MediaError(f"not a media file that FFmpeg can read: {error.strerror}")

"""What a user gave and cannot be worked with, and the name that may have been meant."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches


class InputError(ValueError):
    """What a user gave cannot be worked with; its text names the place, the rule, the value and the remedy."""


@contextmanager
def needs_extra(extra: str, what: str) -> Iterator[None]:
    """Say how to install what is imported inside, where it is missing: a package of ``fakefocus[extra]``.

    Raises:
        InputError: With ``what`` needs it, what is missing and the command that installs it.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        name = (error.name or "").partition(".")[0]
        if name == "fakefocus":
            raise
        msg = f"{what} needs {name or error}, which is not installed: pip install 'fakefocus[{extra}]'"
        raise InputError(msg) from error


def did_you_mean(word: object, words: Iterable[str], count: int = 1) -> str:
    """Return ``, did you mean 'x'?`` with up to ``count`` near misses of ``word``; empty where none is near."""
    near = get_close_matches(str(word), list(words), n=count)
    return f", did you mean {' or '.join(map(repr, near))}?" if near else ""


def counted(reasons: Iterable[str], most: int = 5) -> str:
    """Return ``3 x no face; 1 x empty file``: the most frequent reasons first."""
    counts: dict[str, int] = {}
    for reason in reasons:
        counts[reason] = counts.get(reason, 0) + 1
    ranked = sorted(counts.items(), key=lambda item: -item[1])
    more = f"; {len(ranked) - most} more reasons" if len(ranked) > most else ""
    return "; ".join(f"{count} x {reason}" for reason, count in ranked[:most]) + more

"""Chooses which frames of a clip are looked at."""

from typing import Literal

Method = Literal["every", "evenly"]


def sample_frames(
    count: int, *, method: Method, every: int, frames: int, min_frames: int, max_frames: int | None
) -> list[int]:
    """Return the numbers of the frames to look at, rising, spread over the whole clip.

    Args:
        count: Frames in the clip.
        method: ``every``: each ``every``-th frame, from the first on. ``evenly``: ``frames`` of them, each
            from the middle of an equal part of the clip.
        every: Step in frames.
        frames: Number of frames.
        min_frames: With ``every``: where a clip is too short for so many, the step is shortened.
        max_frames: With ``every``: where there would be more, so many of them, spread evenly; None: no limit.

    Returns:
        Between 1 and ``count`` numbers in [0, ``count``); none if ``count`` is 0.
    """
    if method == "evenly":
        return _evenly(count, frames)
    step = max(min(every, count // min_frames), 1)
    regular = range(0, count, step)
    if max_frames is None or len(regular) <= max_frames:
        return list(regular)
    return [regular[i] for i in _evenly(len(regular), max_frames)]


def _evenly(count: int, wanted: int) -> list[int]:
    taken = min(count, wanted)
    return [(2 * i + 1) * count // (2 * taken) for i in range(taken)]

"""Perceptual hash of pictures, to find pictures that show the same thing (after Zauner 2010, http://phash.org)."""

import cv2
import numpy as np
from numpy.typing import NDArray

BITS = 256
"""64 bits do not do: aligned faces of different people differed in as few as 2 of them, as copies of one picture do."""
_SIDE, _LOW = 64, 16
_BLOCK = 2048


def perceptual_hash(picture: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Return 256 bits of a picture, ``(H, W, 3) uint8, RGB``, as ``(4,) uint64``.

    They are the signs against their median of the 16 x 16 lowest frequencies of the cosine transform of 64 x 64 grey
    values, without the row and the column of frequency 0, which the light would rule.
    """
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA).astype(np.float32)
    low = cv2.dct(small)[1 : _LOW + 1, 1 : _LOW + 1].ravel()
    return np.packbits(low > np.median(low)).view(np.uint64)


def distances(left: NDArray[np.uint64], right: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Return how many bits differ, ``(L, R)`` in [0, 256], between hashes ``(L, 4)`` and ``(R, 4)``."""
    words = [np.bitwise_count(left[:, None, w] ^ right[None, :, w]) for w in range(left.shape[1])]
    return np.sum(words, axis=0, dtype=np.int64)


def nearest(left: NDArray[np.uint64], right: NDArray[np.uint64], distance: int) -> NDArray[np.int64]:
    """Return which picture of ``left`` each of ``right`` is a near-duplicate of, if of any.

    Compares block by block: memory stays at some hundred megabytes, whatever the number of pictures.

    Args:
        left: Hashes, ``(L, 4)``.
        right: Hashes, ``(R, 4)``.
        distance: Bits in which near-duplicates differ at most, in [0, 256].

    Returns:
        ``(P, 3)``: index in right, index in left of the nearest, and differing bits, where these are few enough.
    """
    best = np.full((len(right), 2), [-1, BITS + 1])
    for i in range(0, len(left), _BLOCK):
        for j in range(0, len(right), _BLOCK):
            near = _near(left[i : i + _BLOCK], right[j : j + _BLOCK], distance)
            near = near[near[:, 2] < best[j + near[:, 0], 1]]
            best[j + near[:, 0]] = near[:, 1:] + [i, 0]
    matched = np.flatnonzero(best[:, 0] >= 0)
    return np.column_stack([matched, best[matched]])


def _near(left: NDArray[np.uint64], right: NDArray[np.uint64], distance: int) -> NDArray[np.int64]:
    """Return ``(index in right, in left, bits)`` of near-duplicates, the nearest left of each right last."""
    # most pairs are told apart by their first words
    rows, columns = np.nonzero(np.bitwise_count(left[:, None, 0] ^ right[None, :, 0]) <= distance)
    bits = np.bitwise_count(left[rows] ^ right[columns]).sum(axis=1, dtype=np.int64)
    order = np.flatnonzero(bits <= distance)
    order = order[np.lexsort((-rows[order], -bits[order]))]
    return np.column_stack([columns, rows, bits])[order]

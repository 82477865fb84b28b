import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from fakefocus.imaging.phash import distances, nearest, perceptual_hash


def _picture(seed: int) -> NDArray[np.uint8]:
    noise = np.random.default_rng(seed).integers(0, 255, (16, 16, 3), dtype=np.uint8)
    return cv2.resize(noise, (256, 256), interpolation=cv2.INTER_CUBIC)


def _jpeg(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 30])[1], cv2.IMREAD_COLOR)


def _half(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return cv2.resize(picture, (128, 128), interpolation=cv2.INTER_AREA)


@pytest.mark.parametrize("change", [_jpeg, _half, lambda p: cv2.convertScaleAbs(p, alpha=0.9, beta=8)])
def test_a_copy_differs_in_few_bits_and_another_picture_in_many(change) -> None:
    hashes = np.stack([perceptual_hash(p) for p in (_picture(0), change(_picture(0)), _picture(1))])
    assert distances(hashes, hashes)[0, 1] <= 12
    # 256 bits of unrelated pictures: half of them differ, with a standard deviation of 8
    assert distances(hashes, hashes)[0, 2] > 80


@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 256), st.integers(0, 99))
def test_nearest_finds_what_comparing_all_bits_of_all_pairs_finds(left: int, right: int, limit: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    a, b = (rng.integers(0, 2**63, (n, 4)).astype(np.uint64) for n in (left, right))
    b[0] = a[-1] ^ np.uint64(5)
    bits = distances(a, b)
    found = {r: d for r, _, d in nearest(a, b, limit).tolist()}
    assert found == {r: bits[:, r].min() for r in range(right) if bits[:, r].min() <= limit}
    assert all(bits[n, r] == d for r, n, d in nearest(a, b, limit).tolist())


def test_nearest_goes_on_beyond_one_block() -> None:
    rng = np.random.default_rng(0)
    a = rng.integers(0, 2**63, (2500, 4)).astype(np.uint64)
    b = rng.integers(0, 2**63, (2500, 4)).astype(np.uint64)
    b[2400] = a[2300]
    assert nearest(a, b, 12).tolist() == [[2400, 2300, 0]]
    assert nearest(a[:0], b, 12).shape == nearest(a, b[:0], 12).shape == (0, 3)

"""Brings a face upright to a fixed place in a square crop, by one warp from the source frame."""

from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

_Number = TypeVar("_Number", bound=np.generic)

TEMPLATE = np.array(
    [[0.34191, 0.46157], [0.65653, 0.45983], [0.50022, 0.64050], [0.37098, 0.82469], [0.63152, 0.82325]]
)
"""Where both eyes, the nose and both corners of the mouth come to stand in a crop without margin.

Image-left eye first; fractions of the side of the crop. The proportions are those that ArcFace aligns to
(Deng et al., ArcFace, CVPR 2019, https://arxiv.org/abs/1801.07698)."""

_HALVED = 2.5
"""A face that is shrunk by this factor or more is halved first, and again. What is left, 1.25 or more, is smoothed by a
Gaussian: after halves alone, the warp's own blur would be another in each place of the crop."""
_PLANE = np.array([1, 1j])
"""Brings points ``(N, 2)`` to complex numbers, x + iy."""
_LEAST_BLUR = 0.2
"""Deviation of a Gaussian, in pixels, below which it changes nothing."""


def align_face(
    image: NDArray[np.uint8], landmarks: NDArray[np.floating], size: int, margin: float
) -> NDArray[np.uint8]:
    """Cut a face out of ``(H, W, 3) uint8`` so that its landmarks meet ``TEMPLATE``.

    The least-squares similarity (Umeyama 1991, https://doi.org/10.1109/34.88573) keeps the proportions
    of the face. Beyond the border of the frame its last pixels are repeated. A face that is shrunk is smoothed
    first, so that no detail finer than the crop's pixels turns into a false pattern (aliasing).

    Args:
        image: The source frame.
        landmarks: ``(5, 2)``, x and y in pixels of the frame, in the order of ``TEMPLATE``.
        size: Side of the crop in pixels.
        margin: Share of the face added around it, half on each side: .3 leaves 77 % of the side to the face.

    Returns:
        ``(size, size, 3) uint8``.
    """
    part, matrix = _smoothed(image, similarity(landmarks, template_for(size, margin)), size)
    warped = cv2.warpAffine(part, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return warped.astype(np.uint8, copy=False)


def _smoothed(
    image: NDArray[np.uint8], matrix: NDArray[np.float64], size: int
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Return the part of a frame that a ``(2, 3)`` similarity shows, smoothed for it, and the similarity from there.

    Halves of the part are averages of 2 x 2; what is left of the shrinking, by a factor s, takes a Gaussian of
    deviation sqrt(s² - 1) / 2: with the half pixel of the grid before, the crop has half a pixel of its own.
    """
    shrinking = 1 / float(np.sqrt(np.linalg.det(matrix[:, :2])))
    if shrinking <= 1:
        return image, matrix
    part, matrix = _shown(image, matrix, size, border=3 * shrinking)
    while shrinking >= _HALVED and min(part.shape[:2]) >= 2:
        height, width = part.shape[0] // 2, part.shape[1] // 2
        part = cv2.resize(part[: 2 * height, : 2 * width], (width, height), interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
        # the middle of a pixel of the half is between those of its four
        matrix = np.column_stack([2 * matrix[:, :2], matrix[:, 2] + matrix[:, :2] @ (0.5, 0.5)])
        shrinking /= 2
    sigma = float(np.sqrt(shrinking**2 - 1)) / 2
    return (cv2.GaussianBlur(part, (0, 0), sigma) if sigma > _LEAST_BLUR else part), matrix  # type: ignore[return-value]


def _shown(
    image: NDArray[np.uint8], matrix: NDArray[np.float64], size: int, border: float
) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Return the part of a frame that a similarity shows, with a border in pixels, and the similarity from there."""
    corners = np.array([[0, 0, 1], [size, 0, 1], [0, size, 1], [size, size, 1]]) @ cv2.invertAffineTransform(matrix).T
    limits = np.array(image.shape[1::-1])
    low = np.clip(np.floor(corners.min(axis=0) - border), 0, limits - 1).astype(int)
    high = np.clip(np.ceil(corners.max(axis=0) + border), low + 1, limits).astype(int)
    return image[low[1] : high[1], low[0] : high[0]], np.column_stack(
        [matrix[:, :2], matrix[:, 2] + matrix[:, :2] @ low]
    )


def place_landmarks(landmarks: NDArray[np.floating], size: int, margin: float) -> NDArray[np.float64]:
    """Return where the landmarks ``(5, 2)`` of a frame are in the crop that `align_face` cuts, in its pixels."""
    matrix = similarity(landmarks, template_for(size, margin))
    return np.asarray(landmarks @ matrix[:, :2].T + matrix[:, 2])


def crop_box(image: NDArray[np.uint8], box: NDArray[np.floating], size: int, margin: float) -> NDArray[np.uint8]:
    """Cut a box out of ``(H, W, 3) uint8`` without alignment, as published code does.

    The box, ``(4,)`` in pixels, grows by ``margin`` of its sides, half on each, as far as the frame reaches, and
    its proportions become those of a square. facenet-pytorch's 76 of 256 pixels are a margin of .42 here.

    Returns:
        ``(size, size, 3) uint8``.
    """
    x1, y1, x2, y2 = _grown(box, margin, (image.shape[1], image.shape[0]))
    return cv2.resize(image[y1:y2, x1:x2], (size, size), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def place_in_box(
    landmarks: NDArray[np.floating], box: NDArray[np.floating], frame: tuple[int, int], size: int, margin: float
) -> NDArray[np.float64]:
    """Return where the landmarks of a frame of ``frame`` (width, height) are in the crop that `crop_box` cuts."""
    x1, y1, x2, y2 = _grown(box, margin, frame)
    return (landmarks - [x1, y1]) * size / [x2 - x1, y2 - y1]


def _grown(box: NDArray[np.floating], margin: float, frame: tuple[int, int]) -> tuple[int, int, int, int]:
    grow = (box[2:] - box[:2]) * margin / 2
    x1, y1 = np.maximum(box[:2] - grow, 0).astype(int)
    x2, y2 = np.minimum(box[2:] + grow, frame).astype(int)
    return int(x1), int(y1), max(int(x2), int(x1) + 1), max(int(y2), int(y1) + 1)


def centre_of(image: NDArray[_Number], size: int) -> tuple[NDArray[_Number], tuple[int, int]]:
    """Return the middle ``(size, size, …)`` of a picture that is not smaller, and where it begins, x and y."""
    y, x = ((side - size) // 2 for side in image.shape[:2])
    return np.ascontiguousarray(image[y : y + size, x : x + size]), (x, y)


def template_for(size: int, margin: float) -> NDArray[np.float64]:
    """Return ``TEMPLATE`` in pixels of a crop of ``size`` with ``margin``: ``(5, 2)``."""
    return ((TEMPLATE - 0.5) / (1 + margin) + 0.5) * size


def similarity(source: NDArray[np.floating], target: NDArray[np.floating]) -> NDArray[np.float64]:
    """Return the ``(2, 3)`` similarity that brings ``source`` points nearest to ``target`` points."""
    s, t = source @ _PLANE, target @ _PLANE  # a similarity is a product and a sum of complex numbers
    centre_s, centre_t = s.mean(), t.mean()
    s, t = s - centre_s, t - centre_t
    spread = np.vdot(s, s).real
    if spread < 1e-6:
        msg = "landmarks coincide: a face needs five points that differ"
        raise ValueError(msg)
    turn = np.vdot(s, t) / spread
    move = centre_t - turn * centre_s
    return np.array([[turn.real, -turn.imag, move.real], [turn.imag, turn.real, move.imag]])


def sharpness(crop: NDArray[np.uint8]) -> float:
    """Return the variance of the Laplacian in squared grey levels: small where a crop is blurred.

    Pech-Pacheco et al., Diatom autofocusing in brightfield microscopy, 2000
    (https://doi.org/10.1109/ICPR.2000.903548).
    """
    # 16 bits hold it exactly
    _, deviation = cv2.meanStdDev(cv2.Laplacian(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), cv2.CV_16S))
    return float(deviation[0, 0]) ** 2

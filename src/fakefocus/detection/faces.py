"""What a detector returns."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Faces:
    """The faces of one frame, largest first.

    ``boxes`` ``(N, 4)``: x1, y1, x2, y2 in pixels; ``scores`` ``(N,)`` in [0, 1]; ``landmarks``
    ``(N, 5, 2)``: image-left eye, image-right eye, nose, both corners of the mouth, x and y in pixels,
    not a number where a detector gives none.
    """

    boxes: NDArray[np.float64]
    scores: NDArray[np.float64]
    landmarks: NDArray[np.float64]


NO_FACES = Faces(np.zeros((0, 4)), np.zeros(0), np.zeros((0, 5, 2)))

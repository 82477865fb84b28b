"""What happens to real pictures on their way, none of which makes them fake: a detector must not call them so.

Each edit is one step of one strength, the hardest that is still common: what a platform, a messenger or somebody
else's cropper does. `perturbations` has curves of strengths; this is what a false alarm rate is promised for.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from fakefocus.imaging.codec import Passage, h264
from fakefocus.imaging.perturbations import blur, compress, rescale

Picture = NDArray[np.uint8]

_NO_DRAW = np.random.default_rng(0)
_PASSAGE = Passage(2, (0.7, 0.3))
"""The third frame of a shot in which the picture passes by: predicted, as most frames are."""
_KEPT = 0.65
"""Share of a crop's sides that a tighter crop keeps."""


class Edit(NamedTuple):
    """An edit: its title, and what takes ``(H, W, 3) uint8, RGB`` and gives the same shape."""

    title: str
    apply: Callable[[Picture], Picture]


def crop_again(image: Picture) -> Picture:
    """Keep the middle of a crop, and show beyond it what is repeated where a frame ends."""
    height, width = image.shape[:2]
    down, across = round(height * (1 - _KEPT) / 2), round(width * (1 - _KEPT) / 2)
    middle = image[down : height - down, across : width - across]
    return np.pad(middle, ((down, down), (across, across), (0, 0)), mode="edge")


def scale_brightness(image: Picture, factor: float) -> Picture:
    """Multiply all pixels by a factor; what is brighter than white is white."""
    return np.clip(np.rint(image * np.float32(factor)), 0, 255).astype(np.uint8)


def _half_size(image: Picture) -> Picture:
    """Make a picture half as large, encode it as a shared clip is, and make it as large as it was."""
    height, width = image.shape[:2]
    small = np.asarray(cv2.resize(image, (width // 2, height // 2), interpolation=cv2.INTER_AREA), dtype=np.uint8)
    coded = h264(small, 28, _PASSAGE)
    return np.asarray(cv2.resize(coded, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


EDITS: dict[str, Edit] = {
    "h264_c23": Edit("H.264, CRF 23", partial(h264, crf=23, passage=_PASSAGE)),
    "h264_c32": Edit("H.264, CRF 32", partial(h264, crf=32, passage=_PASSAGE)),
    "h264_c40": Edit("H.264, CRF 40", partial(h264, crf=40, passage=_PASSAGE)),
    "jpeg_30": Edit("JPEG, quality 30", partial(compress, quality=30, rng=_NO_DRAW)),
    "half_size": Edit("half size", partial(rescale, factor=0.5, rng=_NO_DRAW)),
    "shared": Edit("half size, then H.264, CRF 28", _half_size),
    "blur": Edit("Gaussian blur, σ 1.5 pixels", partial(blur, sigma=1.5, rng=_NO_DRAW)),
    "crop_again": Edit("crop of a crop", crop_again),
    "darker": Edit("brightness x .7", partial(scale_brightness, factor=0.7)),
    "brighter": Edit("brightness x 1.3", partial(scale_brightness, factor=1.3)),
}
"""By name; of pictures of 8 bits, such as stored crops."""

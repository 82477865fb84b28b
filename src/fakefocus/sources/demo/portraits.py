"""The two public-domain portraits that the demo corpus is made from, with landmarks placed by hand.

Both pictures come inside wheels that the project depends on, so nothing is downloaded and nothing
is stored in the repository:

- Eileen Collins, NASA, public domain: ``skimage.data.astronaut()``
  (https://scikit-image.org/docs/stable/api/skimage.data.html#skimage.data.astronaut)
- Grace Hopper, US Navy, public domain: matplotlib's sample ``grace_hopper.jpg``
  (https://matplotlib.org/stable/gallery/misc/demo_ribbon_box.html)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

LANDMARKS = (
    *("jaw_0", "jaw_1", "jaw_2", "jaw_3", "chin", "jaw_5", "jaw_6", "jaw_7", "jaw_8"),
    *("brow_r_outer", "brow_r_mid", "brow_r_inner", "brow_l_inner", "brow_l_mid", "brow_l_outer"),
    *("eye_r_outer", "eye_r_top", "eye_r_inner", "eye_r_bottom"),
    *("eye_l_inner", "eye_l_top", "eye_l_outer", "eye_l_bottom"),
    *("nose_bridge", "nose_tip", "ala_r", "ala_l", "nose_base"),
    *("mouth_r", "lip_top", "mouth_l", "lip_bottom"),
    *("hair_r", "hair_mid", "hair_l"),
)
"""Names in the order of ``Portrait.landmarks``; r and l are the person's right and left."""

MIRRORED = (
    *(8, 7, 6, 5, 4, 3, 2, 1, 0),
    *(14, 13, 12, 11, 10, 9),
    *(21, 20, 19, 22, 17, 16, 15, 18),
    *(23, 24, 26, 25, 27),
    *(30, 29, 28, 31),
    *(34, 33, 32),
)
"""Where each landmark is found after the picture was flipped left to right."""

_COLLINS = [
    *((180, 100), (182, 128), (184, 150), (196, 167), (222, 178), (245, 170), (260, 156), (267, 135), (269, 105)),
    *((190, 91), (200, 88), (213, 93), (238, 93), (250, 91), (262, 95)),
    *((194, 100), (203, 97), (213, 103), (203, 104.5)),
    *((237, 104), (247, 99), (258, 104), (247, 107)),
    *((225, 102), (225, 124), (213, 130), (237, 130), (225, 132)),
    *((204, 140), (224, 141), (246, 141), (224, 154)),
    *((186, 82), (222, 80), (262, 88)),
]
_HOPPER = [
    *((183, 185), (190, 245), (200, 290), (220, 322), (263, 337), (305, 322), (325, 290), (337, 245), (343, 185)),
    *((195, 168), (215, 162), (240, 168), (285, 165), (308, 157), (335, 160)),
    *((203, 193), (222, 184), (246, 194), (224, 199)),
    *((283, 190), (305, 180), (329, 187), (306, 195)),
    *((263, 192), (264, 232), (240, 242), (294, 240), (266, 250)),
    *((232, 279), (265, 275), (306, 277), (266, 294)),
    *((192, 142), (260, 131), (328, 138)),
]
_COLLINS_OUTLINE = [
    *((10, 430), (22, 360), (38, 300), (68, 245), (105, 215), (118, 190), (126, 168), (142, 153), (165, 148)),
    *((182, 150), (180, 132), (168, 119), (156, 104), (152, 75), (160, 55), (184, 38), (202, 23), (235, 15)),
    *((265, 23), (290, 45), (300, 75), (299, 100), (290, 119), (275, 133), (267, 140), (262, 158), (257, 173)),
    *((275, 184), (297, 208), (304, 235), (325, 250), (345, 275), (356, 310), (372, 345), (430, 345), (495, 430)),
]
_HOPPER_OUTLINE = [
    *((16, 599), (24, 460), (42, 392), (72, 376), (112, 363), (160, 346), (195, 326), (203, 310), (188, 292)),
    *((164, 278), (165, 252), (157, 228), (154, 195), (150, 168), (151, 128), (161, 102), (177, 84), (190, 62)),
    *((215, 43), (236, 29), (262, 23), (286, 28), (305, 42), (334, 58), (353, 84), (367, 91), (371, 120)),
    *((371, 180), (376, 196), (371, 222), (361, 246), (362, 270), (351, 298), (335, 310), (346, 321), (376, 341)),
    *((430, 361), (488, 386), (503, 430), (511, 599)),
]


@dataclass(frozen=True)
class Portrait:
    """One picture with what a morph needs to know of it.

    ``image`` is ``(H, W, 3) uint8, RGB``; ``alpha`` ``(H, W) float32`` in [0, 1], 1 on the person;
    ``landmarks`` ``(35, 2) float64`` and ``outline`` ``(N, 2) float64``, x and y in pixels.
    """

    image: NDArray[np.uint8]
    alpha: NDArray[np.float32]
    landmarks: NDArray[np.float64]
    outline: NDArray[np.float64]

    def mirrored(self) -> "Portrait":
        """Return the portrait flipped left to right."""
        width = self.image.shape[1]
        flip = np.array([-1.0, 1.0]), np.array([width - 1.0, 0.0])
        return Portrait(
            np.ascontiguousarray(self.image[:, ::-1]),
            np.ascontiguousarray(self.alpha[:, ::-1]),
            (self.landmarks * flip[0] + flip[1])[list(MIRRORED)],
            self.outline * flip[0] + flip[1],
        )


@lru_cache(maxsize=1)
def load_portraits() -> tuple[Portrait, Portrait]:
    """Load Eileen Collins and Grace Hopper at about the same real resolution.

    Hopper's face is twice as large as Collins'; its picture is smoothed by the difference, since
    people of the corpus must not differ in sharpness by their parent.
    """
    import matplotlib.cbook
    import skimage.data

    collins = np.ascontiguousarray(skimage.data.astronaut())
    sample: Any = matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    decoded = cv2.imread(str(sample), cv2.IMREAD_COLOR)
    if decoded is None:
        msg = f"matplotlib's sample portrait cannot be read: {sample}; reinstall matplotlib"
        raise OSError(msg)
    hopper = cv2.GaussianBlur(cv2.cvtColor(decoded, cv2.COLOR_BGR2RGB), (0, 0), 1.0)
    return (
        _portrait(collins, _COLLINS, _COLLINS_OUTLINE),
        _portrait(hopper, _HOPPER, _HOPPER_OUTLINE),
    )


def _portrait(
    image: NDArray[Any], landmarks: Sequence[tuple[float, float]], outline: Sequence[tuple[float, float]]
) -> Portrait:
    points = np.array(outline, dtype=float)
    alpha = np.zeros(image.shape[:2], np.float32)
    cv2.fillPoly(alpha, [np.round(points).astype(np.int32)], 1.0)
    margin = cv2.erode(alpha, np.ones((5, 5), np.uint8))
    alpha = cv2.GaussianBlur(margin, (0, 0), 1.5).astype(np.float32)
    return Portrait(image.astype(np.uint8), alpha, np.array(landmarks, dtype=float), points)

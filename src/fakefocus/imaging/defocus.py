"""Defocus maps: how blurred each place of a face is, 0 sharp and 1 blurred.

`edge_variance` is SCADE-Net's published map; `fakefocus.imaging.gradient_ratio` estimates the blur in pixels.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from fakefocus.imaging.gradient_ratio import gradient_ratio

Map = NDArray[np.float32]

CANNY = (50, 150)
"""Hysteresis thresholds of the edge detector in grey levels."""
WINDOW = 15
"""Side of the window of the local variance in pixels."""
GUIDE_RADIUS = 8
"""Radius of the guided filter in pixels."""
GUIDE_EPSILON = 0.01
"""Regulariser of the guided filter in squared grey levels: next to nothing on a guide of 0 to 255."""


def edge_variance(crop: NDArray[np.uint8]) -> Map:
    """Estimate blur from the local variance at edges, the method of SCADE-Net's publication.

    Variance of the grey levels in a window, as 1 / (1 + variance), kept at Canny edges, spread by a
    guided filter and stretched to [0, 1] within the image: comparable inside one map only.
    Source: SCADE-Net, 2026, https://github.com/vonexel/SCADE-Net; guided filter: He et al., Guided Image
    Filtering, 2013, https://doi.org/10.1109/TPAMI.2012.213.

    Args:
        crop: ``(H, W, 3) uint8, RGB``.

    Returns:
        ``(H, W) float32`` in [0, 1]; all 0 where no edge is found.
    """
    grey: NDArray[np.uint8] = np.asarray(cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    edges = canny_edges(grey)
    level = grey.astype(np.float32)
    mean = cv2.blur(level, (WINDOW, WINDOW))
    variance = np.maximum(cv2.blur(level * level, (WINDOW, WINDOW)) - mean * mean, 0)
    blur = np.where(edges, 1 / (1 + variance), 0).astype(np.float32)
    return _stretched(guided_filter(level, blur, GUIDE_RADIUS, GUIDE_EPSILON))


def canny_edges(grey: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Return where the edges of grey levels ``(H, W)`` are, after Canny, for `edge_variance`."""
    return np.asarray(cv2.Canny(cv2.GaussianBlur(grey, (5, 5), 1.4), *CANNY) > 0)


def guided_filter(guide: Map, source: Map, radius: int, epsilon: float) -> Map:
    """Smooth ``source`` along the edges of ``guide`` (He et al. 2013): both ``(H, W) float32``.

    ``radius`` in pixels; ``epsilon`` in squared units of the guide.
    """
    # double sums: squares of grey levels lose the small variances of flat regions in float32
    g, p = guide.astype(np.float64), source.astype(np.float64)
    mean_g, mean_p = _box(g, radius), _box(p, radius)
    a = (_box(g * p, radius) - mean_g * mean_p) / (_box(g * g, radius) - mean_g * mean_g + epsilon)
    b = mean_p - a * mean_g
    return (_box(a, radius) * g + _box(b, radius)).astype(np.float32)


def _box(values: NDArray[np.float64], radius: int) -> NDArray[np.float64]:
    side = 2 * radius + 1
    return np.asarray(cv2.boxFilter(values, -1, (side, side), borderType=cv2.BORDER_REFLECT))


def _stretched(values: Map) -> Map:
    low, high = float(values.min()), float(values.max())
    if high - low < 1e-8:
        return np.zeros_like(values)
    return ((values - low) / (high - low)).astype(np.float32)


METHODS = ("gradient_ratio", "edge_variance")
"""Names of ``params:defocus.method``."""


def estimate_map(crop: NDArray[np.uint8], method: str, sigma_max: float) -> Map:
    """Return a crop's map, ``(H, W) float32`` in [0, 1], by the method of that name in `METHODS`.

    ``sigma_max`` in pixels of the crop stands for 1; `edge_variance` has no unit and does without.
    """
    return gradient_ratio(crop, sigma_max) if method == "gradient_ratio" else edge_variance(crop)

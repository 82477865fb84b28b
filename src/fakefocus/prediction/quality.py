"""Warns of what a detector has hardly seen: there, a score means less than its card says."""

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, median
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, JpegImagePlugin

from fakefocus.imaging.frames import picture_bytes
from fakefocus.imaging.gradient_ratio import gradient_ratio
from fakefocus.models.contract import Contract
from fakefocus.prediction.result import Media, Warned

TURNED = 40.0
"""Degrees to a side, or up or down: 19 of 20 faces that the shipped detectors were trained on are turned less."""
BLURRED = 0.011
"""Mean blur of a crop's edges, σ in shares of its side: as much as of a face of 50 pixels."""
BITS = 0.01
"""Bits a pixel of a clip: at CRF 40 of x264, the clips that the shipped detectors were tried on have more."""
JPEG = 30
"""Quality of a JPEG, the lowest that training saw."""
FEW = 3
"""Faces of a clip, from which on a mean is one."""
_LEAST = 64.0
"""Side of a face, pixels, for detectors whose training made none smaller."""
_SIGMA = 10.0
"""Blur in pixels that a map's value of 1 stands for here."""
_STEEPEST, _SHALLOWEST = 5000, 200
"""Numbers in libjpeg's rule from quality to the scale of its tables."""
_FLATTEST_ENTRY = 16
"""First entry of libjpeg's table of luminance, which others are measured by, at quality 50."""


def person_warnings(
    rows: Sequence[dict[str, Any]], crops: Sequence[NDArray[np.uint8]], media: Media, contract: Contract
) -> list[Warned]:
    """Return what is unusual about a person's faces.

    Args:
        rows: Their rows of ``faces``: size in pixels, and angles in degrees where they are known.
        crops: Some of their crops, ``(H, W, 3) uint8, RGB``.
        media: The file.
        contract: Of the detector.
    """
    size, least = median(row["size"] for row in rows), least_face(contract)
    angles = [max(abs(row["yaw"]), abs(row["pitch"])) for row in rows if row["yaw"] is not None]
    turned = median(angles) if angles else 0.0
    side = crops[0].shape[0]
    blurred, most = fmean(float(gradient_ratio(crop, _SIGMA).mean()) * _SIGMA for crop in crops), BLURRED * side
    checks = [
        (size < least, "tiny", size, least, f"faces of {size:.0f} pixels; training saw none below {least:.0f}"),
        (turned > TURNED, "turned_away", turned, TURNED, f"turned away by {turned:.0f}°; training saw few beyond 40°"),
        (blurred > most, "blurred", blurred, most, f"edges blurred by {blurred:.1f} pixels of a crop of {side}"),
        (
            media.kind != "image" and len(rows) < FEW,
            "few_frames",
            float(len(rows)),
            float(FEW),
            f"seen in {len(rows)} sampled frame{'s' if len(rows) > 1 else ''} only",
        ),
    ]
    return [Warned(problem=p, measured=m, limit=at, text=t) for applies, p, m, at, t in checks if applies]  # type: ignore[arg-type]


def file_warnings(path: Path, media: Media) -> list[Warned]:
    """Return what is unusual about a file: hard compression."""
    if media.kind == "video":
        bits = picture_bytes(path) * 8 / (media.width * media.height * media.frames)
        text = f"{bits:.4f} bits a pixel: compressed harder than anything that the detector was tried on"
        return [Warned(problem="compressed", measured=bits, limit=BITS, text=text)] if bits < BITS else []
    quality = jpeg_quality(path) if media.codec in ("jpg", "jpeg") else None
    if quality is None or quality >= JPEG:
        return []
    text = f"JPEG of quality {quality}; training saw none below {JPEG}"
    return [Warned(problem="compressed", measured=float(quality), limit=float(JPEG), text=text)]


def least_face(contract: Contract) -> float:
    """Return the side of the smallest faces of a detector's training, in pixels."""
    damage, side = contract.training.augmentation.damage, contract.crops.size
    if not damage.rescale or contract.crops.margin is None:
        return _LEAST
    return side / (1 + contract.crops.margin) * damage.rescale_factor[0]


def jpeg_quality(path: Path) -> int | None:
    """Return the quality that libjpeg would call a JPEG's tables, 1 to 100; None of other pictures."""
    with Image.open(path) as image:
        if not isinstance(image, JpegImagePlugin.JpegImageFile) or 0 not in image.quantization:
            return None
        scale = 100 * image.quantization[0][0] / _FLATTEST_ENTRY
    quality = _STEEPEST / scale if scale > 100 else (_SHALLOWEST - scale) / 2
    return int(min(max(round(quality), 1), 100))

"""Where faces were altered: masks of fakes brought to their crops, and blends made of real faces, with theirs."""

import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fakefocus.extraction import cut_face
from fakefocus.imaging.alignment import centre_of
from fakefocus.imaging.alteration import BRIGHT
from fakefocus.imaging.blending import KINDS, Kind, blend_with_itself
from fakefocus.imaging.frames import read_frames
from fakefocus.imaging.media import MediaError, PassingMediaError
from fakefocus.parameters import Preprocessing

BLENDS: tuple[Kind, ...] = ("self_blended", "regional")
"""Pseudo-fakes whose altered place is known: a whole face, and a part of one."""
_HALF = 0.5

_log = logging.getLogger(__name__)


class Blend(NamedTuple):
    """A blend ``(H, W, 3) uint8, RGB`` and where it was blended in, ``(H, W) bool``."""

    picture: NDArray[np.uint8]
    mask: NDArray[np.bool_]


def masks_in_crops(rows: pd.DataFrame, options: Preprocessing) -> dict[str, NDArray[np.bool_]]:
    """Return where each face was altered, ``(size, size) bool`` in the pixels of its crop, by crop.

    A face whose mask does not decode, or is of another size than its video, is left out, and the log says so.

    Args:
        rows: Fakes with ``crop``, ``frame``, ``mask_path``, ``width``, ``height``, and the box and ``landmarks`` in
            pixels of the frame.
        options: With which crops were cut.

    Raises:
        PassingMediaError: If a mask cannot be read now, but may be later.
    """
    masks = {}
    for path, of_video in rows.groupby("mask_path", sort=False):
        try:
            read = read_frames(Path(str(path)), partial(_those_below, sorted(set(of_video["frame"]))))
            frames = {frame.index: frame.image for frame in read if frame.image is not None}
        except PassingMediaError:
            raise
        except MediaError as error:
            _log.warning("%s: %s: its fake is not compared with heat maps", path, error)
            continue
        for row in of_video.to_dict("records"):
            image = frames.get(row["frame"])
            if image is None or image.shape[:2] != (row["height"], row["width"]):
                _log.warning("%s: no frame %d of the size of its video: left out", path, row["frame"])
                continue
            box = np.array([row[name] for name in ("x1", "y1", "x2", "y2")])
            marks = np.array(json.loads(row["landmarks"]) if row["landmarks"] else np.full((5, 2), np.nan))
            if options.region == "whole_image":
                face_crop = centre_of(image, options.size)[0]
            else:
                face_crop = cut_face(image, box, marks, options)[0]
            masks[str(row["crop"])] = face_crop.max(axis=2) > BRIGHT
    return masks


def _those_below(wanted: Sequence[int], count: int) -> list[int]:
    return [number for number in wanted if number < count]


def blends_of(
    crops: Sequence[NDArray[np.uint8]], landmarks: Sequence[str], kind: Kind, seed: int
) -> list[Blend | None]:
    """Return a blend of each real face, None where its landmarks are not known or make no face.

    Args:
        crops: ``(H, W, 3) uint8, RGB``.
        landmarks: Of each, JSON of ``(5, 2)`` pixels of the crop, or empty.
        kind: Of blend.
        seed: With the place of a face, of everything random in it.
    """
    # else half of the self-blended faces are altered around their mask, not in it
    options = replace(KINDS[kind], altered_target_share=0.0)
    blends: list[Blend | None] = []
    for place, (crop, text) in enumerate(zip(crops, landmarks, strict=True)):
        if not text:
            blends.append(None)
            continue
        try:
            rng = np.random.default_rng((seed, place))
            pair = blend_with_itself(crop, np.array(json.loads(text)), rng, options)
        except ValueError:  # too far out of the crop
            blends.append(None)
            continue
        blends.append(Blend(pair.fake, pair.mask >= pair.mask.max() * _HALF))
    return blends


def as_seen(mask: NDArray[np.bool_], crop_side: int, side: int) -> NDArray[np.bool_]:
    """Return a mask of a stored crop as a network sees it: the middle of ``crop_side`` pixels, at ``side`` pixels."""
    middle = centre_of(mask.astype(np.float32), crop_side)[0]
    return np.asarray(cv2.resize(middle, (side, side), interpolation=cv2.INTER_AREA) > _HALF)

"""Views of a face that keep its label: what a detector has learned to see alike, drawn on purpose instead of at random.

Faces are aligned, eyes above mouth: a quarter turn makes a picture that no detector here has seen or will be shown, so
that no view is turned. What training does not do (a shift, a mirror image) is no view either.
"""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torchvision.transforms import v2

from fakefocus.parameters import Augmentation
from fakefocus.training.augmentation import Plan, affine_matrix

_SIDES = {"up": (-1, 0), "down": (1, 0), "left": (0, -1), "right": (0, 1)}


class View(NamedTuple):
    """Where a crop and its maps are cut, mirrored or warped; and what changes its 8-bit pixels first, if anything."""

    plan: Plan
    perturb: Callable[[NDArray[np.uint8], int], NDArray[np.uint8]] | None = None


def label_preserving_views(augmentation: Augmentation, size: int, jpeg_quality: int | None) -> dict[str, View]:
    """Return views by name: the plain one first, then those that the augmentation of a training allows.

    Args:
        augmentation: What the detector was trained with.
        size: Side of stored crops in pixels.
        jpeg_quality: Of one more compression; None for no such view.
    """
    views = {"plain": View(Plan())}
    if augmentation.flip > 0:
        views["mirrored"] = View(Plan(flip=True))
    views |= {f"shifted {name}": View(plan) for name, plan in _shifts(augmentation, size).items()}
    views |= {f"zoomed by {1 + z:.2f}": View(_warp(augmentation, scale=1 + z)) for z in _zooms(augmentation)}
    if jpeg_quality is not None:
        views[f"JPEG {jpeg_quality}"] = View(Plan(), partial(_compressed, quality=jpeg_quality))
    return views


def _shifts(augmentation: Augmentation, size: int) -> dict[str, Plan]:
    """Return the largest shifts of training, made as it makes them: by a warp, or by cutting elsewhere."""
    reach = round(augmentation.shift * augmentation.crop)
    if augmentation.rotation or augmentation.zoom:
        shifts = {name: (reach * across, reach * down) for name, (down, across) in _SIDES.items() if reach}
        return {name: _warp(augmentation, translate=shift) for name, shift in shifts.items()}
    room = (size - augmentation.crop) // 2
    return {name: Plan(corner=corner) for name, corner in _SIDES.items() if min(reach, room)}


def _zooms(augmentation: Augmentation) -> list[float]:
    # half of what training does at most: the mean zoom, in both directions
    return [-augmentation.zoom / 2, augmentation.zoom / 2] if augmentation.zoom else []


def _warp(augmentation: Augmentation, scale: float = 1.0, translate: tuple[int, int] = (0, 0)) -> Plan:
    moved = {"angle": 0.0, "scale": scale, "translate": translate}
    return Plan(matrix=affine_matrix(moved, augmentation.crop))


def _compressed(crop: NDArray[np.uint8], _: int, *, quality: int) -> NDArray[np.uint8]:
    planes = torch.from_numpy(np.ascontiguousarray(crop)).permute(2, 0, 1)
    return np.ascontiguousarray(v2.functional.jpeg(planes, quality).permute(1, 2, 0).numpy())

"""Pseudo-fakes of real faces: a face is blended into itself, altered a little, or another's is blended into it.

Shiohara & Yamasaki, Detecting Deepfakes with Self-Blended Images, CVPR 2022, https://arxiv.org/abs/2204.08376, and,
with a face of somebody else, Li et al., Face X-ray, CVPR 2020, https://arxiv.org/abs/1912.13458. What the papers then
do to both pictures alike (colour, JPEG, a tighter crop) is augmentation and left to training.
"""

from dataclasses import dataclass
from typing import Literal, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from fakefocus.imaging.colour import match_colour
from fakefocus.imaging.face_mask import HULLS, REGIONS, Points, face_points, fill, hulls
from fakefocus.imaging.resynthesis import resynthesised

Picture = NDArray[np.uint8]
Map = NDArray[np.float32]

MIN_FACE = 16
"""Smallest side of a face's box, in pixels of the crop, that a blend is made of."""
MIN_SEEN = 17
"""Of the 68 points of a face, so many must lie inside the crop."""
_MASK_SIDES = (96, 128)
"""Least and greatest side of the grid, in cells, that masks are made on, drawn for each side apart.

Half of the published 192 to 256 pixels, and so are the kernels: no mask has finer detail."""
_NOISE_SIDE = 64
"""Side of the grid of the noise that bends masks, in cells."""


@dataclass(frozen=True)
class Blending:
    """How strong a pseudo-fake is altered; what is not said to be fixed is drawn evenly between minus and plus.

    Attributes:
        hulls: Kinds of hull to choose from, all with the same chance; see `face_mask.HULLS` and `face_mask.REGIONS`.
        rgb_shift: Greatest shift of each channel, in grey levels.
        rgb_shift_share: Share of pairs, in [0, 1], whose channels are shifted.
        hue: Greatest turn about the grey axis, in degrees.
        saturation: Greatest change of the saturation, as a share of it.
        contrast: Greatest change of the contrast, as a share of it.
        brightness: Greatest change of the brightness, as a share of 255.
        downscaled_share: Share of pairs, in [0, 1], of which one side is made coarser; the others are sharpened.
        shift: Greatest shift of source and mask, x and y, as shares of the face's width and height.
        scale: Smallest scale of source and mask about the face, x and y apart; 1 / scale is the greatest.
        bend: Root mean square by which the mask's outline is bent, for x and y, as a share of the crop's sides.
        bend_width: Width (σ) of the Gaussian that smooths these bends, as a share of the crop's sides.
        kernels: Least and greatest radius of the mask's two blurs, as shares of the crop's sides.
        softness: Least and greatest σ of the Gaussian in the second blur, as shares of the crop's sides.
        ratios: Greatest weights of the source, in (0, 1], all with the same chance.
        resynthesised_share: Share of pairs, in [0, 1], whose source is computed anew; see `resynthesis`.
        altered_target_share: Share of pairs, in [0, 1], in which what is blended over is altered, not the source.

    Raises:
        ValueError: If a kind of hull is unknown, a ratio is not in (0, 1] or there is none of them.
    """

    hulls: tuple[str, ...] = HULLS
    rgb_shift: float = 20.0
    rgb_shift_share: float = 0.3
    hue: float = 3.0
    saturation: float = 0.1
    contrast: float = 0.1
    brightness: float = 0.1
    downscaled_share: float = 0.5
    shift: tuple[float, float] = (0.06, 0.036)
    scale: float = 0.95
    bend: float = 0.0045
    bend_width: float = 0.027
    kernels: tuple[float, float] = (0.01, 0.055)
    softness: tuple[float, float] = (0.02, 0.2)
    ratios: tuple[float, ...] = (0.25, 0.5, 0.75, 1.0, 1.0, 1.0)
    resynthesised_share: float = 0.0
    altered_target_share: float = 0.5

    def __post_init__(self) -> None:
        kinds = (*HULLS, *REGIONS)
        unknown = [kind for kind in self.hulls if kind not in kinds]
        if unknown or not self.hulls:
            msg = f"Blending.hulls: must be some of {', '.join(kinds)}, got {', '.join(unknown) or 'none'}"
            raise ValueError(msg)
        if not self.ratios or not all(0 < ratio <= 1 for ratio in self.ratios):
            msg = f"Blending.ratios: must be in (0, 1], got {self.ratios}"
            raise ValueError(msg)


Kind = Literal["self_blended", "regional", "swapped", "resynthesised"]
"""Kinds of pseudo-fakes; see `KINDS`."""
KINDS: dict[Kind, Blending] = {
    "self_blended": Blending(),
    "regional": Blending(
        hulls=REGIONS,
        shift=(0.08, 0.08),
        scale=0.85,
        kernels=(0.004, 0.025),
        softness=(0.01, 0.06),
        ratios=(0.5, 0.75, 1.0, 1.0, 1.0),
        resynthesised_share=0.5,
        altered_target_share=0.0,
    ),
    "swapped": Blending(
        rgb_shift=8.0,
        hue=1.5,
        saturation=0.05,
        contrast=0.05,
        brightness=0.03,
        ratios=(0.75, 1.0, 1.0, 1.0),
        resynthesised_share=0.5,
        altered_target_share=0.0,
    ),
    "resynthesised": Blending(
        rgb_shift=5.0,
        hue=1.0,
        saturation=0.03,
        contrast=0.03,
        brightness=0.01,
        shift=(0.01, 0.01),
        scale=0.99,
        ratios=(0.75, 1.0, 1.0, 1.0),
        resynthesised_share=1.0,
        altered_target_share=0.0,
    ),
}
"""How each kind is made. regional: a part of the face, moved and changed, as reenactment leaves the outline alone;
swapped: the face of a donor, in the target's colours; resynthesised: the same face in the same place, computed anew."""


class Face(NamedTuple):
    """A crop, ``(H, W, 3) uint8, RGB``, and the landmarks of the face in it, ``(5, 2)`` or ``(68, 2)`` pixels."""

    crop: Picture
    landmarks: NDArray[np.floating]


class Pair(NamedTuple):
    """A real face and a pseudo-fake of it, both ``(H, W, 3) uint8, RGB``, and the ``mask`` of the blend.

    ``mask`` is ``(H, W) float32`` in [0, 1], the weight of what was blended in: where it is 0, both are the same.
    """

    target: Picture
    fake: Picture
    mask: Map


def make_fake(kind: Kind, face: Face, rng: np.random.Generator, donor: Face | None = None) -> Pair:
    """Return a real face and a pseudo-fake of it, of a kind of `KINDS`.

    Args:
        kind: How it is made.
        face: A real face with room around it, which may reach beyond the border.
        rng: Where everything random comes from: the same state gives the same pair.
        donor: Whose face is blended in; needed for kind swapped, not looked at otherwise.

    Raises:
        ValueError: If a donor is missing, crops or landmarks have another shape or type, or make no face.
    """
    if kind != "swapped":
        return blend_with_itself(face.crop, face.landmarks, rng, KINDS[kind])
    if donor is None:
        msg = "donor: kind swapped needs the face of somebody else, got none"
        raise ValueError(msg)
    return _blend_in(donor, face, rng, KINDS[kind])


def blend_with_itself(
    crop: Picture, landmarks: NDArray[np.floating], rng: np.random.Generator, options: Blending | None = None
) -> Pair:
    """Return a real face, a pseudo-fake of it and the mask of the blend.

    One of two copies gets other colours and another sharpness. The source is moved a little and laid over the
    target where the mask says so, a hull of the face that is bent, shrunk and softened at random. Flipping and
    what alters both pictures alike is not done here: training does that.

    Args:
        crop: ``(H, W, 3) uint8, RGB``: a face with room around it, which may reach beyond the border.
        landmarks: ``(5, 2)`` or ``(68, 2)``, x and y in pixels of the crop; see `face_mask.face_points`.
        rng: Where everything random comes from: the same state gives the same pair.
        options: How strong the face is altered; None is `Blending()`.

    Raises:
        ValueError: If crop or landmarks have another shape or type, or the landmarks make no face in the crop.
    """
    options = options or Blending()
    points = _checked(crop, landmarks)
    hull = options.hulls[rng.integers(len(options.hulls))]
    move = _draw_move(_points_of(points, hull), rng, options)
    mask = _draw_mask(points @ move[:, :2].T + move[:, 2], hull, crop.shape, rng, options)
    source, target = _altered(crop, rng, options), crop
    if rng.random() < options.altered_target_share:
        source, target = crop, source
    return Pair(target.copy(), _laid_over(target, source, mask, move), mask)


def _blend_in(donor: Face, face: Face, rng: np.random.Generator, options: Blending) -> Pair:
    """Blend the face of a donor, moved to the target's landmarks and colours, over the target."""
    points, theirs = _checked(face.crop, face.landmarks), _checked(donor.crop, donor.landmarks)
    hull = options.hulls[rng.integers(len(options.hulls))]
    mask = _draw_mask(points, hull, face.crop.shape, rng, options)
    homogeneous = np.column_stack([theirs, np.ones(len(theirs))])
    onto = np.linalg.lstsq(homogeneous, points, rcond=None)[0].T
    warped: Picture = cv2.warpAffine(  # type: ignore[assignment]
        donor.crop, onto, face.crop.shape[1::-1], flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )
    inside = mask > mask.max() / 2
    coloured = match_colour(warped, face.crop, inside, float(rng.uniform(0.6, 1.0)))
    source = _altered(np.clip(np.rint(coloured), 0, 255).astype(np.uint8), rng, options)
    return Pair(face.crop.copy(), _laid_over(face.crop, source, mask, _draw_move(points, rng, options)), mask)


def _checked(crop: Picture, landmarks: NDArray[np.floating]) -> Points:
    """Return the 68 points of a face in a crop, after a check of both."""
    if crop.ndim != 3 or crop.shape[2] != 3 or crop.dtype != np.uint8:
        msg = f"crop: must be (H, W, 3) uint8, got {crop.shape} {crop.dtype}"
        raise ValueError(msg)
    return face_in_crop(landmarks, (crop.shape[1], crop.shape[0]))


def _points_of(points: Points, hull: str) -> Points:
    """Return the points that a hull is of: all of a face, or those of a region."""
    return np.concatenate(hulls(points, hull)) if hull in REGIONS else points


def _draw_move(points: Points, rng: np.random.Generator, options: Blending) -> NDArray[np.float64]:
    """Draw the ``(2, 3)`` matrix that shifts and scales the source about the middle of what points are of."""
    low, high = points.min(axis=0), points.max(axis=0)
    scale = rng.uniform(options.scale, 1 / options.scale, 2)
    shift = rng.uniform(-1, 1, 2) * options.shift * (high - low)
    middle = (low + high) / 2
    return np.column_stack([np.diag(scale), middle - scale * middle + shift])


def _draw_mask(points: Points, hull: str, shape: tuple[int, ...], rng: np.random.Generator, options: Blending) -> Map:
    """Draw a mask of a face, ``(H, W) float32`` in [0, 1], whose 68 points are given."""
    grid = rng.integers(_MASK_SIDES[0], _MASK_SIDES[1], 2, endpoint=True)
    # the middle of a pixel is half a pixel from its border, on both grids
    cells = (points + 0.5) * (grid / shape[1::-1]) - 0.5
    face = fill(hulls(cells, hull), (int(grid[1]), int(grid[0])))
    bent = _bent(face, rng, options)
    soft = _softened(bent if bent.any() else face, rng, options)
    weight = options.ratios[rng.integers(len(options.ratios))]
    mask = cv2.resize(soft, shape[1::-1], interpolation=cv2.INTER_LINEAR)
    return np.asarray(mask * np.float32(weight), dtype=np.float32)


def _bent(mask: Map, rng: np.random.Generator, options: Blending) -> Map:
    """Move each place of a mask by smooth noise (Simard et al. 2003, https://doi.org/10.1109/ICDAR.2003.1227801)."""
    height, width = mask.shape
    sigma = options.bend_width * _NOISE_SIDE
    noise = rng.standard_normal((_NOISE_SIDE, _NOISE_SIDE, 2), dtype=np.float32)
    # a Gaussian leaves white noise 1 / (2 √π σ) of its deviation
    strength = options.bend * 2 * np.sqrt(np.pi) * sigma
    smooth = cv2.resize(cv2.GaussianBlur(noise, (0, 0), sigma), (width, height))
    x = smooth[..., 0] * np.float32(strength * width) + np.arange(width, dtype=np.float32)
    y = smooth[..., 1] * np.float32(strength * height) + np.arange(height, dtype=np.float32)[:, None]
    return np.asarray(cv2.remap(mask, x, y, cv2.INTER_LINEAR))


def _softened(mask: Map, rng: np.random.Generator, options: Blending) -> Map:
    """Shrink a mask and give it a soft border, largest value 1.

    The first of the published blurs keeps only what stays 1: that is an erosion by the kernel.
    """
    sides = np.array(mask.shape[::-1])
    radii = rng.uniform(*options.kernels, 2)
    sigma = float(rng.uniform(*options.softness) * sides.mean())
    shrunk, *soft = (_odd(radius * sides) for radius in radii)
    eroded = cv2.erode((mask >= 1).astype(np.float32), np.ones(shrunk[::-1], np.uint8))
    kept = eroded if eroded.any() else mask  # a small face, or the rim of one, would vanish
    blurred = cv2.GaussianBlur(kept, soft[0], sigma)
    return np.asarray(np.minimum(blurred / blurred.max(), 1))


def _odd(radii: NDArray[np.float64]) -> tuple[int, int]:
    """Return width and height of the kernel with about these radii in cells, 1 at least."""
    width, height = (2 * max(1, round(float(radius))) + 1 for radius in radii)
    return width, height


def _altered(crop: Picture, rng: np.random.Generator, options: Blending) -> Picture:
    """Give a crop other colours, and make it coarser or sharper."""
    recoloured = np.asarray(cv2.transform(crop, _draw_colours(rng, options)), dtype=np.uint8)
    if rng.random() < options.resynthesised_share:
        return resynthesised(recoloured, rng)
    if rng.random() < options.downscaled_share:
        return _coarser(recoloured, int(rng.choice((2, 4))))
    return _sharper(recoloured, float(rng.uniform(0.2, 0.5)), float(rng.uniform(0.5, 1.0)))


def _draw_colours(rng: np.random.Generator, options: Blending) -> NDArray[np.float64]:
    """Draw hue, saturation, contrast, brightness and shift of the channels as one ``(3, 4)`` matrix on RGB.

    Hue turns and saturation scales about the grey axis, which a matrix can say; the published code goes through
    HSV for that, with strengths that are lost in rounding.
    """
    turn, saturation, contrast = rng.uniform(-1, 1, 3) * (np.radians(options.hue), options.saturation, options.contrast)
    offset = np.full(3, rng.uniform(-1, 1) * options.brightness * 255)
    if rng.random() < options.rgb_shift_share:
        offset += rng.uniform(-1, 1, 3) * options.rgb_shift
    grey = np.full((3, 3), 1 / 3)
    across = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / np.sqrt(3)
    # Rodrigues' formula about the grey axis
    colour = np.cos(turn) * (np.eye(3) - grey) + np.sin(turn) * across
    return np.column_stack([(1 + contrast) * (grey + (1 + saturation) * colour), offset])


def _coarser(crop: Picture, factor: int) -> Picture:
    """Keep every ``factor``-th pixel and fill in between linearly, as published."""
    height, width = crop.shape[:2]
    few = (max(1, width // factor), max(1, height // factor))
    small = cv2.resize(crop, few, interpolation=cv2.INTER_NEAREST)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), dtype=np.uint8)


def _sharper(crop: Picture, share: float, lightness: float) -> Picture:
    """Mix a crop with its 3 x 3 high-pass; a ``lightness`` below 1 makes it darker too."""
    kernel = np.full((3, 3), -share, np.float32)
    kernel[1, 1] = 1 - share + share * (8 + lightness)
    return np.asarray(cv2.filter2D(crop, -1, kernel), dtype=np.uint8)


def _laid_over(target: Picture, source: Picture, mask: Map, move: NDArray[np.float64]) -> Picture:
    """Blend the moved source over the target, with the mask for its weight."""
    x, y, width, height = cv2.boundingRect((mask > 0).view(np.uint8))
    box = np.s_[y : y + height, x : x + width]
    here = move - np.array([[0, 0, x], [0, 0, y]])
    moved = cv2.warpAffine(source, here, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    fake = target.copy()
    fake[box] = cv2.blendLinear(moved, target[box], mask[box], 1 - mask[box])
    return fake


def face_in_crop(landmarks: NDArray[np.floating], size: tuple[int, int]) -> Points:
    """Return the 68 points of a face that a crop of ``size`` (width, height) shows, from 5 or 68 landmarks.

    Raises:
        ValueError: If landmarks are of another shape, or make no face in the crop that could be blended.
    """
    points = face_points(landmarks)
    side = float(np.ptp(points, axis=0).min())
    if side < MIN_FACE:
        msg = f"landmarks: must span at least {MIN_FACE} pixels, got {side:.1f}; leave out smaller faces"
        raise ValueError(msg)
    width, height = size
    seen = int(((points >= 0) & (points <= (width - 1, height - 1))).all(axis=1).sum())
    if seen < MIN_SEEN:
        msg = (
            f"landmarks: must have at least {MIN_SEEN} of 68 points of the face inside the crop of "
            f"{width} x {height} pixels, got {seen}; give them in pixels of the crop"
        )
        raise ValueError(msg)
    return points

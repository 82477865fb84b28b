"""Three ways to put one person's inner face onto another's, with the traces that each leaves.

All three replace brows to chin by the source's face, moved to the target's landmarks and colours.
They imitate the traces of a family of manipulations, not a product:

- ``GraphicsSwap``: a textured mesh pasted as it is: sharp, colours half matched, a border of few
  pixels, trembling registration (FaceSwap in Rössler et al., FaceForensics++, 2019,
  https://arxiv.org/abs/1901.08971);
- ``AutoencoderSwap``: a face decoded at low resolution, enlarged, focused otherwise than its
  surroundings and blended softly (Deepfakes, same paper);
- ``PoissonSwap``: blended in the gradient domain, with neither seam nor colour step (Pérez et al.,
  Poisson Image Editing, 2003, https://doi.org/10.1145/882262.882269). Held out of training.
"""

from collections.abc import Callable

import cv2
import numpy as np

from fakefocus.imaging.colour import match_colour
from fakefocus.sources.demo.people import (
    Image,
    Person,
    face_mask,
    inner_face,
)
from fakefocus.sources.demo.scene import Layer, Paint, Place, Scene


def graphics_swap(target: Person, source: Person, scene: Scene, rng: np.random.Generator) -> Paint:
    """Paste the source's face with a narrow border; it trembles by half a pixel."""
    mask = face_mask(target.landmarks, grow=float(rng.uniform(0.96, 1.04)), feather=float(rng.uniform(1.2, 2.5)))
    face = match_colour(_source_face(target, source), target.image, mask > 0.5, strength=float(rng.uniform(0.5, 0.8)))
    focused = cv2.GaussianBlur(face, (0, 0), 0.5 * scene.focus)
    soft = cv2.GaussianBlur(focused, (0, 0), 1.5)
    layer = Layer((focused + 0.3 * (focused - soft)).astype(np.float32), mask)
    own_noise = 0.5 * scene.noise

    def paint(frame: Image, place: Place, rng: np.random.Generator) -> tuple[Image, Image]:
        shift = rng.normal(0, 0.5, 2)
        moved = place(layer, (float(shift[0]), float(shift[1])))
        grain = rng.standard_normal((*frame.shape[:2], 1), dtype=np.float32) * np.float32(own_noise)
        return _blend(frame, moved.image + grain, moved.alpha)

    return paint


def autoencoder_swap(target: Person, source: Person, scene: Scene, rng: np.random.Generator) -> Paint:
    """Blend a face of lost resolution, without the scene's noise, over a wide border."""
    del scene
    mask = face_mask(target.landmarks, grow=float(rng.uniform(1.0, 1.1)), feather=float(rng.uniform(4.0, 8.0)))
    face = match_colour(_source_face(target, source), target.image, mask > 0.5)
    factor = float(rng.uniform(0.36, 0.5))
    small = cv2.resize(face, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA)
    lost = cv2.resize(small, face.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    layer = Layer(lost.astype(np.float32), mask)

    def paint(frame: Image, place: Place, rng: np.random.Generator) -> tuple[Image, Image]:
        shift = rng.normal(0, 0.3, 2)
        moved = place(layer, (float(shift[0]), float(shift[1])))
        return _blend(frame, moved.image, moved.alpha)

    return paint


def poisson_swap(target: Person, source: Person, scene: Scene, rng: np.random.Generator) -> Paint:
    """Clone the source's gradients into the target's face."""
    mask = face_mask(target.landmarks, grow=float(rng.uniform(0.98, 1.06)), feather=1.0)
    face = match_colour(_source_face(target, source), target.image, mask > 0.5)
    solid = np.where(mask > 0.5, 255, 0).astype(np.uint8)
    x, y, w, h = cv2.boundingRect(solid)
    cloned = cv2.seamlessClone(
        np.clip(face, 0, 255).astype(np.uint8),
        np.clip(target.image, 0, 255).astype(np.uint8),
        solid,
        (x + w // 2, y + h // 2),
        cv2.NORMAL_CLONE,
    )
    layer = Layer(cv2.GaussianBlur(cloned, (0, 0), float(rng.uniform(0.6, 1.0))).astype(np.float32), mask)
    own_noise = 0.4 * scene.noise

    def paint(frame: Image, place: Place, rng: np.random.Generator) -> tuple[Image, Image]:
        moved = place(layer, (0.0, 0.0))
        grain = rng.standard_normal((*frame.shape[:2], 1), dtype=np.float32) * np.float32(own_noise)
        return _blend(frame, moved.image + grain, moved.alpha)

    return paint


METHODS: dict[str, Callable[[Person, Person, Scene, np.random.Generator], Paint]] = {
    "GraphicsSwap": graphics_swap,
    "AutoencoderSwap": autoencoder_swap,
    "PoissonSwap": poisson_swap,
}


def _source_face(target: Person, source: Person) -> Image:
    """Return the source's face, lit and textured as they are, at the target's place and size."""
    landmarks = 0.75 * target.landmarks + 0.25 * source.landmarks
    rng = np.random.default_rng(source.detail_seed)
    face = inner_face(source, landmarks)
    pores = rng.normal(0, 1, face.shape[:2]).astype(np.float32)
    pores = cv2.GaussianBlur(pores, (0, 0), 0.6) - cv2.GaussianBlur(pores, (0, 0), 2.2)
    return (face + (source.detail * pores / pores.std())[..., None]).astype(np.float32)


def _blend(frame: Image, over: Image, alpha: Image) -> tuple[Image, Image]:
    return frame + (over - frame) * alpha[..., None], alpha

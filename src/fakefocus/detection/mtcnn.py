"""MTCNN with the weights that facenet-pytorch ships, arranged so that a clip costs little more than its faces.

Zhang et al., Joint Face Detection and Alignment Using Multitask Cascaded Convolutional Networks, 2016
(https://arxiv.org/abs/1604.02878); weights and reference: https://github.com/timesler/facenet-pytorch (MIT).

What differs from the reference: the frame is reduced once for all levels of the pyramid, all levels lie side by
side on one canvas, and of the many candidates about one face only the foremost go on. A face that was there just
before can be refined from where it was, in a tenth of the time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from fakefocus.detection.boxes import Boxes, areas, box_iou, common_areas, largest_first, squared, without_nested
from fakefocus.detection.faces import NO_FACES, Faces
from fakefocus.detection.networks import Precision, networks
from fakefocus.detection.views import Picture, View, viewed

FACTOR = 0.709
"""Ratio of successive levels of the pyramid."""
CELL = 12
"""Side of P-Net's window, in pixels of a level."""
_STRIDE = 2
_GAP = 2
_OVERLAP_IN_LEVEL = 0.5
_OVERLAP = 0.7
"""Candidates that share more of their union than this are one."""
_NESTED = 0.7
"""A face of which so much lies in one of higher score is none."""
_REACH = 1.3
"""Half a side of the neighbourhood in which a face is looked for, in sides of its box."""
_WITHIN = 0.6
"""A candidate that shares so much of its area, or of that of a known face, with it is about that face."""
_FITTING = (0.6, 1.6)
"""Sides of P-Net's window, in sides of a known face's box, at which that face is looked for."""
_MOST = 1024
"""So many candidates of a frame go on at all."""
_GUESSES = (0.65, 0.9)
"""Sides of the boxes from which a known face is refined, in sides of the face's last box.

P-Net's windows about a face have a median of .8, and of .65 where the face fills the frame; from guesses as large as
the face, boxes grow from frame to frame.
"""
_FINISHED = 0.95
"""Sides of the boxes that O-Net is shown then, in those of R-Net: its boxes overlap most with a whole search's so."""
_OFF_CENTRE = (0.03, 0.02)
"""How far P-Net's windows lie from the middle of a face's box, x and y in its sides."""


@dataclass(frozen=True)
class Region:
    """A part of a frame in which faces are looked for: x1, y1, x2, y2, and the sides of the faces, all in pixels."""

    box: tuple[float, float, float, float]
    least: float = 0.0
    most: float = float("inf")


@dataclass(frozen=True)
class _Patch:
    """A part of the frame at a level: where it begins in the frame, the level's scale, its pixels."""

    x: float
    y: float
    scale: float
    image: Picture


class _Care(NamedTuple):
    """How closely is looked: P-Net's ``least`` score, and how many candidates about one face reach R- and O-Net.

    At least ``detail`` pixels of a half of the frame become one of a level, a side.
    """

    least: float
    proposals: int
    refined: int
    detail: float


_CLOSE = _Care(0.0, 12, 6, 2.0)
"""For whole frames: what the thresholds leave."""
_QUICK = _Care(0.9, 6, 3, 1.0)
"""Between two looks at the whole frame. The best candidate about a face has more than .96 in 98 of 100; at the
reference's .6, nine of ten candidates show no face."""


class FaceDetector:
    """Detects all faces of a frame."""

    def __init__(
        self, min_face_size: int, thresholds: tuple[float, float, float], precision: Precision = "bf16"
    ) -> None:
        """Take faces from ``min_face_size`` pixels on, with one threshold in [0, 1] a network."""
        self._min_face_size = min_face_size
        self._thresholds = thresholds
        self._networks = networks(precision)

    def detect(self, image: Picture | View) -> Faces:
        """Return the faces of a frame, ``(H, W, 3) uint8, RGB``."""
        frame = viewed(image)
        return self._cascade(frame, [Region(frame.limits)], np.zeros((0, 4)), _CLOSE)

    def search(self, image: Picture | View, regions: Sequence[Region], besides: Boxes) -> Faces:
        """Return the faces of parts of a frame besides those that are known already: ``besides`` ``(N, 4)``."""
        return self._cascade(viewed(image), regions, besides, _QUICK)

    def refine(self, image: Picture | View, boxes: Boxes) -> Faces:
        """Return those faces that are still about where they were: ``boxes`` ``(N, 4)``."""
        if not len(boxes):
            return NO_FACES
        frame, squares = viewed(image), squared(boxes)
        off = (squares[:, 2:] - squares[:, :2]) * _OFF_CENTRE
        guesses = np.concatenate([_scaled(squares + np.tile(off, 2), by) for by in _GUESSES])
        return _averaged(self._finished(frame, _scaled(self._refined(frame, guesses)[0], _FINISHED)))

    def _patches(self, frame: View, regions: Sequence[Region], detail: float) -> list[_Patch]:
        """Return the regions at the levels at which P-Net's window fits faces of their sizes."""
        patches = []
        scales = level_scales(*frame.halves[0].shape[:2], self._min_face_size)
        for region in regions:
            # somebody who leaves fast is expected outside of the frame
            if not common_areas(np.array(region.box), np.array([frame.limits], dtype=float))[0]:
                continue
            part = frame.part(*region.box)
            fitting = [scale for scale in scales if region.least <= CELL / scale <= region.most]
            patches += [_Patch(part.x, part.y, scale, part.level(scale, detail)) for scale in fitting]
        return [patch for patch in patches if min(patch.image.shape[:2]) >= CELL]

    def _cascade(self, frame: View, regions: Sequence[Region], besides: Boxes, care: _Care) -> Faces:
        patches = self._patches(frame, regions, care.detail)
        if not patches:
            return NO_FACES
        proposed = self._proposed(patches, care)
        proposed = proposed[[not _about(box, besides) for box in proposed]]
        boxes, scores, which = self._refined(frame, proposed)
        keep = _distinct(proposed[which], scores, _OVERLAP)
        keep = keep[_foremost(boxes[keep], care.refined)]
        return _strongest(self._finished(frame, boxes[keep]))

    def _proposed(self, patches: Sequence[_Patch], care: _Care) -> Boxes:
        """Return P-Net's boxes ``(N, 4)``, squared, over all levels."""
        canvas, owner, starts = _packed(patches)
        score, offsets = (output[0] for output in self._networks.proposal(canvas[None]))
        owner = owner[: score.shape[0], : score.shape[1]]
        ys, xs = np.nonzero((score >= max(self._thresholds[0], care.least)) & (owner >= 0))
        patch = owner[ys, xs]
        cell = np.column_stack([xs, ys]) * _STRIDE - starts[patch]
        scale = np.array([p.scale for p in patches])[patch, None]
        origin = np.array([(p.x, p.y) for p in patches])[patch]
        boxes = np.hstack([np.floor((cell + 1) / scale) + origin, np.floor((cell + CELL) / scale) + origin])
        hits = score[ys, xs]
        keep = _distinct(boxes, hits, _OVERLAP_IN_LEVEL, patch)
        keep = keep[_distinct(boxes[keep], hits[keep], _OVERLAP)][:_MOST]
        keep = keep[_foremost(boxes[keep], care.proposals)]
        sides = np.tile(boxes[keep, 2:] - boxes[keep, :2], 2)
        return squared(boxes[keep] + offsets[:, ys, xs].T[keep] * sides)

    def _refined(self, frame: View, boxes: Boxes) -> tuple[Boxes, NDArray[np.float32], NDArray[np.intp]]:
        """Return what R-Net keeps of the boxes, regressed and squared, their scores, and which they were."""
        inputs, kept = _crops(frame, boxes, 24, detail=1.0)
        if not len(kept):
            return np.zeros((0, 4)), np.zeros(0, np.float32), kept
        scores, offsets = self._networks.refinement(inputs)
        good = scores > self._thresholds[1]
        return squared(_regressed(boxes[kept][good], offsets[good])), scores[good], kept[good]

    def _finished(self, frame: View, boxes: Boxes) -> Faces:
        """Return what O-Net keeps of the boxes, with landmarks."""
        inputs, kept = _crops(frame, boxes, 48, detail=2.0)
        if not len(kept):
            return NO_FACES
        scores, offsets, points = self._networks.output(inputs)
        good = scores > self._thresholds[2]
        boxes, score = boxes[kept][good], scores[good].astype(float)
        sides = boxes[:, 2:] - boxes[:, :2] + 1
        marks = points[good].reshape(-1, 2, 5).transpose(0, 2, 1) * sides[:, None] + boxes[:, None, :2] - 1
        return Faces(_regressed(boxes, offsets[good]), score, marks.astype(float))


@lru_cache(maxsize=32)
def level_scales(height: int, width: int, min_face_size: int) -> tuple[float, ...]:
    """Return the scales of the pyramid, finest first: P-Net's window covers ``min_face_size`` at the first."""
    scale = CELL / min_face_size
    scales = []
    while min(height, width) * scale >= CELL:
        scales.append(scale)
        scale *= FACTOR
    return tuple(scales)


def neighbourhood(box: NDArray[np.float64]) -> Region:
    """Return the region in which a face is looked for that was in a box ``(4,)`` just before."""
    centre, side = (box[:2] + box[2:]) / 2, float((box[2:] - box[:2]).max())
    reach = _REACH * side
    return Region((*(centre - reach), *(centre + reach)), _FITTING[0] * side, _FITTING[1] * side)


def anywhere(box: NDArray[np.float64], frame: View) -> Region:
    """Return the whole frame as a region, for a face about as large as that of a box ``(4,)``."""
    side = float((box[2:] - box[:2]).max())
    return Region(frame.limits, side / 2, side * 2)


def _about(box: NDArray[np.float64], faces: Boxes) -> bool:
    """Say whether a candidate is one about a face of ``(N, 4)``: most of one of them lies in the other."""
    return bool((common_areas(box, faces) > _WITHIN * np.minimum(areas(box[None])[0], areas(faces))).any())


def _scaled(boxes: Boxes, by: float) -> Boxes:
    centre, half = (boxes[:, :2] + boxes[:, 2:]) / 2, (boxes[:, 2:] - boxes[:, :2]) / 2 * by
    return np.hstack([centre - half, centre + half])


def _packed(patches: Sequence[_Patch]) -> tuple[Picture, NDArray[np.intp], NDArray[np.intp]]:
    """Lay patches in columns on one canvas, at even places as P-Net's stride asks.

    Returns:
        The canvas; for each of P-Net's windows the patch in which it lies, or -1; where each patch begins,
        x and y on the canvas.
    """
    sizes = [(h + h % 2 + _GAP, w + w % 2 + _GAP) for h, w in (p.image.shape[:2] for p in patches)]
    height = max(h for h, _ in sizes)
    starts = np.zeros((len(sizes), 2), np.intp)
    columns: list[list[int]] = []  # left, width, how far it is filled
    for i in sorted(range(len(sizes)), key=lambda i: -sizes[i][1]):
        h, w = sizes[i]
        column = next((c for c in columns if c[2] + h <= height), None)
        if column is None:
            column = [sum(c[1] for c in columns), w, 0]
            columns.append(column)
        starts[i] = column[0], column[2]
        column[2] += h
    canvas = np.zeros((_rounded(height), _rounded(sum(c[1] for c in columns)), 3), np.uint8)
    owner = np.full((canvas.shape[0] // _STRIDE, canvas.shape[1] // _STRIDE), -1, np.intp)
    for i, (patch, (x, y)) in enumerate(zip(patches, starts, strict=True)):
        h, w = patch.image.shape[:2]
        canvas[y : y + h, x : x + w] = patch.image
        rows, cols = (h - CELL) // _STRIDE + 1, (w - CELL) // _STRIDE + 1
        owner[y // _STRIDE : y // _STRIDE + rows, x // _STRIDE : x // _STRIDE + cols] = i
    return canvas, owner, starts


def _rounded(side: int) -> int:
    """Round up by less than an eighth, so that canvases have few sizes: P-Net takes milliseconds for each new one."""
    step = max(2 ** (side.bit_length() - 4), 16)
    return -(-side // step) * step


def _crops(frame: View, boxes: Boxes, side: int, detail: float) -> tuple[Picture, NDArray[np.intp]]:
    """Cut boxes out of a frame, as far as they lie in it, at one size; and say which boxes that were."""
    corners, limits = np.trunc(boxes), np.array(frame.limits)
    low, high = np.maximum(corners[:, :2] - 1, limits[:2]), np.minimum(corners[:, 2:], limits[2:])
    kept = np.flatnonzero((high > low).all(axis=1))
    crops = np.zeros((len(kept), side, side, 3), np.uint8)
    for place, box in enumerate(np.hstack([low, high])[kept].tolist()):
        crops[place] = frame.cut(box, side, detail)
    return crops, kept


def _distinct(
    boxes: Boxes, scores: NDArray[np.float32], overlap: float, groups: NDArray[np.intp] | None = None
) -> NDArray[np.intp]:
    """Return the rows that no box of higher score, of their group, overlaps by more, by falling score."""
    corners = np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]])
    if groups is None:
        kept = cv2.dnn.NMSBoxes(corners, scores, 0.0, overlap)  # type: ignore[arg-type]
    else:
        kept = cv2.dnn.NMSBoxesBatched(corners, scores, groups, 0.0, overlap)  # type: ignore[arg-type]
    rows = np.asarray(kept, dtype=np.intp).reshape(-1)
    return rows[np.argsort(-scores[rows], kind="stable")]


def _foremost(boxes: Boxes, most: int) -> NDArray[np.bool_]:
    """Say which boxes, sorted by falling score, are among the first ``most`` about one face."""
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    common, size = np.prod(np.clip(high - low, 0, None), axis=2), areas(boxes)
    shared = common > 0.3 * (size[:, None] + size[None] - common)
    return np.asarray(np.tril(shared, -1).sum(axis=1) < most)


def _regressed(boxes: Boxes, offsets: NDArray[np.float32]) -> Boxes:
    sides = np.tile(boxes[:, 2:] - boxes[:, :2] + 1, 2)
    return boxes + offsets * sides


def _strongest(faces: Faces) -> Faces:
    """Keep of the opinions of one face that of the highest score, as the reference does; largest first."""
    keep = without_nested(faces.boxes, faces.scores, _NESTED)
    order = keep[largest_first(faces.boxes[keep])]
    return Faces(faces.boxes[order], faces.scores[order], faces.landmarks[order])


def _averaged(faces: Faces) -> Faces:
    """Average the opinions of one face, weighted by score: single ones jump by a twentieth of a face; largest first."""
    left = np.argsort(-faces.scores, kind="stable")
    boxes, scores, marks = [], [], []
    while len(left):
        same = box_iou(faces.boxes[left[0]], faces.boxes[left]) > 0.5
        group, left = left[same], left[~same]
        weights = faces.scores[group] / faces.scores[group].sum()
        boxes.append(weights @ faces.boxes[group])
        scores.append(faces.scores[group[0]])
        marks.append(np.tensordot(weights, faces.landmarks[group], 1))
    return _strongest(Faces(np.array(boxes), np.array(scores), np.array(marks))) if boxes else NO_FACES

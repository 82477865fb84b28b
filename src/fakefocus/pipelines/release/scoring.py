"""Shows a detector what a verdict has to bear: faces as they are, reals after each benign edit, and pseudo-fakes."""

import json
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from torch import Tensor

from fakefocus.errors import InputError
from fakefocus.imaging.benign import EDITS
from fakefocus.imaging.blending import Face, Kind, face_in_crop, make_fake
from fakefocus.imaging.codec import Passage, h264
from fakefocus.inference import Crop, Prepared, ReadCrop, prepare, stored_scores
from fakefocus.parameters import PseudoFakes
from fakefocus.training.pseudo_fakes import Casting

CODECS: dict[str, float | None] = {"raw": None, "c23": 23.0, "c40": 40.0}
"""What a pseudo-fake and its target go through: nothing more, or H.264 with a constant rate factor."""
KINDS: tuple[Kind, ...] = get_args(Kind)
_FEW = 256
_USUAL = "c23"
_PASSAGE = Passage(2, (0.7, 0.3))


class Blend(NamedTuple):
    """What is made of a face: a pseudo-fake of a kind, or the target of one, at a compression."""

    face: int
    kind: Kind
    compression: str
    fake: bool


def choose_reals(samples: pd.DataFrame, compression: "pd.Series[str]", faces: int) -> pd.DataFrame:
    """Return rows of real videos of validation and test, ``faces`` a video, evenly over its length.

    Of people whose videos come in several compressions they are those of the usual one (c23). ``compression`` is by
    ``video_id``.
    """
    reals = samples[(samples["split"] != "train") & (samples["method"] == "") & (samples["label"] == 0)]
    is_usual = reals["video_id"].map(compression) == _USUAL
    usual = reals[is_usual | ~is_usual.groupby(reals["identity"]).transform("any")]
    people = usual.sort_values(["video_id", "track", "frame"]).groupby(["video_id", "track"])
    kept = [rows.iloc[np.unique(np.linspace(0, len(rows) - 1, faces).round().astype(int))] for _, rows in people]
    return pd.concat(kept, ignore_index=True) if kept else reals.head(0)


def score_edits(shown: Prepared) -> pd.DataFrame:
    """Score each face after each of `EDITS`: the rows of ``shown.samples`` once an edit, with ``edit``, ``score``."""
    tables = []
    for name in EDITS:
        scores = shown.scorer(shown.crops, partial(_edited, name=name))
        tables.append(shown.samples.assign(edit=name, score=scores))
    return pd.concat(tables, ignore_index=True)


def score_blends(shown: Prepared, seed: int) -> pd.DataFrame:
    """Score pseudo-fakes of each face, of all kinds at all compressions, and their targets.

    Returns:
        ``video_id``, ``group``, ``split``, ``kind``, ``compression``, ``label`` (1 for the pseudo-fake), ``score``.

    Raises:
        InputError: If faces have no landmarks.
    """
    samples = shown.samples
    lacking = int((samples["landmarks"] == "").sum())
    if lacking:
        msg = (
            f"samples: {lacking} of {len(samples)} real faces have no landmarks, which pseudo-fakes are made by: "
            "preprocess with preprocessing.detector=mtcnn and preprocessing.region=face, and train on these crops"
        )
        raise InputError(msg)
    landmarks = np.array([json.loads(text) for text in samples["landmarks"]], dtype=np.float32).reshape(-1, 5, 2)
    side = shown.contract.crops.size
    usable = [row for row in range(len(samples)) if _is_usable(landmarks[row], side)]
    donors = _donors(samples, landmarks, usable, seed)
    asked = [
        Blend(row, kind, compression, fake)
        for row in usable
        for kind in KINDS
        for compression in CODECS
        for fake in (False, True)
    ]
    reads: list[ReadCrop] = [partial(_blend, blend, shown.crops, landmarks, donors, seed) for blend in asked]
    rows = samples.iloc[[blend.face for blend in asked]][["video_id", "group", "split"]].reset_index(drop=True)
    return rows.assign(
        kind=[blend.kind for blend in asked],
        compression=[blend.compression for blend in asked],
        label=[int(blend.fake) for blend in asked],
        score=shown.scorer(reads),
    )


def near_the_middle(rows: pd.DataFrame, plain_scores: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return the rows of ``samples`` whose scores are nearest to .5: what is rounded shows there first."""
    distance = np.abs(stored_scores(rows, plain_scores, name) - 0.5)
    return rows.iloc[np.argsort(distance, kind="stable")[:_FEW]].reset_index(drop=True)


def change_of_scores(
    weights: Mapping[str, Tensor],
    rows: pd.DataFrame,
    contract: dict[str, Any],
    plain_scores: pd.DataFrame,
    shown: tuple[Any, ...],
) -> float:
    """Return by how much a detector with other weights scores faces otherwise, at most.

    Args:
        weights: Tensors by name.
        rows: Rows of ``samples``.
        contract: The detector's, as JSON holds it.
        plain_scores: What it gave the faces before.
        shown: What `prepare` takes after ``samples``.
    """
    ready = prepare({"contract": contract, "weights": weights}, rows, *shown)
    before = stored_scores(rows, plain_scores, ready.contract.name)
    return float(np.abs(ready.scorer(ready.crops) - before).max())


def _edited(image: NDArray[np.uint8], number: int, *, name: str) -> NDArray[np.uint8]:
    del number
    return EDITS[name].apply(np.ascontiguousarray(image))


def _donors(
    samples: pd.DataFrame, landmarks: NDArray[np.float32], usable: Sequence[int], seed: int
) -> Mapping[int, int]:
    """Return whose face goes into each usable row's swap: somebody of the same side, in a pose alike."""
    donors: dict[int, int] = {}
    for side in sorted(set(samples["split"])):
        rows = np.array([row for row in usable if samples["split"].iloc[row] == side], dtype=np.int64)
        if not len(rows):
            continue
        casting = Casting(PseudoFakes(swapped=1.0), samples["identity"].iloc[rows], landmarks[rows])
        rng = np.random.default_rng([seed, len(rows)])
        donors |= {int(row): int(rows[casting.donor(place, rng)]) for place, row in enumerate(rows)}
    return donors


def _blend(
    blend: Blend, crops: Sequence[ReadCrop], landmarks: NDArray[np.float32], donors: Mapping[int, int], seed: int
) -> Crop:
    """Make one picture of a pair; both are made by the same draws."""
    row, donor = blend.face, donors[blend.face]
    rng = np.random.default_rng([seed, row, KINDS.index(blend.kind)])
    face, other = (Face(np.ascontiguousarray(crops[n]().image), landmarks[n]) for n in (row, donor))
    target, fake, _ = make_fake(blend.kind, face, rng, other)
    picture, crf = fake if blend.fake else target, CODECS[blend.compression]
    return Crop(picture if crf is None else h264(picture, crf, _PASSAGE))


def _is_usable(points: NDArray[np.float32], side: int) -> bool:
    try:
        face_in_crop(points, (side, side))
    except ValueError:
        return False
    return True

"""Faces of every kind as a network sees them, and the gallery of their heat maps."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fakefocus.explain.heat import Heat, Method
from fakefocus.explain.parts import map_relevance
from fakefocus.inference import Crop, Prepared
from fakefocus.parameters import Explanation
from fakefocus.pipelines.explanation.choosing import middle_faces
from fakefocus.pipelines.explanation.measuring import Faces, scores_of
from fakefocus.pipelines.explanation.truth import BLENDS, as_seen, blends_of


def see_faces(
    show: Callable[..., Prepared],
    test: pd.DataFrame,
    altered_masks: dict[str, NDArray[Any]],
    explanation: Explanation,
) -> dict[str, Faces]:
    """Return test faces by kind: fakes with a ``masked`` place, blends of real ones by their kind, and ``real`` ones.

    Without masks ``fake`` ones stand in for the first. Kinds of which there are none are left out.
    """
    kinds: dict[str, Faces] = {}
    # in the order of the masks, which is that of their methods in turn
    fakes = test.set_index("crop", drop=False).reindex(altered_masks["crops"]).reset_index(drop=True)
    if len(fakes):
        shown = show(samples=fakes)
        by_crop = dict(zip(altered_masks["crops"], altered_masks["masks"], strict=True))
        masks = [as_seen(by_crop[crop].astype(bool), *_sides(shown)) for crop in fakes["crop"]]
        kinds["masked"] = _faces("masked", shown, fakes, np.stack(masks))
    elif (test["label"] == 1).any():
        fakes = middle_faces(test[test["label"] == 1], explanation.faces)
        kinds["fake"] = _faces("fake", show(samples=fakes), fakes, None)
    reals = middle_faces(test[test["label"] == 0], explanation.faces)
    if reals.empty:
        return kinds
    shown = show(samples=reals)
    pictures = [read().image for read in shown.crops]
    for kind in BLENDS:
        blends = blends_of(pictures, reals["landmarks"].tolist(), kind, explanation.seed)
        there = np.array([blend is not None for blend in blends])
        if there.any():
            made = [blend for blend in blends if blend is not None]
            blended = shown._replace(crops=[partial(Crop, blend.picture) for blend in made])
            masks = [as_seen(blend.mask, *_sides(shown)) for blend in made]
            rows = reals[there].assign(method=kind.replace("_", " "))
            kinds[kind] = _faces(kind, blended, rows, np.stack(masks))
    kinds["real"] = _faces("real", shown, reals, None)
    return kinds


def gallery_of(
    network: Any,  # noqa: ANN401 (torch is imported with its type)
    kinds: dict[str, Faces],
    heats: dict[str, dict[tuple[str, Method], Heat]],
    count: int,
) -> dict[str, NDArray[Any]]:
    """Return ``count`` fakes and reals and a blend of each kind, their heat maps and altered places.

    Returns:
        ``pictures`` ``(G, S, S, 3) uint8``; ``maps`` and ``map_relevance`` ``(G, S, S) float16`` where the detector
        sees maps; ``masks`` ``(G, S, S) uint8``, 0 throughout for real faces; ``titles`` and ``scores`` ``(G,)``; and
        of each heat map ``heat/<part>/<method>`` ``(G, S, S) float16``.
    """
    shown = [(name, faces.first(1 if name in BLENDS else count)) for name, faces in kinds.items()]
    x = np.concatenate([faces.x.numpy() for _, faces in shown])
    gallery = {
        "pictures": np.round(x[:, :3].transpose(0, 2, 3, 1) * 255).astype(np.uint8),
        "scores": np.concatenate([scores_of(network, faces.x).numpy() for _, faces in shown]),
        "titles": np.array([title for _, faces in shown for title in _titles(faces)]),
        "masks": np.concatenate(
            [np.zeros(faces.x[:, 0].shape) if faces.masks is None else faces.masks for _, faces in shown]
        ).astype(np.uint8),
    }
    for part, method in next(iter(heats.values())):
        lots = [heats[name][part, method][: len(faces.x)] for name, faces in shown]
        gallery[f"heat/{part}/{method}"] = np.concatenate(lots).astype(np.float16)
    relevance = [map_relevance(network, faces.x) for _, faces in shown]
    if x.shape[1] > 3:
        gallery["maps"] = x[:, 3].astype(np.float16)
        gallery["map_relevance"] = np.concatenate([lot for lot in relevance if lot is not None]).astype(np.float16)
    return gallery


def _titles(faces: Faces) -> list[str]:
    name = "blend" if faces.kind in BLENDS else "real" if faces.kind == "real" else "fake"
    return [f"{name}{': ' + method if method else ''}" for method in faces.methods]


def _faces(kind: str, shown: Prepared, rows: pd.DataFrame, masks: NDArray[np.bool_] | None) -> Faces:
    x = shown.scorer.inputs(shown.crops).cpu()
    return Faces(kind, x, masks, *(rows[name].to_numpy() for name in ("group", "method")))


def _sides(shown: Prepared) -> tuple[int, int]:
    """Return how much of a stored crop the network is shown, and at what size, in pixels."""
    return shown.contract.training.augmentation.crop, shown.contract.input.img_size

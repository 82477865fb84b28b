"""Heat maps of faces whose altered place is known, and how far they can be trusted."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fakefocus.explain.faithfulness import (
    area,
    centre_heat,
    perturbation_curves,
    random_heat,
    rank_likeness,
    with_random_weights,
)
from fakefocus.explain.heat import METHODS, Heat, Method, heat_maps
from fakefocus.metrics.comparison import compare_auc
from fakefocus.metrics.localisation import localisation
from fakefocus.metrics.scores import auc
from fakefocus.metrics.shifts import mean_interval
from fakefocus.models.family import Family
from fakefocus.parameters import Explanation

_BATCH = 24
"""Faces whose gradients are in memory at once."""
_CELLS = 8
"""Side of the maps that know nothing, in cells: as coarse as the last features of these networks."""


@dataclass(frozen=True)
class Faces:
    """Faces of one kind as a network sees them.

    ``x`` ``(N, C, S, S)``; ``masks`` ``(N, S, S) bool``, where they were altered, None of real ones; ``groups`` of
    their people; ``methods`` of forgery, empty of real ones.
    """

    kind: str
    x: Tensor
    masks: NDArray[np.bool_] | None
    groups: NDArray[Any]
    methods: NDArray[Any]

    def first(self, count: int) -> "Faces":
        """Return the first faces."""
        masks = None if self.masks is None else self.masks[:count]
        parts = (values[:count] for values in (self.groups, self.methods))
        return Faces(self.kind, self.x[:count], masks, *parts)


def measure(
    network: Any,  # noqa: ANN401
    family: Family,
    kinds: dict[str, Faces],
    heats: dict[str, dict[tuple[str, Method], Heat]],
    threshold: float,
    explanation: Explanation,
    confidence: float,
) -> dict[str, Any]:
    """Return how well heat maps meet what was altered, and whether they can be trusted.

    Args:
        network: The detector.
        family: Its family.
        kinds: Faces by how their altered place is known; the first kind is asked for the last two results.
        heats: Heat maps by kind.
        threshold: From which score on a face is called fake.
        explanation: How many faces are asked.
        confidence: Of intervals.

    Returns:
        ``localised`` by kind, ``asked``: which kind, ``faithful`` and ``unlearned``.
    """
    asked = next(iter(kinds.values()))
    few = asked.first(explanation.deletion_faces)
    return {
        "localised": {
            kind: localised(heats[kind], faces, confidence) for kind, faces in kinds.items() if faces.masks is not None
        },
        "asked": asked.kind,
        "faithful": faithfulness(network, family, few, threshold, explanation, confidence),
        "unlearned": unlearned(network, family, heats[asked.kind], asked, explanation.seed, confidence),
    }


def heats_of(network: Any, family: Family, x: Tensor, label: int = 1) -> dict[tuple[str, Method], Heat]:  # noqa: ANN401
    """Return the heat maps of all faces by part of the network and method, of those that there are."""
    heats: dict[tuple[str, Method], Heat] = {}
    for part in parts_of(network, family):
        for method in METHODS:
            lots = [heat_maps(network, lot, part, method, label) for lot in x.split(_BATCH)]
            if any(lot is None for lot in lots):
                continue
            heats[part, method] = np.concatenate([lot for lot in lots if lot is not None])
    return heats


def parts_of(network: Any, family: Family) -> tuple[str, ...]:  # noqa: ANN401
    """Return the streams of a network; of one in one piece, the whole of it."""
    return tuple(network.streams) if family.streams else (family.heat_part,)


def scores_of(network: Any, x: Tensor) -> Tensor:  # noqa: ANN401
    """Return the probability of fake of each face, ``(N,)``."""
    with torch.no_grad():
        return torch.cat([torch.sigmoid(network(lot).float()) for lot in x.split(64)])


def localised(heats: dict[tuple[str, Method], Heat], faces: Faces, confidence: float) -> list[dict[str, Any]]:
    """Return how well each heat map meets the altered places, beside maps that are always hot in the middle."""
    if faces.masks is None:
        msg = "localised: real faces have no altered place"
        raise ValueError(msg)
    centre = localisation(centre_heat(len(faces.x), faces.x.shape[-1]), faces.masks)
    rows = [_row("", "centre", centre, None, faces, confidence)]
    for (part, method), heat in heats.items():
        rows.append(_row(part, method, localisation(heat, faces.masks), centre, faces, confidence))
    return rows


def _row(part: str, method: str, met: Any, centre: Any, faces: Faces, confidence: float) -> dict[str, Any]:  # noqa: ANN401
    values = {name: _share(getattr(met, name), faces.groups, confidence) for name in ("hit", "overlap")}
    inside = np.isfinite(met.inside)
    gain = None if centre is None else mean_interval(met.overlap - centre.overlap, faces.groups, confidence)
    return {
        "part": part,
        "method": method,
        "faces": len(faces.x),
        "people": len(set(faces.groups)),
        **values,
        "inside": _share(met.inside[inside], faces.groups[inside], confidence),
        "altered": float(met.altered.mean()),
        "overlap_by_chance": float((met.altered / (2 - met.altered)).mean()),
        "beyond_centre": gain,
    }


def _share(values: NDArray[np.float64], groups: NDArray[Any], confidence: float) -> dict[str, float | None]:
    """Return the mean of values in [0, 1] with its interval, which ends there too."""
    mean = mean_interval(values, groups, confidence)
    return {name: None if end is None else min(1.0, max(0.0, end)) for name, end in mean.items()}


def faithfulness(
    network: Any,  # noqa: ANN401 (torch is imported with its type)
    family: Family,
    faces: Faces,
    threshold: float,
    explanation: Explanation,
    confidence: float,
) -> list[dict[str, Any]]:
    """Return, of each part and method, what becomes of the score where hot places are taken away or given back.

    Asked for is the label that the detector gives a face. Beside each map stands one that is drawn by chance.
    """
    called = (scores_of(network, faces.x) >= threshold).long()
    sign = 2 * called - 1

    def curves(heat: Heat) -> dict[str, NDArray[np.float64]]:
        lots = []
        for lot in torch.arange(len(faces.x)).split(_BATCH):
            score = partial(_probability, network, sign[lot])
            lots.append(perturbation_curves(score, faces.x[lot], heat[lot.numpy()], explanation.steps))
        return {name: area(np.concatenate([getattr(lot, name) for lot in lots])) for name in ("deletion", "insertion")}

    by_label = [heats_of(network, family, faces.x, label) for label in (0, 1)]
    chance = curves(random_heat(len(faces.x), faces.x.shape[-1], _CELLS, explanation.seed))
    rows = []
    for key in by_label[0]:
        heat = np.where(called.numpy()[:, None, None] == 1, by_label[1][key], by_label[0][key])
        own = curves(heat.astype(np.float32))
        rows.append(
            {
                "part": key[0],
                "method": key[1],
                "faces": len(faces.x),
                "called_fake": int(called.sum()),
                **{
                    name: {
                        "area": float(own[name].mean()),
                        "by_chance": float(chance[name].mean()),
                        "difference": mean_interval(own[name] - chance[name], faces.groups, confidence),
                    }
                    for name in ("deletion", "insertion")
                },
            }
        )
    return rows


def _probability(network: Any, sign: Tensor, x: Tensor) -> Tensor:  # noqa: ANN401
    """Return the probability of fake where ``sign`` is 1, of real where it is -1."""
    return torch.sigmoid(network(x).float() * sign)


def unlearned(
    network: Any,  # noqa: ANN401
    family: Family,
    heats: dict[tuple[str, Method], Heat],
    faces: Faces,
    seed: int,
    confidence: float,
) -> list[dict[str, Any]]:
    """Return how alike heat maps are to those of a network of which nothing is learned, by rank correlation.

    ``faces``: those on which neither map is flat.
    """
    others = heats_of(with_random_weights(network, seed), family, faces.x)
    rows = []
    for (part, method), heat in heats.items():
        likeness = rank_likeness(heat, others[part, method])
        there = np.isfinite(likeness)
        mean = mean_interval(likeness[there], faces.groups[there], confidence)
        rows.append({"part": part, "method": method, "faces": int(there.sum()), "likeness": mean})
    return rows


def map_use(
    network: Any,  # noqa: ANN401
    x: Tensor,
    labels: NDArray[np.int64],
    groups: NDArray[Any],
    seed: int,
    confidence: float,
) -> dict[str, Any] | None:
    """Return what becomes of the AUC of faces where their maps are those of others, or level; None without maps.

    Whoever does not need the map loses nothing: this is about the detector, not about what a map could tell.
    """
    if x.shape[1] < 4:
        return None
    own = scores_of(network, x).numpy()
    order = torch.from_numpy(_of_others(groups, seed))
    level = x[:, 3:].mean((0, 2, 3), keepdim=True).expand_as(x[:, 3:])
    changed = {"map of another person": x[order, 3:], "level map, the mean of all": level}
    rows = []
    for name, maps in changed.items():
        scores = scores_of(network, torch.cat([x[:, :3], maps], 1)).numpy()
        drop = compare_auc(labels, own, scores, groups, confidence)
        rows.append(
            {
                "maps": name,
                "auc": _auc(labels, scores),
                "difference": {"value": drop["difference"], "low": drop["low"], "high": drop["high"]},
                "score_change": float(np.abs(scores - own).mean()),
            }
        )
    return {"faces": len(x), "people": len(set(groups)), "auc": _auc(labels, own), "changed": rows}


def _auc(labels: NDArray[np.int64], scores: NDArray[np.float64]) -> float | None:
    return auc(labels, scores) if len(np.unique(labels)) == 2 else None


def _of_others(groups: NDArray[Any], seed: int) -> NDArray[np.int64]:
    """Return for each face the number of one of another group, where there is another."""
    rng = np.random.default_rng(seed)
    places = np.arange(len(groups))
    others = [places[groups != group] for group in groups]
    return np.array([rng.choice(other) if len(other) else place for place, other in enumerate(others)])

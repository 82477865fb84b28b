"""What is left of a detector's decisions after an attack, and whether the numbers can be right."""

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fakefocus.metrics.intervals import group_interval, why_no_interval
from fakefocus.metrics.scores import accuracy
from fakefocus.pipelines.adversarial.budget import UNBOUNDED

Scores = NDArray[np.float64]

STRONGEST = "accuracy under the strongest attack does not rise with ε"
ALONE = "accuracy under one attack does not rise with ε"
"""Rules; the second may be broken by an attack that works."""
_LEFT = 0.05
"""Accuracy that an attack without bound may leave."""
_ROUNDING = 1e-3
"""Grey levels by which float32 may miss a bound."""


def judge_images(rows: pd.DataFrame, scores: Scores, options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the share of right decisions, with its interval over identity groups, and that of reals and of fakes.

    Args:
        rows: The attacked samples, with ``label`` and ``group``.
        scores: ``(N,)`` in [0, 1].
        options: ``threshold`` and ``confidence``.
    """
    labels, groups, right = rows["label"], rows["group"], _right(rows, scores, options)
    at_threshold = partial(accuracy, threshold=options["threshold"])
    interval = group_interval(at_threshold, labels, scores, groups, options["confidence"])
    share_right = {"value": _mean(right)} | (interval or {"low": None, "high": None})
    by_label = {name: _mean(right[rows["label"] == label]) for label, name in ((0, "real"), (1, "fake"))}
    return {"accuracy": share_right, "no_interval": why_no_interval(labels, groups)} | by_label


def judge_attack(
    rows: pd.DataFrame,
    scores: Mapping[str, Scores],
    attacked: NDArray[np.bool_],
    change: NDArray[np.float32],
    options: Mapping[str, Any],
) -> dict[str, Any]:
    """Return what `judge_images` does of crops rounded to 8 bits, and how far the attack went for what.

    Args:
        rows: The samples.
        scores: ``rounded`` and ``exact``: of crops rounded to 8 bits, and as the attack left them.
        attacked: ``(N,)``; those that were decided right before. The others stay as they are, and wrong.
        change: ``(N, 3, H, W)`` in shares of the pixel range, before rounding.
        options: ``threshold`` and ``confidence``.

    Returns:
        ``success``: share of the attacked that are decided wrong now, of reals and fakes apart too; ``accuracy_exact``
        and ``success_exact`` without rounding; ``linf`` in grey levels and ``l2`` in pixel ranges, means over the
        attacked; ``linf_largest``. None where nothing was attacked.
    """
    wrong, wrong_exact = (~_right(rows, scores[name], options) for name in ("rounded", "exact"))
    labels, sizes = rows["label"].to_numpy(), np.abs(change[attacked].astype(np.float64))
    largest = 255 * sizes.max(axis=(1, 2, 3))
    return judge_images(rows, scores["rounded"], options) | {
        "attacked": int(attacked.sum()),
        "success": _mean(wrong[attacked]),
        "success_real": _mean(wrong[attacked & (labels == 0)]),
        "success_fake": _mean(wrong[attacked & (labels == 1)]),
        "accuracy_exact": _mean(~wrong_exact),
        "success_exact": _mean(wrong_exact[attacked]),
        "linf": _mean(largest),
        "linf_largest": float(largest.max()) if len(largest) else None,
        "l2": _mean(np.sqrt(np.square(sizes).sum(axis=(1, 2, 3)))),
    }


def judge_transfer(
    rows: pd.DataFrame,
    clean: Scores,
    scores: Scores,
    attacked: NDArray[np.bool_],
    right: NDArray[np.bool_],
    options: Mapping[str, Any],
) -> dict[str, Any]:
    """Return what `judge_images` does of crops that were changed against another detector, and of them clean.

    Args:
        rows: The samples.
        clean: ``(N,)`` scores before the attack.
        scores: ``(N,)`` scores after it.
        attacked: ``(N,)``; those that the other detector had right, and only they were changed: others are not judged.
        right: ``(N,)``; those that this detector had right.
        options: ``threshold`` and ``confidence``.

    Returns:
        ``attacked``: how many; ``clean``: ``accuracy`` on them before; ``success``: share of those that both detectors
        had right, ``both_right`` of them, that are decided wrong now.
    """
    both = attacked & right
    success = _mean(~_right(rows[both], scores[both], options))
    about = {"attacked": int(attacked.sum()), "both_right": int(both.sum()), "success": success}
    before = judge_images(rows[attacked], clean[attacked], options)
    return judge_images(rows[attacked], scores[attacked], options) | {"clean": before} | about


def sanity_of(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what must hold of attacks that work: ``rule``, ``where``, ``holds`` (whether it does) and ``values``.

    What the strongest attack of each ε leaves does not rise with ε, from clean crops on, and neither does that of one
    attack (which may: a step that is too long passes over what a shorter one reaches); an attack without bound (C&W
    among them) that knows the map leaves at most 5 %; no change is larger than ε.
    """
    rows = pd.DataFrame(result["rows"])
    clean = {row["maps"]: row["accuracy"]["value"] for row in result["clean"]}
    bounded = rows[rows["epsilon"].notna() & (rows["attack"] != UNBOUNDED)]
    checks = []
    for mode, curves in bounded.assign(value=[row["value"] for row in bounded["accuracy"]]).groupby("maps", sort=False):
        values = [clean[str(mode)], *curves.groupby("epsilon")["value"].min()]
        checks.append(_check(STRONGEST, f"map {mode}", _falls(values), values))
    for (maps, name), curve in bounded.groupby(["maps", "name"], sort=False):
        values = [clean[maps], *(row["value"] for row in curve.sort_values("epsilon")["accuracy"])]
        checks.append(_check(ALONE, f"map {maps}, {name}", _falls(values), values))
    without_bound = (rows["attack"] == UNBOUNDED) | rows["epsilon"].isna()
    for row in rows[without_bound & (rows["maps"] != "remade")].to_dict("records"):
        left = row["accuracy_exact"]
        checks.append(_check(f"{row['name']} leaves at most 5 %", f"map {row['maps']}", left <= _LEFT, [left]))
    reached = bounded[bounded["linf_largest"].notna()]
    over = (reached["linf_largest"].astype(float) - reached["epsilon"].astype(float)).max() if len(reached) else 0.0
    checks.append(_check("no change is larger than ε", "all attacks with a bound", over <= _ROUNDING, [float(over)]))
    return checks


def _falls(values: Sequence[float]) -> bool:
    return all(after <= before for before, after in pairwise(values))


def tracked(result: Mapping[str, Any]) -> dict[str, float]:
    """Return flat numbers for tracking: every accuracy, and how many sanity checks fail."""
    own = {_key(row["maps"], row): row["accuracy"]["value"] for row in result["rows"]}
    clean = {f"{row['maps']}.clean.accuracy": row["accuracy"]["value"] for row in result["clean"]}
    # who had no crop right was not attacked
    shown = [row for row in result["transferred"] if row["attacked"]]
    others = {_key(f"from_{r['source']}.{r['run']}", r): r["accuracy"]["value"] for r in shown}
    return clean | own | others | {"sanity_violations": float(sum(not check["holds"] for check in result["sanity"]))}


def _key(scope: str, row: Mapping[str, Any]) -> str:
    size = "" if row["epsilon"] is None else f".eps_{row['epsilon']}"
    return f"{scope}.{row['attack']}{size}.accuracy"


def _check(rule: str, where: str, holds: bool, values: list[float]) -> dict[str, Any]:
    return {"rule": rule, "where": where, "holds": bool(holds), "values": values}


def _right(rows: pd.DataFrame, scores: Scores, options: Mapping[str, Any]) -> NDArray[np.bool_]:
    return np.asarray((scores >= options["threshold"]) == (rows["label"].to_numpy() == 1))


def _mean(values: NDArray[Any] | pd.Series) -> float | None:
    return float(np.mean(values)) if len(values) else None

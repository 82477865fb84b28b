"""Which crops are attacked, and with what."""

from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from fakefocus.errors import InputError
from fakefocus.parameters import Adversarial

UNBOUNDED = "unbounded"
"""Key of the attack that may change pixels at will."""

_SMALL = 2
"""Step of that attack in grey levels."""


class Planned(NamedTuple):
    """An attack: its key in files, its name as people write it, its bound in grey levels or None, what runs it."""

    key: str
    name: str
    epsilon: int | None
    options: dict[str, Any]


def choose_images(test: pd.DataFrame, count: int, seed: int) -> pd.DataFrame:
    """Return ``count`` rows of samples, half of them real, spread over methods, and within each over videos.

    Methods take turns, and so do the videos of a method, in an order that ``seed`` draws; which face of a video is
    drawn too. Of a label that has fewer, all are taken.

    Raises:
        InputError: If a label has no face.
    """
    halves = {1: count // 2, 0: count - count // 2}
    missing = [("real", "fake")[label] for label in halves if not (test["label"] == label).any()]
    if missing:
        msg = f"adversarial: the test side has no {missing[0]} face: choose a split that has both"
        raise InputError(msg)
    drawn = test.assign(draw=np.random.default_rng(seed).permutation(len(test))).sort_values("draw")
    drawn = drawn.assign(turn=drawn.groupby("video_id").cumcount())
    # of each turn, the videos of a method are counted: methods take turns too
    drawn = drawn.assign(place=drawn.groupby(["label", "method", "turn"]).cumcount())
    ordered = drawn.sort_values(["turn", "place", "draw"])
    chosen = [ordered[ordered["label"] == label].head(half) for label, half in halves.items()]
    return pd.concat(chosen).sort_index().drop(columns=["draw", "turn", "place"]).reset_index(drop=True)


def plan_attacks(options: Adversarial) -> list[Planned]:
    """Return all attacks in the order of their strength, C&W and the one without bound last."""
    kinds: list[tuple[str, str, dict[str, Any]]] = [("fgsm", "FGSM", {"kind": "fgsm"})]
    kinds += [(f"pgd_{n}", f"PGD-{n}", {"kind": "pgd", "steps": n}) for n in options.pgd_steps]
    kinds += [("auto_pgd", "AutoPGD", {"kind": "auto_pgd", "steps": options.auto_pgd_steps})]
    bounded = [Planned(key, name, epsilon, how) for key, name, how in kinds for epsilon in options.epsilons]
    carlini = {"kind": "carlini_l2", "steps": options.carlini_steps, "searches": options.carlini_searches}
    # by small steps from the crop: far away, in noise, a network may have no slope that leads to the other side
    at_will = {"kind": "pgd", "steps": options.unbounded_steps, "step": _SMALL / 255}
    return [*bounded, Planned("carlini_l2", "C&W-L2", None, carlini), Planned(UNBOUNDED, "unbounded PGD", 255, at_will)]

"""Tables and sentences of the section on coadaptation."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from fakefocus import wording

TITLES = {"cosine": "mean absolute cosine", "cka": "linear CKA"}


def mean(values: Sequence[float | None]) -> float | None:
    """Return the mean; None if one is."""
    defined = [value for value in values if value is not None]
    return float(np.mean(defined)) if defined and len(defined) == len(values) else None


def how(result: dict[str, Any]) -> str:
    """Return in words what was trained, and on what it was measured."""
    held_out = ", ".join(result["held_out"]) or "none"
    return (
        f"{result['detector']}: each variant trained for {result['epochs']} epochs ({result['epoch_share']:g} of the "
        f"recipe's) with seeds {', '.join(map(str, result['seeds']))}; {result['faces']} faces of {result['videos']} "
        f"test videos, {result['groups']} groups of people (split {result['split_hash'][:8]}). In distribution: "
        f"methods trained on; out of distribution: held-out methods ({held_out})."
    )


def correlated(result: dict[str, Any]) -> str:
    """Return in words how likeness of streams goes with the AUC."""
    runs = [run for variant in result["variants"] for run in variant["runs"]]
    parts = [
        f"{title} {_rank(result['correlations'][f'{name} and held_out_auc'], len(runs))} with the AUC on held-out "
        f"methods, {_rank(result['correlations'][f'{name} and auc'], len(runs))} with that on methods trained on"
        for name, title in TITLES.items()
    ]
    dead = sum(run["cka"] is None for run in runs)
    without = (
        f" In {dead} of them a stream has the same token for every face: CKA is undefined there, and its correlations "
        "are without them."
    )
    return (
        f"{result['detector']}: Spearman's rank correlation over {len(runs)} trainings, {result['confidence']:.0%} "
        f"intervals by Fisher's z: {'; '.join(parts)}.{without if dead else ''} {_verdict(result)}"
    )


def _verdict(result: dict[str, Any]) -> str:
    ranks = {title: result["correlations"][f"{name} and held_out_auc"] for name, title in TITLES.items()}
    if any(rank["value"] is None for rank in ranks.values()):
        return "Whether likeness goes with the AUC on other methods is undefined here."
    signs = {t: "rises" if r["low"] > 0 else "falls" for t, r in ranks.items() if r["low"] * r["high"] > 0}
    if not signs:
        return "Neither is shown to go with the AUC on other methods."
    return " ".join(f"The AUC on other methods {sign} with {title}." for title, sign in signs.items())


def _rank(rank: dict[str, Any], runs: int) -> str:
    """Return a rank correlation in words; of fewer than all trainings, of how many."""
    value = "undefined" if rank["value"] is None else f"{rank['value']:.2f} [{rank['low']:.2f}, {rank['high']:.2f}]"
    return value if rank["n"] == runs else f"{value} over {rank['n']} of them"


def variants_table(result: dict[str, Any]) -> dict[str, Any]:
    """Return likeness, AUC and attention of each variant, over its seeds."""
    streams = list(result["variants"][0]["runs"][0]["shares"])
    names = ("cosine", "cka", "cka_by_chance", "auc", "held_out_auc")
    columns = [
        *("trained with", "cosine", "linear CKA", "CKA by chance", "AUC, methods trained on", "AUC, held-out methods"),
        *(f"attention, {stream}" for stream in streams),
    ]
    rows = [
        [
            variant["title"],
            *(wording.spread([run[name] for run in variant["runs"]]) for name in names),
            *(wording.spread([run["shares"][stream] for run in variant["runs"]]) for stream in streams),
        ]
        for variant in result["variants"]
    ]
    return {"title": f"{result['detector']}: mean ± deviation over seeds", "columns": columns, "rows": rows}


def runs_table(result: dict[str, Any]) -> dict[str, Any]:
    """Return likeness and AUC of each training."""
    names = ("cosine", "cka", "auc", "held_out_auc")
    columns = ["trained with", "seed", "cosine", "linear CKA", "AUC, methods trained on", "AUC, held-out methods"]
    rows = [
        [variant["title"], str(run["seed"]), *(wording.number(run[name]) for name in names)]
        for variant in result["variants"]
        for run in variant["runs"]
    ]
    return {"title": f"{result['detector']}: each training", "columns": columns, "rows": rows}


def pairs_table(result: dict[str, Any]) -> dict[str, Any]:
    """Return cosine and CKA of each pair of streams."""
    columns = ["trained with", "streams", "cosine", "linear CKA", "CKA by chance"]
    rows = [
        [
            variant["title"],
            " and ".join(pair["streams"]),
            *(_of_pair(variant, place, name) for name in (*TITLES, "cka_by_chance")),
        ]
        for variant in result["variants"]
        for place, pair in enumerate(variant["runs"][0]["pairs"])
    ]
    return {"title": f"{result['detector']}: pairs of streams, mean ± deviation", "columns": columns, "rows": rows}


def _of_pair(variant: dict[str, Any], place: int, name: str) -> str:
    return wording.spread([run["pairs"][place][name] for run in variant["runs"]])

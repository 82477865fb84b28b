"""What parts of a detector are worth: trained again without one, or with streams switched off, beside the claims."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import pandas as pd
from matplotlib.figure import Figure

from fakefocus.datasets.stored_video import VideoFolder
from fakefocus.errors import InputError
from fakefocus.metrics.coverage import judged_videos
from fakefocus.metrics.over_seeds import METHOD
from fakefocus.models import DetectorOptions, find_family
from fakefocus.models.family import UNCHANGED, Claim
from fakefocus.models.fitting import check_judged, training_of, trainings_in
from fakefocus.parameters import Defocus, Evaluation, Preprocessing, Retraining
from fakefocus.pipelines.ablation import figures, words
from fakefocus.pipelines.ablation.measuring import (
    MEASURES,
    check_same_videos,
    differences_by_seed,
    held_out_methods,
    scored_anew,
    values_by_seed,
)

ORDER = 40
"""Of the section in the report."""


def compare_variants(
    options: DetectorOptions, ablation: Retraining, evaluation: Evaluation, *summaries: dict[str, Any]
) -> dict[str, Any]:
    """Compare variants of a family with its unchanged detector, trained with the same seeds, on the same test videos.

    Which variant a summary is of is read off its detector's contract.

    Raises:
        InputError: If a detector is of no variant of these parameters, or one was judged on other videos.
    """
    family = find_family(options.family)
    by_variant: dict[str, dict[int, dict[str, Any]]] = {}
    for summary in summaries:
        contract = summary["contract"]
        by_variant.setdefault(options.variant_of(contract), {})[contract["training"]["seed"]] = summary
    check_same_videos(family.name, summaries)
    unchanged = by_variant[UNCHANGED]
    variants = [
        {
            "variant": name,
            "title": variant.title,
            "claims": [_claim(claim) for claim in variant.claims],
            "parameters": next(iter(by_variant[name].values()))["parameters"],
            "values": values_by_seed(by_variant[name]),
            "measured": differences_by_seed(by_variant[name], unchanged, evaluation.confidence),
        }
        for name, variant in family.ablations.items()
    ]
    first = next(iter(unchanged.values()))
    return {
        "protocol": "ablation",
        "kind": "retrained",
        "tracked": _tracked(variants),
        **_about(first),
        "colour": family.colour,
        "seeds": sorted(unchanged),
        "epochs": first["contract"]["training"]["epochs"],
        "epoch_share": ablation.epoch_share,
        "confidence": evaluation.confidence,
        "interval": METHOD,
        "unchanged": {"parameters": first["parameters"], "values": values_by_seed(unchanged)},
        "variants": variants,
    }


def switch_streams(
    model: dict[str, Any],
    summary: dict[str, Any],
    samples: pd.DataFrame,
    face_crops: dict[str, VideoFolder],
    defocus_maps: dict[str, VideoFolder],
    splits_json: dict[str, Any],
    preprocessing: Preprocessing,
    defocus: Defocus,
    evaluation: Evaluation,
) -> dict[str, Any]:
    """Score the test side with each combination of a trained detector's streams; others do not enter its fusion.

    Raises:
        InputError: If the detector does not fit the samples, or was trained again since it was judged.
    """
    check_judged(model["contract"], summary)
    # torch takes seconds to import: only this node needs it
    import torch

    from fakefocus.inference import prepare

    rows = samples[samples["split"] == "test"].reset_index(drop=True)
    shown = prepare(model, rows, face_crops, defocus_maps, splits_json, preprocessing, defocus, evaluation)
    network, tokens = shown.scorer.network, shown.scorer.embed(shown.crops)
    streams, batches = tuple(network.streams), tokens.split(evaluation.batch_size)
    kept = [some for count in range(len(streams), 0, -1) for some in combinations(streams, count)]
    with torch.inference_mode():
        logits = {some: torch.cat([network.forward_kept(part, some).float() for part in batches]) for some in kept}
    scores = {some: torch.sigmoid(values).cpu().numpy().astype(float) for some, values in logits.items()}
    tables = {some: scored_anew(rows, scores[some], summary, evaluation) for some in kept}
    family = find_family(shown.contract.family)
    variants = [_switched(family.ablations, some, tables, evaluation.confidence) for some in kept[1:]]
    return {
        "protocol": "streams",
        "kind": "switched",
        "tracked": _tracked(variants),
        **_about(summary),
        "training": training_of(model["contract"], family.name, summary["experiment"]),
        "colour": family.colour,
        "seeds": [shown.contract.training.seed],
        "epochs": shown.contract.training.epochs,
        "confidence": evaluation.confidence,
        "interval": METHOD,
        "unchanged": {"values": values_by_seed({0: tables[streams]})},
        "variants": variants,
    }


def describe_ablation(*results: dict[str, Any]) -> dict[str, Any]:
    """Say what parts are worth, beside what was published; families that were left out are not there.

    Raises:
        InputError: If there is no result.
    """
    there = _there(results)
    tables = [words.table(result) for result in there] + [
        words.each_seed(result) for result in there if words.is_retrained(result)
    ]
    return {
        "title": "What the parts are worth",
        "order": ORDER,
        "split_hash": there[0]["split_hash"],
        # variants are trained and judged apart from the detectors of the report
        "trainings": trainings_in(result for result in there if not words.is_retrained(result)),
        "text": [
            "Each part that is claimed to help was left out and the detector trained again, with the seeds and "
            "the recipe of the unchanged one; and of a trained detector, streams were switched off. Differences are "
            "those of the changed detector minus the unchanged one, on the same test videos, seed by seed.",
            *(words.how(result) for result in there),
            "Differences are in points of a hundred. «lower» or «higher» stands where the interval excludes 0, that of "
            "a bootstrap over seeds and people too, and Holm's p-value over the whole table is small enough. Elsewhere "
            "nothing is shown, which does not say that there is no difference: with few seeds and few people only "
            "large ones can be. Published claims are of other data and recipes. A part that is worthless on this data "
            "may be worth something on other data.",
        ],
        "tables": tables,
        "caption": (
            "Difference in AUC of test videos to the unchanged detector, in points; bars are intervals, small rings "
            "single seeds, diamonds what was published."
        ),
    }


def draw_ablation(*results: dict[str, Any]) -> Figure:
    """Draw differences with their intervals beside the claims.

    Raises:
        InputError: If there is no result.
    """
    return figures.differences(_there(results))


def _there(results: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    there = sorted((result for result in results if result), key=lambda result: str(result["family"]))
    if not there:
        msg = "ablation: no family's variants were compared: run kedro run --pipelines=ablation"
        raise InputError(msg)
    return there


def _about(summary: dict[str, Any]) -> dict[str, Any]:
    contract = summary["contract"]
    names = {"detector": contract["name"], "family": contract["family"]}
    return names | {name: summary[name] for name in ("dataset", "experiment", "split_hash")} | _counts(summary)


def _counts(summary: dict[str, Any]) -> dict[str, Any]:
    videos = judged_videos(summary)
    return {"videos": len(videos), "groups": int(videos["group"].nunique()), "held_out": held_out_methods(summary)}


def _claim(claim: Claim) -> dict[str, Any]:
    return {"measure": f"{claim.scope}.{claim.metric}", "low": claim.low, "high": claim.high, "source": claim.source}


def _switched(
    ablations: Mapping[str, Any],
    kept: tuple[str, ...],
    tables: Mapping[tuple[str, ...], dict[str, Any]],
    confidence: float,
) -> dict[str, Any]:
    published = next(
        (a for a in ablations.values() if tuple(a.changes.get("network", {}).get("streams", ())) == kept), None
    )
    whole = max(tables, key=len)
    return {
        "variant": "_".join(kept),
        "title": published.title if published else f"{' and '.join(kept)} streams",
        "claims": [_claim(claim) for claim in published.claims] if published else [],
        "values": values_by_seed({0: tables[kept]}),
        "measured": differences_by_seed({0: tables[kept]}, {0: tables[whole]}, confidence),
    }


def _tracked(variants: Sequence[dict[str, Any]]) -> dict[str, float]:
    return {
        f"{row['variant']}.{measure}": row["measured"][measure]["difference"]
        for row in variants
        for measure in MEASURES
        if row["measured"][measure]["difference"] is not None
    }

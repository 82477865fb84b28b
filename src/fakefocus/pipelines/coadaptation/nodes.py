"""Do streams learn the same, what keeps them apart, and does that help on fakes of other methods?"""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fakefocus.datasets.stored_video import VideoFolder
from fakefocus.errors import InputError
from fakefocus.metrics.similarity import linear_cka, mean_absolute_cosine, rank_correlation
from fakefocus.models import DetectorOptions, find_family
from fakefocus.models.family import UNCHANGED
from fakefocus.models.fitting import check_judged
from fakefocus.parameters import Defocus, Evaluation, Preprocessing, Retraining
from fakefocus.pipelines.coadaptation import figures, words

ORDER = 50
"""Of the section in the report."""
BOTH = "both (unchanged)"
CHANCE_SEED = 3
"""Of the shuffling that shows which alignment comes by chance."""


def measure_tokens(
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
    """Compare the tokens of a detector's streams on all faces of the test side, real and fake.

    Returns:
        ``cosine`` and ``cka`` in [0, 1], the mean over ``pairs`` of streams; ``cka_by_chance``: that of tokens whose
        faces were shuffled; both None where a stream has the same token for every face; ``shares`` of attention by
        stream, 1 in sum; the AUC of videos, ``auc`` on methods that it was trained on and ``held_out_auc`` on others;
        and what the detector is.

    Raises:
        InputError: If the detector does not fit the samples, or was trained again since it was judged.
    """
    check_judged(model["contract"], summary, "run kedro run --pipelines=ablation,coadaptation --tags=evaluation")
    # torch takes seconds to import: only this node needs it
    import torch

    from fakefocus.inference import prepare

    rows = samples[samples["split"] == "test"].reset_index(drop=True)
    shown = prepare(model, rows, face_crops, defocus_maps, splits_json, preprocessing, defocus, evaluation)
    network, tokens = shown.scorer.network, shown.scorer.embed(shown.crops)
    with torch.inference_mode():
        parts = [network.shares(part).float() for part in tokens.split(evaluation.batch_size)]
        shares = torch.cat(parts).mean(0).tolist()
    pairs = between_streams(tokens.float().cpu().numpy(), tuple(network.streams))
    metrics, contract = summary["metrics"], summary["contract"]
    return {
        "contract": {name: contract[name] for name in ("family", "name", "network", "loss", "training")},
        **{name: summary[name] for name in ("dataset", "experiment", "split_hash")},
        "faces": len(rows),
        "videos": int(rows["video_id"].nunique()),
        "groups": int(rows["group"].nunique()),
        "auc": metrics["video"]["auc"]["value"],
        "held_out_auc": metrics["held_out"]["auc"]["value"] if "held_out" in metrics else None,
        "held_out": [method for method, of_method in metrics["by_method"].items() if of_method["held_out"]],
        **{name: words.mean([pair[name] for pair in pairs]) for name in ("cosine", "cka", "cka_by_chance")},
        "pairs": pairs,
        "shares": dict(zip(network.streams, shares, strict=True)),
    }


def between_streams(tokens: NDArray[np.float32], streams: Sequence[str]) -> list[dict[str, Any]]:
    """Return cosine and CKA of each pair of streams, for tokens ``(N, S, D)``; CKA is None where one never varies."""
    order = np.random.default_rng(CHANCE_SEED).permutation(len(tokens))
    return [
        {
            "streams": [streams[first], streams[second]],
            "cosine": mean_absolute_cosine(tokens[:, first], tokens[:, second]),
            "cka": _cka(tokens[:, first], tokens[:, second]),
            "cka_by_chance": _cka(tokens[:, first], tokens[order, second]),
        }
        for first, second in combinations(range(len(streams)), 2)
    ]


def compare_regularisers(
    options: DetectorOptions, ablation: Retraining, evaluation: Evaluation, *tokens: dict[str, Any]
) -> dict[str, Any]:
    """Compare variants with fewer regularisers; and rank all trainings by likeness of streams and by held-out AUC.

    Raises:
        InputError: If a detector is of no variant of these parameters.
    """
    family, first = find_family(options.family), tokens[0]
    runs = [_run(options, measured) for measured in tokens]
    titles = {UNCHANGED: BOTH} | {name: variant.title for name, variant in family.regularisers.items()}
    variants = [
        {"variant": name, "title": titles[name], "runs": [run for run in runs if run["variant"] == name]}
        for name in (*family.regularisers, UNCHANGED)
    ]
    correlations = {
        f"{likeness} and {scope}": _correlation(runs, likeness, scope, evaluation.confidence)
        for likeness in words.TITLES
        for scope in ("held_out_auc", "auc")
    }
    return {
        "protocol": "coadaptation",
        "tracked": _tracked(variants, correlations),
        "detector": first["contract"]["name"],
        "family": family.name,
        **{name: first[name] for name in ("dataset", "experiment", "split_hash", "faces", "videos", "groups")},
        "held_out": first["held_out"],
        "seeds": sorted({run["seed"] for run in runs}),
        "epochs": first["contract"]["training"]["epochs"],
        "epoch_share": ablation.epoch_share,
        "confidence": evaluation.confidence,
        "weights": {
            "orthogonality and others of the loss": options.loss.model_dump(mode="json"),
            "network": options.network.model_dump(mode="json"),
        },
        "variants": variants,
        "correlations": correlations,
    }


def describe_coadaptation(*results: dict[str, Any]) -> dict[str, Any]:
    """Say how alike the streams are in each variant, and whether that goes with the AUC on other methods.

    Raises:
        InputError: If there is no result.
    """
    there = _there(results)
    return {
        "title": "Do the streams learn the same?",
        "order": ORDER,
        "split_hash": there[0]["split_hash"],
        "text": [
            "A detector of several streams is trained with neither, either and both of the means that are to keep its "
            "streams apart. On the faces of the test side: the mean absolute cosine between tokens of different "
            "streams, and linear CKA (Kornblith et al. 2019), which does not depend on how a token is turned.",
            *(words.how(result) for result in there),
            *(words.correlated(result) for result in there),
            "The publication claims a cosine of .80 without, .30 with orthogonality and .10 with stream dropout as "
            "well, and leaves the AUC on other generators open; no code is behind these numbers. A rank correlation "
            "over so few trainings is uncertain, and trainings of one variant are not independent of each other: its "
            "interval is, if anything, too narrow. A correlation would not say that likeness is the cause.",
        ],
        "tables": [
            table
            for result in there
            for table in (words.variants_table(result), words.runs_table(result), words.pairs_table(result))
        ],
        "caption": (
            "Each point is one training: likeness of the streams' tokens against the AUC of videos of held-out "
            "methods; and each stream's share of attention, mean over seeds."
        ),
    }


def draw_coadaptation(*results: dict[str, Any]) -> Figure:
    """Draw cosine and CKA against the AUC on held-out methods, and shares of attention.

    Raises:
        InputError: If there is no result.
    """
    return figures.likeness(_there(results))


def _there(results: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    there = [result for result in results if result]
    if not there:
        msg = "coadaptation: no family's streams were compared: run kedro run --pipelines=coadaptation"
        raise InputError(msg)
    return there


def _cka(first: NDArray[np.float32], second: NDArray[np.float32]) -> float | None:
    value = linear_cka(first, second)
    return None if np.isnan(value) else value


def _run(options: DetectorOptions, measured: dict[str, Any]) -> dict[str, Any]:
    names = ("auc", "held_out_auc", "cosine", "cka", "cka_by_chance", "pairs", "shares")
    contract = measured["contract"]
    about = {"variant": options.variant_of(contract), "seed": contract["training"]["seed"]}
    return about | {name: measured[name] for name in names}


def _correlation(runs: Sequence[dict[str, Any]], likeness: str, scope: str, confidence: float) -> dict[str, Any]:
    defined = [run for run in runs if run[likeness] is not None and run[scope] is not None]
    return rank_correlation([run[likeness] for run in defined], [run[scope] for run in defined], confidence)


def _tracked(variants: Sequence[dict[str, Any]], correlations: dict[str, Any]) -> dict[str, float]:
    means = {
        f"{variant['variant']}.{name}": words.mean([run[name] for run in variant["runs"]])
        for variant in variants
        for name in ("cosine", "cka", "auc", "held_out_auc")
    }
    ranks = {f"rank.{name.replace(' ', '_')}": rank["value"] for name, rank in correlations.items()}
    return {name: value for name, value in (means | ranks).items() if value is not None}

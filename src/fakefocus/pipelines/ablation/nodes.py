"""What parts of a detector are worth: trained again without one, or with streams switched off, beside the claims."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fakefocus.datasets.stored_video import VideoFolder
from fakefocus.errors import InputError
from fakefocus.metrics.comparison import hierarchical_interval, holm
from fakefocus.metrics.coverage import with_missing
from fakefocus.metrics.over_seeds import METHOD, difference_over_seeds
from fakefocus.metrics.scores import auc
from fakefocus.metrics.videos import score_by_video
from fakefocus.models import DetectorOptions, find_family
from fakefocus.models.contract import check_judged, training_of
from fakefocus.models.family import UNCHANGED, Claim
from fakefocus.parameters import Defocus, Evaluation, Preprocessing, Retraining
from fakefocus.pipelines.ablation import figures
from fakefocus.plotting import MINUS

MEASURES = {
    "video.auc": "AUC, methods trained on",
    "held_out.auc": "AUC, held-out methods",
    "video.accuracy": "accuracy, methods trained on",
}
"""What is compared, video by video."""
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
    _check_same_videos(family.name, summaries)
    unchanged = by_variant[UNCHANGED]
    variants = [
        {
            "variant": name,
            "title": variant.title,
            "claims": [_claim(claim) for claim in variant.claims],
            "parameters": next(iter(by_variant[name].values()))["parameters"],
            "values": _values(by_variant[name]),
            "measured": _differences(by_variant[name], unchanged, evaluation.confidence),
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
        "unchanged": {"parameters": first["parameters"], "values": _values(unchanged)},
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
    tables = {some: _judged_by(rows, scores[some], summary, evaluation) for some in kept}
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
        "unchanged": {"values": _values({0: tables[streams]})},
        "variants": variants,
    }


def describe_ablation(*results: dict[str, Any]) -> dict[str, Any]:
    """Say what parts are worth, beside what was published; families that were left out are not there.

    Raises:
        InputError: If there is no result.
    """
    there = _there(results)
    tables = [_table(result) for result in there] + [_each_seed(result) for result in there if _is_retrained(result)]
    return {
        "title": "What the parts are worth",
        "order": ORDER,
        "split_hash": there[0]["split_hash"],
        # variants are trained and judged apart from the detectors of the report
        "trainings": {name: digest for one in there for name, digest in one.get("training", {}).items()},
        "text": [
            "Each part that is claimed to help was left out and the detector trained again, with the seeds and "
            "the recipe of the unchanged one; and of a trained detector, streams were switched off. Differences are "
            "those of the changed detector minus the unchanged one, on the same test videos, seed by seed.",
            *(_how(result) for result in there),
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


def _is_retrained(result: dict[str, Any]) -> bool:
    return bool(result["kind"] == "retrained")


def _about(summary: dict[str, Any]) -> dict[str, Any]:
    contract = summary["contract"]
    names = {"detector": contract["name"], "family": contract["family"]}
    return names | {name: summary[name] for name in ("dataset", "experiment", "split_hash")} | _counts(summary)


def _counts(summary: dict[str, Any]) -> dict[str, Any]:
    videos = _judged_videos(summary)
    return {"videos": len(videos), "groups": int(videos["group"].nunique()), "held_out": _held_out(summary)}


def _judged_videos(summary: dict[str, Any]) -> pd.DataFrame:
    """Return the test videos that are judged, under the evaluation's policy for those without a score.

    Which have none depends on their faces alone, not on the detector: they are the same for all variants.
    """
    videos = pd.DataFrame(summary["videos"]).astype({"score": float})
    return with_missing(videos, summary["coverage"]["missing"])


def _held_out(summary: dict[str, Any]) -> list[str]:
    return [method for method, judged in summary["metrics"]["by_method"].items() if judged["held_out"]]


def _check_same_videos(family: str, summaries: Sequence[dict[str, Any]]) -> None:
    first = summaries[0]
    if any(summary["videos"]["video_id"] != first["videos"]["video_id"] for summary in summaries):
        msg = (
            f"{family}: its variants were judged on different test videos: judge all of them again, kedro run "
            "--pipelines=ablation,coadaptation --tags=evaluation"
        )
        raise InputError(msg)
    trainings = [_apart_from_the_variant(summary["contract"]) for summary in summaries]
    differing = sorted({name for training in trainings for name in training if training[name] != trainings[0][name]})
    if differing:
        msg = (
            f"{family}: its variants were trained with different {', '.join(differing)}: train all of them with the "
            "same --params, kedro run --pipelines=ablation"
        )
        raise InputError(msg)


def _apart_from_the_variant(contract: dict[str, Any]) -> dict[str, Any]:
    """Return what all variants of a comparison have in common."""
    training = {name: value for name, value in contract["training"].items() if name != "seed"}
    return {"training": training, "recipe": contract["recipe"], "split": contract["split"]["hash"]}


def _claim(claim: Claim) -> dict[str, Any]:
    return {"measure": f"{claim.scope}.{claim.metric}", "low": claim.low, "high": claim.high, "source": claim.source}


def _table_of(summary: dict[str, Any], measure: str) -> tuple[pd.DataFrame, NDArray[np.float64]]:
    """Return the test videos that a measure is about, and what it is taken of: scores, or decisions."""
    videos, held_out = _judged_videos(summary), _held_out(summary)
    scope, _, metric = measure.partition(".")
    of_scope = videos["method"].isin(["", *held_out]) if scope == "held_out" else ~videos["method"].isin(held_out)
    chosen = videos[of_scope]
    scores = chosen["score"].to_numpy(float)
    return chosen, scores if metric == "auc" else (scores >= summary["metrics"]["threshold"]).astype(float)


def _share_right(labels: NDArray[np.int64], decisions: NDArray[np.float64]) -> float:
    return float(np.mean(decisions == labels)) if len(labels) else float("nan")


def _metric(measure: str) -> Any:  # noqa: ANN401 (a function of labels and scores)
    return auc if measure.endswith(".auc") else _share_right


def _values(by_seed: Mapping[int, dict[str, Any]]) -> dict[str, list[float | None]]:
    """Return each measure seed by seed; None where a class is missing."""
    values: dict[str, list[float | None]] = {}
    for measure in MEASURES:
        tables = [_table_of(by_seed[seed], measure) for seed in sorted(by_seed)]
        numbers = [_metric(measure)(videos["label"].to_numpy(), scores) for videos, scores in tables]
        values[measure] = [None if np.isnan(number) else float(number) for number in numbers]
    return values


def _differences(
    changed: Mapping[int, dict[str, Any]], unchanged: Mapping[int, dict[str, Any]], confidence: float
) -> dict[str, Any]:
    """Return `difference_over_seeds` of each measure; of AUCs over seeds the bootstrap's interval as well."""
    result = {}
    for measure in MEASURES:
        seeds = sorted(unchanged)
        firsts, seconds = ([_table_of(side[seed], measure) for seed in seeds] for side in (changed, unchanged))
        videos = firsts[0][0]
        scores = [[taken for _, taken in side] for side in (firsts, seconds)]
        shown = (videos["label"], scores[0], scores[1], videos["group"])
        result[measure] = difference_over_seeds(_metric(measure), *shown, confidence)
        if measure.endswith(".auc") and len(seeds) > 1 and result[measure]["low"] is not None:
            drawn = hierarchical_interval(videos["label"], scores[0], videos["group"], confidence, minus=scores[1])
            result[measure] |= {"bootstrap_low": drawn["low"], "bootstrap_high": drawn["high"]}
    return result


def _judged_by(
    rows: pd.DataFrame, scores: NDArray[np.float64], summary: dict[str, Any], evaluation: Evaluation
) -> dict[str, Any]:
    """Return what a summary has of videos, for other scores of their faces."""
    by_video = score_by_video(rows.assign(score=scores), evaluation.aggregation)["score"]
    videos = pd.DataFrame(summary["videos"])
    videos = videos.assign(score=videos["video_id"].map(by_video))
    return {"videos": videos.to_dict("list")} | {name: summary[name] for name in ("metrics", "coverage")}


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
        "values": _values({0: tables[kept]}),
        "measured": _differences({0: tables[kept]}, {0: tables[whole]}, confidence),
    }


def _tracked(variants: Sequence[dict[str, Any]]) -> dict[str, float]:
    return {
        f"{row['variant']}.{measure}": row["measured"][measure]["difference"]
        for row in variants
        for measure in MEASURES
        if row["measured"][measure]["difference"] is not None
    }


def _how(result: dict[str, Any]) -> str:
    """Return in words on what a table stands."""
    on = f"{result['videos']} test videos of {result['groups']} groups of people (split {result['split_hash'][:8]})"
    held_out = f"; held out: {', '.join(result['held_out'])}" if result["held_out"] else "; no method is held out"
    seeds = ", ".join(map(str, result["seeds"]))
    if _is_retrained(result):
        way = f"trained for {_epochs(result['epochs'])} ({result['epoch_share']:g} of the recipe's) with seeds {seeds}"
    else:
        way = f"streams of the trained detector switched off (seed {seeds}): the interval is about this one detector"
    intervals = f"{result['confidence']:.0%} intervals: {result['interval']}"
    return f"{result['detector']}: {way}; {on}{held_out}. {intervals}.{_without_interval(result)}{_sources(result)}"


def _without_interval(result: dict[str, Any]) -> str:
    """Say why differences have no interval, each reason once."""
    cells = [row["measured"][measure] for row in result["variants"] for measure in MEASURES]
    reasons = sorted({cell["no_interval"] for cell in cells if cell["no_interval"]})
    return f" Where a difference stands alone: {'; '.join(reasons)}." if reasons else ""


def _sources(result: dict[str, Any]) -> str:
    """Return what is published where, each source once."""
    claims = [claim for row in result["variants"] for claim in row["claims"]]
    by_source: dict[str, dict[str, None]] = {}
    for claim in claims:
        by_source.setdefault(claim["source"], {})[MEASURES[claim["measure"]]] = None
    texts = [f"{' and '.join(measures)}: {source}" for source, measures in by_source.items()]
    return f" Published claims: {'; '.join(texts)}." if texts else ""


def _table(result: dict[str, Any]) -> dict[str, Any]:
    retrained = _is_retrained(result)
    verdicts = _verdicts(result)
    columns = ["change", *(["parameters"] if retrained else []), *MEASURES.values(), "published", "shown"]
    unchanged = [
        "unchanged",
        *([f"{result['unchanged']['parameters']:,}"] if retrained else []),
        *(_spread(result["unchanged"]["values"][measure]) for measure in MEASURES),
        *("", ""),
    ]
    rows = [
        [
            row["title"],
            *([f"{row['parameters']:,}"] if retrained else []),
            *(_difference(row["measured"][measure]) for measure in MEASURES),
            "; ".join(_published(claim, row["measured"]) for claim in row["claims"]) or "no claim",
            verdict,
        ]
        for row, verdict in zip(result["variants"], verdicts, strict=True)
    ]
    way = "trained again, differences to the unchanged" if retrained else "streams switched off at inference"
    return {"title": f"{result['detector']}: {way}", "columns": columns, "rows": [unchanged, *rows]}


def _each_seed(result: dict[str, Any]) -> dict[str, Any]:
    shown = {measure: title for measure, title in MEASURES.items() if measure.endswith(".auc")}
    columns = ["detector", *(f"{title}, seed {seed}" for title in shown.values() for seed in result["seeds"])]
    whole = {"title": "unchanged", "values": result["unchanged"]["values"]}
    rows = [
        [row["title"], *(_number(value) for measure in shown for value in row["values"][measure])]
        for row in [whole, *result["variants"]]
    ]
    return {"title": f"{result['detector']}: each training", "columns": columns, "rows": rows}


def _verdicts(result: dict[str, Any]) -> list[str]:
    """Return what each row shows, in words, after Holm over all intervals of the table."""
    cells = [
        (place, measure, row["measured"][measure])
        for place, row in enumerate(result["variants"])
        for measure in MEASURES
        if row["measured"][measure]["p"] is not None
    ]
    adjusted = holm([cell["p"] for _, _, cell in cells])
    words: list[list[str]] = [[] for _ in result["variants"]]
    for (place, measure, cell), p in zip(cells, adjusted, strict=True):
        if p is not None and p < 1 - result["confidence"] and _excludes_zero(cell):
            words[place].append(f"{MEASURES[measure]}: {'higher' if cell['low'] > 0 else 'lower'}")
    return ["; ".join(row) or "nothing" for row in words]


def _excludes_zero(cell: dict[str, Any]) -> bool:
    """Return whether the interval excludes 0, and that of the bootstrap over seeds and people if there is one."""
    ends = [(cell["low"], cell["high"]), (cell.get("bootstrap_low"), cell.get("bootstrap_high"))]
    return all(low * high > 0 for low, high in ends if low is not None and high is not None)


def _published(claim: dict[str, Any], measured: dict[str, Any]) -> str:
    low, high = claim["low"], claim["high"]
    points = _points(low) if low == high else f"{_points(low)} to {_points(high)}"
    cell = measured[claim["measure"]]
    text = f"{MEASURES[claim['measure']]}: {points}"
    if cell["low"] is None:
        return text
    inside = cell["low"] <= high and low <= cell["high"]
    return f"{text}, {'within' if inside else 'outside'} the interval"


def _difference(cell: dict[str, Any]) -> str:
    if cell["difference"] is None:
        return "undefined"
    if cell["low"] is None:
        return _points(cell["difference"])
    return f"{_points(cell['difference'])} [{_points(cell['low'])}, {_points(cell['high'])}]"


def _points(share: float) -> str:
    """Return a difference in points of a hundred, with its sign."""
    return f"{100 * share:{'+.2f' if abs(share) < 0.01 else '+.1f'}}".replace("-", MINUS)


def _spread(values: Sequence[float | None]) -> str:
    defined = [value for value in values if value is not None]
    if len(defined) < len(values):
        return "undefined"
    mean = f"{np.mean(defined):.3f}"
    return f"{mean} ± {np.std(defined, ddof=1):.3f}" if len(defined) > 1 else mean


def _epochs(count: int) -> str:
    return f"{count} epoch" + ("s" if count > 1 else "")


def _number(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.3f}"

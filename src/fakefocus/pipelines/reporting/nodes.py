"""Draws the figures and writes the report, from whatever summaries of detectors there are."""

import logging
from importlib.resources import files
from itertools import combinations
from typing import Any

import pandas as pd
from markupsafe import Markup
from matplotlib.figure import Figure

from fakefocus.datasets.stored_video import VideoFolder, fingerprint, made_with
from fakefocus.errors import InputError
from fakefocus.metrics.comparison import compare_videos, holm
from fakefocus.models import families
from fakefocus.page import picture_uri, render
from fakefocus.parameters import Defocus, Evaluation, Reporting
from fakefocus.pipelines.reporting import figures
from fakefocus.pipelines.reporting.figures import Judged
from fakefocus.pipelines.reporting.outline import contents, first_words, not_run, options_of
from fakefocus.pipelines.reporting.sections import current_sections
from fakefocus.pipelines.reporting.tables import as_files, paper_tables
from fakefocus.plotting import OTHER_COLOURS
from fakefocus.schemas import folder_keys, judged_scope

METRIC_NAMES = {
    "auc": "AUC",
    "ap": "AP",
    "eer": "EER",
    "partial_auc": "Partial AUC",
    "tpr_at_5": "Fakes found at 5 % false alarms",
    "tpr_at_1": "at 1 %",
    "tpr_at_01": "at .1 %",
    "balanced_accuracy": "Balanced accuracy",
    "specificity": "Reals right",
    "recall": "Fakes right (recall)",
    "precision": "Precision",
    "f1": "F1",
    "aurc": "Area under risk and coverage",
    "brier": "Brier",
    "log_loss": "Log loss",
    "ece": "ECE",
}
"""Columns of the tables of metrics, as people write them."""

_MISSING = {
    "exclude": "is left out of the metrics",
    "as_chance": "counts with a probability of .5",
    "as_real": "counts with a probability of 0, as real",
    "as_fake": "counts with a probability of 1, as fake",
}

_log = logging.getLogger(__name__)


def gather_summaries(
    stored_summaries: dict[str, dict[str, Any]],
    splits_json: dict[str, Any],
    evaluated: dict[str, Any],
    evaluated_baselines: dict[str, Any],
    evaluated_seeds: dict[str, Any],
    evaluated_baseline_seeds: dict[str, Any],
) -> dict[str, Any]:
    """Return all summaries of this split, those of the lineage first, each control behind its detector.

    What was judged on another split (videos were added since) is left out, and the log says so.

    Args:
        stored_summaries: Summaries by the folder of the detector, whoever wrote them.
        splits_json: The split that the report is about.
        evaluated: The detectors of the lineage, in order; empty if they were not judged.
        evaluated_baselines: Baselines likewise.
        evaluated_seeds: Seeds of the lineage's families likewise.
        evaluated_baseline_seeds: Seeds of baselines likewise.

    Raises:
        InputError: If none was judged on this split.
    """
    lots = (evaluated, evaluated_baselines, evaluated_seeds, evaluated_baseline_seeds)
    lineage = [entry["family"] for lot in lots for entry in lot.get("detectors", [])]
    order = {family: place for place, family in enumerate(dict.fromkeys(lineage))}
    others = [name for name, summary in stored_summaries.items() if summary["split_hash"] != splits_json["hash"]]
    if len(others) == len(stored_summaries):
        msg = f"summaries: all {len(others)} are of another split: run kedro run --pipelines=evaluate again"
        raise InputError(msg)
    if others:
        _log.warning("left out, judged on another split: %s; evaluate them again", ", ".join(others))
    return dict(
        sorted(
            ((name, summary) for name, summary in stored_summaries.items() if name not in others),
            key=lambda item: (order.get(item[1]["contract"]["family"], len(order)), item[0]),
        )
    )


def draw_samples(
    samples: pd.DataFrame,
    face_crops: dict[str, VideoFolder],
    defocus_maps: dict[str, VideoFolder],
    reporting: Reporting,
) -> Figure:
    """Draw a real face and a fake by each method of one pair of people, then of the next pair."""
    shown = _test(samples)
    bystander = (shown["label"] == 0) & (shown["labelled_by"] == "face")
    first = shown[~bystander].drop_duplicates("folder")
    chosen = first.drop_duplicates(["group", "method"]).sort_values(["group", "label", "method"])
    chosen = chosen.head(reporting.sample_videos)
    # torch takes seconds to import: only this node needs it
    from fakefocus.training.samples import MapSource

    defocus = Defocus(**made_with(defocus_maps, chosen["folder"], "defocus"))
    rows, maps = [], MapSource(defocus, defocus_maps)
    for row in chosen.to_dict("records"):
        title = row["method"] or "real"
        name = row["crop"].rsplit("/", 1)[-1]
        crop = face_crops[row["folder"]].read(name)
        blur = maps.read(row["folder"], name, crop, channels=1)[..., 0]
        rows.append((title, int(row["label"]), crop, blur))
    return figures.sample_sheet(rows, defocus.sigma_max if defocus.method == "gradient_ratio" else None)


def draw_detector(summary: dict[str, Any]) -> Figure:
    """Draw what one detector's run is judged by at a glance."""
    (detector,) = _judged({"": summary})
    return figures.detector_overview(detector.history, detector.videos, detector.held_out)


def compare_detectors(summaries: dict[str, Any], evaluation: Evaluation) -> dict[str, Any]:
    """Compare the test AUCs of each two detectors on the videos that both scored (`metrics.comparison`).

    Values that stand for missing scores (``evaluation.missing``) are not compared. Negative controls are left out, and
    so are fakes of methods that one of both was not trained on, unless there are no others. A detector is better only
    where the p-value survives Holm's correction over all pairs.

    Returns:
        ``pairs``: ``first``, ``second``, ``videos``, ``difference`` with ``low`` and ``high``, ``p``, ``p_holm`` and
        ``better``, a name or empty.
    """
    detectors = [detector for detector in _judged(summaries) if not detector.control]
    pairs = [_compared(a, b, evaluation.confidence) for a, b in combinations(detectors, 2)]
    adjusted = holm([pair["p"] for pair in pairs])
    return {
        "pairs": [
            pair | {"p_holm": p, "better": _better(pair, p, 1 - evaluation.confidence)}
            for pair, p in zip(pairs, adjusted, strict=True)
        ]
    }


def draw_curves(summaries: dict[str, Any]) -> Figure:
    """Draw training loss and validation AUC of every detector."""
    return figures.training_curves(_judged(summaries))


def draw_roc(summaries: dict[str, Any]) -> Figure:
    """Draw the ROC curves of test videos."""
    return figures.roc_figure(_judged(summaries))


def draw_scores(summaries: dict[str, Any]) -> Figure:
    """Draw how the scores of test videos are spread."""
    return figures.score_distributions(_judged(summaries))


def draw_risks(summaries: dict[str, Any]) -> Figure:
    """Draw how many decisions are wrong when the least certain are refused."""
    return figures.risk_figure(_judged(summaries))


def draw_reliability(summaries: dict[str, Any]) -> Figure:
    """Draw how often videos of a score are fake, which a probability promises."""
    return figures.reliability_figure(_judged(summaries))


def draw_defocus(
    defocus_statistics: pd.DataFrame, splits: pd.DataFrame, defocus_maps: dict[str, VideoFolder]
) -> Figure:
    """Draw how blurred faces are and how unevenly, by method: what a map tells by itself."""
    scale = next((folder.scale for folder in defocus_maps.values()), None)
    of_faces = defocus_statistics.merge(splits[splits["split"] != ""], on="video_id")
    of_videos = of_faces.groupby(["video_id", "label", "method", "group"], as_index=False)[["mean", "std"]].mean()
    return figures.defocus_figure(of_videos, None if scale is None else scale[0])


def draw_scores_to_zoom(summaries: dict[str, Any]) -> Any:  # noqa: ANN401 (plotly's)
    """Draw the scores of test videos for a browser: each point tells its video."""
    from fakefocus.pipelines.reporting.interactive import video_scores

    return video_scores(_judged(summaries))


def draw_intervals(summaries: dict[str, Any]) -> Figure:
    """Draw all test AUCs with their intervals."""
    return figures.interval_figure(_judged(summaries))


def write_tables(
    splits_json: dict[str, Any],
    summaries: dict[str, Any],
    comparisons: dict[str, Any],
    stored_sections: dict[str, dict[str, Any]],
) -> dict[str, str]:
    """Return the tables of the report as files for papers, ``.csv`` and ``.tex``, by name."""
    # sections that are of another split or training are named by the report, which leaves them out as well
    current = current_sections(stored_sections, splits_json, summaries)
    sections = {section["protocol"]: section for section in current}
    tables = paper_tables(_judged(summaries), comparisons["pairs"], sections)
    return {name: text for table in tables for name, text in as_files(table, splits_json["hash"]).items()}


def write_cards(
    faces: pd.DataFrame,
    splits: pd.DataFrame,
    splits_json: dict[str, Any],
    leakage_report: dict[str, Any],
    summaries: dict[str, Any],
    reporting: Reporting,
    dataset: str,
) -> dict[str, str]:
    """Return a card of each detector that is no control, and one of the data, by the names of their files."""
    from fakefocus.pipelines.reporting.cards import data_card, model_card

    detectors = zip(summaries, _judged(summaries), strict=True)
    cards = {f"{place}.md": model_card(detector, reporting) for place, detector in detectors if not detector.control}
    counts = {"found": int(faces["found"].sum()), "sampled": len(faces)}
    return cards | {"data.md": data_card(dataset, splits, splits_json, leakage_report, counts, reporting)}


def write_report(
    videos: pd.DataFrame,
    rejected_media: pd.DataFrame,
    faces: pd.DataFrame,
    splits: pd.DataFrame,
    splits_json: dict[str, Any],
    experiment_note: dict[str, Any],
    leakage_report: dict[str, Any],
    defocus_maps: dict[str, VideoFolder],
    summaries: dict[str, Any],
    comparisons: dict[str, Any],
    stored_sections: dict[str, dict[str, Any]],
    samples_figure: bytes,
    curves_figure: bytes,
    roc_figure: bytes,
    scores_figure: bytes,
    risks_figure: bytes,
    intervals_figure: bytes,
    reliability_figure: bytes,
    defocus_figure: bytes,
    scores_to_zoom: Any,  # noqa: ANN401 (plotly's)
    reporting: Reporting,
    recipe: str,
    dataset: str,
    experiment: str,
    trained_on: str,
) -> str:
    """Write one HTML page that needs no other file.

    What it says of split and intervals is read off the split and the summaries, not off parameters.
    """
    pictures = {
        "samples": samples_figure,
        "curves": curves_figure,
        "roc": roc_figure,
        "scores": scores_figure,
        "risks": risks_figure,
        "intervals": intervals_figure,
        "reliability": reliability_figure,
        "defocus": defocus_figure,
    }
    detectors = _detectors(summaries)
    for detector in detectors:
        _log.info("%s: test AUC of videos %s", detector["name"], _auc(detector["judged"]))
    used = folder_keys(splits[splits["split"] != ""])
    defocus = Defocus(**made_with(defocus_maps, used, "defocus"))
    sections = current_sections(stored_sections, splits_json, summaries)
    shown = [detector for detector in detectors if not detector["is_control"]] or detectors
    # an experiment that has a note goes by its environment and parameters
    names = {"trained_on": (trained_on, experiment)} | (
        {} if experiment_note else {"experiment": (experiment, dataset)}
    )
    options = options_of(experiment_note, names)
    # plotly takes a second to import
    from plotly.offline import get_plotlyjs

    from fakefocus.pipelines.reporting.interactive import as_json

    return render(
        (files("fakefocus.pipelines.reporting") / "report.html").read_text("utf-8"),
        {
            "auc": _auc,
            "interval": _interval,
            "value": _value,
            "bounds": _bounds,
            "share": _share,
            "minutes": _minutes,
            "uri": picture_uri,
        },
        reporting=reporting,
        dataset=dataset,
        trained_on=trained_on,
        defocus_method=defocus.method,
        counts=_counts(splits),
        totals={"videos": len(videos), "faces": int(faces["found"].sum()), "sampled": len(faces)},
        rejected=rejected_media.to_dict("records"),
        set_aside=splits[splits["split"] == ""]["reason"].value_counts().to_dict(),
        split={
            "strategy": splits_json["strategy"],
            "text": _strategy(splits_json),
            "seed": splits_json["seed"],
            "hash": splits_json["hash"],
        },
        leakage=leakage_report,
        shared_people=_shared_people(leakage_report),
        pictures=pictures,
        to_zoom={"scores": Markup(as_json(scores_to_zoom))},  # nothing in it ends the script
        plotly=Markup(get_plotlyjs()),
        contents=contents(sections),
        first_words=first_words(shown, comparisons["pairs"]),
        not_run=not_run(sections, options),
        options=options,
        media=fingerprint(sorted(videos["sha256"])),
        experiment=experiment,
        detectors=shown,
        comparisons=comparisons["pairs"],
        short=[detector for detector in detectors if _is_short(detector["coverage"])],
        metrics=_metric_names(detectors),
        missing_words=" or ".join(sorted({_MISSING[d["coverage"]["missing"]] for d in detectors})),
        short_of_all=any(d["coverage"]["ok"] < d["coverage"]["named"] for d in detectors),
        aggregations=sorted({d["metrics"]["aggregation"].replace("_", " ") for d in detectors}),
        intervals=sorted({_interval_method(detector["metrics"]["interval"]) for detector in detectors}),
        sections=sections,
        other_recipes=sorted({detector["contract"]["recipe"] for detector in detectors} - {recipe}),
    )


def _metric_names(summaries: list[dict[str, Any]]) -> dict[str, str]:
    """Return the metrics of tables by name, as people write them; those that other packages add come last."""
    of_videos = [summary["metrics"]["video"] for summary in summaries]
    measured = {name: value for metrics in of_videos for name, value in metrics.items()}
    others = [name for name, value in measured.items() if isinstance(value, dict) and name not in METRIC_NAMES]
    return METRIC_NAMES | {name: name.replace("_", " ").capitalize() for name in others}


def _judged(summaries: dict[str, Any]) -> list[Judged]:
    """Return summaries as figures show them: seeds are told apart where a family has several."""
    others: dict[str, str] = {}
    detectors = []
    for place, summary in summaries.items():
        contract = summary["contract"]
        family = families().get(contract["family"])
        colour = (
            family.colour
            if family
            else others.setdefault(contract["family"], OTHER_COLOURS[len(others) % len(OTHER_COLOURS)])
        )
        detectors.append(Judged(_name(place, contract), colour, contract["labels"] != "true", summary))
    return detectors


def _name(place: str, contract: dict[str, Any]) -> str:
    """Return a detector's name as people write it; of one that was trained with a seed of its own, with the seed."""
    seeded = "seed_" in place
    return f"{contract['name']}, seed {contract['training']['seed']}" if seeded else str(contract["name"])


def _interval_method(interval: dict[str, Any]) -> str:
    """Return in words how intervals were made."""
    least = f"from {interval['min_groups']} groups of each class"
    return f"{interval['confidence'] * 100:g} % interval ({interval['method']}; {least})"


def _strategy(splits_json: dict[str, Any]) -> str:
    """Return in words how videos came to their sides."""
    texts = {
        "identity": "by identity",
        "source_video": "by identity and source video",
        "official": "as published",
        "method": "by identity, with whole methods left out",
        "imported": "as an imported list has it",
        "video": "video by video",
        "test_only": "all on the test side",
    }
    text = texts[splits_json["strategy"]]
    return f"{text}, fold {splits_json['fold']} of {splits_json['folds']}" if "fold" in splits_json else text


def _test(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["split"] == "test"]


def _shared_people(leakage_report: dict[str, Any]) -> int:
    """Return how many people are on two sides."""
    checks = {check["check"]: check["findings"] for check in leakage_report["checks"]}
    return sum(finding["count"] for finding in checks.get("identities", []))


def _counts(splits: pd.DataFrame) -> list[dict[str, Any]]:
    """Return one row a side that is used: videos of each kind, and identity groups."""
    used = splits[splits["split"] != ""].assign(kind=lambda t: t["method"].where(t["label"] == 1, "real"))
    kinds = ["real", *sorted(set(used["kind"]) - {"real"})]
    rows = []
    for side in ("train", "val", "test"):
        part = used[used["split"] == side]
        by_kind = {kind: int((part["kind"] == kind).sum()) for kind in kinds}
        rows.append({"side": side, "kinds": by_kind, "groups": int(part["group"].nunique()), "videos": len(part)})
    return [row for row in rows if row["videos"]]


def _detectors(summaries: dict[str, Any]) -> list[dict[str, Any]]:
    """Return what the page says of each detector; what its control says of it, where there is one."""
    controls = {
        (summary["contract"]["family"], summary["contract"]["labels"]): metrics[judged_scope(metrics)]
        for summary in summaries.values()
        for metrics in [summary["metrics"]]
    }
    return [_detector(name, summary, controls) for name, summary in summaries.items()]


def _detector(place: str, summary: dict[str, Any], controls: dict[tuple[str, str], Any]) -> dict[str, Any]:
    contract, metrics = summary["contract"], summary["metrics"]
    judged, control = metrics[judged_scope(metrics)], controls.get((contract["family"], "shuffled"))
    return {
        "name": _name(place, contract),
        "is_control": contract["labels"] != "true",
        "parameters": summary["parameters"],
        "contract": contract,
        "metrics": metrics,
        "overlap": summary["overlap"],
        "coverage": summary["coverage"],
        "calibration": summary["calibration"],
        "control": control,
        "untrained": controls.get((contract["family"], "none")),
        "judged": judged,
        "elsewhere": contract["dataset"] != summary["dataset"],
        "learns": None if judged["auc"]["low"] is None else judged["auc"]["low"] > 0.5,
        "control_holds": _contains_chance(control) if control and not _why_unread(control, contract) else None,
        "control_unread": _why_unread(control, contract) if control else "",
        "untrained_tells": _tells(controls.get((contract["family"], "none"))),
    }


def _tells(untrained: dict[str, Any] | None) -> bool | None:
    """Return whether an untrained network tells fakes from reals; None without a verdict."""
    if untrained is None or untrained["auc"]["low"] is None:
        return None
    return not _contains_chance(untrained)


def _contains_chance(judged: dict[str, Any]) -> bool:
    return bool(judged["auc"]["low"] <= 0.5 <= judged["auc"]["high"])


def _why_unread(control: dict[str, Any], contract: dict[str, Any]) -> str:
    """Return why a control says nothing; empty where it does."""
    if contract["training"]["fakes"] == "self_blended":
        return "who blends real faces reads no label that could be shuffled"
    return str(control["no_interval"])


def _compared(first: Judged, second: Judged, confidence: float) -> dict[str, Any]:
    left_out = {*first.held_out, *second.held_out}
    result, videos = compare_videos(first.scored, second.scored, left_out, confidence)
    return {"first": first.name, "second": second.name, "videos": videos, **result}


def _better(pair: dict[str, Any], p: float | None, level: float) -> str:
    if p is None or p >= level:
        return ""
    return str(pair["second"] if pair["difference"] > 0 else pair["first"])


def _minutes(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.1f} min"


def _is_short(coverage: dict[str, Any]) -> bool:
    return coverage["share"] is not None and coverage["share"] < coverage["least"]


def _share(value: float | None) -> str:
    return "none named" if value is None else f"{value:.1%}"


def _value(metric: dict[str, float | None]) -> str:
    return "undefined" if metric["value"] is None else f"{metric['value']:.3f}"


def _bounds(metric: dict[str, float | None]) -> str:
    return "" if metric["low"] is None else f"[{metric['low']:.3f}, {metric['high']:.3f}]"


def _interval(metric: dict[str, float | None]) -> str:
    return f"{_value(metric)} {_bounds(metric)}".strip()


def _auc(judged: dict[str, Any]) -> str:
    """Return the AUC and its interval, or why it has none."""
    return ", ".join(filter(None, (_interval(judged["auc"]), judged["no_interval"])))

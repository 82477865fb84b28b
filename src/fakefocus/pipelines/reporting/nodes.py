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
from fakefocus.page import picture_uri, render
from fakefocus.parameters import Defocus, Evaluation, Reporting
from fakefocus.pipelines.reporting import figures, words
from fakefocus.pipelines.reporting.detectors import as_figures_show, detectors_of, is_short
from fakefocus.pipelines.reporting.figures import Judged
from fakefocus.pipelines.reporting.outline import contents, first_words, not_run, options_of
from fakefocus.pipelines.reporting.sections import current_sections
from fakefocus.pipelines.reporting.tables import as_files, paper_tables
from fakefocus.schemas import folder_keys

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
    (detector,) = as_figures_show({"": summary})
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
    detectors = [detector for detector in as_figures_show(summaries) if not detector.control]
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
    return figures.training_curves(as_figures_show(summaries))


def draw_roc(summaries: dict[str, Any]) -> Figure:
    """Draw the ROC curves of test videos."""
    return figures.roc_figure(as_figures_show(summaries))


def draw_scores(summaries: dict[str, Any]) -> Figure:
    """Draw how the scores of test videos are spread."""
    return figures.score_distributions(as_figures_show(summaries))


def draw_risks(summaries: dict[str, Any]) -> Figure:
    """Draw how many decisions are wrong when the least certain are refused."""
    return figures.risk_figure(as_figures_show(summaries))


def draw_reliability(summaries: dict[str, Any]) -> Figure:
    """Draw how often videos of a score are fake, which a probability promises."""
    return figures.reliability_figure(as_figures_show(summaries))


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

    return video_scores(as_figures_show(summaries))


def draw_intervals(summaries: dict[str, Any]) -> Figure:
    """Draw all test AUCs with their intervals."""
    return figures.interval_figure(as_figures_show(summaries))


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
    tables = paper_tables(as_figures_show(summaries), comparisons["pairs"], sections)
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

    detectors = zip(summaries, as_figures_show(summaries), strict=True)
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
    detectors = detectors_of(summaries)
    for detector in detectors:
        _log.info("%s: test AUC of videos %s", detector["name"], words.auc(detector["judged"]))
    used = folder_keys(splits[splits["split"] != ""])
    defocus = Defocus(**made_with(defocus_maps, used, "defocus"))
    sections = current_sections(stored_sections, splits_json, summaries)
    shown = [detector for detector in detectors if not detector["is_control"]] or detectors
    options = options_of(experiment_note, experiment, dataset, trained_on)
    # plotly takes a second to import
    from plotly.offline import get_plotlyjs

    from fakefocus.pipelines.reporting.interactive import as_json

    return render(
        (files("fakefocus.pipelines.reporting") / "report.html").read_text("utf-8"),
        words.FILTERS | {"uri": picture_uri},
        reporting=reporting,
        dataset=dataset,
        trained_on=trained_on,
        defocus_method=defocus.method,
        counts=_counts(splits),
        totals={"videos": len(videos), "faces": int(faces["found"].sum()), "sampled": len(faces)},
        rejected=rejected_media.to_dict("records"),
        set_aside=splits[splits["split"] == ""]["reason"].value_counts().to_dict(),
        split={**splits_json, "text": words.strategy(splits_json)},
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
        **_how_measured(detectors),
        sections=sections,
        other_recipes=sorted({detector["contract"]["recipe"] for detector in detectors} - {recipe}),
    )


def _how_measured(detectors: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what the page says of all numbers together: their names, intervals, and what has no score."""
    coverages, metrics = ([detector[name] for detector in detectors] for name in ("coverage", "metrics"))
    return {
        "short": [detector for detector in detectors if is_short(detector["coverage"])],
        "short_of_all": any(coverage["ok"] < coverage["named"] for coverage in coverages),
        "missing_words": " or ".join(sorted({words.MISSING_SCORES[coverage["missing"]] for coverage in coverages})),
        "metrics": words.metric_names(detectors),
        "aggregations": sorted({one["aggregation"].replace("_", " ") for one in metrics}),
        "intervals": sorted({words.interval_method(one["interval"]) for one in metrics}),
    }


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


def _compared(first: Judged, second: Judged, confidence: float) -> dict[str, Any]:
    left_out = {*first.held_out, *second.held_out}
    result, videos = compare_videos(first.scored, second.scored, left_out, confidence)
    return {"first": first.name, "second": second.name, "videos": videos, **result}


def _better(pair: dict[str, Any], p: float | None, level: float) -> str:
    if p is None or p >= level:
        return ""
    return str(pair["second"] if pair["difference"] > 0 else pair["first"])

"""Draws the figures and writes the report."""

import base64
import logging
from importlib.resources import files
from typing import Any

import pandas as pd
from jinja2 import Environment, StrictUndefined
from matplotlib.figure import Figure

from fakefocus.datasets.video_folders import VideoFolder
from fakefocus.parameters import (
    Defocus,
    Evaluation,
    FeatureSplit,
    Reporting,
)
from fakefocus.pipelines.reporting import figures

CONTROL, METRICS = "_control", "_metrics"
_log = logging.getLogger(__name__)


def draw_samples(
    samples: pd.DataFrame,
    face_crops: dict[str, VideoFolder],
    defocus_maps: dict[str, VideoFolder],
    defocus: Defocus,
    reporting: Reporting,
    feature_split: FeatureSplit,
) -> Figure:
    """Draw a real face and a fake by each method of one pair of people, then of the next pair."""
    first = (
        _test(samples).drop_duplicates("folder").assign(held=lambda t: t["method"].isin(feature_split.held_out_methods))
    )
    chosen = first.drop_duplicates(["group", "method"]).sort_values(["group", "label", "held", "method"])
    # torch takes seconds to import: only this node needs it
    from fakefocus.training.samples import MapSource

    rows, maps = [], MapSource(defocus, defocus_maps)
    for r in chosen.head(reporting.sample_videos).to_dict("records"):
        title = (r["method"] or "real") + (" (held out)" if r["held"] else "")
        name = r["crop"].rsplit("/", 1)[-1]
        crop = face_crops[r["folder"]].read(name)
        blur = maps.read(r["folder"], name, crop, channels=1)[..., 0]
        rows.append((title, int(r["label"]), crop, blur))
    return figures.sample_sheet(rows, defocus.sigma_max if defocus.method == "gradient_ratio" else None)


def draw_detector(history: pd.DataFrame, video_scores: pd.DataFrame, feature_split: FeatureSplit) -> Figure:
    """Draw what one detector's run is judged by at a glance."""
    return figures.detector_overview(history, _test(video_scores), list(feature_split.held_out_methods))


def draw_curves(**history: pd.DataFrame) -> Figure:
    """Draw training loss and validation AUC of every detector and its control."""
    return figures.training_curves(history)


def draw_roc(split: FeatureSplit, **video_scores: pd.DataFrame) -> Figure:
    """Draw the ROC curves of test videos."""
    return figures.roc_figure({k: _test(v) for k, v in video_scores.items()}, list(split.held_out_methods))


def draw_scores(**found: Any) -> Figure:  # noqa: ANN401 (tables and metrics)
    """Draw how the scores of test videos are spread: of each detector ``video_scores`` and, as …_metrics, metrics."""
    scores = {name: _test(table) for name, table in found.items() if not name.endswith(METRICS)}
    return figures.score_distributions(scores, {name: found[name + METRICS]["threshold"] for name in scores})


def draw_intervals(**metrics: dict[str, Any]) -> Figure:
    """Draw all test AUCs with their intervals."""
    return figures.interval_figure(metrics)


def write_report(
    videos: pd.DataFrame,
    rejected_media: pd.DataFrame,
    faces: pd.DataFrame,
    splits: pd.DataFrame,
    splits_json: dict[str, Any],
    leakage_report: dict[str, Any],
    samples_figure: bytes,
    curves_figure: bytes,
    roc_figure: bytes,
    scores_figure: bytes,
    intervals_figure: bytes,
    reporting: Reporting,
    feature_split: FeatureSplit,
    evaluation: Evaluation,
    defocus: Defocus,
    dataset: str,
    scade_net_model: dict[str, Any],
    multistream_model: dict[str, Any],
    **metrics: dict[str, Any],
) -> str:
    """Write one HTML page that needs no other file."""
    pictures = {
        "samples": samples_figure,
        "curves": curves_figure,
        "roc": roc_figure,
        "scores": scores_figure,
        "intervals": intervals_figure,
    }
    for name in (n for n in metrics if not n.endswith(CONTROL)):
        shuffled = metrics[name + CONTROL]["video"]["auc"]
        text = f"{figures.NAMES[name]}: test AUC of videos {_interval(metrics[name]['video']['auc'])}"
        _log.info("%s, on shuffled labels %s", text, _interval(shuffled))
    models = {"scade_net": scade_net_model, "multistream": multistream_model}
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"interval": _interval, "value": _value, "bounds": _bounds}
    template = environment.from_string((files("fakefocus.pipelines.reporting") / "report.html").read_text("utf-8"))
    return template.render(
        reporting=reporting,
        dataset=dataset,
        defocus_method=defocus.method,
        counts=_counts(splits),
        totals={"videos": len(videos), "faces": int(faces["found"].sum()), "sampled": len(faces)},
        rejected=rejected_media.to_dict("records"),
        set_aside=splits[splits["split"] == ""]["reason"].value_counts().to_dict(),
        split={"strategy": _strategy(feature_split), "seed": feature_split.seed, "hash": splits_json["hash"]},
        leakage=leakage_report,
        pictures={name: base64.b64encode(png).decode() for name, png in pictures.items()},
        families=[_family(name, model, metrics) for name, model in models.items()],
        evaluation=evaluation,
    )


def _strategy(options: FeatureSplit) -> str:
    name = options.strategy.replace("_", " ")
    return name if options.folds is None else f"{name}, fold {options.fold} of {options.folds}"


def _test(table: pd.DataFrame) -> pd.DataFrame:
    return table[table["split"] == "test"]


def _counts(splits: pd.DataFrame) -> list[dict[str, Any]]:
    """Return one row a side: videos of each kind, and identity groups."""
    used = splits[splits["split"] != ""].assign(kind=lambda t: t["method"].where(t["label"] == 1, "real"))
    kinds = ["real", *sorted(set(used["kind"]) - {"real"})]
    rows = []
    for side in ("train", "val", "test"):
        part = used[used["split"] == side]
        by_kind = {kind: int((part["kind"] == kind).sum()) for kind in kinds}
        rows.append({"side": side, "kinds": by_kind, "groups": int(part["group"].nunique()), "videos": len(part)})
    return rows


def _family(name: str, model: dict[str, Any], metrics: dict[str, Any]) -> dict[str, Any]:
    weights = model["weights"]
    statistics = ("running_mean", "running_var", "num_batches_tracked")
    judged, control = metrics[name], metrics[name + CONTROL]["video"]["auc"]
    low = judged["video"]["auc"]["low"]
    blended = model["architecture"]["training"].get("fakes") == "self_blended"
    return {
        "name": figures.NAMES[name],
        "parameters": sum(w.numel() for key, w in weights.items() if not key.endswith(statistics)),
        "architecture": model["architecture"],
        "training": model["architecture"]["training"],
        "metrics": judged,
        "control": control,
        "learns": None if low is None else low > 0.5,
        # who blends real faces reads no label that could be shuffled
        "control_holds": None if blended or control["low"] is None else control["low"] <= 0.5 <= control["high"],
    }


def _value(metric: dict[str, float | None]) -> str:
    return "undefined" if metric["value"] is None else f"{metric['value']:.3f}"


def _bounds(metric: dict[str, float | None]) -> str:
    return "" if metric["low"] is None else f"[{metric['low']:.3f}, {metric['high']:.3f}]"


def _interval(metric: dict[str, float | None]) -> str:
    return f"{_value(metric)} {_bounds(metric)}".strip()

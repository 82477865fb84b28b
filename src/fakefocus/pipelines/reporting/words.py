"""Values, splits and intervals as the report writes them."""

from collections.abc import Callable
from typing import Any

from fakefocus import wording

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
MISSING_SCORES = {
    "exclude": "is left out of the metrics",
    "as_chance": "counts with a probability of .5",
    "as_real": "counts with a probability of 0, as real",
    "as_fake": "counts with a probability of 1, as fake",
}


def metric_names(summaries: list[dict[str, Any]]) -> dict[str, str]:
    """Return the metrics of tables by name, as people write them; those that other packages add come last."""
    of_videos = [summary["metrics"]["video"] for summary in summaries]
    measured = {name: value for metrics in of_videos for name, value in metrics.items()}
    others = [name for name, value in measured.items() if isinstance(value, dict) and name not in METRIC_NAMES]
    return METRIC_NAMES | {name: name.replace("_", " ").capitalize() for name in others}


def interval_method(interval: dict[str, Any]) -> str:
    """Return in words how intervals were made."""
    least = f"from {interval['min_groups']} groups of each class"
    return f"{interval['confidence'] * 100:g} % interval ({interval['method']}; {least})"


def strategy(splits_json: dict[str, Any]) -> str:
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


def minutes(seconds: float) -> str:
    """Return a time as people say it."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.1f} min"


def share(value: float | None) -> str:
    """Return a share of test videos in percent."""
    return "none named" if value is None else f"{value:.1%}"


def value(metric: dict[str, float | None]) -> str:
    """Return a metric without its interval."""
    return wording.number(metric["value"])


def auc(metrics: dict[str, Any]) -> str:
    """Return the AUC and its interval, or why it has none."""
    return ", ".join(filter(None, (wording.interval(metrics["auc"]), metrics["no_interval"])))


FILTERS: dict[str, Callable[..., Any]] = {
    "auc": auc,
    "interval": wording.interval,
    "value": value,
    "bounds": wording.bounds,
    "share": share,
    "minutes": minutes,
}
"""What the template calls."""

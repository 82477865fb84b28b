"""Cards of detectors and of the data in the form of Hugging Face, made of what was measured.

Mitchell et al., Model Cards for Model Reporting, 2019 (https://arxiv.org/abs/1810.03993); Gebru et al., Datasheets for
Datasets, 2021 (https://arxiv.org/abs/1803.09010).
"""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from huggingface_hub import DatasetCardData, EvalResult, ModelCardData

from fakefocus import wording
from fakefocus.parameters import Reporting
from fakefocus.pipelines.reporting.figures import Judged
from fakefocus.schemas import judged_scope

_RISKS = """\
A score is no proof, and nobody should be judged by one. What is measured here holds for data of this kind: on other
people, cameras, codecs and programs the same detector may do much worse. It has no opinion on what a clip says, on
sound, or on what it is not shown."""


def model_card(detector: Judged, reporting: Reporting) -> str:
    """Return the card of a detector as it was judged."""
    summary, contract = detector.summary, detector.summary["contract"]
    metrics = summary["metrics"][judged_scope(summary["metrics"])]
    results = [
        EvalResult(
            task_type="image-classification",
            task_name="deepfake detection, videos",
            dataset_type=summary["dataset"],
            dataset_name=summary["dataset"],
            dataset_split="test",
            metric_type=name,
            metric_name=title,
            metric_value=round(metrics[name]["value"], 4),
        )
        for name, title in (("auc", "ROC AUC"), ("ap", "average precision"), ("eer", "equal error rate"))
        if metrics[name]["value"] is not None
    ]
    data = ModelCardData(
        license="other",
        license_name="as the training data allow",
        library_name="fakefocus",
        pipeline_tag="image-classification",
        tags=["deepfake-detection", contract["family"]],
        datasets=[contract["dataset"]],
        model_name=detector.name,
        eval_results=results or None,
    )
    parts = [
        f"---\n{data.to_yaml()}\n---",
        f"# {detector.name}",
        _what(contract, summary),
        "## Uses",
        "To compare detectors on data whose origin is known, and as one voice among others where it is not.",
        "## Risks and limits",
        _RISKS,
        "## Training data",
        _training_data(contract),
        "## Training procedure",
        _procedure(contract),
        "## Evaluation",
        reporting.data_note.strip(),
        _evaluation(summary),
        "## Provenance",
        _provenance(summary),
    ]
    return "\n\n".join(parts) + "\n"


def data_card(
    dataset: str,
    splits: pd.DataFrame,
    splits_json: Mapping[str, Any],
    leakage: Mapping[str, Any],
    faces: Mapping[str, int],
    reporting: Reporting,
) -> str:
    """Return the card of a data set as this project has read it; ``faces``: found, and sampled frames."""
    used = splits[splits["split"] != ""]
    data = DatasetCardData(
        license="unknown", task_categories=["image-classification"], tags=["deepfake-detection"], pretty_name=dataset
    )
    counts = used.assign(kind=used["method"].where(used["label"] == 1, "real")).pivot_table(
        index="kind", columns="split", values="video_id", aggfunc="count", fill_value=0
    )
    groups = used.groupby("split")["group"].nunique()
    sides = [side for side in ("train", "val", "test") if side in counts]
    rows = [[str(kind), *(str(counts.loc[kind, side]) for side in sides)] for kind in counts.index]
    rows.append(["groups of people", *(str(groups[side]) for side in sides)])
    aside = splits.loc[splits["split"] == "", "reason"].value_counts()
    findings = [f"{check['check']}: {sum(f['count'] for f in check['findings'])}" for check in leakage["checks"]]
    parts = [
        f"---\n{data.to_yaml()}\n---",
        f"# {dataset}",
        reporting.data_note.strip(),
        "The licence of the media is that of their owner; nothing of them is in this project.",
        "## Composition",
        wording.markdown_table(["videos", *sides], rows),
        f"{faces['found']} of {faces['sampled']} sampled frames gave a crop.",
        "\n".join(f"- {count} set aside: {wording.markdown_text(str(reason))}" for reason, count in aside.items())
        or "No video was set aside.",
        "## Split",
        f"Strategy `{splits_json['strategy']}`, seed {splits_json['seed']}, hash `{splits_json['hash']}`.",
        "## Audit for leaks between sides",
        "\n".join(f"- {finding}" for finding in findings),
        f"A classifier that sees the file alone has an AUC of {wording.interval(leakage['shortcut']['auc'])}.",
    ]
    return "\n\n".join(parts) + "\n"


def _what(contract: Mapping[str, Any], summary: Mapping[str, Any]) -> str:
    channels = contract["input"]["channels"]
    sees = "RGB" if len(channels) == 3 else f"RGB and {' and '.join(channels[3:])}"
    return (
        f"Says of a face how likely it is a deepfake, and by its faces of a video. A {contract['title']} "
        f"of {summary['parameters']:,} parameters that sees {sees} of {contract['input']['img_size']} x "
        f"{contract['input']['img_size']} pixels, cut out as its contract says (`architecture.json`). Starting "
        "weights: "
        + "; ".join(f"{one['part']}: {one['source']} ({one['licence']})" for one in contract["starting_weights"])
        + "."
    )


def _training_data(contract: Mapping[str, Any]) -> str:
    fakes = wording.markdown_text(", ".join(contract["methods"])) or "none: pseudo-fakes of its real faces"
    return (
        f"Data set `{contract['dataset']}`, split `{contract['split']['hash']}`: {contract['train']['videos']} videos "
        f"of {contract['train']['people']} people, the epoch and the threshold chosen on {contract['val']['videos']} "
        f"videos of {contract['val']['people']} others. Methods of fakes: {fakes}."
    )


def _procedure(contract: Mapping[str, Any]) -> str:
    training = contract["training"]
    time = "" if contract.get("seconds") is None else f" It took {contract['seconds'] / 60:.1f} minutes"
    machine = f" on {contract['machine']}" if time and contract.get("machine") else ""
    return (
        f"Recipe `{contract['recipe']}`: {training['epochs']} epochs of batches of {training['batch_size']}, learning "
        f"rate {training['lr']:g}, seed {training['seed']}; epoch {contract['best_epoch'] + 1} was kept.{time}{machine}"
        + ("." if time else "")
    )


def _evaluation(summary: Mapping[str, Any]) -> str:
    metrics, coverage = summary["metrics"], summary["coverage"]
    scopes = {"methods trained on": metrics["video"], "methods not trained on": metrics.get("held_out")}
    rows = [
        [name, f"{m['real']}, {m['fake']}", *(wording.interval(m[key]) for key in ("auc", "ap", "eer"))]
        for name, m in [*scopes.items(), *metrics["by_method"].items()]
        if m is not None and m["fake"]
    ]
    interval = metrics["interval"]
    table = wording.markdown_table(["test videos", "real, fake", "AUC", "AP", "EER"], rows)
    seen = summary["overlap"]["trained_on"] + summary["overlap"]["validated_on"]
    overlap = f" It knows {seen} of them from training or validation: numbers are too good." if seen else ""
    return (
        f"{table}\n\nBrackets: {100 * interval['confidence']:g} % intervals over groups of people "
        f"({interval['method']}). {coverage['ok']} of {coverage['named']} test videos have a score.{overlap} Decisions "
        f"at {metrics['threshold']:.3f} ({metrics['threshold_source']})."
    )


def _provenance(summary: Mapping[str, Any]) -> str:
    contract = summary["contract"]
    versions = ", ".join(f"{name} {number}" for name, number in contract["versions"].items())
    return (
        f"Experiment `{contract['experiment']}`, commit `{contract['commit']}`, {versions}; judged as "
        f"`{summary['experiment']}` on split `{summary['split_hash']}`."
    )

"""The card of a detector that is given away: Markdown, made of what was measured (Mitchell et al., Model Cards, 2019,
https://arxiv.org/abs/1810.03993).
"""

from collections.abc import Mapping
from typing import Any

from fakefocus import wording
from fakefocus.models.contract import Contract
from fakefocus.parameters import Release
from fakefocus.weights import STARTING_WEIGHTS

Results = dict[str, Any]
WEIGHTS, CONTRACT, RESULTS, CARD = "weights.safetensors", "architecture.json", "results.json", "card.md"
"""The files of a detector that is given away."""
_KINDS = {
    "self_blended": "a face over itself, altered",
    "regional": "a part of a face over itself, altered",
    "swapped": "another's face",
    "resynthesised": "the same face, computed anew",
}


def write_card(contract: Contract, results: Results, release: Release, hashes: Mapping[str, str]) -> str:
    """Return the card; ``hashes`` are SHA-256 by the name of a file beside it."""
    parts = [
        f"# {contract.name}, trained on {contract.dataset}",
        _what(contract, release),
        "## How it answers",
        _verdicts(contract),
        "## What it is worth",
        _measured(results),
        *(_table(table) for table in tables(results)),
        "## What this does not show",
        _limits(contract),
        "## How it was made",
        _making(contract, results, release),
        "## Files",
        "\n".join(f"- `{name}`: SHA-256 `{digest}`" for name, digest in hashes.items()),
    ]
    return "\n\n".join(parts) + "\n"


def tables(results: Results) -> list[dict[str, Any]]:
    """Return what was measured as tables: ``title``, ``columns`` and ``rows`` of text; none without rows."""
    measured = [
        {
            "title": "Fakes, by method and compression",
            "columns": ["compression", "method", "real, fake", "AUC", "fakes called fake", "uncertain", "called real"],
            "rows": [_method_row(row) for row in results["methods"]],
        },
        {
            "title": "Real videos, as they are and after benign edits",
            "columns": ["edit", "videos", "mean score", "called fake", "uncertain", "called real"],
            "rows": [_edit_row(row) for row in results["edits"]],
        },
        {
            "title": "Pseudo-fakes against their targets, faces",
            "columns": ["kind", "compression", "faces", "AUC"],
            "rows": [
                [_KINDS[row["kind"]], row["compression"], str(row["fake"]), wording.interval(row["auc"])]
                for row in results["blends"]
            ],
        },
    ]
    return [table for table in measured if table["rows"]]


def _method_row(row: Mapping[str, Any]) -> list[str]:
    verdicts = row["verdicts"]
    shares = [wording.percent(verdicts[name]) for name in ("uncertain", "real")]
    counts = f"{row['real']}, {row['fake']}"
    return [
        row["compression"],
        row["method"] or "all",
        counts,
        wording.interval(row["auc"]),
        _percent_interval(row["caught"]),
        *shares,
    ]


def _edit_row(row: Mapping[str, Any]) -> list[str]:
    shares = [wording.percent(row["verdicts"][name]) for name in ("uncertain", "real")]
    called = _percent_interval(row["called_fake"])
    return [row["edit"], str(row["real"]), f"{row['score']:.3f}", called, *shares]


def _what(contract: Contract, release: Release) -> str:
    sees = "RGB and a defocus map" if contract.maps is not None else "RGB"
    return (
        f"Says of a face how likely it is a deepfake. It sees {sees} of a face that is cut out as the contract beside "
        f"this card says (`architecture.json`). Trained on {release.data}. Weights: {release.licence}. Starting "
        "weights: " + "; ".join(f"{w.part}: {w.source} ({w.licence})" for w in contract.starting_weights) + "."
    )


def _verdicts(contract: Contract) -> str:
    verdict = contract.verdict
    assert verdict is not None
    return (
        f"A video's score is the mean over faces of its most fake person. From {verdict.fake_from:.3f} on it is called "
        f"**fake**, below {verdict.real_below:.3f} **real**, and between them **uncertain**. Its logit divided by "
        f"{verdict.temperature:.2f} is that of a probability. Chosen on {verdict.source}."
    )


def _measured(results: Results) -> str:
    share = f"{100 * results['confidence']:g} %"
    return (
        f"On {results['people']} people of the test side, whom neither training nor calibration saw; videos, if not "
        f"said otherwise. Brackets: {share} intervals over identity groups ({results['interval']})."
    )


def _limits(contract: Contract) -> str:
    return (
        "How it does on deepfakes of other programs, or on tomorrow's. What is called fake above was made by the "
        f"methods and kinds in the tables; people, scenes and cameras are those of {contract.dataset}. A score is no "
        "proof: it says what a picture looks like to a network, and nobody should be judged by it. Do not use it to "
        "decide about a person, and not on pictures whose faces are smaller than 40 pixels."
    )


def _making(contract: Contract, results: Results, release: Release) -> str:
    recipe = contract.training
    candidates = ", ".join(
        f"seed {row['seed']} {row['val_video_auc']:.3f}{' (this one)' if row['chosen'] else ''}"
        for row in results["candidates"]
    )
    return (
        f"`{release.again}`\n\n"
        f"{_went_on(contract)}"
        f"Recipe {contract.recipe}: {recipe.epochs} epochs, epoch {contract.best_epoch + 1} kept; seed {recipe.seed}. "
        f"The epoch and the seed were chosen by the AUC of {len(contract.val.videos)} validation videos of "
        f"{len(contract.val.people)} people: {candidates}. {len(contract.train.videos)} training videos of "
        f"{len(contract.train.people)} people. fakefocus {contract.versions.get('fakefocus', '')}, commit "
        f"{contract.commit}. {_stored(results)}"
    )


def _went_on(contract: Contract) -> str:
    """Say that a training began with weights of an earlier release, which the command alone would not do."""
    if contract.network.get("weights") != STARTING_WEIGHTS:
        return ""
    recipe = contract.training
    rises = f"rises over {recipe.damage_rises:.0%} of it" if recipe.damage_rises else "is full from its first step on"
    name = f"{contract.family}.network.weights: {STARTING_WEIGHTS}"
    return (
        "The command trains from the beginning. This one went on from the weights of this name that came with "
        f"fakefocus before (`{name}`), with a rate of {recipe.lr:g}, and damage that {rises}. "
    )


def _stored(results: Results) -> str:
    if not results["halved"]:
        return "Weights are stored as they were trained."
    return (
        f"{wording.percent(results['halved'])} of its numbers are stored in half precision, which changes no "
        f"validation score by more than {results['rounding']:.1g}."
    )


def _table(table: Mapping[str, Any]) -> str:
    return f"### {table['title']}\n\n{wording.markdown_table(table['columns'], table['rows'])}"


def _percent_interval(metric: Mapping[str, float | None]) -> str:
    if metric["value"] is None:
        return "none"
    text = f"{100 * metric['value']:.1f} %"
    if metric["low"] is None or metric["high"] is None:
        return text
    return f"{text} [{100 * metric['low']:.1f}, {100 * metric['high']:.1f}]"

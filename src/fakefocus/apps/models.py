"""``fakefocus models``."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fakefocus.apps.options import FOLDER

if TYPE_CHECKING:
    from fakefocus.prediction.detectors import Detector


@click.command(name="models", short_help="List detectors, or show the card of one.")
@click.argument("name", required=False)
@click.option("--project", type=FOLDER, default=Path(), help="Where data/06_models is.  [default: here]")
def command(name: str | None, project: Path) -> None:
    """List the detectors that come with fakefocus and those that were trained here; or show the card of one.

    \b
      fakefocus models
      fakefocus models lite
    """
    from fakefocus.errors import InputError
    from fakefocus.prediction.detectors import detectors_here, find_detector
    from fakefocus.weights import RECOMMENDED, shipped_detectors

    if name is not None:
        _show(find_detector(name))
        return
    click.echo(f"{'name':44} {'family':14} {'trained on':12} {'validation AUC':>14} {'test AUC':>22} {'size':>9}")
    for shipped in shipped_detectors():
        _line(find_detector(shipped), "  (recommended)" if shipped == RECOMMENDED else "")
    for folder in detectors_here(project / "data"):
        try:
            _line(find_detector(str(folder)), "")
        except InputError as error:
            click.echo(f"{folder}: {error}", err=True)


def _line(detector: "Detector", remark: str) -> None:
    contract = detector.contract
    size = (detector.folder / "weights.safetensors").stat().st_size / 1e6
    auc = "" if contract.val_video_auc is None else f"{contract.val_video_auc:.3f}"
    label = "" if contract.labels == "true" else f" ({contract.labels} labels)"
    click.echo(
        f"{detector.name:44} {contract.family + label:14} {contract.dataset:12} {auc:>14} {_test_auc(detector):>22} "
        f"{size:>6.1f} MB{remark}"
    )


def _test_auc(detector: "Detector") -> str:
    """Return the AUC on test videos with its interval: of a card's results, or of a judgement in this project."""
    measured = detector.folder / "results.json"
    if measured.is_file():
        usual = json.loads(measured.read_text(encoding="utf-8"))["methods"]
        usual_row = next((row for row in usual if not row["method"] and row["compression"] == "c23"), None)
        return "" if usual_row is None else _with_interval(usual_row["auc"])
    folder = detector.folder.resolve()
    summary = folder.parents[2] / "07_model_output" / folder.parent.name / folder.name / "summary.json"
    if not summary.is_file():
        return ""
    from fakefocus.schemas import judged_scope

    metrics = json.loads(summary.read_text(encoding="utf-8"))["metrics"]
    return _with_interval(metrics[judged_scope(metrics)]["auc"])


def _with_interval(auc: dict[str, float | None]) -> str:
    if auc["value"] is None:
        return ""
    ends = "" if auc["low"] is None else f" [{auc['low']:.3f}, {auc['high']:.3f}]"
    return f"{auc['value']:.3f}{ends}"


def _show(detector: "Detector") -> None:
    card = detector.folder / "card.md"
    if card.is_file():
        click.echo(card.read_text(encoding="utf-8"))
        return
    contract = detector.contract
    where = f"experiment {contract.experiment}, recipe {contract.recipe}"
    click.echo(f"{contract.name}, trained on {contract.dataset} ({where})")
    click.echo(f"threshold {contract.threshold.value:.3f}: {contract.threshold.source}")
    click.echo("It has no card: kedro run --pipelines=release writes one.")

"""``fakefocus models``."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fakefocus import wording
from fakefocus.apps.options import FOLDER

if TYPE_CHECKING:
    from fakefocus.prediction.detectors import Detector


_COLUMNS = ("name", "detector", "trained on", "validation AUC", "test AUC", "size")


@click.command(name="models", short_help="List detectors, or show the card of one.")
@click.argument("name", required=False)
@click.option("--project", type=FOLDER, default=Path(), help="The folder that holds data/.  [default: here]")
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
        _show(find_detector(_placed(name, project)))
        return
    rows = [_row(find_detector(shipped), shipped == RECOMMENDED) for shipped in shipped_detectors()]
    for folder in detectors_here(project / "data"):
        try:
            rows.append(_row(find_detector(str(folder)), recommended=False))
        except InputError as error:
            click.echo(f"{folder}: {error}", err=True)
    click.echo("\n".join(_aligned([_COLUMNS, *rows])))


def _placed(name: str, project: Path) -> str:
    """Return a name; of a folder, where it is from the project."""
    from fakefocus.weights import shipped_detectors

    inside = os.path.join(project, name)  # noqa: PTH118 (./lite is a folder, lite comes with the package)
    return inside if name not in shipped_detectors() and Path(inside).is_dir() else name


def _row(detector: "Detector", recommended: bool) -> tuple[str, ...]:
    contract = detector.contract
    return (
        detector.name,
        contract.name + (" (recommended)" if recommended else ""),
        contract.dataset,
        "" if contract.val_video_auc is None else wording.number(contract.val_video_auc),
        _test_auc(detector),
        _size((detector.folder / "weights.safetensors").stat().st_size),
    )


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 1e6 else f"{count / 1e3:.0f} kB"


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Return rows as lines: texts begin below each other, numbers (the last three columns) end so."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(f"{cell:{'<' if place < 3 else '>'}{widths[place]}}" for place, cell in enumerate(row)).rstrip()
        for row in rows
    ]


def _test_auc(detector: "Detector") -> str:
    """Return the AUC on test videos with its interval: of a card's results, or of a judgement in this project."""
    measured = detector.folder / "results.json"
    if measured.is_file():
        usual = json.loads(measured.read_text(encoding="utf-8"))["methods"]
        usual_row = next((row for row in usual if not row["method"] and row["compression"] == "c23"), None)
        return "" if usual_row is None else _shown(usual_row["auc"])
    folder = detector.folder.resolve()
    summary = folder.parents[2] / "07_model_output" / folder.parent.name / folder.name / "summary.json"
    if not summary.is_file():
        return ""
    from fakefocus.schemas import judged_scope

    metrics = json.loads(summary.read_text(encoding="utf-8"))["metrics"]
    return _shown(metrics[judged_scope(metrics)]["auc"])


def _shown(auc: dict[str, float | None]) -> str:
    return "" if auc["value"] is None else wording.interval(auc)


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

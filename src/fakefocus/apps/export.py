"""``fakefocus export``."""

from pathlib import Path

import click

from fakefocus.apps.options import MODEL

_AGREE = 1e-4


@click.command(name="export")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--format", "form", type=click.Choice(["onnx", "openvino", "detector"]), default="onnx", show_default=True
)
@click.option(
    "--model", type=MODEL, help="One that comes with fakefocus, a folder, models:/<name>@<alias>, runs:/<run>/<name>."
)
def command(folder: Path, form: str, model: str | None) -> None:
    """Write a detector for other programs, or other people, into FOLDER.

    detector: its folder with a graph beside the weights, for "fakefocus predict --model FOLDER" where torch is not.
    onnx, openvino: one graph takes crops, bytes as they are, and gives scores: normalisation, maps and transforms are
    inside; how crops are cut, the limits of the verdict and its temperature are in the metadata, under "fakefocus".

    \b
      fakefocus export exported/ --model scade_net --format onnx
      fakefocus export handed_over/ --model data/06_models/demo/scade_net --format detector
    """
    from fakefocus.prediction.detectors import find_detector

    detector = find_detector(model)
    if form == "detector":
        from fakefocus.prediction.packing import pack_detector

        packed = pack_detector(detector, folder)
        size = sum(file.stat().st_size for file in packed) / 1e6
        click.echo(f"{folder}: {', '.join(file.name for file in packed)}; {size:.1f} MB, no torch needed")
        return
    from fakefocus.graphs.export import SUFFIXES, export

    file = folder / f"{detector.contract.family}{SUFFIXES[form]}"
    difference = export(detector.contract, detector.read_weights(), detector.sha256, file)
    size = sum(part.stat().st_size for part in folder.glob(f"{file.stem}.*")) / 1e6
    click.echo(f"{file}: {size:.1f} MB; scores differ from the network's by {difference:.1e} at most")
    if difference > _AGREE:
        for part in folder.glob(f"{file.stem}.*"):
            part.unlink()
        msg = f"{file} would not score as the network does: at most {_AGREE:g} is allowed; export the other format"
        raise click.ClickException(msg)

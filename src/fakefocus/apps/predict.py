"""``fakefocus predict``."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from fakefocus.apps.options import MODEL, cores, demand

if TYPE_CHECKING:
    from fakefocus.prediction.detectors import Detector
    from fakefocus.prediction.isolated import Isolated
    from fakefocus.prediction.result import Options, Prediction
    from fakefocus.prediction.writing import Results

_STREAM = "-"
"""The name of standard input, and of standard output."""
_SPELT_OUT = 3
"""Up to so many files are answered in sentences, more in a line each."""
_COLOURS = {"fake": "red", "uncertain": "yellow", "real": "green"}


@click.command(name="predict")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@click.option(
    "--model", type=MODEL, help="One that comes with fakefocus, a folder, models:/<name>@<alias>, runs:/<run>/<name>."
)
@click.option("--threshold", type=click.FloatRange(0, 1), help="Fake from this score on, real below.")
@click.option("--every", type=click.IntRange(1), default=10, show_default=True, help="Each n-th frame of a clip.")
@click.option("--max-frames", type=click.IntRange(1), default=100, show_default=True, help="At most so many of them.")
@click.option(
    "--faces",
    type=click.Choice(["all", "main"]),
    default="all",
    show_default=True,
    help="Everybody, or the person alone whom the clip shows most.",
)
@click.option(
    "--min-face-size",
    type=click.IntRange(12),
    default=40,
    show_default=True,
    help="Smallest side of a face, in pixels.",
)
@click.option("--output", type=click.Path(path_type=Path), help="results.json, .csv or .ndjson; - for lines of JSON.")
@click.option("--resume", is_flag=True, help="Go on with --output: what is answered there is not asked again.")
@click.option(
    "--explain", type=click.Path(file_okay=False, path_type=Path), help="A folder for pictures of each answer."
)
@click.option("--workers", type=click.IntRange(1), help="Files at a time, a core each.  [default: all cores]")
@click.option(
    "--device",
    type=click.Choice(["auto", "cpu", "cuda", "mps"]),
    default="auto",
    show_default=True,
    help="cuda and mps compute with torch; auto takes a GPU with --runtime torch alone.",
)
@click.option(
    "--runtime",
    type=click.Choice(["openvino", "torch"]),
    default="openvino",
    show_default=True,
    help="A graph, or the network itself, as the lineage scores.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be done.")
def command(
    paths: tuple[str, ...],
    model: str | None,
    output: Path | None,
    explain: Path | None,
    workers: int | None,
    *,
    resume: bool,
    dry_run: bool,
    **options: str | float | None,
) -> None:
    """Say of clips and images whether a face in them looks manipulated.

    PATH is a file, a folder, a pattern such as 'clips/*.mp4', or - for a list of paths on standard input.

    Exit code: 0 all files were answered, 1 some could not be, 2 the command is wrong.

    \b
      fakefocus predict clip.mp4
      fakefocus predict clips/ --output results.csv --workers 4
      find . -name '*.mov' | fakefocus predict - --output results.ndjson --resume
    """
    from fakefocus import processes

    if not dry_run:
        processes.begin()
    from fakefocus.prediction.detectors import find_detector
    from fakefocus.prediction.isolated import Isolated
    from fakefocus.prediction.media import find_media
    from fakefocus.prediction.result import Options

    if resume and (output is None or str(output) == _STREAM):
        msg = "--resume goes on with a file: name it by --output"
        raise click.UsageError(msg)
    if explain is not None:
        demand("explain", "--explain", "torch", "timm", "pytorch_grad_cam", "matplotlib", "jinja2")
    if options["runtime"] == "torch" or options["device"] in ("cuda", "mps"):
        demand("explain", "--runtime torch, and a GPU,", "torch", "timm", "pandas")
    files = find_media(_listed(paths))
    detector = find_detector(model)
    count = min(workers or cores(), len(files))
    if dry_run:
        size = sum(file.stat().st_size for file in files if file.is_file()) / 1e6
        click.echo(
            f"{len(files)} files, {size:.1f} MB, {count} at a time, by {detector.name}, {detector.contract.name}"
        )
        return
    # a service manager's way to end a run: processes end with it
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with ExitStack() as stack:
        results = None if output is None or str(output) == _STREAM else _opened(output, stack, resume=resume)
        isolated = stack.enter_context(Isolated(detector, count, explain=explain))
        question = Question(detector, Options.model_validate(options), as_lines=str(output) == _STREAM)
        failed = _answer(files, question, isolated, results)
    click.get_current_context().exit(1 if failed else 0)


def _listed(paths: tuple[str, ...]) -> Iterator[str]:
    for path in paths:
        if path == _STREAM:
            # file names are bytes, whatever the locale
            names = (os.fsdecode(line.rstrip(b"\r\n")) for line in sys.stdin.buffer)
            yield from filter(None, names)
        else:
            yield path


def _opened(output: Path, stack: ExitStack, *, resume: bool) -> "Results":
    from fakefocus.prediction.writing import Results

    results = Results(output, resume=resume)
    stack.callback(results.leave)
    return results


class Question(NamedTuple):
    """Which detector is asked, how files are looked at, and whether answers are shown as lines of JSON."""

    detector: "Detector"
    options: "Options"
    as_lines: bool


def _answer(files: list[Path], question: Question, isolated: "Isolated", results: "Results | None") -> int:
    """Ask for answers, show and keep them as they come; return how many files could not be answered."""
    from fakefocus.prediction.notes import file_name, note_of
    from fakefocus.prediction.writing import is_answered

    note, options = note_of(question.detector, question.options), question.options
    earlier = {} if results is None else {one.file: one for one in results.earlier}
    asked = [file for file in files if not is_answered(file, earlier.get(file_name(file)), note, options)]
    if len(asked) < len(files):
        click.echo(f"{len(files) - len(asked)} of {len(files)} files were answered before", err=True)
    if asked:
        isolated.prepare(options)
    if results is not None:
        results.begin()
    counts: dict[str, int] = {}
    for result in _with_progress(isolated(asked, options), len(asked)):
        counts[result.verdict or "failed"] = counts.get(result.verdict or "failed", 0) + 1
        if results is not None:
            results.add(result)
        if question.as_lines:
            click.echo(result.model_dump_json())
        else:
            _show(result, spelt_out=len(files) <= _SPELT_OUT)
    if results is not None:
        results.finish()
    if len(asked) > 1 and not question.as_lines:
        click.echo(", ".join(f"{count} {what.replace('_', ' ')}" for what, count in sorted(counts.items())), err=True)
    return counts.get("failed", 0)


def _with_progress(answers: "Iterator[Prediction]", count: int) -> "Iterator[Prediction]":
    """Pass answers on, with a bar on a terminal."""
    from tqdm import tqdm

    with tqdm(total=count, unit="file", disable=None if count > 1 else True, leave=False) as bar:
        for answer in answers:
            bar.clear()
            yield answer
            bar.update()


def _show(result: "Prediction", *, spelt_out: bool) -> None:
    from fakefocus.prediction.words import provenance_in_words

    verdict = result.verdict or "failed"
    name = click.style(f"{verdict.replace('_', ' '):9}", fg=_COLOURS.get(verdict))
    score = "     " if result.score is None else f"{result.score:.3f}"
    if not spelt_out:
        notes = " ".join(warned.problem for warned in result.warnings)
        remark = f"  ({notes or result.reason})" if notes or result.reason else ""
        click.echo(f"{name}  {score}  {result.file}{remark}")
        return
    click.echo(f"{click.style(result.file, bold=True)}\n  {name}  {_numbers(result)}".rstrip())
    click.echo(click.wrap_text(result.says, 100, "  ", "  "))
    for person in result.people[:5]:
        down, up = person.benign_shift
        edits = f"JPEG 75 and half size move that by {down:+.3f} to {up:+.3f}"
        faces = f"{len(person.faces)} face{'s' if len(person.faces) > 1 else ''} of {person.size:.0f} pixels"
        click.echo(f"  person {person.person}: {person.verdict}, {person.score:.3f} over {faces}; {edits}")
    if len(result.people) > 5:
        click.echo(f"  and {len(result.people) - 5} more people: see --output")
    click.echo(f"  provenance: {provenance_in_words(result.provenance)}")


def _numbers(result: "Prediction") -> str:
    if result.score is None:
        return ""
    model, limits = result.model, result.model.limits
    at = f"real below {limits.real_below:.3f}, fake from {limits.fake_from:.3f}"
    return f"score {result.score:.3f}; {at} ({model.name})"

"""A user's mistake is one message, not a trace through our code."""

from collections.abc import Iterator, Mapping

from click import ClickException
from kedro.framework.hooks import hook_impl
from kedro.framework.project import pipelines
from kedro.io import DatasetError
from kedro.pipeline import Pipeline

from fakefocus.datasets.aside import is_disk_full
from fakefocus.errors import InputError


class RefusedInputError(ClickException, ValueError):
    """An ``InputError`` as the command line shows it."""


class PlainErrors:
    """Shows what a user has to read, where the cause is theirs to mend."""

    @hook_impl(trylast=True)
    def on_pipeline_error(self, error: Exception) -> None:
        """Raise the message of an ``InputError``, of a full disk, or of data that an earlier stage has to make."""
        for cause in _causes(error):
            if isinstance(cause, InputError):
                raise RefusedInputError(str(cause)) from error
            if is_disk_full(cause):
                msg = f"{error}\nThe disk is full: free space and run again; what is finished is kept"
                raise RefusedInputError(msg) from error
        message = _missing_data(error)
        if message:
            raise RefusedInputError(message) from error


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__


def _missing_data(error: Exception) -> str:
    """Say which stage makes a file that is not there; empty for other errors."""
    causes = list(_causes(error))
    messages = [str(cause) for cause in causes if isinstance(cause, DatasetError)]
    ours = next((text for text in messages if text.startswith("no ")), "")
    if ours:
        return ours
    absent = next((cause for cause in causes if isinstance(cause, FileNotFoundError)), None)
    if absent is None or not messages:
        return ""
    place = str(absent.filename or absent)
    stage = _stage_of(place.rsplit("/", 1)[-1].partition(".")[0], pipelines)
    return (
        f"{place} is not there: run kedro run --pipelines={stage} with the same --env and --params first"
        if stage
        else ""
    )


def _stage_of(name: str, registered: Mapping[str, Pipeline]) -> str:
    """Return the verb of the stage that makes a dataset, by the name of its file."""
    verbs = ("ingest", "preprocess", "defocus", "split", "train", "evaluate", "report")
    ends = (f".{name}", f"_{name}")
    made = {verb: registered[verb].all_outputs() for verb in verbs}
    return next((verb for verb in verbs if any(n == name or n.endswith(ends) for n in made[verb])), "")

"""Parameters are checked before the first node: a typo costs a second, not an evening."""

from functools import cache
from typing import Any, get_args

from click import ClickException
from kedro.framework.context import KedroContext
from kedro.framework.hooks import hook_impl
from kedro.io import DataCatalog
from kedro.pipeline import Pipeline
from pydantic import ValidationError, create_model

from fakefocus.datasets.parallel import read_executor
from fakefocus.errors import InputError, did_you_mean
from fakefocus.hooks.plain_errors import RefusedInputError
from fakefocus.models import DetectorOptions, families
from fakefocus.parameters import Parameters
from fakefocus.stages import detector_of


class ParameterError(ClickException, ValueError):
    """Parameters that cannot be meant; its text names place, value and remedy."""


class CheckParameters:
    """Stops a run whose parameters hold a typo or an impossible value, before the first node."""

    @hook_impl(tryfirst=True)
    def after_context_created(self, context: KedroContext) -> None:
        """Check all parameters of the environment and of ``--params``, and where jobs run."""
        check_executor(context.config_loader["globals"].get("executor"))
        try:
            values = context.config_loader["parameters"]
        except InputError as error:
            raise RefusedInputError(str(error)) from None
        self._parameters = check_parameters(values)
        self._made_by = context.config_loader["globals"]["made_by"]

    @hook_impl(tryfirst=True)
    def before_pipeline_run(self, pipeline: Pipeline, catalog: DataCatalog) -> None:
        """Check that the experiment is the one of its name, that what is trained can be, and names that timm knows."""
        _check_experiment(pipeline, catalog, self._made_by, self._parameters.experiment)
        trained = {
            detector_of(node.namespace).partition(".")[0] for node in pipeline.nodes if node.short_name == "train"
        }
        if not trained:
            return
        _check_that_training_is_meant(self._parameters)
        from fakefocus.models.build import check_backbones

        try:
            for family in sorted(trained):
                options: DetectorOptions = getattr(self._parameters, family)
                check_backbones(family, options.network.model_dump())
        except InputError as error:
            raise RefusedInputError(str(error)) from None


def _check_experiment(pipeline: Pipeline, catalog: DataCatalog, made_by: dict[str, Any] | None, name: str) -> None:
    """Refuse an experiment whose name another one has; the first run of a split notes what made it."""
    if made_by is None or not any({"feature_split", "training"} & node.tags for node in pipeline.nodes):
        return
    note = catalog["experiment_note"]
    before = note.load()
    if before and before != made_by:
        msg = (
            f"experiment: {name} is there already and was made by {_as_words(before)}, this one is made by "
            f"{_as_words(made_by)}: give this one a name of its own, --params=experiment=<name>"
        )
        raise RefusedInputError(msg)
    if not before:
        note.save(made_by)


def _as_words(note: dict[str, Any]) -> str:
    changed = ",".join(f"{path}={value}" for path, value in note["changed"].items())
    return f"--env {note['environment']}" + (f" --params={changed}" if changed else "")


def _check_that_training_is_meant(parameters: Parameters) -> None:
    """Refuse to train in the place of another experiment's detectors, or on a data set without a training side."""
    only = (
        "leave training out: --pipelines=data,split,evaluate,report, and for baselines --pipelines=baselines "
        "--tags=evaluation"
    )
    if parameters.trained_on != parameters.experiment:
        msg = (
            f"trained_on: the detectors of {parameters.trained_on} are judged, not trained again under the name of "
            f"{parameters.experiment}; {only}"
        )
        raise RefusedInputError(msg)
    if parameters.feature_split.strategy == "test_only":
        msg = (
            f"feature_split.strategy: test_only has no side to train on; {only}, and name whose detectors are judged: "
            "--params=trained_on=<experiment>"
        )
        raise RefusedInputError(msg)


def check_executor(options: dict[str, Any] | None) -> None:
    """Check where jobs run.

    Raises:
        RefusedInputError: If a key of ``globals.yml`` is unknown, or a value cannot be meant.
    """
    try:
        read_executor(options)
    except InputError as error:
        msg = f"globals.yml: {error}"
        raise RefusedInputError(msg) from None


def check_parameters(values: dict[str, Any]) -> Any:  # noqa: ANN401 (a model that is made of what families declare)
    """Return the checked parameters.

    Raises:
        ParameterError: With one line a mistake: the place, the rule, the value, and the near miss of a name.
    """
    try:
        return all_parameters().model_validate(values)
    except ValidationError as error:
        raise ParameterError("\n".join(["parameters:", *map(_mistake, error.errors())])) from None


@cache
def all_parameters() -> type[Parameters]:
    """Return the model of all parameters: those that are common, and a group for each registered family."""
    groups: dict[str, Any] = {name: (family.options, ...) for name, family in families().items()}
    return create_model("AllParameters", __base__=Parameters, **groups)


def _mistake(error: Any) -> str:  # noqa: ANN401 (pydantic's ErrorDetails is a private name)
    place = ".".join(str(part) for part in error["loc"])
    if error["type"] == "extra_forbidden":
        near = did_you_mean(error["loc"][-1], _names(error["loc"][:-1]))
        return f"  {place}: unknown (value {error['input']!r}){near}"
    if error["type"] == "missing":
        return f"  {place}: missing; see conf/base, conf/recipes and conf/suites"
    return f"  {place}: {error['msg'].removeprefix('Value error, ')}, got {error['input']!r}"


def _names(place: tuple[Any, ...]) -> list[str]:
    model: Any = all_parameters()
    for part in place:
        # an entry of a list is of the kind that the list holds
        model = get_args(model)[0] if isinstance(part, int) else model.model_fields[part].annotation
    return list(model.model_fields)

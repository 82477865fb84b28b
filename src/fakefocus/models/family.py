"""What a family of detectors declares of itself, so that nothing else has to know its name."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pkgutil import resolve_name
from typing import Annotated, Any, Literal

from pydantic import Field, SerializeAsAny, create_model, model_validator

from fakefocus.errors import InputError
from fakefocus.parameters import Group, Parameters, Training
from fakefocus.parameters.common import Share
from fakefocus.stages import STAGES

Weights = str | dict[str, str]
"""Where a network starts from: none, pretrained or a file; or one of these by part, for several backbones."""
_NAME = re.compile(r"(?!.*(_control|_untrained|_seed_|_ablation))[a-z][a-z0-9_]*")
_VARIANT = re.compile(r"(?!.*_seed_)(?!unchanged$)[a-z][a-z0-9_]*")
UNCHANGED = "unchanged"
"""The variant of a family that is none: its detector as the recipe has it, trained like the others."""
ImageSide = Annotated[int, Field(ge=32)]
"""Side of a network's input, pixels."""


Edition = Literal["paper", "deepfakebench"]
"""What a network computes: what its paper says, or what DeepfakeBench's of that name does, see docs/detectors."""


class ClassificationLoss(Group):
    """Binary cross-entropy or focal loss; a fake counts ``fake_weight`` times."""

    classification: Literal["bce", "focal"] = "bce"
    fake_weight: Annotated[float, Field(gt=0)] = 1.0


class BackboneNetwork(Group):
    """A timm ``backbone`` for inputs of ``img_size`` pixels; ``weights`` none, pretrained or a file."""

    backbone: str
    img_size: ImageSide
    drop_rate: Share
    weights: Weights = "none"


class DetectorOptions(Group):
    """All parameters of one detector: ``family`` says which, the others are groups of that family's own kind."""

    family: str
    network: SerializeAsAny[Group]
    loss: SerializeAsAny[Group]
    training: Training

    @model_validator(mode="wrap")
    @classmethod
    def _of_its_family(cls, value: Any, validate: Callable[[Any], Any]) -> Any:  # noqa: ANN401 (checked by pydantic)
        if cls is DetectorOptions and isinstance(value, Mapping):
            from fakefocus.models import find_family

            return find_family(str(value.get("family"))).options.model_validate(value)
        return validate(value)

    def varied(self, changes: Mapping[str, Mapping[str, Any]]) -> "DetectorOptions":
        """Return these parameters with nested changes, checked as all others are."""
        values = self.model_dump()
        return type(self).model_validate(
            values | {group: values[group] | dict(different) for group, different in changes.items()}
        )

    def trained_as(self, changes: Mapping[str, Mapping[str, Any]], seed: int, epoch_share: float) -> "DetectorOptions":
        """Return the parameters of a variant that is trained with ``seed`` for a share of the epochs, at least one."""
        epochs = max(1, round(epoch_share * self.training.epochs))
        return self.varied({**changes, "training": {"seed": seed, "epochs": epochs}})

    def variant_of(self, contract: Mapping[str, Any]) -> str:
        """Return the name of the variant of these parameters that a contract is of, whatever it was trained with.

        Raises:
            InputError: If it is of none: parameters have changed since.
        """
        from fakefocus.models import find_family

        family = find_family(self.family)
        of_contract = (
            family.network_options.model_validate(contract["network"]),
            family.loss_options.model_validate(contract["loss"]),
        )
        unchanged: dict[str, Mapping[str, Mapping[str, Any]]] = {UNCHANGED: {}}
        variants = unchanged | {name: variant.changes for name, variant in family.variants.items()}
        for name, changes in variants.items():
            options = self.varied(changes)
            if (options.network, options.loss) == of_contract:
                return name
        msg = (
            f"{self.family}: a detector with network {contract['network']} and loss {contract['loss']} is no variant "
            "of these parameters: train the variants again, kedro run --pipelines=ablation,coadaptation"
        )
        raise InputError(msg)


def variant_detector(family: str, variant: str, seed: int) -> str:
    """Return the name of a variant's detector, which is the namespace of its nodes."""
    return f"{family}.ablation.{variant}_seed_{seed}"


@dataclass(frozen=True)
class Claim:
    """What was published about a change: the ``metric`` (auc, accuracy) of the changed detector minus the whole one's.

    Attributes:
        scope: ``video`` on methods that both were trained on, ``held_out`` on others or another data set.
        metric: A key of what `fakefocus.metrics.scores.summary` returns.
        low: The smaller end of the claimed difference, as a share, -.03 for three points less; ``high`` the other end.
        source: Who says it and on what, with year and URL.
    """

    scope: Literal["video", "held_out"]
    metric: Literal["auc", "accuracy"]
    low: float
    high: float
    source: str


@dataclass(frozen=True)
class Ablation:
    """A family's detector with something taken out or done otherwise, and what was claimed of that.

    Attributes:
        title: What is changed, in words.
        changes: Parameters that differ, nested: ``{"network": {"eca": False}}``.
        claims: What was published; empty where nothing was.
    """

    title: str
    changes: Mapping[str, Mapping[str, Any]]
    claims: tuple[Claim, ...] = ()


@dataclass(frozen=True)
class Family:
    """A family of detectors: one folder of ``fakefocus.models``, or a package that registers it.

    A package names it under the entry point ``fakefocus.families``. ``network`` and ``loss`` are named as
    ``package.module:Class``, so that torch is imported only where one is built; their keyword arguments are the fields
    of ``network_options`` (but for ``weights``) and ``loss_options``. A network takes ``pretrained`` as well if the
    family names ``parts``.

    Attributes:
        name: The namespace of its nodes, its group of parameters, its folder of results.
        title: Its name as people write it.
        colour: Of its lines in figures, ``#rrggbb``.
        network: Class of the network, ``(B, in_chans, img_size, img_size)`` in [0, 1] to logits ``(B,)``; it has
            ``in_chans``, ``img_size``, ``forward_features`` and ``forward_head``, as timm's.
        network_options: The parameters ``<name>.network``.
        loss: Class of the loss: embeddings, logits and labels to ``loss`` and its parts.
        loss_options: The parameters ``<name>.loss``.
        baseline: Whether it is trained by ``--pipelines=baselines`` instead of the default lineage.
        parts: Those of ``network_options`` that name timm backbones.
        rename: A function that gives published weights our names, ``package.module:function``.
        published_head: Whether weights of the head alone are published: ``weights`` may then name their file under
            ``head``, beside the parts.
        recipe: Parameters that differ from the recipe file's for every family; the file's own entry comes after.
        ablations: What ``--pipelines=ablation`` trains beside the detector as it is, by name.
        regularisers: What ``--pipelines=coadaptation`` trains beside it: less of what keeps streams apart.
        streams: Names of the streams whose tokens the network fuses. It then takes ``streams``, those that it has, and
            offers ``forward_kept``, ``shares`` and ``attention``; empty for a network in one piece.
        heat_part: The part of the network whose last map of features heat maps are of; empty: the whole of it.
    """

    name: str
    title: str
    colour: str
    network: str
    network_options: type[Group]
    loss: str = "fakefocus.models.losses:BaselineLoss"
    loss_options: type[Group] = ClassificationLoss
    baseline: bool = True
    parts: tuple[str, ...] = ()
    rename: str | None = None
    published_head: bool = False
    recipe: Mapping[str, Any] = field(default_factory=dict)
    ablations: Mapping[str, Ablation] = field(default_factory=dict)
    regularisers: Mapping[str, Ablation] = field(default_factory=dict)
    streams: tuple[str, ...] = ()
    heat_part: str = ""

    def __post_init__(self) -> None:
        """Refuse a name that folders, nodes or parameters cannot have.

        Raises:
            InputError: With the rule and the name.
        """
        twice = sorted(set(self.ablations) & set(self.regularisers))
        wrong = [name for name in self.variants if not _VARIANT.fullmatch(name)] + twice
        if wrong:
            msg = (
                "Family.ablations and regularisers: names must be lower-case letters, digits and _, begin with a "
                f"letter, not be {UNCHANGED!r}, not hold _seed_, and be used once, got {', '.join(wrong)}"
            )
            raise InputError(msg)
        if not _NAME.fullmatch(self.name) or self.name in (*Parameters.model_fields, *STAGES):
            msg = (
                "Family.name: must be lower-case letters, digits and _, begin with a letter, hold none of _control, "
                f"_untrained, _seed_ and _ablation, and name no stage or other group of parameters, got {self.name!r}"
            )
            raise InputError(msg)

    @property
    def variants(self) -> dict[str, Ablation]:
        """Ablations and regularisers by name."""
        return {**self.ablations, **self.regularisers}

    @cached_property
    def options(self) -> type[DetectorOptions]:
        """The model of all its parameters."""
        fields: dict[str, Any] = {"family": (Literal[self.name], self.name)}
        for name, group in (("network", self.network_options), ("loss", self.loss_options)):
            needed = any(option.is_required() for option in group.model_fields.values())
            fields[name] = (group, ...) if needed else (group, group())
        return create_model(f"{self.name}_options", __base__=DetectorOptions, __doc__=f"{self.title}.", **fields)

    def build_network(self, **options: Any) -> Any:  # noqa: ANN401 (torch is imported with the class)
        """Return a new network."""
        return resolve_name(self.network)(**options)

    def build_loss(self, **options: Any) -> Any:  # noqa: ANN401
        """Return a new loss."""
        return resolve_name(self.loss)(**options)

    def renamed(self, weights: dict[str, Any]) -> dict[str, Any]:
        """Return published weights under our names; others as they are."""
        return weights if self.rename is None else resolve_name(self.rename)(weights)

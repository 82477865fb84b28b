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

Weights = str | dict[str, str]
"""Where a network starts from: none, pretrained or a file; or one of these by part, for several backbones."""
_NAME = re.compile(r"(?!.*(_control|_untrained|_seed_))[a-z][a-z0-9_]*")
ImageSide = Annotated[int, Field(ge=32)]
"""Side of a network's input, pixels."""


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
        recipe: Parameters that differ from the recipe file's for every family; the file's own entry comes after.
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
    recipe: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a name that folders, nodes or parameters cannot have.

        Raises:
            InputError: With the rule and the name.
        """
        if not _NAME.fullmatch(self.name) or self.name in Parameters.model_fields:
            msg = (
                "Family.name: must be lower-case letters, digits and _, begin with a letter, hold none of _control, "
                f"_untrained and _seed_, and name no other group of parameters, got {self.name!r}"
            )
            raise InputError(msg)

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

"""Backbones from timm, and the detector that is one of them with a linear layer on top."""

from collections.abc import Mapping
from typing import Any

import timm
from torch import Tensor, nn

from fakefocus.errors import InputError, did_you_mean
from fakefocus.models.family import Edition
from fakefocus.models.normalize import HalfNormalize, Normalize
from fakefocus.models.packaged import load_packaged
from fakefocus.models.weights import load_backbone, read_weights

Pretrained = bool | Mapping[str, str]
"""Whether the weights of backbones are fetched; or by part: none, pretrained, packaged or a file."""


def create_backbone(
    family: str,
    name: str,
    pretrained: Pretrained,
    part: str = "backbone",
    **options: Any,  # noqa: ANN401 (timm's)
) -> nn.Module:
    """Build a timm backbone.

    Args:
        family: Whose backbone it is; messages name it.
        name: The architecture in timm, with or without the tag of its weights: ``resnet50.tv_in1k``.
        pretrained: Fetch the weights, or take them from an installed package or the file that it names for ``part``.
        part: The parameter of the family that names it.
        options: What else ``timm.create_model`` is told.

    Raises:
        InputError: If timm does not know the name, or the weights cannot be fetched or do not fit.
    """
    check_name(family, part, name)
    weights = pretrained if isinstance(pretrained, bool) else pretrained.get(part, "none")
    if weights == "packaged":
        backbone: nn.Module = timm.create_model(name, pretrained=False, **options)
        load_packaged(backbone, name, f"{family}.network.weights")
        return backbone
    if isinstance(weights, str) and weights not in ("none", "pretrained"):
        return _from_file(family, name, weights, part, **options)
    fetch = weights in (True, "pretrained")
    try:
        return timm.create_model(name, pretrained=fetch, **options)
    # the hub's client, urllib and timm share no error type; a wrong option is a TypeError
    except Exception as error:
        if not fetch or isinstance(error, TypeError):
            raise
        msg = (
            f"{family}: the weights of {part} {name!r} could not be fetched ({type(error).__name__}: {error}): give "
            f"{family}.network.weights={{{part}: <file>}} for those of timm's {name} on disk (and none, pretrained "
            "or a file for each other part), a file of the whole network, or none to start from random ones"
        )
        raise InputError(msg) from error


def _from_file(family: str, name: str, file: str, part: str, **options: Any) -> nn.Module:  # noqa: ANN401
    """Build a backbone with weights from disk."""
    backbone: nn.Module = timm.create_model(name, pretrained=False, **options)
    load_backbone(backbone, read_weights(file), f"{family}.network.weights.{part}: {file}", f"timm's {name}")
    return backbone


class BackboneDetector(nn.Module):
    """A timm backbone without its classifier, dropout, and one linear layer.

    Input ``(B, 3, img_size, img_size) float`` in [0, 1].
    """

    in_chans = 3

    def __init__(
        self,
        family: str,
        backbone: str,
        img_size: int,
        drop_rate: float,
        *,
        pretrained: Pretrained,
        on_grid: bool = False,
        edition: Edition = "paper",
    ) -> None:
        """Build the detector of ``family``; a backbone ``on_grid`` of patches has to know ``img_size``.

        Pixels are normalised as the backbone's weights expect, in DeepfakeBench's ``edition`` by mean and deviation .5.
        """
        super().__init__()
        self.img_size = img_size
        options: dict[str, Any] = {"img_size": img_size} if on_grid else {}
        network: Any = create_backbone(family, backbone, pretrained, num_classes=0, **options)
        self.backbone: nn.Module = network
        self.normalize = HalfNormalize() if edition == "deepfakebench" else Normalize(network)
        self.embedding_dim = int(network.head_hidden_size)
        self.head = nn.Sequential(nn.Dropout(drop_rate), nn.Linear(self.embedding_dim, 1))

    def forward_features(self, x: Tensor) -> Tensor:
        """Return the embedding ``(B, embedding_dim)``."""
        return self.backbone(self.normalize(x))

    def forward_head(self, features: Tensor) -> Tensor:
        """Return one logit a sample, ``(B,)``; above 0 means fake."""
        return self.head(features).squeeze(1)

    def forward(self, x: Tensor) -> Tensor:
        """Return one logit a sample, ``(B,)``; above 0 means fake."""
        return self.forward_head(self.forward_features(x))


def check_name(family: str, part: str, name: str) -> None:
    """Refuse a name or a tag that timm does not know.

    Raises:
        InputError: With the parameter ``<family>.network.<part>``, the name and the nearest known ones.
    """
    architecture, _, tag = name.partition(".")
    tagged = bool(tag) and timm.is_model(architecture)
    names = timm.list_pretrained(f"{architecture}.*") if tagged else timm.list_models()
    if name in names:
        return
    hint = did_you_mean(name, names, count=3) or "; see timm.list_models()"
    msg = f"{family}.network.{part}: timm has no model {name!r}{hint}"
    raise InputError(msg)

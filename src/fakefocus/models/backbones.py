"""Backbones from timm, and the detector that is one of them with a linear layer on top."""

from difflib import get_close_matches
from typing import Any

import timm
from torch import Tensor, nn

from fakefocus.models.normalize import Normalize
from fakefocus.schemas import InputError


def create_backbone(
    family: str,
    name: str,
    pretrained: bool,
    part: str = "backbone",
    **options: Any,  # noqa: ANN401 (timm's)
) -> nn.Module:
    """Build a timm backbone.

    Args:
        family: Whose backbone it is; messages name it.
        name: The architecture in timm, with or without the tag of its weights: ``resnet50.tv_in1k``.
        pretrained: Fetch the weights.
        part: The parameter of the family that names it.
        options: What else ``timm.create_model`` is told.

    Raises:
        InputError: If timm does not know the name, or the weights cannot be fetched.
    """
    check_name(family, part, name)
    try:
        return timm.create_model(name, pretrained=pretrained, **options)
    # the hub's client, urllib and timm share no error type; a wrong option is a TypeError
    except Exception as error:
        if not pretrained or isinstance(error, TypeError):
            raise
        msg = (
            f"{family}: the weights of {part} {name!r} could not be fetched ({type(error).__name__}: {error}): "
            "give `weights: <file>` for weights on disk, or `weights: none` to start from random ones"
        )
        raise InputError(msg) from error


class BackboneDetector(nn.Module):
    """A timm backbone without its classifier, dropout, and one linear layer.

    Input ``(B, 3, img_size, img_size) float`` in [0, 1].
    """

    in_chans = 3

    def __init__(self, family: str, backbone: str, img_size: int, drop_rate: float, *, pretrained: bool) -> None:
        """Build the detector of ``family``; ``pretrained`` fetches the backbone's weights."""
        super().__init__()
        self.img_size = img_size
        network: Any = create_backbone(family, backbone, pretrained, num_classes=0)
        self.backbone: nn.Module = network
        self.normalize = Normalize(network)
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
    known = timm.list_pretrained(f"{architecture}.*") if tagged else timm.list_models()
    if name in known:
        return
    near = get_close_matches(name, known, n=3)
    hint = f", did you mean {' or '.join(map(repr, near))}?" if near else "; see timm.list_models()"
    msg = f"{family}.network.{part}: timm has no model {name!r}{hint}"
    raise InputError(msg)

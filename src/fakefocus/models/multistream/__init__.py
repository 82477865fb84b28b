"""The three-stream detector: spatial, spectral and semantic streams, fused by cross-stream attention."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from fakefocus.models.family import Ablation, Claim, ClassificationLoss, Family, ImageSide, Weights
from fakefocus.parameters import Group
from fakefocus.parameters.common import NonNegative, Share

Stream = Literal["spatial", "spectral", "semantic"]
STREAMS: tuple[Stream, ...] = ("spatial", "spectral", "semantic")


class MultistreamNetwork(Group):
    """Three streams: timm names of their backbones, and the side of the input in pixels.

    ``weights`` none, pretrained (each backbone's, from timm), a file, or by part, as ``{spatial: <file>}``.
    ``streams``: those that it has, in this order; a backbone that is not among them is not built. ``legacy``: the
    published forward pass.
    """

    spatial: str = "efficientnet_b0"
    spectral: str = "resnet18"
    semantic: str = "vit_tiny_patch16_224"
    img_size: ImageSide = 256
    weights: Weights = "none"
    stream_drop_rate: Annotated[float, Field(ge=0, lt=1)] = 0.1
    drop_rate: Share = 0.4
    streams: tuple[Stream, ...] = STREAMS
    legacy: bool = False

    @field_validator("streams")
    @classmethod
    def _are_some_of_the_three(cls, streams: tuple[Stream, ...]) -> tuple[Stream, ...]:
        ordered = tuple(stream for stream in STREAMS if stream in streams)
        if not streams or len(ordered) != len(streams):
            msg = f"must be one or more of {', '.join(STREAMS)}, each once, got {', '.join(streams) or 'none'}"
            raise ValueError(msg)
        return ordered


class MultistreamLoss(ClassificationLoss):
    """Classification, and weights of orthogonality between streams, and of alignment and uniformity of samples."""

    orthogonality_weight: NonNegative = 0.01
    alignment_weight: NonNegative = 0.0
    uniformity_weight: NonNegative = 0.0


_REPOSITORY = "2026, https://github.com/noushad999/Deep-Fake, commit 1c956a7"
_SWITCHED_OFF = f"the ablation table, on 2,497 generated and real pictures ({_REPOSITORY})"
_SDXL = f"on SDXL's pictures, trained on other generators ({_REPOSITORY})"


def _only(streams: tuple[str, ...], title: str, in_distribution: float, on_sdxl: float) -> Ablation:
    """Return the detector with ``streams`` alone; the claims are AUCs in per cent, the whole has 99.99 and 98.09."""
    differences = [round(in_distribution - 99.99, 2) / 100, round(on_sdxl - 98.09, 2) / 100]
    claims = (
        Claim("video", "auc", differences[0], differences[0], _SWITCHED_OFF),
        Claim("held_out", "auc", differences[1], differences[1], _SDXL),
    )
    return Ablation(title, {"network": {"streams": streams}}, claims)


ABLATIONS = {
    "spatial": _only(("spatial",), "spatial stream alone", 99.95, 96.44),
    "spectral": _only(("spectral",), "spectral stream alone", 68.42, 58.26),
    "semantic": _only(("semantic",), "semantic stream alone", 99.29, 97.17),
    "spatial_spectral": _only(("spatial", "spectral"), "without the semantic stream", 99.98, 95.98),
    "spatial_semantic": _only(("spatial", "semantic"), "without the spectral stream", 99.98, 93.64),
}
"""The published combinations of streams. The publication says both that streams were zeroed at inference and that
detectors were trained without them; `fakefocus.pipelines.ablation` does both."""
REGULARISERS = {
    "neither": Ablation("neither", {"loss": {"orthogonality_weight": 0.0}, "network": {"stream_drop_rate": 0.0}}),
    "orthogonality": Ablation("orthogonality alone", {"network": {"stream_drop_rate": 0.0}}),
    "dropout": Ablation("stream dropout alone", {"loss": {"orthogonality_weight": 0.0}}),
}
"""Fewer of the two means against streams that learn the same; with both of them the detector is unchanged."""

FAMILY = Family(
    name="multistream",
    title="Multi-stream",
    colour="#b4540a",
    network="fakefocus.models.multistream.network:MultiStream",
    network_options=MultistreamNetwork,
    loss="fakefocus.models.multistream.loss:MultistreamLoss",
    loss_options=MultistreamLoss,
    baseline=False,
    parts=STREAMS,
    rename="fakefocus.models.multistream.published:rename",
    ablations=ABLATIONS,
    regularisers=REGULARISERS,
    streams=STREAMS,
    heat_part="spatial",
)

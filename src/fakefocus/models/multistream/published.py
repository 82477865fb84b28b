"""Names of the published three-stream checkpoints (2026, https://github.com/noushad999/Deep-Fake, commit 1c956a7)."""

import torch
from torch import Tensor

_PREFIXES = {
    "spatial_stream.backbone.": "spatial.",
    "spatial_stream.projection.": "spatial_head.",
    "freq_stream.fft_mask.mask": "mask.weight",
    "freq_stream.fft_mask.band_weights": "mask.band_weight",
    "freq_stream.backbone.": "spectral.",
    "freq_stream.projection.": "spectral_head.",
    "semantic_stream.backbone.": "semantic.",
    "semantic_stream.projection.": "semantic_head.",
    "fusion.cross_stream_attn.spatial_proj.": "fusion.projections.0.",
    "fusion.cross_stream_attn.freq_proj.": "fusion.projections.1.",
    "fusion.cross_stream_attn.semantic_proj.": "fusion.projections.2.",
    "fusion.cross_stream_attn.attn.": "fusion.attention.",
    "fusion.cross_stream_attn.norm.": "fusion.norm.",
    "fusion.cross_stream_attn.stream_embeddings": "fusion.stream_embedding",
}


def rename(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return published weights under our names; names that are not published ones stay.

    The published mask ``(3, H, W)`` has frequency 0 in the middle, ours has it first.
    """
    renamed = {_ours(name): value for name, value in weights.items()}
    if "freq_stream.fft_mask.mask" in weights:
        renamed["mask.weight"] = torch.fft.ifftshift(renamed["mask.weight"], dim=(-2, -1))
    return renamed


def _ours(name: str) -> str:
    prefix = next((p for p in _PREFIXES if name.startswith(p)), "")
    return _PREFIXES.get(prefix, "") + name.removeprefix(prefix)

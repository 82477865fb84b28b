"""Names of published GenDs (https://github.com/yermandy/GenD; weights on https://huggingface.co/yermandy).

``GenD_CLIP_L_14`` names CLIP's vision transformer as the transformers library does, ``GenD_PE_L`` its backbone as timm.
Both end in a linear layer on features of unit length, two classes, the second fake. (``GenD_DINOv3_L`` takes the class
token, ours of that name the mean of the patches: it is none of these.)
"""

import re

import torch
from timm.layers import resample_abs_pos_embed
from torch import Tensor

from fakefocus.models.published import one_logit

_CLIP, _TIMM, _HEAD = "feature_extractor.vision_model.", "feature_extractor.backbone.", "model.linear"
_FIRST = {_CLIP: "embeddings.class_embedding", _TIMM: "patch_embed.proj.weight"}
"""What tells them from others of these prefixes."""
_IMG_SIZE = 224
"""Pixels a side, of whatever backbone."""
_UNUSED = {"feature_extractor.visual_projection.weight", f"{_CLIP}embeddings.position_ids"}
_EMBEDDINGS: dict[str, tuple[str, tuple[int, ...]]] = {
    "embeddings.class_embedding": ("cls_token", (1, 1)),
    "embeddings.patch_embedding.weight": ("patch_embed.proj.weight", ()),
    "embeddings.position_embedding.weight": ("pos_embed", (1,)),
    "pre_layrnorm.weight": ("norm_pre.weight", ()),
    "pre_layrnorm.bias": ("norm_pre.bias", ()),
    "post_layernorm.weight": ("norm.weight", ()),
    "post_layernorm.bias": ("norm.bias", ()),
}
"""Ours by their names, and the axes that ours have in front."""
_LAYER = re.compile(r"encoder\.layers\.(\d+)\.(.+)\.(weight|bias)")
_LAYERS = {
    "layer_norm1": "norm1",
    "self_attn.out_proj": "attn.proj",
    "layer_norm2": "norm2",
    "mlp.fc1": "mlp.fc1",
    "mlp.fc2": "mlp.fc2",
}
_QKV = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")


def rename(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return published weights under our names; others as they are."""
    needed = {name: value for name, value in weights.items() if name not in _UNUSED}
    prefix = next((p for p, first in _FIRST.items() if p + first in needed), None)
    if prefix is None:
        return weights
    below = {n.removeprefix(prefix): value for n, value in needed.items() if n.startswith(prefix)}
    backbone = _from_transformers(below) if prefix == _CLIP else _at_published_size(below)
    others = {n: value for n, value in needed.items() if not n.startswith((prefix, f"{_HEAD}."))}
    return (
        {f"backbone.{name}": value for name, value in backbone.items()} | one_logit(weights, _HEAD, "head.1") | others
    )


def _from_transformers(clip: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return CLIP's vision transformer as timm names it; what is missing stays so, what is unknown keeps its name."""
    renamed = {}
    for name, value in clip.items():
        layer = _LAYER.fullmatch(name)
        if name in _EMBEDDINGS:
            ours, shape = _EMBEDDINGS[name]
            renamed[ours] = value.reshape(shape + value.shape)
        elif layer is None or layer[2] not in (*_LAYERS, *_QKV):
            renamed[name] = value
        elif layer[2] in _LAYERS:
            renamed[f"blocks.{layer[1]}.{_LAYERS[layer[2]]}.{layer[3]}"] = value
        elif layer[2] == _QKV[0]:
            parts = [clip.get(name.replace(_QKV[0], part)) for part in _QKV]
            renamed[f"blocks.{layer[1]}.attn.qkv.{layer[3]}"] = torch.cat([part for part in parts if part is not None])
    return renamed


def _at_published_size(backbone: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return a backbone with position embeddings of the published size, as it resamples them at every look there."""
    stored = backbone.get("pos_embed")
    if stored is None:
        return backbone
    side = _IMG_SIZE // backbone["patch_embed.proj.weight"].shape[-1]
    return {**backbone, "pos_embed": resample_abs_pos_embed(stored, [side, side], num_prefix_tokens=1)}

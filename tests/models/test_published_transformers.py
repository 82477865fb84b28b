"""Published GenDs and UnivFD's head give the probabilities that they gave there.

CLIP is computed here anew, from the tensors under the published names; files are simulated.
"""

from pathlib import Path

import pytest
import timm
import torch
import torch.nn.functional as F
from drawn import Drawn, pictures
from safetensors.torch import save_file
from torch import Tensor, nn

from fakefocus.errors import InputError
from fakefocus.models.build import build_network, starting_weights

pytestmark = pytest.mark.slow

CLIP = "vit_xsmall_patch16_clip_224.tinyclip_yfcc15m"
"""The smallest of CLIP's kind: 256 wide, 10 layers of 4 heads, 16 pixels a patch; its activation is GELU."""
PERCEPTION = "vit_pe_core_tiny_patch16_384.fb"
MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)


def _normalized(x: Tensor) -> Tensor:
    return (x - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)


def _attend(net: Drawn, x: Tensor, name: str) -> Tensor:
    width = x.shape[-1]
    query, key, value = (
        net.linear(x, f"{name}.{part}_proj", width).unflatten(2, (4, -1)).transpose(1, 2) for part in ("q", "k", "v")
    )
    weights = (query @ key.transpose(2, 3) / query.shape[-1] ** 0.5).softmax(3)
    return net.linear((weights @ value).transpose(1, 2).flatten(2), f"{name}.out_proj", width)


def _clip(net: Drawn, x: Tensor) -> Tensor:
    """Return the class token of CLIP's vision transformer, as the transformers library names its layers."""
    prefix = "feature_extractor.vision_model."
    patches = net.conv(x, f"{prefix}embeddings.patch_embedding", 256, 16, 16).flatten(2).transpose(1, 2)
    first = net.draw(f"{prefix}embeddings.class_embedding", 256).expand(len(x), 1, 256)
    tokens = torch.cat([first, patches], 1)
    tokens = tokens + net.draw(f"{prefix}embeddings.position_embedding.weight", tokens.shape[1], 256)
    tokens = net.layer_norm(tokens, f"{prefix}pre_layrnorm")
    for number in range(10):
        layer = f"{prefix}encoder.layers.{number}"
        tokens = tokens + _attend(net, net.layer_norm(tokens, f"{layer}.layer_norm1"), f"{layer}.self_attn")
        wide = F.gelu(net.linear(net.layer_norm(tokens, f"{layer}.layer_norm2"), f"{layer}.mlp.fc1", 1024))
        tokens = tokens + net.linear(wide, f"{layer}.mlp.fc2", 256)
    return net.layer_norm(tokens[:, 0], f"{prefix}post_layernorm")


def _head(net: Drawn, features: Tensor) -> Tensor:
    """Return the probability of fake."""
    # what lies on a sphere needs larger weights
    net.draw("model.linear.weight", 2, features.shape[1], scale=5.0)
    return net.linear(F.normalize(features, dim=1), "model.linear", 2).softmax(1)[:, 1]


def _gend(weights: Path, backbone: str = CLIP, img_size: int = 224) -> nn.Module:
    options = {"backbone": backbone, "img_size": img_size, "drop_rate": 0.0, "weights": str(weights)}
    return build_network("gend", options).eval()


def test_published_gend_on_clip_gives_its_probability_of_fake(tmp_path: Path) -> None:
    net, x = Drawn(), pictures(4, 224)
    with torch.no_grad():
        theirs = _head(net, _clip(net, _normalized(x)))
        # CLIP's projection comes along there, unused
        unused = {"feature_extractor.visual_projection.weight": torch.rand(512, 256)}
        save_file(net.tensors | unused, tmp_path / "model.safetensors")
        ours = _gend(tmp_path / "model.safetensors")(x).sigmoid()
    assert torch.allclose(ours, theirs, atol=1e-5)
    assert ours.std() > 1e-2


def test_published_gend_on_perception_encoder_gives_its_probability_of_fake(tmp_path: Path) -> None:
    torch.manual_seed(0)
    published = timm.create_model(PERCEPTION.partition(".")[0], dynamic_img_size=True).eval()
    published.head = nn.Identity()
    for value in published.parameters():
        nn.init.normal_(value, std=0.1)
    net, x = Drawn(), pictures(4, 224)
    with torch.no_grad():
        theirs = _head(net, published(2 * x - 1))
        backbone = {f"feature_extractor.backbone.{name}": value for name, value in published.state_dict().items()}
        save_file(net.tensors | backbone, tmp_path / "model.safetensors")
        ours = _gend(tmp_path / "model.safetensors", PERCEPTION)(x).sigmoid()
    assert torch.allclose(ours, theirs, atol=1e-5)
    assert ours.std() > 1e-2
    # it was published for pictures of 224 pixels, and computes something else of others
    with pytest.raises(InputError, match=r"other shapes: backbone\.pos_embed is \(1, 197, 192\), not \(1, 577, 192\)"):
        _gend(tmp_path / "model.safetensors", PERCEPTION, 384)


def test_gend_with_a_layer_missing_or_too_many_is_refused(tmp_path: Path) -> None:
    net = Drawn()
    with torch.no_grad():
        _head(net, _clip(net, pictures(1, 224)))
    file = tmp_path / "model.safetensors"
    save_file({n: v for n, v in net.tensors.items() if ".layers.6.mlp.fc1." not in n}, file)
    with pytest.raises(
        InputError, match=r"model\.safetensors do not fit gend: missing backbone\.blocks\.6\.mlp\.fc1\.weight"
    ):
        _gend(file)
    save_file({n: v for n, v in net.tensors.items() if not n.endswith("layers.6.self_attn.v_proj.weight")}, file)
    with pytest.raises(InputError, match=r"backbone\.blocks\.6\.attn\.qkv\.weight is \(512, 256\), not \(768, 256\)"):
        _gend(file)
    save_file(net.tensors | {"feature_extractor.vision_model.adapter.weight": torch.rand(2, 2)}, file)
    with pytest.raises(InputError, match=r"unexpected backbone\.adapter\.weight"):
        _gend(file)


def test_published_head_of_univfd_is_put_on_clip(tmp_path: Path) -> None:
    torch.manual_seed(0)
    clip, x = timm.create_model(CLIP.partition(".")[0], num_classes=512).eval(), pictures(4, 224)
    torch.save(clip.state_dict(), tmp_path / "clip.pth")
    head = {"weight": torch.randn(1, 512), "bias": torch.randn(1)}
    torch.save(head, tmp_path / "fc_weights.pth")
    weights = {"backbone": str(tmp_path / "clip.pth"), "head": str(tmp_path / "fc_weights.pth")}
    options = {"backbone": CLIP, "weights": weights}
    network = build_network("univfd", options).eval()
    with torch.no_grad():
        theirs = F.linear(clip(_normalized(x)), head["weight"], head["bias"]).sigmoid()[:, 0]
        assert torch.allclose(network(x).sigmoid(), theirs, atol=1e-5)
    assert [(part.part, part.source) for part in starting_weights(options, network)] == sorted(weights.items())


def test_head_alone_says_what_else_is_needed(tmp_path: Path) -> None:
    file = tmp_path / "fc_weights.pth"
    torch.save({"weight": torch.rand(1, 768), "bias": torch.rand(1)}, file)
    with pytest.raises(
        InputError, match=r"fc_weights\.pth holds the head alone.*\{backbone: pretrained, head: .*fc_weights"
    ):
        build_network("univfd", {"backbone": CLIP, "weights": str(file)})
    with pytest.raises(
        InputError, match=r"univfd\.network\.weights\.head: .* does not fit: other shapes: 1\.weight is \(1, 768\)"
    ):
        build_network("univfd", {"backbone": CLIP, "weights": {"backbone": "none", "head": str(file)}})
    with pytest.raises(InputError, match=r"univfd\.network\.weights\.head: must be none or a file, got 'pretrained'"):
        build_network("univfd", {"backbone": CLIP, "weights": {"backbone": "none", "head": "pretrained"}})
    with pytest.raises(InputError, match=r"gend\.network\.weights: head is no part of this family; parts are backbone"):
        build_network("gend", {"backbone": CLIP, "weights": {"backbone": "none", "head": str(file)}})

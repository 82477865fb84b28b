import pytest
import torch

from fakefocus.models.build import build_loss, build_network
from fakefocus.models.gend.network import GenD


def test_in_gend_only_layer_norms_and_the_head_learn() -> None:
    network = build_network("gend", {"backbone": "test_vit", "img_size": 64, "drop_rate": 0.0, "weights": "none"})
    learning = {name for name, value in network.named_parameters() if value.requires_grad}
    assert learning
    assert all("norm" in name or name.startswith("head.") for name in learning)
    assert {"head.1.weight", "backbone.norm.weight"} <= learning


def test_gends_embeddings_have_length_one_and_its_loss_all_its_parts() -> None:
    torch.manual_seed(0)
    network = GenD("test_vit", 64, 0.0)
    features = network.forward_features(torch.rand(4, 3, 64, 64))
    assert torch.allclose(features.norm(dim=1), torch.ones(4), atol=1e-5)
    loss = build_loss("gend", {"alignment_weight": 0.1, "uniformity_weight": 0.5})
    parts = loss(features, network.forward_head(features), torch.tensor([0.0, 1, 0, 1]))
    expected = parts["bce"] + 0.1 * parts["alignment"] + 0.5 * parts["uniformity"]
    assert torch.allclose(parts["loss"], expected)
    parts["loss"].backward()
    assert network.backbone.norm.weight.grad.abs().sum() > 0


@pytest.mark.parametrize(
    "name",
    [
        "vit_large_patch14_clip_quickgelu_224.openai",
        "vit_large_patch16_dinov3.lvd1689m",
        "vit_pe_core_large_patch14_336.fb",
    ],
)
def test_the_backbones_that_gend_names_have_layer_norms_that_can_learn(name: str) -> None:
    side = 336 if "336" in name else 224
    with torch.device("meta"):
        network = GenD(name, side, 0.0)
    learning = sum(value.numel() for value in network.parameters() if value.requires_grad)
    total = sum(value.numel() for value in network.parameters())
    # layer norms are about three in ten thousand of a large transformer
    assert 0.0001 < learning / total < 0.001

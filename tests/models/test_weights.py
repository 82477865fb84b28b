import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import Tensor

from examples import make_contract
from fakefocus.errors import InputError
from fakefocus.models import find_family
from fakefocus.models.build import build_network, load_network
from fakefocus.models.multistream import published as multistream_published
from fakefocus.models.multistream.layers import SpectralMask
from fakefocus.models.multistream.network import MultiStream
from fakefocus.models.scade_net import published as scade_published
from fakefocus.models.scade_net.network import ScadeNet
from fakefocus.models.weights import fit_weights, read_weights

SMALL = {"spatial": "test_efficientnet", "spectral": "test_resnet", "semantic": "test_vit", "img_size": 64}

# in the order in which the published class makes them
NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
SCADE_LAYERS = (
    ("block1_conv", ("weight", "bias")),
    ("block1_bn", NORM),
    ("block2_conv", ("weight", "bias")),
    ("block2_bn", NORM),
    ("block3_conv", ("weight", "bias")),
    ("block3_eca.conv", ("weight",)),
    ("block3_bn", NORM),
    ("block4_conv", ("weight", "bias")),
    ("block4_eca.conv", ("weight",)),
    ("block4_bn", NORM),
    ("fc1", ("weight", "bias")),
    ("fc2", ("weight", "bias")),
)
STREAM_PARTS = {
    "spatial.": "spatial_stream.backbone.",
    "spatial_head.": "spatial_stream.projection.",
    "mask.weight": "freq_stream.fft_mask.mask",
    "mask.band_weight": "freq_stream.fft_mask.band_weights",
    "spectral.": "freq_stream.backbone.",
    "spectral_head.": "freq_stream.projection.",
    "semantic.": "semantic_stream.backbone.",
    "semantic_head.": "semantic_stream.projection.",
    "fusion.projections.0.": "fusion.cross_stream_attn.spatial_proj.",
    "fusion.projections.1.": "fusion.cross_stream_attn.freq_proj.",
    "fusion.projections.2.": "fusion.cross_stream_attn.semantic_proj.",
    "fusion.attention.": "fusion.cross_stream_attn.attn.",
    "fusion.norm.": "fusion.cross_stream_attn.norm.",
    "fusion.stream_embedding": "fusion.cross_stream_attn.stream_embeddings",
    "fusion.classifier.": "fusion.classifier.",
}


def _randomise(network: torch.nn.Module, seed: int) -> torch.nn.Module:
    """Make every tensor of a network its own, running statistics included."""
    torch.manual_seed(seed)
    for name, value in network.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            value.copy_(torch.rand_like(value) * 0.5 + 0.5 if "running_var" in name else torch.randn_like(value) * 0.2)
    return network.eval()


def _published_scade(network: torch.nn.Module) -> dict[str, Tensor]:
    names = [f"{layer}.{part}" for layer, parts in SCADE_LAYERS for part in parts]
    return dict(zip(names, network.state_dict().values(), strict=True))


def _published_streams(network: torch.nn.Module) -> dict[str, Tensor]:
    weights = {}
    for name, value in network.state_dict().items():
        ours = next(prefix for prefix in STREAM_PARTS if name.startswith(prefix))
        weights[STREAM_PARTS[ours] + name.removeprefix(ours)] = value
    mask = "freq_stream.fft_mask.mask"
    return {**weights, mask: torch.fft.fftshift(weights[mask], dim=(1, 2))}


@pytest.mark.parametrize("container", ["state_dict", "model_state_dict", "model", "net", None])
@pytest.mark.parametrize("suffix", [".pth", ".pt", ".ckpt", ".bin"])
def test_tensors_are_found_in_common_containers(tmp_path: Path, container: str | None, suffix: str) -> None:
    weights = {"module.a.weight": torch.ones(2), "module.b": torch.zeros(1)}
    content = weights if container is None else {container: weights, "epoch": 3, "optimizer": {"state": {}}}
    torch.save(content, tmp_path / f"best{suffix}")
    read = read_weights(tmp_path / f"best{suffix}")
    assert {name: value.tolist() for name, value in read.items()} == {"a.weight": [1, 1], "b": [0]}


def test_safetensors_are_read(tmp_path: Path) -> None:
    save_file({"a": torch.ones(2)}, tmp_path / "w.safetensors")
    assert read_weights(tmp_path / "w.safetensors")["a"].tolist() == [1, 1]


def test_prefix_stays_where_not_every_name_has_it(tmp_path: Path) -> None:
    torch.save({"module.a": torch.ones(1), "b": torch.ones(1)}, tmp_path / "w.pt")
    assert set(read_weights(tmp_path / "w.pt")) == {"module.a", "b"}


def test_numbers_of_numpy_beside_the_weights_do_no_harm(tmp_path: Path) -> None:
    numbers = {"best_auc": np.float64(0.9), "epoch": np.int64(3), "loss": np.float32(0.1)}
    torch.save({"model": {"a": torch.ones(1)}, **numbers}, tmp_path / "w.pth")
    assert set(read_weights(tmp_path / "w.pth")) == {"a"}


def test_of_a_training_checkpoint_the_network_remains(tmp_path: Path) -> None:
    weights = {"network.a": torch.ones(1), "loss.single_center.center": torch.ones(1)}
    torch.save({"state_dict": weights}, tmp_path / "w.ckpt")
    assert set(read_weights(tmp_path / "w.ckpt")) == {"a"}


class _Payload:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.target),)


@pytest.mark.parametrize("way", ["torch", "pickle"])
def test_file_that_wants_to_run_code_is_refused(tmp_path: Path, way: str) -> None:
    path, target = tmp_path / "w.pth", tmp_path / "made by the file"
    content = {"a": torch.ones(1), "extra": _Payload(target)}
    if way == "torch":
        torch.save(content, path)
    else:
        path.write_bytes(pickle.dumps(_Payload(target), protocol=2))
    with pytest.raises(InputError, match=r"w\.pth wants to run code.* safetensors, or torch\.save"):
        read_weights(path)
    assert not target.exists()
    # the payload was a live one
    torch.load(path, weights_only=False) if way == "torch" else pickle.loads(path.read_bytes())
    assert target.exists()


def test_refusal_names_what_the_file_asks_for(tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(1, 1), tmp_path / "w.pt")
    with pytest.raises(InputError, match=r"wants to run code \(torch\.nn\.modules\.linear\.Linear\)"):
        read_weights(tmp_path / "w.pt")


def test_unusable_files_say_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no file .*nowhere\.pth; give one of \.safetensors, \.pth"):
        read_weights(tmp_path / "nowhere.pth")
    for name, content in (("page.pth", b"<html>not found</html>"), ("empty.pt", b""), ("page.safetensors", b"<html>")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=rf"{name} (is damaged|wants to run code)"):
            read_weights(tmp_path / name)
    (tmp_path / "w.onnx").write_bytes(b"")
    with pytest.raises(InputError, match=r"w\.onnx must end in one of \.safetensors"):
        read_weights(tmp_path / "w.onnx")
    torch.save({"epoch": 3, "args": {}}, tmp_path / "w.pt")
    with pytest.raises(InputError, match=r"w\.pt holds only epoch, args, no tensors by name"):
        read_weights(tmp_path / "w.pt")
    torch.save(torch.ones(1), tmp_path / "w.pt")
    with pytest.raises(InputError, match=r"w\.pt holds a Tensor, no tensors by name"):
        read_weights(tmp_path / "w.pt")


@pytest.mark.parametrize("prefix", ["", "module."])
def test_published_scade_net_scores_as_ours(tmp_path: Path, prefix: str) -> None:
    source, target = _randomise(ScadeNet(), 0), ScadeNet().eval()
    weights = {prefix + name: value for name, value in _published_scade(source).items()}
    torch.save({"model": weights, "scl": {"center": torch.zeros(1024)}, "epoch": 7}, tmp_path / "best_model.pth")
    fit_weights(target, read_weights(tmp_path / "best_model.pth"), find_family("scade_net"))
    x = torch.rand(2, 4, 256, 256)
    with torch.inference_mode():
        assert torch.equal(target(x), source(x))


def test_published_constraint_b_keeps_its_kernels() -> None:
    # softmax of ln 1 … ln 8 is 1/36 … 8/36, row by row around the middle
    outer = torch.log(torch.arange(1.0, 9)).expand(8, 4, 8)
    kernels = scade_published.rename({"block1_conv.weight": outer})["blocks.0.0.weight"]
    expected = torch.tensor([[1.0, 2, 3], [4, -36, 5], [6, 7, 8]]) / 36
    assert torch.allclose(kernels[3, 2], expected)
    net = ScadeNet(constraint="B")
    net.load_state_dict({**net.state_dict(), "blocks.0.0.weight": kernels})
    assert torch.allclose(net.blocks[0][0].constrained_weight()[3, 2], expected, atol=1e-6)


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("legacy", [False, True])
def test_published_three_streams_score_as_ours(tmp_path: Path, prefix: str, legacy: bool) -> None:
    source, target = _randomise(MultiStream(**SMALL, legacy=legacy), 0), MultiStream(**SMALL, legacy=legacy).eval()
    weights = {prefix + name: value for name, value in _published_streams(source).items()}
    torch.save({"model_state_dict": weights, "epoch": 7, "loss": 0.1}, tmp_path / "best_model.pth")
    fit_weights(target, read_weights(tmp_path / "best_model.pth"), find_family("multistream"))
    x = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(target(x), source(x))


def test_published_mask_filters_the_same_frequencies() -> None:
    size = 16
    theirs = torch.ones(3, size, size)
    # frequency 0 is in the middle: these are 3 down and 5 across, and their opposite
    theirs[:, 8 + 3, 8 + 5] = theirs[:, 8 - 3, 8 - 5] = 0
    theirs[:, 8, 8] = 0.5
    mask = SpectralMask(size)
    with torch.no_grad():
        mask.weight.copy_(multistream_published.rename({"freq_stream.fft_mask.mask": theirs})["mask.weight"])
    y, x = torch.meshgrid(torch.arange(size) / size, torch.arange(size) / size, indexing="ij")
    taken, left = (torch.cos(2 * torch.pi * (a * y + b * x)).expand(1, 3, size, size) for a, b in ((3, 5), (5, 3)))
    assert mask(taken).abs().max() < 1e-5
    assert torch.allclose(mask(left), left, atol=1e-5)
    assert torch.allclose(mask(torch.ones(1, 3, size, size)), torch.full((1, 3, size, size), 0.5), atol=1e-5)


def test_weights_under_our_names_are_loaded_as_they_are() -> None:
    source, target = _randomise(ScadeNet(), 1), ScadeNet()
    fit_weights(target, source.state_dict(), find_family("scade_net"))
    assert all(torch.equal(value, source.state_dict()[name]) for name, value in target.state_dict().items())


def test_backbones_own_weights_fill_that_backbone_alone() -> None:
    net = MultiStream(**SMALL)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    backbone = _randomise(timm.create_model("test_resnet", num_classes=10), 2)
    # older files do not count batches
    weights = {n: v for n, v in backbone.state_dict().items() if not n.endswith("num_batches_tracked")}
    assert any(name.startswith("fc.") for name in weights)
    fit_weights(net, weights, find_family("multistream"))
    changed = {name.split(".")[0] for name, value in net.state_dict().items() if not torch.equal(value, before[name])}
    assert changed == {"spectral"}
    assert torch.equal(net.state_dict()["spectral.conv1.0.weight"], weights["conv1.0.weight"])


def test_transformer_of_another_size_is_resampled_to_the_grid() -> None:
    net = MultiStream(**SMALL)
    backbone = timm.create_model("test_vit", num_classes=10, img_size=96)
    with torch.no_grad():
        # what is the same everywhere on 6 x 6 patches is so on 4 x 4
        backbone.pos_embed[:, 0], backbone.pos_embed[:, 1:] = 7, torch.arange(64.0)
    fit_weights(net, backbone.state_dict(), find_family("multistream"))
    assert net.semantic.pos_embed.shape == (1, 1 + 16, 64)
    assert (net.semantic.pos_embed[:, 0] == 7).all()
    assert torch.allclose(net.semantic.pos_embed[:, 1:], torch.arange(64.0).expand(1, 16, 64), atol=1e-4)
    assert torch.equal(net.semantic.blocks[0].attn.qkv.weight, backbone.blocks[0].attn.qkv.weight)


def test_backbone_attribute_of_any_family_is_filled() -> None:
    net = torch.nn.Module()
    net.backbone = timm.create_model("test_resnet", num_classes=0)
    source = _randomise(timm.create_model("test_resnet", num_classes=2), 3)
    fit_weights(net, source.state_dict(), find_family("xception"))
    assert torch.equal(net.backbone.conv1[0].weight, source.conv1[0].weight)


def test_misfit_names_family_file_and_the_first_keys(tmp_path: Path) -> None:
    net = ScadeNet()
    before = {name: value.clone() for name, value in net.state_dict().items()}
    weights = {f"other.{i}": torch.zeros(1) for i in range(5)}
    with pytest.raises(InputError, match=r"weights in .*w\.pth do not fit scade_net: missing ") as error:
        fit_weights(net, weights, find_family("scade_net"), tmp_path / "w.pth")
    text = str(error.value)
    # 34 tensors, of which 4 count batches
    assert "missing blocks.0.0.weight, blocks.0.0.bias, blocks.0.2.weight and 27 more" in text
    assert "unexpected other.0, other.1, other.2 and 2 more" in text
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())


def test_misfit_names_shapes_where_names_agree() -> None:
    published = _published_scade(ScadeNet(in_chans=3))
    expected = (
        r"do not fit scade_net: other shapes: blocks\.0\.0\.weight is \(8, 3, 3, 3\), not \(8, 4, 3, 3\); set scade"
    )
    with pytest.raises(InputError, match=expected):
        fit_weights(ScadeNet(), published, find_family("scade_net"))
    with pytest.raises(InputError, match=expected):
        load_network(make_contract("scade_net"), ScadeNet(in_chans=3).state_dict())


def _file_of(backbone: str, path: Path) -> str:
    torch.manual_seed(5)
    torch.save(timm.create_model(backbone, pretrained=False).state_dict(), path)
    return str(path)


def test_each_stream_starts_from_a_file_of_its_own(tmp_path: Path) -> None:
    files = {
        "spatial": _file_of("test_efficientnet", tmp_path / "a.pth"),
        "spectral": "none",
        "semantic": _file_of("test_vit", tmp_path / "b.pth"),
    }
    small = {"spatial": "test_efficientnet", "spectral": "test_resnet", "semantic": "test_vit", "img_size": 64}
    network = build_network("multistream", small | {"weights": files})
    theirs = torch.load(files["spatial"], weights_only=True)
    assert torch.equal(network.spatial.conv_stem.weight, theirs["conv_stem.weight"])
    # its grid of patches is another, its blocks are theirs
    assert torch.equal(
        network.semantic.blocks[0].norm1.weight,
        torch.load(files["semantic"], weights_only=True)["blocks.0.norm1.weight"],
    )


def test_both_xceptions_of_f3net_start_from_one_file(tmp_path: Path) -> None:
    file = _file_of("legacy_xception", tmp_path / "xception.pth")
    network = build_network("f3net", {"img_size": 64, "weights": {"backbone": file}})
    block = torch.load(file, weights_only=True)["block5.rep.1.conv1.weight"]
    assert torch.equal(network.fad.block5.rep[1].conv1.weight, block)
    assert torch.equal(network.lfs.block5.rep[1].conv1.weight, block)


def test_file_of_another_backbone_names_part_file_and_keys(tmp_path: Path) -> None:
    file = _file_of("test_resnet", tmp_path / "other.pth")
    with pytest.raises(
        InputError, match=r"xception\.network\.weights\.backbone: .*other\.pth does not fit timm's legacy"
    ):
        build_network(
            "xception", {"backbone": "legacy_xception", "img_size": 64, "drop_rate": 0, "weights": {"backbone": file}}
        )


def test_weights_of_a_part_that_a_family_has_not_are_refused() -> None:
    with pytest.raises(
        InputError,
        match=r"multistream\.network\.weights: backbone is no part .*; parts are spatial, spectral, semantic",
    ):
        build_network("multistream", {"weights": {"backbone": "x.pth"}})


def test_each_part_has_to_be_named_so_that_none_becomes_random_unseen() -> None:
    small = {"spatial": "test_efficientnet", "spectral": "test_resnet", "semantic": "test_vit", "img_size": 64}
    with pytest.raises(InputError, match=r"semantic, spectral too whether it is none, pretrained, packaged or a file"):
        build_network("multistream", small | {"weights": {"spatial": "x.pth"}})

import pytest
import torch
import torch.nn.functional as F

from examples import make_contract
from fakefocus.errors import InputError
from fakefocus.models.build import build_network, load_network
from fakefocus.models.scade_net.loss import ScadeLoss, SingleCenterLoss
from fakefocus.models.scade_net.network import ConstrainedConv2d, NarrowBatchNorm2d, ScadeNet


def _count(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_network_has_28055_parameters_and_1024_more_with_the_center() -> None:
    assert _count(ScadeNet()) == 28_055
    assert [_count(block) for block in ScadeNet().blocks] == [312, 1_624, 3_251, 6_451]
    assert _count(ScadeNet()) + _count(ScadeLoss(1024, 0.1, "hinge", 0.5)) == 29_079


@pytest.mark.parametrize(("in_chans", "count"), [(3, 27_983), (4, 28_055), (5, 28_127)])
def test_each_channel_costs_72_parameters(in_chans: int, count: int) -> None:
    # 8 kernels of 3 x 3: 72 a channel; block 1 has 72 in_chans + 8 biases + 2 * 8 of the norm, 312 at 4 channels
    assert _count(ScadeNet(in_chans)) == count
    assert _count(ScadeNet(in_chans).blocks[0]) == 72 * in_chans + 24
    assert ScadeNet(in_chans).eval()(torch.rand(1, in_chans, 256, 256)).shape == (1,)


@pytest.mark.parametrize("in_chans", [1, 2, 6])
def test_other_numbers_of_channels_are_refused(in_chans: int) -> None:
    with pytest.raises(InputError, match=rf"scade_net\.network\.in_chans: must be 3 .* got {in_chans}"):
        ScadeNet(in_chans)


def _wave(*shape: int) -> torch.Tensor:
    """Return values in [-1, 1] without a generator of random numbers: the sine of squares."""
    count = torch.Size(shape).numel()
    return torch.sin(0.37 * torch.arange(count, dtype=torch.float64) ** 2).float().view(shape)


@pytest.mark.parametrize(
    ("constraint", "embedding", "logits"),
    [
        ("A", [0.10073, 0.72174, 0.03390, 0.56929], [-0.00739, -0.16544]),
        ("B", [-0.03134, 1.36864, 0.11318, 1.04277], [0.18252, -0.07282]),
    ],
)
def test_forward_values_are_pinned(constraint: str, embedding: list[float], logits: list[float]) -> None:
    net = ScadeNet(constraint=constraint).eval()
    with torch.no_grad():
        for parameter in (p for p in net.parameters() if p.ndim > 1):
            parameter.copy_(2 / parameter[0].numel() ** 0.5 * _wave(*parameter.shape))
        for layer in (m for m in net.modules() if isinstance(m, torch.nn.Conv2d | torch.nn.Linear)):
            layer.bias.fill_(0.1)
    picture = _wave(4, 256, 256) / 2 + 0.5
    with torch.inference_mode():
        features = net.forward_features(torch.stack([picture, picture.flip(1) ** 3]))
        found = net.forward_head(features)
    assert features[:, [100, 900]].flatten().tolist() == pytest.approx(embedding, abs=2e-4)
    assert found.tolist() == pytest.approx(logits, abs=2e-4)


def test_flat_picture_worked_out_by_hand() -> None:
    # constraint A sees nothing flat, and all weights but one bias are 0: the logit is the last bias
    net = ScadeNet().eval()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.zero_()
        net.head[4].bias.fill_(0.75)
    assert net(torch.rand(2, 4, 256, 256)).tolist() == [0.75, 0.75]


def test_a_sample_scores_the_same_alone_and_in_any_batch() -> None:
    torch.manual_seed(0)
    net, x = ScadeNet().eval(), torch.rand(3, 4, 256, 256)
    with torch.inference_mode():
        assert torch.allclose(net(x), torch.cat([net(x[i : i + 1]) for i in range(3)]), atol=1e-5)


@pytest.mark.slow
def test_network_learns_one_batch_by_heart_and_gradients_reach_every_parameter() -> None:
    torch.manual_seed(0)
    net = ScadeNet(drop_rate=0.0).train()
    x, labels = torch.rand(4, 4, 256, 256), torch.tensor([0.0, 1, 0, 1])
    x[1::2] = F.avg_pool2d(x[1::2], 3, 1, 1)
    optimizer = torch.optim.Adam(net.parameters(), lr=5e-3)
    for _ in range(20):
        optimizer.zero_grad()
        loss = F.binary_cross_entropy_with_logits(net(x), labels)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.1
    assert [name for name, p in net.named_parameters() if p.grad is None or not p.grad.any()] == []


@pytest.mark.parametrize("constraint", ["A", "B"])
@pytest.mark.parametrize("mixed", [False, True])
def test_forward_uses_the_constrained_kernel_whatever_was_loaded(constraint: str, mixed: bool) -> None:
    torch.manual_seed(0)
    net = ScadeNet(constraint=constraint).eval()
    net.load_state_dict({name: torch.rand_like(value.float()) * 5 for name, value in net.state_dict().items()})
    conv = net.blocks[0][0]
    # a single bright pixel of one channel draws the kernel, turned by half: the kernel that forward used
    pixel = torch.zeros(1, 4, 7, 7)
    pixel[0, 1, 3, 3] = 1
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=mixed):
        conv.bias.zero_()
        kernel = conv(pixel)[0, :, 2:5, 2:5].flip((1, 2)).float()
    # bfloat16 rounds each of the nine responses, up to 8 * 5, by 1 in 256
    tolerance = 0.5 if mixed else 1e-4
    # both constraints sum to 0: B has -1 in the middle and 1 around it
    assert kernel.sum((1, 2)).abs().max() < tolerance
    if constraint == "B":
        assert (kernel[:, 1, 1] + 1).abs().max() < 1e-4


def test_embedding_has_1024_values_and_each_sample_one_logit() -> None:
    net = ScadeNet().eval()
    features = net.forward_features(torch.rand(2, 4, 256, 256))
    assert features.shape == (2, 1024)
    assert net.forward_head(features).shape == (2,)


def _violation(conv: ConstrainedConv2d) -> float:
    kernel = conv.constrained_weight().detach()
    centre = kernel[:, :, 1, 1]
    if conv.constraint == "A":
        return float(kernel.sum((2, 3)).abs().max())
    return float(torch.maximum((centre + 1).abs(), (kernel.sum((2, 3)) - centre - 1).abs()).max())


@pytest.mark.parametrize("constraint", ["A", "B"])
def test_constraint_holds_after_steps_under_autocast_and_after_loading(constraint: str) -> None:
    torch.manual_seed(0)
    conv = ConstrainedConv2d(4, 8, 3, constraint)
    optimizer = torch.optim.Adam(conv.parameters(), lr=0.1)
    for _ in range(5):
        with torch.autocast("cpu", torch.bfloat16):
            loss = conv(torch.rand(2, 4, 8, 8)).float().square().mean() + conv.weight.sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        assert _violation(conv) < 1e-5
    other = ConstrainedConv2d(4, 8, 3, constraint)
    other.load_state_dict({"weight": torch.randn(8, 4, 3, 3) * 7, "bias": torch.zeros(8)})
    assert _violation(other) < 1e-5


def test_constraint_a_does_not_see_a_flat_picture() -> None:
    conv = ConstrainedConv2d(4, 8, 3, "A")
    with torch.autocast("cpu", torch.bfloat16):
        response = conv(torch.full((1, 4, 16, 16), 0.7))[..., 1:-1, 1:-1].float() - conv.bias[None, :, None, None]
    # bfloat16 rounds the bias by up to 1 in 256; the kernel itself was applied in float32
    assert response.abs().max() < 1e-2


def test_narrow_norm_gives_torchs_values_and_gradients() -> None:
    torch.manual_seed(0)
    x = torch.randn(4, 8, 16, 16)
    plain = x.clone().requires_grad_()
    pixels = x.clone().contiguous(memory_format=torch.channels_last).requires_grad_()
    for norm, tensor in ((torch.nn.BatchNorm2d(8), plain), (NarrowBatchNorm2d(8), pixels)):
        norm(tensor).pow(3).sum().backward()
    assert torch.allclose(plain.grad, pixels.grad, atol=1e-5)


@pytest.mark.parametrize("form", ["hinge", "paper"])
@pytest.mark.parametrize("labels", [[0.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
def test_single_center_loss_is_finite_for_any_batch(form: str, labels: list[float]) -> None:
    features = torch.randn(2, 1024, requires_grad=True)
    loss = SingleCenterLoss(form=form)
    value = loss(features.to(torch.bfloat16), torch.tensor(labels))
    value.backward()
    assert torch.isfinite(value)
    assert torch.isfinite(features.grad).all()
    assert torch.isfinite(loss.center.grad).all()


def test_single_center_losses_worked_out_by_hand() -> None:
    # centre 0, dimension 4: the real embedding is at distance 2, the fake at 4
    features, labels = torch.tensor([[1.0, 1, 1, 1], [2, 2, 2, 2]]), torch.tensor([0.0, 1.0])
    # hinge: .5 - .5 * (4 - 1) < 0; paper: 2 + max(0, 2 - 4 + .3 * sqrt 4) = 2
    assert SingleCenterLoss(4, "hinge", 0.5)(features, labels).item() == 0
    assert SingleCenterLoss(4, "paper", 0.3)(features, labels).item() == pytest.approx(2)
    # the other way round: hinge .5 - .5 * (1 - 4) = 2; paper 4 + max(0, 4 - 2 + .6) = 6.6
    assert SingleCenterLoss(4, "hinge", 0.5)(features, 1 - labels).item() == pytest.approx(2)
    assert SingleCenterLoss(4, "paper", 0.3)(features, 1 - labels).item() == pytest.approx(6.6)


def test_unknown_family_names_the_near_miss() -> None:
    with pytest.raises(ValueError, match="unknown family 'scadenet', did you mean 'scade_net'"):
        build_network("scadenet", {})


def test_weights_of_another_architecture_name_the_keys() -> None:
    with pytest.raises(ValueError, match=r"weights do not fit scade_net: missing .*blocks\.0\.0\.weight"):
        load_network(make_contract("scade_net"), {"other": torch.zeros(1)})


def test_each_innovation_has_a_switch_and_the_defaults_are_the_published_network() -> None:
    modules = {type(m).__name__ for m in ScadeNet().modules()}
    assert {"SiLU", "EcaModule", "ConstrainedConv2d"} <= modules
    changed = ScadeNet(activation="relu", eca=False, constraint="none")
    others = {type(m).__name__ for m in changed.modules()}
    assert "ReLU" in others
    assert not {"SiLU", "EcaModule", "ConstrainedConv2d"} & others
    # each of two attention modules has a kernel of three; nothing else has other parameters
    assert _count(ScadeNet(activation="relu")) == _count(ScadeNet(constraint="none")) == 28_055
    assert _count(changed) == 28_055 - 2 * 3
    assert changed.eval()(torch.rand(2, 4, 256, 256)).shape == (2,)


def test_ordinary_first_convolution_sees_a_flat_picture() -> None:
    conv = ScadeNet(constraint="none").blocks[0][0]
    with torch.no_grad():
        conv.weight.fill_(1.0)
        conv.bias.zero_()
    # four channels of nine weights of 1 on a picture of .5
    assert conv(torch.full((1, 4, 8, 8), 0.5))[0, 0, 4, 4].item() == pytest.approx(18)


def test_contract_without_the_switches_is_still_the_published_network() -> None:
    weights = {name: value.clone() for name, value in ScadeNet().state_dict().items()}
    old = make_contract("scade_net", {"in_chans": 4, "constraint": "A", "drop_rate": 0.5, "weights": "none"})
    assert _count(load_network(old, weights)) == 28_055

import pytest
import torch

from fakefocus.models.build import build_network, load_network
from fakefocus.models.scade_net.loss import ScadeLoss, SingleCenterLoss
from fakefocus.models.scade_net.network import ConstrainedConv2d, NarrowBatchNorm2d, ScadeNet


def _count(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def test_network_has_28055_parameters_and_1024_more_with_the_center() -> None:
    assert _count(ScadeNet()) == 28_055
    assert [_count(block) for block in ScadeNet().blocks] == [312, 1_624, 3_251, 6_451]
    assert _count(ScadeNet()) + _count(ScadeLoss(1024, 0.1, "hinge", 0.5)) == 29_079


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
        load_network({"family": "scade_net", "network": {}}, {"other": torch.zeros(1)})

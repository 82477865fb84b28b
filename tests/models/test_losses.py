import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from fakefocus.models.build import build_loss
from fakefocus.models.losses import (
    BaselineLoss,
    Classification,
    alignment,
    binary_cross_entropy,
    focal,
    uniformity,
)
from fakefocus.models.multistream.loss import MultistreamLoss, orthogonality
from fakefocus.models.scade_net.loss import ScadeLoss, SingleCenterLoss

LN2 = math.log(2)


def test_cross_entropy_worked_out_by_hand() -> None:
    # a logit of 0 costs ln 2 for either label; weight 3 counts the fake three times, the mean is still over two samples
    logits, labels = torch.zeros(2), torch.tensor([0.0, 1.0])
    assert binary_cross_entropy(logits, labels).item() == pytest.approx(LN2)
    assert binary_cross_entropy(logits, labels, fake_weight=3).item() == pytest.approx(2 * LN2)
    assert binary_cross_entropy(logits[:1], labels[:1], fake_weight=3).item() == pytest.approx(LN2)


def test_focal_loss_worked_out_by_hand() -> None:
    # p = .5: fake .25 * .5^2 * ln 2, real .75 * .5^2 * ln 2, mean .125 ln 2
    assert focal(torch.zeros(2), torch.tensor([0.0, 1.0])).item() == pytest.approx(0.125 * LN2)
    # a fake at logit ln 3 has p = 3/4: .25 * (1/4)^2 * ln (4/3)
    easy = focal(torch.tensor([math.log(3)]), torch.ones(1))
    assert easy.item() == pytest.approx(0.25 / 16 * math.log(4 / 3))
    # a real at logit ln 3 has p = 1/4: .75 * (3/4)^2 * ln 4
    hard = focal(torch.tensor([math.log(3)]), torch.zeros(1))
    assert hard.item() == pytest.approx(0.75 * 9 / 16 * math.log(4))
    assert focal(torch.zeros(2), torch.tensor([0.0, 1.0]), fake_weight=3).item() == pytest.approx(0.1875 * LN2)


def test_focal_loss_without_focus_is_half_the_cross_entropy() -> None:
    logits, labels = torch.tensor([-3.0, 0.2, 5.0]), torch.tensor([1.0, 0.0, 1.0])
    half = focal(logits, labels, alpha=0.5, gamma=0)
    assert half.item() == pytest.approx(binary_cross_entropy(logits, labels).item() / 2)


def test_alignment_worked_out_by_hand() -> None:
    # length does not count: directions 60 degrees apart are 2 - 2 / 2 = 1 apart squared, opposite ones 4
    points = torch.tensor([[3.0, 0], [2, 2 * 3**0.5], [-0.1, 0]])
    assert alignment(points, torch.tensor([0.0, 0, 1])).item() == pytest.approx(1)
    assert alignment(points, torch.tensor([1.0, 0, 1])).item() == pytest.approx(4)
    # three of one label: (1 + 4 + 3) / 3
    assert alignment(points, torch.ones(3)).item() == pytest.approx(8 / 3)
    assert alignment(points[:2], torch.tensor([0.0, 1])).item() == 0


def test_uniformity_worked_out_by_hand() -> None:
    # t = 2: one pair at squared distance 1 gives ln exp(-2), at 4 ln exp(-8), at 0 ln 1
    points = torch.tensor([[3.0, 0], [2, 2 * 3**0.5], [-0.1, 0]])
    assert uniformity(points[:2]).item() == pytest.approx(-2)
    assert uniformity(points[::2]).item() == pytest.approx(-8)
    assert uniformity(points[[0, 0]]).item() == pytest.approx(0, abs=1e-6)
    # the mean is taken before the logarithm, and a sample is no pair with itself
    assert uniformity(points).item() == pytest.approx(math.log((math.exp(-2) + math.exp(-8) + math.exp(-6)) / 3))


EXTREME: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "bce": lambda x, y: binary_cross_entropy(x[:, 0], y, 2.7),
    "focal": lambda x, y: focal(x[:, 0], y),
    "focal below 1": lambda x, y: focal(x[:, 0], y, gamma=0.5),
    "alignment": alignment,
    "uniformity": lambda x, _: uniformity(x),
    "hinge": lambda x, y: SingleCenterLoss(4, "hinge")(x, y),
    "paper": lambda x, y: SingleCenterLoss(4, "paper", 0.3)(x, y),
    "orthogonality": lambda x, _: orthogonality(torch.stack([x, -x, x.flip(1)], 1)),
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("labels", [[0.0], [1.0], [0.0, 0.0], [1.0, 1.0], [1.0, 0.0]])
@pytest.mark.parametrize("name", EXTREME)
def test_losses_stay_finite_at_the_end_of_half_precision(name: str, labels: list[float], dtype: torch.dtype) -> None:
    for scale in (30_000.0, -30_000.0, 0.0):
        # the second sample is the opposite of the first: right and wrong at once
        x = torch.tensor([[1.0, 1, -1, 1], [-1, 1, 1, -1]])[: len(labels)] * scale
        x = x.to(dtype).requires_grad_()
        value = EXTREME[name](x, torch.tensor(labels))
        value.backward()
        assert value.dtype == torch.float32
        assert torch.isfinite(value)
        assert torch.isfinite(x.grad).all()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("name", EXTREME)
def test_losses_of_half_precision_are_those_of_the_same_numbers_in_float32(name: str, dtype: torch.dtype) -> None:
    torch.manual_seed(0)
    x, labels = (torch.randn(4, 4) * 3).to(dtype), torch.tensor([0.0, 1, 1, 0])
    assert EXTREME[name](x, labels) == EXTREME[name](x.float(), labels)


def test_embedding_losses_are_computed_in_float32_under_autocast() -> None:
    torch.manual_seed(0)
    x, labels = torch.randn(6, 256), torch.tensor([0.0, 1, 0, 1, 0, 1])
    plain = alignment(x, labels), uniformity(x)
    with torch.autocast("cpu", torch.bfloat16):
        mixed = alignment(x, labels), uniformity(x)
    assert plain == mixed


def test_classification_takes_the_named_form() -> None:
    logits, labels = torch.tensor([0.3, -2.0]), torch.tensor([1.0, 0.0])
    assert Classification()(logits, labels) == binary_cross_entropy(logits, labels)
    assert Classification("focal", 2.0)(logits, labels) == focal(logits, labels, fake_weight=2.0)


def test_baseline_loss_is_classification_alone() -> None:
    parts = BaselineLoss()(torch.randn(2, 7), torch.zeros(2), torch.tensor([0.0, 1.0]))
    assert {name: round(value.item(), 4) for name, value in parts.items()} == {"loss": 0.6931, "bce": 0.6931}
    assert set(BaselineLoss("focal")(torch.randn(2, 7), torch.zeros(2), torch.zeros(2))) == {"loss", "focal"}


def test_loss_of_scade_net_adds_its_parts() -> None:
    # centre 0: the real embedding is 2 from it in each of 4 values, the fake 1: hinge .5 - .5 * (1 - 4) = 2
    features, labels = torch.tensor([[2.0] * 4, [1.0] * 4]), torch.tensor([0.0, 1.0])
    parts = ScadeLoss(4, 0.1, "hinge", 0.5)(features, torch.zeros(2), labels)
    assert set(parts) == {"loss", "bce", "single_center"}
    assert parts["loss"].item() == pytest.approx(LN2 + 0.1 * 2)
    weighted = build_loss("scade_net", {"scl_weight": 0, "scl_form": "hinge", "margin": 0.5, "fake_weight": 3.0})
    assert weighted(torch.zeros(2, 1024), torch.zeros(2), labels)["loss"].item() == pytest.approx(2 * LN2)
    focused = ScadeLoss(4, 0.1, "hinge", 0.5, classification="focal")(features, torch.zeros(2), labels)
    assert focused["loss"].item() == pytest.approx(0.125 * LN2 + 0.1 * 2)


def test_loss_of_the_three_streams_adds_its_parts() -> None:
    # all three tokens of a sample are one unit vector: cosine 1; the samples' mean tokens are e1 and e2
    tokens = torch.zeros(2, 3, 256)
    tokens[0, :, 0] = tokens[1, :, 1] = 1
    labels = torch.ones(2)
    plain = MultistreamLoss(0.01)(tokens, torch.zeros(2), labels)
    assert set(plain) == {"loss", "bce", "orthogonality"}
    assert plain["loss"].item() == pytest.approx(LN2 + 0.01)
    full = MultistreamLoss(0.01, alignment_weight=0.5, uniformity_weight=0.1)(tokens, torch.zeros(2), labels)
    assert full["alignment"].item() == pytest.approx(2)
    assert full["uniformity"].item() == pytest.approx(-4)
    assert full["loss"].item() == pytest.approx(LN2 + 0.01 + 0.5 * 2 + 0.1 * -4)
    options = {"orthogonality_weight": 0.0, "classification": "focal", "fake_weight": 2.0}
    # two fakes at p = .5, weight 2: 2 * .25 * .5^2 * ln 2
    weighted = build_loss("multistream", options)(tokens, torch.zeros(2), labels)
    assert weighted["focal"].item() == pytest.approx(0.125 * LN2)

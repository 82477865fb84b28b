"""Attacks change pixels of stored crops: by at most ε of the pixel range, towards the other decision."""

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from benchmarks.defocus import faces
from torch import Tensor, nn

from examples import AUGMENTATION, TRAINING, make_contract
from fakefocus.attacks.shown import ShownCrop, score
from fakefocus.attacks.toolbox import Attack, attacked, check_bounds
from fakefocus.attacks.victim import Pictures, Victim, as_images, as_pixels
from fakefocus.imaging.defocus import estimate_map
from fakefocus.inference import Crop, Scorer
from fakefocus.models.build import build_network

SIDE = 32
MAPS = {"method": "gradient_ratio", "sigma_max": 5.0}
LEVEL = 1 / 255


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


class Normalising(nn.Module):
    """A linear network with a normalisation inside, as backbones have it: a grey level is 4 / 255 behind it."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.linear = nn.Linear(3 * SIDE * SIDE, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.linear(((x - 0.5) / 0.25).flatten(1))[:, 0]


class MapAlone(nn.Module):
    """A network that looks at nothing but the blur."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(100.0))

    def forward(self, x: Tensor) -> Tensor:
        return self.scale * (x[:, 3].mean((1, 2)) - 0.2)


def _small_faces(count: int) -> np.ndarray:
    """Return real faces of 32 pixels whose grey levels reach from 60 to 190: none is at an end of the range."""
    pixels = np.stack([cv2.resize(face, (SIDE, SIDE), interpolation=cv2.INTER_AREA) for face in faces(count)])
    return (60 + pixels.astype(np.float64) * 130 / 255).astype(np.uint8)


def _small_contract() -> Any:
    training = TRAINING | {"augmentation": AUGMENTATION | {"crop": SIDE}}
    return make_contract(training=training, input={"channels": ("red", "green", "blue"), "img_size": SIDE})


@pytest.fixture(scope="module")
def crops() -> np.ndarray:
    return as_images(_small_faces(4))


@pytest.fixture(scope="module")
def shown(crops: np.ndarray) -> ShownCrop:
    """Return the linear network with a threshold between the scores of the second and the third face."""
    network, contract = Normalising().eval().requires_grad_(False), _small_contract()
    scores = np.sort(score(ShownCrop(network, contract, 0.5, "none"), crops))
    return ShownCrop(network, contract, float(scores[1:3].mean()), "none")


def _decisions(shown: ShownCrop, crops: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return shown(torch.from_numpy(crops)).argmax(1).numpy()


def test_the_larger_logit_is_the_decision_at_the_threshold(shown: ShownCrop, crops: np.ndarray) -> None:
    # two of four faces lie above the mean of the middle scores
    assert _decisions(shown, crops).sum() == 2
    order = np.argsort(score(shown, crops))
    assert _decisions(shown, crops)[order].tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("levels", [1, 8])
def test_epsilon_is_grey_levels_of_the_stored_crop_and_not_of_normalised_pixels(
    shown: ShownCrop, crops: np.ndarray, levels: int
) -> None:
    changed = attacked(shown, crops, _decisions(shown, crops), Attack("fgsm", levels * LEVEL), seed=3)
    # behind the normalisation, 8/255 would be 2 levels; no gradient of the linear network is 0
    change = as_pixels(changed).astype(int) - as_pixels(crops).astype(int)
    assert set(np.abs(change).ravel().tolist()) == {levels}


def test_pixels_stay_in_the_pixel_range_and_may_leave_what_the_batch_holds(shown: ShownCrop, crops: np.ndarray) -> None:
    labels = _decisions(shown, crops)
    changed = attacked(shown, crops, labels, Attack("fgsm", 8 * LEVEL), seed=3)
    # a batch's own range would have been 60/255 to 190/255 at the most
    assert changed.max() > crops.max() + 5 * LEVEL
    assert changed.min() < crops.min() - 5 * LEVEL
    at_the_end = np.ones_like(crops)
    changed = attacked(shown, at_the_end, np.ones(4, dtype=np.int64), Attack("fgsm", 8 * LEVEL), seed=3)
    assert (changed.min(), changed.max()) == (pytest.approx(1 - 8 * LEVEL), 1.0)


def test_carlini_and_wagner_leave_the_true_label_and_go_no_further_than_each_crop_needs(
    shown: ShownCrop, crops: np.ndarray
) -> None:
    labels = _decisions(shown, crops)
    changed = attacked(shown, crops, labels, Attack("carlini_l2", None, steps=20, searches=5), seed=3)
    loss = nn.CrossEntropyLoss(reduction="none")
    before, after = (loss(shown(torch.from_numpy(c)), torch.from_numpy(labels)) for c in (crops, changed))
    assert (after > before).all()
    assert (_decisions(shown, changed) != labels).all()
    # the nearest crop on the other side of a plane is |logit above the threshold| / ‖gradient‖ away
    weight = shown.network.linear.weight / 0.25
    margins = (shown(torch.from_numpy(crops)) @ torch.tensor([-1.0, 1.0])).abs()
    nearest = (margins / weight.norm()).numpy()
    length = np.sqrt(np.square(changed - crops).sum((1, 2, 3)))
    assert (length >= nearest * 0.999).all()
    assert (length <= nearest * 1.5).all()


def test_attack_without_bound_stops_where_a_decision_is_turned(shown: ShownCrop, crops: np.ndarray) -> None:
    labels = _decisions(shown, crops)
    changed = attacked(shown, crops, labels, Attack("pgd", steps=80, step=LEVEL), seed=3)
    assert (_decisions(shown, changed) != labels).all()
    # between two looks eight steps of a level are taken, none before the first look
    levels = np.rint(np.abs(changed - crops).max((1, 2, 3)) * 255)
    weight = shown.network.linear.weight / 0.25
    margins = (shown(torch.from_numpy(crops)) @ torch.tensor([-1.0, 1.0])).abs()
    needed = (margins / weight.abs().sum() * 255).numpy()
    assert levels.tolist() == (8 * np.ceil(needed / 8)).tolist()
    wrong = attacked(shown, crops, 1 - labels, Attack("pgd", steps=80, step=LEVEL), seed=3)
    assert np.array_equal(wrong, crops)


@pytest.mark.parametrize("attack", [Attack("pgd", LEVEL, 10), Attack("auto_pgd", LEVEL, 10)])
def test_attacks_keep_their_bound_and_raise_the_loss(shown: ShownCrop, crops: np.ndarray, attack: Attack) -> None:
    labels = _decisions(shown, crops)
    changed = attacked(shown, crops, labels, attack, seed=3)
    assert 0.5 * LEVEL < np.abs(changed - crops).max() <= LEVEL + 1e-6
    towards = (score(shown, changed) - score(shown, crops)) * np.where(labels == 1, -1, 1)
    assert (towards > 0).all()


def test_attack_without_bound_turns_every_decision_around(shown: ShownCrop, crops: np.ndarray) -> None:
    labels = _decisions(shown, crops)
    changed = attacked(shown, crops, labels, Attack("pgd", 1.0, 20), seed=3)
    assert (_decisions(shown, changed) != labels).all()


def test_larger_epsilon_turns_more_decisions_around(shown: ShownCrop, crops: np.ndarray) -> None:
    labels = _decisions(shown, crops)
    flipped = [
        (_decisions(shown, attacked(shown, crops, labels, Attack("pgd", e * LEVEL, 10), 3)) != labels).mean()
        for e in (0.01, 1, 8)
    ]
    assert flipped == sorted(flipped)
    assert flipped[0] < flipped[-1] == 1


def test_change_beyond_the_bound_and_pixels_out_of_range_are_refused() -> None:
    crops = np.full((1, 3, 4, 4), 0.5, np.float32)
    with pytest.raises(ArithmeticError, match=r"at most 8/255, got 9\.0000/255"):
        check_bounds(crops, crops + np.float32(9 * LEVEL), 8 * LEVEL)
    with pytest.raises(ArithmeticError, match=r"must be in \[0, 1\], got 0\.5 to 1\.1"):
        check_bounds(crops, np.where(np.arange(4) == 0, np.float32(1.1), crops), None)
    with pytest.raises(ArithmeticError, match="got nan"):
        check_bounds(crops, crops * np.nan, None)


@pytest.fixture(scope="module")
def pictures() -> Pictures:
    images = np.stack(faces(2))
    maps = np.stack([estimate_map(image, "gradient_ratio", 5.0)[..., None] for image in images])
    return Pictures(images, maps, np.array([0, 1]))


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    """Return an untrained SCADE-Net that sees the middle 192 pixels of a crop, and their map."""
    options = {"in_chans": 4, "constraint": "A", "drop_rate": 0.5}
    torch.manual_seed(1)
    training = TRAINING | {"augmentation": AUGMENTATION | {"crop": 192}}
    contract = make_contract("scade_net", options, maps=MAPS, training=training)
    return Scorer(contract, build_network("scade_net", options).state_dict(), device="cpu")


def test_what_is_attacked_scores_as_the_scorer_does(scorer: Scorer, pictures: Pictures) -> None:
    crops, victim = as_images(pictures.images), Victim(scorer, 0.5, 2)
    assert pictures.maps is not None
    stored = [lambda i=image, m=maps: Crop(i, m) for image, maps in zip(pictures.images, pictures.maps, strict=True)]
    expected = scorer(stored)
    assert len(set(expected)) == 2
    assert victim.exact_scores(crops, pictures.maps) == pytest.approx(expected, abs=1e-6)
    assert victim.exact_scores(crops, None) == pytest.approx(expected, abs=1e-6)
    assert victim.scores(pictures.images, pictures.maps) == pytest.approx(expected, abs=1e-6)
    through = ShownCrop(scorer.network, scorer.contract, 0.5, "differentiable")
    assert score(through, crops) == pytest.approx(expected, abs=1e-3)


def test_each_crop_is_attacked_with_its_own_map(scorer: Scorer, pictures: Pictures) -> None:
    victim, attack = Victim(scorer, 0.5, 2), Attack("fgsm", 8 * LEVEL)
    both = victim.changed(pictures, attack, "constant", 3)
    assert pictures.maps is not None
    for number in range(2):
        one = Pictures(*(values[number : number + 1] for values in pictures))
        assert np.array_equal(victim.changed(one, attack, "constant", 3)[0], both[number])
    swapped = victim.changed(pictures._replace(maps=pictures.maps[::-1].copy()), attack, "constant", 3)
    assert not np.array_equal(swapped, both)


def test_same_seed_gives_the_same_crops_and_leaves_the_global_generator_alone(
    scorer: Scorer, pictures: Pictures
) -> None:
    victim, attack = Victim(scorer, 0.5, 2), Attack("pgd", LEVEL, 2)
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    first, again, other = (victim.changed(pictures, attack, "constant", seed) for seed in (3, 3, 40))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_a_detector_that_sees_the_map_alone_is_reached_through_the_map_alone(pictures: Pictures) -> None:
    contract = make_contract("scade_net", maps=MAPS)
    network = MapAlone().requires_grad_(False)
    crops, label = as_images(pictures.images[:1]), np.array([1])
    assert pictures.maps is not None
    maps = torch.from_numpy(pictures.maps[:1].transpose(0, 3, 1, 2).copy())
    unmoved = attacked(ShownCrop(network, contract, 0.5, maps), crops, label, Attack("fgsm", 8 * LEVEL), 3)
    assert np.array_equal(unmoved, crops)
    through = ShownCrop(network, contract, 0.5, "differentiable")
    moved = attacked(through, crops, label, Attack("pgd", 8 * LEVEL, 5), 3)
    real = [estimate_map(image, "gradient_ratio", 5.0).mean() for image in as_pixels(np.concatenate([crops, moved]))]
    # a fake is blurred here: to hide it, its map has to become sharper, the real one as well
    assert real[1] < real[0] - 0.01


def test_pixels_are_rounded_and_not_cut_off() -> None:
    crops = np.array([0.0, 0.4 * LEVEL, 0.6 * LEVEL, 1.0], np.float32).reshape(1, 1, 2, 2).repeat(3, 1)
    assert as_pixels(crops)[0, :, :, 0].ravel().tolist() == [0, 0, 1, 255]
    assert np.array_equal(as_pixels(as_images(as_pixels(crops))), as_pixels(crops))

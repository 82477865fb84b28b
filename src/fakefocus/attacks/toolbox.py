"""Attacks of the Adversarial Robustness Toolbox (Nicolae et al. 2018, https://arxiv.org/abs/1807.01069) on crops.

The size of a change is a share of the pixel range, before whatever a network normalises: ε of 8/255 is eight grey
levels. Pixels stay in [0, 1], not within what a batch happens to hold.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import nn

from fakefocus.attacks.shown import ShownCrop

Images = NDArray[np.float32]
"""``(B, 3, H, W)`` in [0, 1]."""
Kind = Literal["fgsm", "pgd", "auto_pgd", "carlini_l2"]

_ROUNDING = 1e-6
"""What float32 may add to a change of at most 1."""
_AIM = 10.0
"""C&W: the weight of turning the decision, against the size of the change, with which the search begins."""
_STRETCH = 8
"""Steps of an attack that ends where a decision is turned, between two looks at it."""
_STEP = 2.5
"""PGD: the steps together reach 2.5 times as far as the bound (Madry et al. 2018)."""


class Attack(NamedTuple):
    """An attack: at most ``epsilon`` a pixel, in [0, 1]; None where the attack looks for the smallest change itself.

    ``steps`` of the gradient; ``step``: size of one of PGD, which then starts at the crop itself and ends where the
    decision is turned, else so that all of them reach 2.5 times as far as the bound, after a random start; ``searches``
    of C&W for the weight of its aim against the size of the change.

    fgsm: Goodfellow et al. 2015, https://arxiv.org/abs/1412.6572. pgd: Madry et al. 2018,
    https://arxiv.org/abs/1706.06083; its last step counts, not its best. auto_pgd: Croce & Hein 2020, https://arxiv.org/abs/2003.01690,
    with cross-entropy, as the ratio of differences of logits needs three classes. carlini_l2: Carlini & Wagner 2017,
    https://arxiv.org/abs/1608.04644.
    """

    kind: Kind
    epsilon: float | None = None
    steps: int = 1
    step: float | None = None
    searches: int = 1


def attacked(shown: ShownCrop, crops: Images, labels: NDArray[np.int64], attack: Attack, seed: int) -> Images:
    """Return crops that were changed so that the detector takes them for the other class; labels are 0 real, 1 fake.

    All crops go through the network together: choose how many.

    Raises:
        ArithmeticError: If a change is larger than ``epsilon``, or a pixel leaves [0, 1].
    """
    with _numpy_seeded(seed):
        changed = _generate(shown, crops, labels, attack)
    check_bounds(crops, changed, attack.epsilon)
    return changed


def check_bounds(crops: Images, changed: Images, epsilon: float | None) -> None:
    """Check what an attack promises: at most ``epsilon`` a pixel, and pixels in [0, 1].

    Raises:
        ArithmeticError: With the largest change, or the pixels.
    """
    low, high = float(changed.min()), float(changed.max())
    # NaN is in no range
    if not (low >= -_ROUNDING and high <= 1 + _ROUNDING):
        msg = f"an attack left the pixel range: pixels must be in [0, 1], got {low:.6g} to {high:.6g}"
        raise ArithmeticError(msg)
    largest = float(np.abs(changed - crops).max())
    if epsilon is not None and largest > epsilon + _ROUNDING:
        msg = f"an attack broke its bound: changes must be at most {255 * epsilon:g}/255, got {255 * largest:.4f}/255"
        raise ArithmeticError(msg)


def _generate(shown: ShownCrop, crops: Images, labels: NDArray[np.int64], attack: Attack) -> Images:
    # seconds to load: whoever does not attack shall not wait for them
    from art.attacks.evasion import (
        AutoProjectedGradientDescent,
        CarliniL2Method,
        FastGradientMethod,
        ProjectedGradientDescentPyTorch,
    )
    from art.estimators.classification import PyTorchClassifier

    device = next(shown.network.parameters()).device
    classifier = PyTorchClassifier(
        model=shown,
        loss=nn.CrossEntropyLoss(),
        input_shape=crops.shape[1:],
        nb_classes=2,
        clip_values=(0.0, 1.0),
        device_type="gpu" if device.type == "cuda" else "cpu",
    )
    size, steps = {"batch_size": len(crops)}, {"batch_size": len(crops), "max_iter": attack.steps, "verbose": False}
    reach = 1.0 if attack.epsilon is None else attack.epsilon
    match attack.kind:
        case "fgsm":
            method = FastGradientMethod(classifier, eps=reach, **size)
        case "pgd":
            if attack.step is not None:
                steps["max_iter"] = min(attack.steps, _STRETCH)
            step = _STEP * reach / attack.steps if attack.step is None else attack.step
            starts = 1 if attack.step is None else 0
            method = ProjectedGradientDescentPyTorch(
                classifier, eps=reach, eps_step=step, num_random_init=starts, **steps
            )
        case "auto_pgd":
            method = AutoProjectedGradientDescent(
                classifier, eps=reach, eps_step=2 * reach, nb_random_init=1, loss_type="cross_entropy", **steps
            )
        case "carlini_l2":
            method = CarliniL2Method(classifier, initial_const=_AIM, binary_search_steps=attack.searches, **steps)
    if attack.step is not None:
        return _until_turned(method, classifier, crops, labels, attack.steps)
    changed = np.asarray(method.generate(crops, y=np.eye(2, dtype=np.float32)[labels]), dtype=np.float32)
    return _best(method, classifier, crops, changed, labels) if attack.kind == "auto_pgd" else changed


def _until_turned(method: Any, classifier: Any, crops: Images, labels: NDArray[np.int64], steps: int) -> Images:  # noqa: ANN401
    """Attack crops further until their decision is turned: who goes on beyond that may turn it back."""
    changed, targets = crops.copy(), np.eye(2, dtype=np.float32)[labels]
    right = np.arange(len(crops))
    for _ in range(-(-steps // _STRETCH)):
        right = right[classifier.predict(changed[right]).argmax(axis=1) == labels[right]] if len(right) else right
        if not len(right):
            break
        changed[right] = method.generate(changed[right], y=targets[right])
    return changed


def _best(method: Any, classifier: Any, crops: Images, changed: Images, labels: NDArray[np.int64]) -> Images:  # noqa: ANN401
    """Return the strongest crops that AutoPGD met.

    The toolbox gives back the last ones, and random starts of those whose decision was not turned; the strongest of
    what was decided rightly before are in ``x_max``, all of one batch and one start.
    """
    right = classifier.predict(crops).argmax(axis=1) == labels
    best = changed.copy()
    if right.any():
        best[right] = method.x_max
    return best


@contextmanager
def _numpy_seeded(seed: int) -> Iterator[None]:
    """Seed NumPy's global generator, which is where the toolbox draws, and leave it as it was."""
    state = np.random.get_state()  # noqa: NPY002
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        np.random.set_state(state)  # noqa: NPY002

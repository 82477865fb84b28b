"""Attacks detectors, shows them what was made against others, and says what came of it."""

import logging
from collections.abc import Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from numpy.typing import NDArray

from fakefocus.datasets.stored_video import VideoFolder
from fakefocus.errors import InputError
from fakefocus.models import families
from fakefocus.models.contract import Contract
from fakefocus.models.fitting import result_of
from fakefocus.parameters import Adversarial, Defocus, Evaluation, Preprocessing
from fakefocus.pipelines.adversarial.budget import UNBOUNDED, Planned, choose_images, plan_attacks
from fakefocus.pipelines.adversarial.judging import judge_attack, judge_images, judge_transfer, sanity_of, tracked
from fakefocus.pipelines.adversarial.reporting import adversarial_curves, adversarial_section

if TYPE_CHECKING:
    from fakefocus.attacks.victim import Pictures, Run, Victim

_log = logging.getLogger(__name__)
_MODES = {"none": ("none",), "constant": ("kept", "remade"), "differentiable": ("attacked",)}
"""How crops of each kind of run are judged: with which map."""
_AGAIN = "run the whole of it again, kedro run --pipelines=adversarial"


def attack_detector(
    model: dict[str, Any],
    samples: pd.DataFrame,
    face_crops: dict[str, VideoFolder],
    defocus_maps: dict[str, VideoFolder],
    splits_json: dict[str, Any],
    face_scores: pd.DataFrame,
    preprocessing: Preprocessing,
    defocus: Defocus,
    evaluation: Evaluation,
    adversarial: Adversarial,
    dataset: str,
    experiment: str,
) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Attack a detector that is known (white box) on a fixed number of test faces.

    Returns:
        What came of it: ``clean`` and ``rows`` with the accuracy of each attack, ``speed``, ``sanity``; and the changes
        themselves in grey levels, ``(N, H, W, 3)`` for each attack but the one without bound, with ``crops``, the names
        of the attacked ones, and ``family``.

    Raises:
        InputError: If the detector does not fit, or its scores are missing or of another one.
        ArithmeticError: If an attack breaks its bound.
    """
    from fakefocus.attacks.victim import Victim, read_pictures
    from fakefocus.inference import check_same_scores, prepare, stored_scores

    rows = choose_images(samples[samples["split"] == "test"], adversarial.images, adversarial.seed)
    shown = prepare(model, rows, face_crops, defocus_maps, splits_json, preprocessing, defocus, evaluation)
    threshold = _threshold(shown.contract, evaluation)
    victim = Victim(shown.scorer, threshold, adversarial.batch_size)
    pictures = read_pictures(shown.crops, rows["label"].to_numpy(np.int64))
    clean = stored_scores(rows, face_scores, shown.contract.name)
    check_same_scores(clean, victim.scores(pictures.images, pictures.maps), shown.contract.name)
    options = {"threshold": threshold, "confidence": evaluation.confidence}
    right = (clean >= threshold) == (pictures.labels == 1)
    result = {
        **result_of("adversarial", model["contract"], dataset, experiment, splits_json["hash"]),
        "parameters": adversarial.model_dump(mode="json"),
        "threshold": threshold,
        "confidence": evaluation.confidence,
        "images": _counts(rows),
        "clean": _judge_clean(victim, pictures, rows, clean, options),
    }
    measured, changes = _attack_all(victim, pictures, rows, right, adversarial, options)
    result |= measured
    about = {"family": np.array(shown.contract.family), "crops": np.array(rows["crop"], dtype=np.str_), "right": right}
    return result | {"sanity": sanity_of(result)}, about | changes


def show_transferred(
    model: dict[str, Any],
    samples: pd.DataFrame,
    face_crops: dict[str, VideoFolder],
    defocus_maps: dict[str, VideoFolder],
    splits_json: dict[str, Any],
    white_box: dict[str, Any],
    preprocessing: Preprocessing,
    defocus: Defocus,
    evaluation: Evaluation,
    *attacked: dict[str, NDArray[Any]],
) -> dict[str, Any]:
    """Show a detector the crops that were changed against others, rounded to 8 bits, maps made anew.

    Crops that another detector had wrong were not attacked: they are not among those that are judged.

    Returns:
        ``white_box`` with ``transferred``, a row for each detector and attack, and ``tracked``.

    Raises:
        InputError: If the detectors were attacked on different crops, or on some that are not among the samples now.
    """
    from fakefocus.attacks.victim import Victim, read_pictures
    from fakefocus.inference import prepare

    own = next(arrays for arrays in attacked if str(arrays["family"]) == white_box["family"])
    rows = _rows_of(samples, own)
    shown = prepare(model, rows, face_crops, defocus_maps, splits_json, preprocessing, defocus, evaluation)
    threshold = _threshold(shown.contract, evaluation)
    victim = Victim(shown.scorer, threshold, evaluation.batch_size)
    images = read_pictures(shown.crops, rows["label"].to_numpy(np.int64)).images
    options = {"threshold": threshold, "confidence": evaluation.confidence}
    clean, transferred = victim.scores(images, None), []
    for arrays in [arrays for arrays in attacked if arrays is not own]:
        changed_by_it = _same_crops(arrays, own)["right"]
        for name in [key for key in arrays if "/" in key]:
            run, attack, epsilon = name.split("/")
            about = {"source": str(arrays["family"]), "run": run, "attack": attack}
            changed = np.clip(images.astype(np.int16) + arrays[name], 0, 255).astype(np.uint8)
            scores = victim.scores(changed, None)
            row = judge_transfer(rows, clean, scores, changed_by_it, own["right"], options)
            transferred.append(about | {"epsilon": None if epsilon == "None" else int(epsilon)} | row)
    result = white_box | {"transferred": transferred}
    return result | {"tracked": tracked(result)}


def describe_adversarial(*results: dict[str, Any]) -> dict[str, Any]:
    """Return the section of the report: what was attacked how, and what is left of the accuracy."""
    return adversarial_section(results)


def draw_adversarial(*results: dict[str, Any]) -> Figure:
    """Draw accuracy by the size of the change: a panel a detector and map, and one for crops of other detectors."""
    colours = {name: family.colour for name, family in families().items()}
    return adversarial_curves(results, colours)


def _attack_all(
    victim: "Victim",
    pictures: "Pictures",
    rows: pd.DataFrame,
    right: NDArray[np.bool_],
    adversarial: Adversarial,
    options: dict[str, Any],
) -> tuple[dict[str, Any], dict[str, NDArray[np.int16]]]:
    """Carry out every attack on what is decided right; return ``rows`` and ``speed``, and the changes by attack."""
    rows_of_attacks, speed, changes = [], [], {}
    for run in victim.runs:
        for planned in plan_attacks(adversarial):
            about = {"attack": planned.key, "name": planned.name, "epsilon": planned.epsilon}
            start = perf_counter()
            exact = _attack(victim, pictures, right, planned, run, adversarial.seed)
            speed.append({"run": run} | about | {"images_per_second": int(right.sum()) / (perf_counter() - start)})
            of_attack = _judge_attack(victim, pictures, rows, exact, right, _MODES[run], options)
            rows_of_attacks += [{"maps": mode} | about | row for mode, row in of_attack.items()]
            accuracies = ", ".join(f"{mode} {row['accuracy']['value']:.2f}" for mode, row in of_attack.items())
            _log.info("%s %s: accuracy %s, %.1f s", planned.name, planned.epsilon, accuracies, perf_counter() - start)
            if planned.key != UNBOUNDED:
                changes[f"{run}/{planned.key}/{planned.epsilon}"] = _rounded_change(exact, pictures)
    return {"rows": rows_of_attacks, "speed": speed}, changes


def _attack(
    victim: "Victim", pictures: "Pictures", right: NDArray[np.bool_], planned: Planned, run: "Run", seed: int
) -> NDArray[np.float32]:
    """Return all crops, those that are decided right changed by an attack, ``(N, 3, H, W)`` in [0, 1]."""
    from fakefocus.attacks.toolbox import Attack
    from fakefocus.attacks.victim import Pictures, as_images

    chosen = Pictures(
        pictures.images[right], None if pictures.maps is None else pictures.maps[right], pictures.labels[right]
    )
    epsilon = None if planned.epsilon is None else planned.epsilon / 255
    exact = as_images(pictures.images)
    if right.any():
        exact[right] = victim.changed(chosen, Attack(epsilon=epsilon, **planned.options), run, seed)
    return exact


def _judge_attack(
    victim: "Victim",
    pictures: "Pictures",
    rows: pd.DataFrame,
    exact: NDArray[np.float32],
    right: NDArray[np.bool_],
    modes: Sequence[str],
    options: dict[str, Any],
) -> dict[str, dict[str, Any]]:
    """Return what `judge_attack` says by mode: with maps that were kept, or with new ones."""
    from fakefocus.attacks.victim import as_images, as_pixels

    change, rounded, by_mode = exact - as_images(pictures.images), as_pixels(exact), {}
    for mode in modes:
        maps = pictures.maps if mode == "kept" else None
        scores = {"rounded": victim.scores(rounded, maps), "exact": victim.exact_scores(exact, maps)}
        by_mode[mode] = judge_attack(rows, scores, right, change, options)
    return by_mode


def _judge_clean(
    victim: "Victim", pictures: "Pictures", rows: pd.DataFrame, clean: NDArray[np.float64], options: dict[str, Any]
) -> list[dict[str, Any]]:
    """Return what `judge_images` says of clean crops by mode; maps that are made anew are those of both later modes."""
    if pictures.maps is None:
        by_mode = {"none": clean}
    else:
        remade = victim.scores(pictures.images, None)
        by_mode = {"kept": clean, "remade": remade, "attacked": remade}
    return [{"maps": mode, **judge_images(rows, scores, options)} for mode, scores in by_mode.items()]


def _rounded_change(exact: NDArray[np.float32], pictures: "Pictures") -> NDArray[np.int16]:
    """Return changes in grey levels, ``(N, H, W, 3)``, after rounding."""
    from fakefocus.attacks.victim import as_pixels

    return as_pixels(exact).astype(np.int16) - pictures.images.astype(np.int16)


def _rows_of(samples: pd.DataFrame, attacked: dict[str, NDArray[Any]]) -> pd.DataFrame:
    """Return the samples that were attacked, in their order."""
    by_crop = samples.set_index("crop", drop=False)
    missing = [crop for crop in attacked["crops"] if crop not in by_crop.index]
    if missing:
        msg = f"adversarial: {missing[0]} was attacked and is no sample now: {_AGAIN}"
        raise InputError(msg)
    return by_crop.loc[list(attacked["crops"])].reset_index(drop=True)


def _same_crops(arrays: dict[str, NDArray[Any]], own: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    if not np.array_equal(arrays["crops"], own["crops"]):
        msg = f"adversarial: {arrays['family']} was attacked on other crops than {own['family']}: {_AGAIN}"
        raise InputError(msg)
    return arrays


def _threshold(contract: Contract, evaluation: Evaluation) -> float:
    return contract.threshold.value if evaluation.threshold == "validation" else evaluation.threshold


def _counts(rows: pd.DataFrame) -> dict[str, int]:
    return {
        "count": len(rows),
        "real": int((rows["label"] == 0).sum()),
        "fake": int((rows["label"] == 1).sum()),
        "videos": rows["video_id"].nunique(),
        "groups": rows["group"].nunique(),
    }

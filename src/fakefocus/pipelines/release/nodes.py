"""Makes of a trained detector one that can be given away: verdicts, a card, small weights."""

import hashlib
import json
from functools import partial
from typing import Any

import pandas as pd

from fakefocus.datasets.stored_video import VideoFolder
from fakefocus.errors import InputError
from fakefocus.metrics.intervals import METHOD
from fakefocus.models.contract import Verdict, read_contract
from fakefocus.models.fitting import training_of
from fakefocus.parameters import Defocus, Evaluation, Preprocessing, Release
from fakefocus.pipelines.release.card import CARD, CONTRACT, RESULTS, WEIGHTS, tables, write_card
from fakefocus.pipelines.release.measuring import by_blend, by_edit, by_method
from fakefocus.pipelines.release.verdicts import calibrate, score_videos


def choose_candidate(
    model: dict[str, Any], model_3: dict[str, Any], model_42: dict[str, Any], model_123: dict[str, Any]
) -> dict[str, Any]:
    """Return the detector with the best validation video AUC, of those that were trained.

    Args:
        model: The family's detector (``contract`` and ``weights``); empty if it was not trained.
        model_3: The same with seed 3 (of `SEEDS`), as ``--pipelines=seeds`` trains it; empty if it was not.
        model_42: With seed 42.
        model_123: With seed 123.

    Returns:
        ``contract`` and ``weights``; ``candidates``: of each its ``seed``, ``val_video_auc``, and if it was ``chosen``.

    Raises:
        InputError: If none was trained, or they are of different recipes.
    """
    trained = [one for one in (model, model_3, model_42, model_123) if one]
    if not trained:
        msg = (
            "release: no detector of this family is trained: run kedro run --pipelines=train, seeds or baselines first"
        )
        raise InputError(msg)
    contracts = [read_contract(model["contract"]) for model in trained]
    alike = {json.dumps(_recipe(model["contract"]), sort_keys=True) for model in trained}
    if len(alike) > 1:
        msg = (
            f"release: the {len(trained)} detectors of {contracts[0].name} were trained otherwise, not with another "
            "seed alone: train them again, or remove what is not to be given away"
        )
        raise InputError(msg)
    by_seed = {contract.training.seed: n for n, contract in enumerate(contracts)}
    chosen = max(by_seed.values(), key=lambda n: contracts[n].val_video_auc or 0.0)
    candidates = [
        {"seed": seed, "val_video_auc": contracts[n].val_video_auc, "chosen": n == chosen}
        for seed, n in sorted(by_seed.items())
    ]
    return trained[chosen] | {"candidates": candidates}


def score_release(
    chosen: dict[str, Any],
    samples: pd.DataFrame,
    videos: pd.DataFrame,
    face_crops: dict[str, VideoFolder],
    defocus_maps: dict[str, VideoFolder],
    splits_json: dict[str, Any],
    preprocessing: Preprocessing,
    defocus: Defocus,
    evaluation: Evaluation,
    release: Release,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Score validation and test: faces as they are, real ones after benign edits, and pseudo-fakes of them.

    Returns:
        Three tables with ``video_id``, ``group``, ``split``, ``label`` and ``score``; the first with ``identity``,
        ``method`` and ``compression``, the second with ``edit``, the third with ``kind`` and ``compression``.

    Raises:
        InputError: If the detector does not fit the samples.
    """
    from fakefocus.inference import prepare
    from fakefocus.pipelines.release.scoring import choose_reals, score_blends, score_edits

    compression = videos.set_index("video_id")["compression"]
    rows = samples[samples["split"] != "train"].reset_index(drop=True)
    reals = choose_reals(rows, compression, release.faces)
    options = (face_crops, defocus_maps, splits_json, preprocessing, defocus, evaluation)
    shown = prepare(chosen, rows, *options)
    plain = rows.assign(compression=rows["video_id"].map(compression).fillna(""), score=shown.scorer(shown.crops))
    edited = score_edits(prepare(chosen, reals, *options))
    blends = score_blends(prepare(chosen, reals, *options), release.seed)
    faces = ["video_id", "crop", "track", "label", "group", "split"]
    return (
        plain[[*faces, "identity", "method", "compression", "score"]],
        edited[[*faces, "edit", "score"]],
        blends[["video_id", "group", "split", "label", "kind", "compression", "score"]],
    )


def calibrate_verdict(
    plain_scores: pd.DataFrame,
    edited_scores: pd.DataFrame,
    blend_scores: pd.DataFrame,
    evaluation: Evaluation,
    release: Release,
) -> dict[str, Any]:
    """Choose on validation videos what is called fake and what real; see `models.contract.Verdict`.

    Where no validation video is fake, pseudo-fakes of the real ones stand in.

    Raises:
        InputError: If the side of validation has too few real videos, or no fake of any kind.
    """
    plain, edited, blends = (t[t["split"] == "val"] for t in (plain_scores, edited_scores, blend_scores))
    return calibrate(
        score_videos(plain, "compression", evaluation.aggregation),
        score_videos(edited, "edit", evaluation.aggregation),
        blends,
        release,
    ).model_dump(mode="json")


def measure_release(
    chosen: dict[str, Any],
    plain_scores: pd.DataFrame,
    edited_scores: pd.DataFrame,
    blend_scores: pd.DataFrame,
    verdict: dict[str, Any],
    evaluation: Evaluation,
) -> dict[str, Any]:
    """Measure on the test side what the card says: fakes by method and compression, benign edits, pseudo-fakes."""
    promised = Verdict.model_validate(verdict)
    plain, edited, blends = (t[t["split"] == "test"] for t in (plain_scores, edited_scores, blend_scores))
    videos = score_videos(plain, "compression", evaluation.aggregation)
    changed = score_videos(edited, "edit", evaluation.aggregation)
    options = (promised, evaluation.confidence)
    return {
        "confidence": evaluation.confidence,
        "interval": METHOD,
        "people": int(plain.loc[plain["label"] == 0, "identity"].nunique()),
        "candidates": chosen["candidates"],
        "verdict": verdict,
        "methods": by_method(videos, *options),
        "edits": by_edit(videos, changed, *options),
        "blends": by_blend(blends, *options),
    }


def write_release(
    chosen: dict[str, Any],
    samples: pd.DataFrame,
    face_crops: dict[str, VideoFolder],
    defocus_maps: dict[str, VideoFolder],
    splits_json: dict[str, Any],
    plain_scores: pd.DataFrame,
    release_results: dict[str, Any],
    preprocessing: Preprocessing,
    defocus: Defocus,
    evaluation: Evaluation,
    release: Release,
) -> dict[str, bytes]:
    """Return the files of a detector that is given away, by name: weights, contract, what was measured, and card.

    Weights are in half precision, as far as every validation face is then scored as before.
    """
    from safetensors.torch import save

    from fakefocus.pipelines.release.rounding import halve
    from fakefocus.pipelines.release.scoring import change_of_scores, near_the_middle

    rows = samples[samples["split"] == "val"].reset_index(drop=True)
    contract = read_contract(chosen["contract"])
    change = partial(
        change_of_scores,
        contract=chosen["contract"],
        plain_scores=plain_scores,
        shown=(face_crops, defocus_maps, splits_json, preprocessing, defocus, evaluation),
    )
    few = near_the_middle(rows, plain_scores, contract.name)
    rounded = halve(chosen["weights"], partial(change, rows=few), partial(change, rows=rows))
    verdict = Verdict.model_validate(release_results["verdict"])
    contract = contract.model_copy(update={"verdict": verdict})
    files = {
        WEIGHTS: save(rounded.weights),
        CONTRACT: (json.dumps(contract.model_dump(mode="json"), indent=1) + "\n").encode(),
        RESULTS: (json.dumps(release_results, indent=1) + "\n").encode(),
    }
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    stored = {"halved": rounded.share, "rounding": rounded.change}
    return files | {CARD: write_card(contract, release_results | stored, release, hashes).encode()}


def describe_release(
    chosen: dict[str, Any], release_results: dict[str, Any], splits_json: dict[str, Any], experiment: str
) -> dict[str, Any]:
    """Return the section of the report: what the card says of a detector."""
    contract, verdict = read_contract(chosen["contract"]), Verdict.model_validate(release_results["verdict"])
    return {
        "title": f"What is given away: {contract.name}",
        "order": 90,
        "split_hash": splits_json["hash"],
        "trainings": training_of(chosen["contract"], contract.family, experiment),
        "text": [
            f"A video is called fake from a score of {verdict.fake_from:.3f} on and real below "
            f"{verdict.real_below:.3f}; between them nothing is claimed. Chosen on {verdict.source}; measured on test "
            "videos, of people who are on no other side."
        ],
        "tables": tables(release_results),
        "caption": "",
    }


def _recipe(contract: dict[str, Any]) -> dict[str, Any]:
    """Return what detectors that differ by their seed alone have in common."""
    training = {name: value for name, value in contract["training"].items() if name != "seed"}
    common = ("family", "network", "loss", "crops", "maps", "dataset", "split", "labels", "methods")
    return {"training": training} | {name: contract[name] for name in common}

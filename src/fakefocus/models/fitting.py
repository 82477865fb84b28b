"""Whether a detector fits what it is to be judged on, and of which training a judgement is."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal

from fakefocus.errors import InputError
from fakefocus.models.contract import SIDES, Contract, completed, read_contract
from fakefocus.models.overlap import Overlap, find_overlap, in_words
from fakefocus.parameters import CropSpec, Group, MapSpec

if TYPE_CHECKING:  # whoever reads a contract does without tables
    import pandas as pd

_JUDGE_AGAIN = "run kedro run --pipelines=evaluate"
_CHANCE = ("machine", "seconds")
"""What differs between two trainings that are otherwise the same."""


def check_fit(
    contract: Contract,
    test: "pd.DataFrame",
    crops: CropSpec,
    maps: MapSpec | None,
    *,
    seen: Literal["refuse", "allow"] = "refuse",
    split_hash: str = "",
) -> Overlap:
    """Compare a detector with what it is to be shown.

    Args:
        contract: What the detector is.
        test: The samples that it is judged on.
        crops: How their crops were made.
        maps: How their maps were made; read only if the detector sees maps.
        seen: What is done with test videos and people that it was trained or validated on.
        split_hash: The hash of the split that it is judged on; in its own one, people are on two sides.

    Returns:
        How many of the test videos it knows.

    Raises:
        InputError: If crops or maps are of another kind, with both values and the remedy; or if test videos or people
            are known to it, and ``seen`` refuses that.
    """
    _check_kind(contract, "crops", contract.crops, crops, "preprocess")
    if contract.maps is not None:
        _check_kind(contract, "maps", contract.maps, maps, "defocus")
    overlap = find_overlap(contract.train, contract.val, test)
    if overlap.known and seen == "refuse":
        own = contract.split.hash == split_hash
        remedy = (
            f"its own split ({contract.split.strategy}) has them on two sides: set evaluation.seen to allow"
            if own
            else f"judge it on the split that it was trained with (experiment {contract.experiment}), train it on this "
            "one, or set evaluation.seen to allow"
        )
        msg = f"{contract.name} of {contract.experiment}: {in_words(overlap)}: {remedy}, which the report will say"
        raise InputError(msg)
    return overlap


def check_judged(contract: Mapping[str, Any], summary: Mapping[str, Any], remedy: str = _JUDGE_AGAIN) -> None:
    """Check that a summary, and the scores beside it, are of the training that a contract is of.

    Args:
        contract: What ``architecture.json`` holds.
        summary: What ``summary.json`` holds.
        remedy: What is to be run where they are not.

    Raises:
        InputError: If the detector was trained again since.
    """
    differing = trained_otherwise(contract, summary["contract"])
    if differing:
        msg = (
            f"{summary['contract']['name']} of {contract['experiment']} was trained again since it was judged "
            f"({', '.join(differing)} differ): its scores are those of before, {remedy}"
        )
        raise InputError(msg)


def trained_otherwise(contract: Mapping[str, Any], described: Mapping[str, Any]) -> list[str]:
    """Return in which fields a contract and what a summary says of one differ: none where they are of one training.

    A summary counts videos and people, a contract names them: both follow from split and methods. What a contract of an
    earlier version does not say has its default.
    """
    whole = completed(contract)
    return [n for n, value in whole.items() if n not in (*SIDES, *_CHANCE) and described.get(n) != value]


def training_of(contract: Mapping[str, Any], detector: str, experiment: str) -> dict[str, str]:
    """Return what tells the training of a detector apart, a digest, by the detector and where it is judged.

    It is the same of a contract and of what a summary says of one.

    Args:
        contract: What ``architecture.json`` holds, or the ``contract`` of a summary.
        detector: Name of its folder.
        experiment: Name of the judgement.
    """
    apart = {name: value for name, value in completed(contract).items() if name not in (*SIDES, *_CHANCE, "name")}
    digest = hashlib.sha256(json.dumps(apart, sort_keys=True).encode()).hexdigest()[:16]
    return {f"{detector} of {contract['experiment']} on {experiment}": digest}


def result_of(
    protocol: str, contract: Mapping[str, Any], dataset: str, experiment: str, split_hash: str
) -> dict[str, Any]:
    """Return what the result of a protocol begins with: its detector, data, split and training.

    Args:
        protocol: Its name.
        contract: What ``architecture.json`` holds.
        dataset: Name of the data set that it is judged on.
        experiment: Name of the judgement.
        split_hash: Of the split whose test side it is.
    """
    described = read_contract(contract)
    return {
        "protocol": protocol,
        "detector": described.name,
        "family": described.family,
        "dataset": dataset,
        "experiment": experiment,
        "split_hash": split_hash,
        "training": training_of(contract, described.family, experiment),
    }


def trainings_in(results: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the ``training`` of all results, as a section of the report names them."""
    return {name: digest for result in results for name, digest in result["training"].items()}


def _check_kind(contract: Contract, what: str, learned: Group, shown: Group | None, stage: str) -> None:
    if learned == shown:
        return
    ours, theirs = learned.model_dump(), {} if shown is None else shown.model_dump()
    differing = [name for name in ours if ours[name] != theirs.get(name)]
    msg = (
        f"{what}: {contract.name} of {contract.experiment} was trained on {what} with {_values(ours, differing)}, "
        f"these have {_values(theirs, differing)}: make them as it knows them (kedro run --pipelines={stage}), or "
        "train it on these"
    )
    raise InputError(msg)


def _values(values: Mapping[str, Any], names: Iterable[str]) -> str:
    return ", ".join(f"{name} {values.get(name)}" for name in names) if values else "no note of how they were made"

"""Names of pipelines, as ``kedro run --pipeline=<name>`` takes them."""

from collections.abc import Sequence
from importlib import import_module

from kedro.pipeline import Pipeline

from fakefocus.pipelines.evaluation import pipeline as evaluation
from fakefocus.pipelines.training import pipeline as training
from fakefocus.schemas import BASELINES, FAMILIES

STAGES = {
    "ingest": "ingestion",
    "preprocess": "preprocessing",
    "defocus": "defocus",
    "split": "feature_split",
    "train": "training",
    "evaluate": "evaluation",
    "report": "reporting",
}
"""Each stage's verb and the package that holds it, in the order of the lineage."""


def register_pipelines() -> dict[str, Pipeline]:
    """Return every stage under its verb and its package's name, and all of them as ``__default__``.

    ``data`` is everything before training: what is needed of a folder without labels of both kinds. ``baselines``,
    ``seeds`` and ``baseline_seeds`` train and judge on samples that are there; ``--namespaces`` chooses among them.
    """
    made = {p: import_module(f"fakefocus.pipelines.{p}").create_pipeline() for p in STAGES.values()}
    verbs = {verb: made[package] for verb, package in STAGES.items()}
    data = made["ingestion"] + made["preprocessing"] + made["defocus"]
    more = {"data": data, "baselines": baselines(), "seeds": seeds(FAMILIES), "baseline_seeds": seeds(BASELINES)}
    return made | verbs | more | {"__default__": sum(made.values(), Pipeline([]))}


def baselines() -> Pipeline:
    """Return training and evaluation of every baseline, on samples that are there."""
    return training.train_once(BASELINES) + evaluation.evaluate_once(BASELINES)


def seeds(families: Sequence[str]) -> Pipeline:
    """Return training and evaluation of families with several seeds, and their comparison."""
    return training.train_seeds(families) + evaluation.evaluate_seeds(families)

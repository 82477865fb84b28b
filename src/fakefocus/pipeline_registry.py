"""Names of pipelines, as ``kedro run --pipeline=<name>`` takes them."""

from importlib import import_module

from kedro.pipeline import Pipeline

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

    ``data`` is everything before training: what is needed of a folder without labels of both kinds.
    """
    made = {p: import_module(f"fakefocus.pipelines.{p}").create_pipeline() for p in STAGES.values()}
    verbs = {verb: made[package] for verb, package in STAGES.items()}
    data = made["ingestion"] + made["preprocessing"] + made["defocus"]
    return made | verbs | {"data": data, "__default__": sum(made.values(), Pipeline([]))}

"""Names of pipelines, as ``kedro run --pipelines=<name>`` takes them."""

from collections.abc import Collection, Mapping, Sequence
from importlib import import_module

from kedro.pipeline import Pipeline, pipeline

from fakefocus.models import baselines, find_family, main_families
from fakefocus.models.family import UNCHANGED, variant_detector
from fakefocus.pipelines.evaluation import pipeline as evaluation
from fakefocus.pipelines.reporting import pipeline as reporting
from fakefocus.pipelines.training import pipeline as training
from fakefocus.schemas import SEEDS
from fakefocus.stages import STAGES
from fakefocus.weights import shipped_detectors

VERBS = dict(zip(("ingest", "preprocess", "defocus", "split", "train", "evaluate", "report"), STAGES, strict=True))
"""Each stage's verb and the package that holds it, in the order of the lineage."""

PROTOCOLS: tuple[str, ...] = (
    "explanation",
    "judge",
    "cross_dataset",
    "leave_one_out",
    "robustness",
    "adversarial",
    "ablation",
    "coadaptation",
    "tta",
    "efficiency",
    "reproduce",
    "release",
    "compare",
)
"""Packages that ask more of trained detectors, each under its own name; the report shows what they found."""


def register_pipelines() -> dict[str, Pipeline]:
    """Return every stage under its verb and its package's name, and all of them as ``__default__``.

    ``lineage`` is the same with stages that fold: what Kedro-Viz shows, and what leaves it times of nodes when it runs.

    ``data`` is everything before the split: what is needed of a folder without labels of both kinds. ``baselines``,
    ``seeds`` and ``baseline_seeds`` train and judge on samples that are there; ``--namespaces`` chooses among them.
    ``shipped`` judges the detectors that come with the package, with ``--params=trained_on=shipped``. ``champion``
    registers the best detector of an experiment where it is better than the one before.
    """
    made = {p: import_module(f"fakefocus.pipelines.{p}").create_pipeline() for p in STAGES}
    verbs = {verb: made[package] for verb, package in VERBS.items()}
    detectors = [name for family in main_families() for name in (family, f"{family}.control")]
    more = {
        "data": made["ingestion"] + made["preprocessing"] + made["defocus"],
        "baselines": judged_baselines(),
        "seeds": judged_seeds("evaluated_seeds", main_families()),
        "baseline_seeds": judged_seeds("evaluated_baseline_seeds", baselines()),
        "shipped": judged_shipped(),
        "champion": import_module("fakefocus.pipelines.champion").create_pipeline(),
    }
    protocols = {p: import_module(f"fakefocus.pipelines.{p}").create_pipeline() for p in PROTOCOLS}
    protocols["leave_one_out"] += training.train_left_out(main_families())
    protocols["ablation"] += judged_variants({f: find_family(f).ablations for f in main_families()})
    protocols["coadaptation"] += judged_variants({f: find_family(f).regularisers for f in main_families()})
    whole = made | {"reporting": made["reporting"] + reporting.draw_detectors(detectors)}
    lineage = {"__default__": Pipeline(whole.values()), "lineage": folded(whole)}
    return made | verbs | more | protocols | lineage


def folded(stages: Mapping[str, Pipeline]) -> Pipeline:
    """Return the same nodes on the same data, each stage in a namespace of its own, which Kedro-Viz folds."""
    parts = (pipeline(stage, namespace=name, prefix_datasets_with_namespace=False) for name, stage in stages.items())
    return Pipeline(parts)


def judged_baselines() -> Pipeline:
    """Return training and evaluation of every baseline, on samples that are there."""
    evaluated = evaluation.evaluate_once(baselines()) + evaluation.list_evaluated("evaluated_baselines", baselines())
    return training.train_once(baselines()) + evaluated + reporting.draw_detectors(baselines())


def judged_shipped() -> Pipeline:
    """Return evaluation of the detectors that come with the package, which have no controls beside them."""
    detectors = shipped_detectors()
    evaluated = evaluation.evaluate_once(detectors) + evaluation.list_evaluated("evaluated", detectors)
    return evaluated + reporting.draw_detectors(detectors)


def judged_variants(variants: Mapping[str, Collection[str]]) -> Pipeline:
    """Return training and evaluation, by family, of variants and of the unchanged detector beside them.

    The unchanged detector of two such pipelines is the same nodes, and is trained once.
    """
    named = {family: (UNCHANGED, *names) for family, names in variants.items() if names}
    trained = [training.train_variants(family, names) for family, names in named.items()]
    detectors = [variant_detector(f, name, seed) for f, names in named.items() for name in names for seed in SEEDS]
    return Pipeline([*trained, evaluation.evaluate_once(detectors)])


def judged_seeds(output: str, families: Sequence[str]) -> Pipeline:
    """Return training and evaluation of families with several seeds, and their comparison."""
    detectors = [f"{family}.seed_{seed}" for family in families for seed in SEEDS]
    evaluated = evaluation.evaluate_seeds(families) + evaluation.list_evaluated(output, detectors)
    return training.train_seeds(families) + evaluated + reporting.draw_detectors(detectors)

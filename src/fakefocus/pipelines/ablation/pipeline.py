"""Summaries of variants, {family}.model → {family}_retrained, {family}_switched, ablation_section.

What trains and judges the variants is composed in the registry.
"""

from kedro.pipeline import Pipeline, node, pipeline

from fakefocus.models import find_family, main_families
from fakefocus.models.family import UNCHANGED, variant_detector
from fakefocus.pipelines.ablation import nodes
from fakefocus.schemas import SEEDS

_DATA = ("samples", "face_crops", "defocus_maps", "splits_json")
_DATA_PARAMETERS = ("params:preprocessing", "params:defocus", "params:evaluation")
_COMPARED_BY = ("params:ablation", "params:evaluation")


def create_pipeline() -> Pipeline:
    """Compare what was trained without a part, switch streams off, and report both."""
    retrained = [family for family in main_families() if find_family(family).ablations]
    switched = [family for family in main_families() if find_family(family).streams]
    results = [f"{family}_retrained" for family in retrained] + [f"{family}_switched" for family in switched]
    reported = Pipeline(
        [
            node(nodes.describe_ablation, results, "ablation_section", name="describe_ablation"),
            node(nodes.draw_ablation, results, "ablation_figure", name="draw_ablation"),
        ],
        tags="ablation",
    )
    return Pipeline([*map(_compare, retrained), *map(_switch, switched), reported])


def _compare(family: str) -> Pipeline:
    variants = [UNCHANGED, *find_family(family).ablations]
    summaries = [
        variant_detector(family, variant, seed).replace(".", "_") + "_summary" for variant in variants for seed in SEEDS
    ]
    compare = node(
        nodes.compare_variants,
        ["params:options", *_COMPARED_BY, *summaries],
        f"{family}_retrained",
        name="compare_variants",
    )
    return pipeline(
        Pipeline([compare]),
        namespace=family,
        inputs=set(summaries),
        outputs={f"{family}_retrained"},
        parameters={"params:options": f"params:{family}"} | {name: name for name in _COMPARED_BY},
        tags="ablation",
    )


def _switch(family: str) -> Pipeline:
    switch = node(
        nodes.switch_streams,
        ["model", "summary", *_DATA, *_DATA_PARAMETERS],
        f"{family}_switched",
        name="switch_streams",
    )
    return pipeline(
        Pipeline([switch]),
        namespace=family,
        inputs={"summary": f"{family}_summary"} | {name: name for name in _DATA},
        outputs={f"{family}_switched"},
        parameters=set(_DATA_PARAMETERS),
        tags="ablation",
    )

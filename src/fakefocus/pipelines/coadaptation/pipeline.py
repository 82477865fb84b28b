"""Models and summaries of variants → {detector}_tokens, {family}_coadaptation, coadaptation_section.

What trains and judges the variants is composed in the registry.
"""

from kedro.pipeline import Pipeline, node, pipeline

from fakefocus.models import find_family, main_families
from fakefocus.models.family import UNCHANGED, variant_detector
from fakefocus.pipelines.coadaptation import nodes
from fakefocus.schemas import SEEDS

_DATA = ("samples", "face_crops", "defocus_maps", "splits_json")
_DATA_PARAMETERS = ("params:preprocessing", "params:defocus", "params:evaluation")
_COMPARED_BY = ("params:ablation", "params:evaluation")


def create_pipeline() -> Pipeline:
    """Look at the tokens of each variant, compare variants, and report."""
    families = [family for family in main_families() if find_family(family).regularisers]
    results = [f"{family}_coadaptation" for family in families]
    reported = Pipeline(
        [
            node(nodes.describe_coadaptation, results, "coadaptation_section", name="describe_coadaptation"),
            node(nodes.draw_coadaptation, results, "coadaptation_figure", name="draw_coadaptation"),
        ],
        tags="coadaptation",
    )
    return Pipeline([*map(_compare, families), reported])


def _compare(family: str) -> Pipeline:
    variants = (UNCHANGED, *find_family(family).regularisers)
    detectors = [variant_detector(family, variant, seed) for variant in variants for seed in SEEDS]
    tokens = [_one_word(detector, "tokens") for detector in detectors]
    compare = node(
        nodes.compare_regularisers,
        ["params:options", *_COMPARED_BY, *tokens],
        f"{family}_coadaptation",
        name="compare_regularisers",
    )
    compared = pipeline(
        Pipeline([compare]),
        namespace=family,
        inputs=set(tokens),
        outputs={f"{family}_coadaptation"},
        parameters={"params:options": f"params:{family}"} | {name: name for name in _COMPARED_BY},
        tags="coadaptation",
    )
    return Pipeline([*map(_measure, detectors), compared])


def _measure(detector: str) -> Pipeline:
    measure = node(
        nodes.measure_tokens,
        ["model", "summary", *_DATA, *_DATA_PARAMETERS],
        "tokens",
        name="measure_tokens",
    )
    return pipeline(
        Pipeline([measure]),
        namespace=detector,
        inputs={"summary": _one_word(detector, "summary")} | {name: name for name in _DATA},
        outputs={"tokens": _one_word(detector, "tokens")},
        parameters=set(_DATA_PARAMETERS),
        tags="coadaptation",
    )


def _one_word(detector: str, what: str) -> str:
    return f"{detector.replace('.', '_')}_{what}"

"""{family}.model, samples, videos, {family}.face_scores → reencoded_crops, {family}_robustness, section and figure."""

from kedro.pipeline import Pipeline, node, pipeline

from fakefocus.models import main_families
from fakefocus.pipelines.robustness import nodes

_SHARED = ("samples", "videos", "face_crops", "defocus_maps", "reencoded_crops", "splits_json")
_PARAMETERS = ("preprocessing", "defocus", "evaluation", "robustness", "dataset", "experiment")


def create_pipeline() -> Pipeline:
    """Encode test videos again once for all, measure each main family, and describe and draw what came out."""
    results = [f"{family}_robustness" for family in main_families()]
    shared = Pipeline(
        [
            node(
                nodes.plan_reencoded_crops,
                ["videos", "samples", "params:preprocessing", "params:robustness"],
                "reencoded_crops",
                name="encode_again",
            ),
            node(nodes.describe_robustness, results, "robustness_section", name="describe_robustness"),
            node(nodes.draw_robustness, results, "robustness_figure", name="draw_robustness"),
        ],
        tags="robustness",
    )
    return shared + Pipeline(_measure(family) for family in main_families())


def _measure(family: str) -> Pipeline:
    template = Pipeline(
        [
            node(
                nodes.measure_robustness,
                ["model", "summary", *_SHARED, "face_scores", *(f"params:{name}" for name in _PARAMETERS)],
                "robustness",
                name="measure_robustness",
            )
        ]
    )
    return pipeline(
        template,
        namespace=family,
        inputs={"summary": f"{family}_summary"} | {name: name for name in _SHARED},
        outputs={"robustness": f"{family}_robustness"},
        parameters={f"params:{name}" for name in _PARAMETERS},
        tags="robustness",
    )

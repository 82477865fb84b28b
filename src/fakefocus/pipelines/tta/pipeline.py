"""{family}.model, samples, {family}.face_scores → {family}_tta, a section."""

from kedro.pipeline import Pipeline, node, pipeline

from fakefocus.models import main_families
from fakefocus.pipelines.tta import nodes

_DATA = ("samples", "face_crops", "defocus_maps", "splits_json")
_PARAMETERS = ("preprocessing", "defocus", "evaluation", "tta", "dataset", "experiment")


def create_pipeline() -> Pipeline:
    """Score views of the test faces by each main family, and compare and describe it."""
    results = [f"{family}_tta" for family in main_families()]
    about = node(nodes.describe_tta, results, "tta_section", name="describe_tta", tags="tta")
    return sum((_of(family) for family in main_families()), Pipeline([about]))


def _of(family: str) -> Pipeline:
    views = node(
        nodes.score_views,
        ["model", "summary", *_DATA, "face_scores", *(f"params:{name}" for name in _PARAMETERS)],
        "tta",
        name="score_views",
    )
    return pipeline(
        Pipeline([views]),
        namespace=family,
        inputs={"summary": f"{family}_summary"} | {name: name for name in _DATA},
        outputs={"tta": f"{family}_tta"},
        parameters={f"params:{name}" for name in _PARAMETERS},
        tags="tta",
    )

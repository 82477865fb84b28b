"""{family}.model → {family}_efficiency, the section and the figure of all families."""

from kedro.pipeline import Pipeline, node, pipeline

from fakefocus.models import main_families
from fakefocus.pipelines.efficiency import nodes

_PARAMETERS = ("efficiency", "dataset", "experiment")


def create_pipeline() -> Pipeline:
    """Count and time each main family's detector, and compare them."""
    families = main_families()
    results = [f"{family}_efficiency" for family in families]
    together = [
        node(
            nodes.describe_efficiency,
            ["splits_json", *results],
            "efficiency_section",
            name="describe_efficiency",
        ),
        node(nodes.draw_efficiency, results, "efficiency_figure", name="draw_efficiency"),
    ]
    return sum((_measure(family) for family in families), Pipeline(together, tags="efficiency"))


def _measure(family: str) -> Pipeline:
    measure = node(
        nodes.measure_costs,
        ["model", "samples", "face_crops", "splits_json", *(f"params:{name}" for name in _PARAMETERS)],
        "efficiency",
        name="measure_costs",
    )
    return pipeline(
        Pipeline([measure]),
        namespace=family,
        inputs={"samples", "face_crops", "splits_json"},
        outputs={"efficiency": f"{family}_efficiency"},
        parameters={f"params:{name}" for name in _PARAMETERS},
        tags="efficiency",
    )

"""{family}.left_out.models → {family}_leave_one_out, the section and the figure of all families."""

from kedro.pipeline import Pipeline, node, pipeline

from fakefocus.models import main_families
from fakefocus.pipelines.leave_one_out import nodes

_SHARED = {"samples", "face_crops", "defocus_maps", "splits_json"}
_PARAMETERS = ("preprocessing", "defocus", "evaluation", "dataset", "experiment")


def create_pipeline() -> Pipeline:
    """Judge what was trained without one method each, beside the detector that was trained on all."""
    families = main_families()
    results = [f"{family}_leave_one_out" for family in families]
    together = [
        node(
            nodes.describe_leave_one_out,
            ["splits_json", *results],
            "leave_one_out_section",
            name="describe_leave_one_out",
        ),
        node(nodes.draw_leave_one_out, results, "leave_one_out_figure", name="draw_leave_one_out"),
    ]
    return sum((_judge(family) for family in families), Pipeline(together, tags="leave_one_out"))


def _judge(family: str) -> Pipeline:
    judge = node(
        nodes.judge_left_out,
        [
            *("left_out_models", "model", "summary", "face_scores"),
            *("samples", "face_crops", "defocus_maps", "splits_json"),
            *(f"params:{name}" for name in _PARAMETERS),
        ],
        "leave_one_out",
        name="judge_left_out",
    )
    return pipeline(
        Pipeline([judge]),
        namespace=family,
        inputs={"left_out_models": f"{family}.left_out.models", "summary": f"{family}_summary"}
        | {name: name for name in _SHARED},
        outputs={"leave_one_out": f"{family}_leave_one_out"},
        parameters={f"params:{name}" for name in _PARAMETERS},
        tags="leave_one_out",
    )

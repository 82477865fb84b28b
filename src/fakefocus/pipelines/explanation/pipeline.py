"""{family}.model, samples, masks → {family}_explanation, galleries, figures, the section of all families."""

from kedro.pipeline import Pipeline, node, pipeline

from fakefocus.models import main_families
from fakefocus.pipelines.explanation import nodes

_DATA = ("samples", "face_crops", "defocus_maps", "splits_json")
_SHARED = (*_DATA, "faces", "altered_masks")
_SHOWN_BY = ("preprocessing", "defocus", "evaluation", "explanation")
_PARAMETERS = (*_SHOWN_BY, "dataset", "experiment")


def create_pipeline() -> Pipeline:
    """Locate what was altered once for all, explain each main family, and describe what came out."""
    results = [f"{family}_explanation" for family in main_families()]
    shared = Pipeline(
        [
            node(
                nodes.locate_alterations,
                ["videos", "samples", "faces", "face_crops", "params:explanation"],
                "altered_masks",
                name="locate_alterations",
            ),
            node(
                nodes.describe_explanation,
                ["splits_json", *results],
                "explanation_section",
                name="describe_explanation",
            ),
        ],
        tags="explanation",
    )
    return shared + Pipeline(_explain(family) for family in main_families())


def _explain(family: str) -> Pipeline:
    shown_by = [f"params:{name}" for name in _SHOWN_BY]
    template = Pipeline(
        [
            node(
                nodes.explain_faces,
                ["model", "summary", *_DATA, "altered_masks", *(f"params:{name}" for name in _PARAMETERS)],
                ["explanation", "gallery"],
                name="explain_faces",
            ),
            node(
                nodes.look_inside, ["model", "summary", *_DATA, "face_scores", *shown_by], "inside", name="look_inside"
            ),
            node(nodes.draw_heat, ["gallery", "defocus_maps"], "heat_figure", name="draw_heat"),
            node(nodes.draw_inside, "inside", "inside_figure", name="draw_inside"),
            node(nodes.draw_embeddings, ["inside", "summary"], "embeddings_figure", name="draw_embeddings"),
            node(nodes.draw_embeddings_to_zoom, "inside", "embeddings_to_zoom", name="draw_embeddings_to_zoom"),
            node(
                nodes.draw_mistakes,
                ["summary", "face_scores", "samples", "face_crops", "params:explanation"],
                "mistakes_figure",
                name="draw_mistakes",
            ),
            node(
                nodes.draw_scores_over_time,
                ["summary", "face_scores", "samples", "faces", "face_crops"],
                "over_time_figure",
                name="draw_scores_over_time",
            ),
        ]
    )
    return pipeline(
        template,
        namespace=family,
        inputs={"summary": f"{family}_summary"} | {name: name for name in _SHARED},
        outputs={"explanation": f"{family}_explanation"},
        parameters={f"params:{name}" for name in _PARAMETERS},
        tags="explanation",
    )

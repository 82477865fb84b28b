"""{family}.model, samples → {family}.face_scores, {family}.video_scores, {family}.metrics."""

from kedro.pipeline import Pipeline, node, pipeline

from fakefocus.pipelines.evaluation import nodes
from fakefocus.schemas import DETECTORS


def create_pipeline() -> Pipeline:
    """Score and judge each detector, the negative controls too, on the true labels."""
    made = Pipeline([])
    for namespace in DETECTORS:
        made += _evaluate(namespace)
    return made


def _evaluate(namespace: str) -> Pipeline:
    template = Pipeline(
        [
            node(
                nodes.score_faces,
                ["model", "samples", "face_crops", "defocus_maps", "params:defocus", "params:evaluation"],
                "face_scores",
                name="score_faces",
            ),
            node(nodes.score_videos, "face_scores", "video_scores", name="score_videos"),
            node(
                nodes.measure,
                ["face_scores", "video_scores", "params:evaluation", "params:feature_split"],
                "metrics",
                name="measure",
            ),
        ]
    )
    return pipeline(
        template,
        namespace=namespace,
        inputs={"samples", "face_crops", "defocus_maps"},
        parameters={"params:defocus", "params:evaluation", "params:feature_split"},
        tags="evaluation",
    )

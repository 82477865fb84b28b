"""{family}.model, samples → {family}.face_scores, {family}.video_scores, {family}.metrics."""

from collections.abc import Sequence

from kedro.pipeline import Pipeline, node, pipeline

from fakefocus.pipelines.evaluation import nodes
from fakefocus.schemas import DETECTORS, SEEDS


def create_pipeline() -> Pipeline:
    """Score and judge each detector, the negative controls too, on the true labels."""
    return evaluate_once(DETECTORS)


def evaluate_once(detectors: Sequence[str]) -> Pipeline:
    """Score and judge each of ``detectors``."""
    return sum((_evaluate(namespace) for namespace in detectors), Pipeline([]))


def evaluate_seeds(families: Sequence[str]) -> Pipeline:
    """Score and judge what was trained with each of `SEEDS`, and compare."""
    return sum((_seeds_of(family) for family in families), Pipeline([]))


def _seeds_of(family: str) -> Pipeline:
    names = [f"seed_{seed}" for seed in SEEDS]
    inputs = {name: f"{name}.metrics" for name in names}
    compare = node(nodes.compare_seeds, inputs, "seed_metrics", name="compare_seeds")
    compared = pipeline(
        Pipeline([compare]),
        namespace=family,
        inputs={value: f"{family}.{value}" for value in inputs.values()},
        tags="evaluation",
    )
    return evaluate_once([f"{family}.{name}" for name in names]) + compared


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
                ["model", "face_scores", "video_scores", "params:evaluation", "params:feature_split"],
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

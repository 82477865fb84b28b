"""{family}.model, samples → {family}.face_scores, {family}.video_scores, {family}_summary."""

from collections.abc import Sequence

from kedro.pipeline import Pipeline, node, pipeline

from fakefocus.models import main_families
from fakefocus.pipelines.evaluation import nodes
from fakefocus.schemas import SEEDS

_PARAMETERS = ("preprocessing", "defocus", "evaluation", "dataset", "experiment")


def create_pipeline() -> Pipeline:
    """Score and judge each main family and its negative controls, on the true labels, and name what was judged."""
    detectors = [name for family in main_families() for name in (family, f"{family}.control", f"{family}.untrained")]
    return evaluate_once(detectors) + list_evaluated("evaluated", detectors)


def list_evaluated(output: str, detectors: Sequence[str]) -> Pipeline:
    """Name the detectors that were judged in one go; the report waits for that."""
    listed = node(nodes.list_evaluated, [summary_of(name) for name in detectors], output, name=f"list_{output}")
    return Pipeline([listed], tags="evaluation")


def evaluate_once(detectors: Sequence[str]) -> Pipeline:
    """Score and judge each of ``detectors``."""
    return Pipeline(_evaluate(namespace) for namespace in detectors)


def evaluate_seeds(families: Sequence[str]) -> Pipeline:
    """Score and judge what was trained with each of `SEEDS`, and compare."""
    return Pipeline(_seeds_of(family) for family in families)


def summary_of(detector: str) -> str:
    """Return the name of a detector's summary: one word, so that a notebook can have a variable of it."""
    return detector.replace(".", "_") + "_summary"


def _seeds_of(family: str) -> Pipeline:
    detectors = [f"{family}.seed_{seed}" for seed in SEEDS]
    places = dict(zip(("first", "second", "third"), map(summary_of, detectors), strict=True))
    compare = node(nodes.compare_seeds, places, "seed_metrics", name="compare_seeds")
    compared = pipeline(Pipeline([compare]), namespace=family, inputs=set(places.values()), tags="evaluation")
    return evaluate_once(detectors) + compared


def _evaluate(namespace: str) -> Pipeline:
    template = Pipeline(
        [
            node(
                nodes.score_faces,
                [
                    *("model", "samples", "face_crops", "defocus_maps", "splits_json"),
                    *("params:preprocessing", "params:defocus", "params:evaluation"),
                ],
                "face_scores",
                name="score_faces",
            ),
            node(nodes.score_tracks, ["face_scores", "params:evaluation"], "track_scores", name="score_tracks"),
            node(
                nodes.score_videos,
                ["face_scores", "splits", "params:evaluation"],
                "video_scores",
                name="score_videos",
            ),
            node(
                nodes.summarise_detector,
                [
                    *("model", "history", "samples", "videos", "faces", "face_scores", "track_scores", "video_scores"),
                    *("home_scores", "home_evaluation", "attributes", "splits_json"),
                    *("params:evaluation", "params:dataset", "params:experiment"),
                ],
                "summary",
                name="summarise",
            ),
        ]
    )
    return pipeline(
        template,
        namespace=namespace,
        inputs={"samples", "videos", "faces", "face_crops", "defocus_maps", "splits", "splits_json", "attributes"},
        outputs={"summary": summary_of(namespace)},
        parameters={f"params:{name}" for name in _PARAMETERS},
        tags="evaluation",
    )

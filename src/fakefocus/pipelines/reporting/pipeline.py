"""Tables, crops, maps, histories, scores and metrics → figures and one HTML report."""

from kedro.pipeline import Pipeline, node, pipeline

from fakefocus.pipelines.reporting import nodes
from fakefocus.schemas import DETECTORS, FAMILIES


def create_pipeline() -> Pipeline:
    """Draw what the pipelines found and write one report."""
    figures = ("samples_figure", "curves_figure", "roc_figure", "scores_figure", "intervals_figure")
    report = Pipeline(
        [
            node(
                nodes.draw_samples,
                ["samples", "face_crops", "defocus_maps", "params:defocus", "params:reporting", "params:feature_split"],
                "samples_figure",
                name="draw_samples",
            ),
            node(nodes.draw_curves, _by_detector("history"), "curves_figure", name="draw_curves"),
            node(
                nodes.draw_roc,
                _by_detector("video_scores") | {"split": "params:feature_split"},
                "roc_figure",
                name="draw_roc",
            ),
            node(
                nodes.draw_scores,
                {name: f"{name}.video_scores" for name in FAMILIES}
                | {f"{name}_metrics": f"{name}.metrics" for name in FAMILIES},
                "scores_figure",
                name="draw_scores",
            ),
            node(nodes.draw_intervals, _by_detector("metrics"), "intervals_figure", name="draw_intervals"),
            node(
                nodes.write_report,
                {name: name for name in ("videos", "rejected_media", "faces", "splits", "splits_json", *figures)}
                | {"leakage_report": "leakage_report"}
                | {
                    name: f"params:{name}"
                    for name in ("reporting", "feature_split", "evaluation", "defocus", "dataset")
                }
                | _by_detector("metrics")
                | {f"{name}_model": f"{name}.model" for name in FAMILIES},
                "report",
                name="write_report",
            ),
        ],
        tags="reporting",
    )
    return sum((_draw_detector(name) for name in DETECTORS), report)


def _draw_detector(namespace: str) -> Pipeline:
    template = Pipeline(
        [
            node(
                nodes.draw_detector,
                ["history", "video_scores", "params:feature_split"],
                "overview_figure",
                name="draw_detector",
            )
        ]
    )
    return pipeline(template, namespace=namespace, parameters={"params:feature_split"}, tags="reporting")


def _by_detector(output: str) -> dict[str, str]:
    """Map a detector's name, dots as underscores, to its dataset, so that nodes take them as keywords."""
    return {name.replace(".", "_"): f"{name}.{output}" for name in DETECTORS}

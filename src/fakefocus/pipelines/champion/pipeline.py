"""trained_detectors, former_champion, samples → champion_comparison, champion."""

from kedro.pipeline import Pipeline, node

from fakefocus.pipelines.champion import nodes


def create_pipeline() -> Pipeline:
    """Compare the best detector of an experiment with the champion of its data set, on validation."""
    return Pipeline(
        [
            node(
                nodes.compare_with_champion,
                [
                    *("trained_detectors", "former_champion"),
                    *("samples", "face_crops", "defocus_maps", "splits_json"),
                    *("params:preprocessing", "params:defocus", "params:evaluation", "params:dataset"),
                ],
                "champion_comparison",
                name="compare_with_champion",
            ),
            node(
                nodes.promote,
                ["trained_detectors", "champion_comparison"],
                "champion",
                name="promote",
            ),
        ],
        tags="champion",
    )

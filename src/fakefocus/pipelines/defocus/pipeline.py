"""face_crops → defocus_maps, defocus_statistics."""

from kedro.pipeline import Pipeline, node

from fakefocus.pipelines.defocus import nodes


def create_pipeline() -> Pipeline:
    """Estimate a defocus map for every crop."""
    return Pipeline(
        [
            node(
                nodes.plan_defocus_maps,
                ["videos", "face_crops", "params:preprocessing", "params:defocus"],
                "defocus_maps",
                name="estimate_defocus",
            ),
            node(
                nodes.collect_statistics,
                ["videos", "defocus_maps"],
                "defocus_statistics",
                name="collect_defocus_statistics",
            ),
        ],
        tags="defocus",
    )

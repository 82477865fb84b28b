"""videos, faces → splits, splits.json, samples."""

from kedro.pipeline import Pipeline, node

from fakefocus.pipelines.feature_split import nodes


def create_pipeline() -> Pipeline:
    """Divide videos by group and index the samples."""
    return Pipeline(
        [
            node(
                nodes.split_videos,
                ["videos", "faces", "previous_split_identities", "imported_splits", "params:feature_split"],
                ["splits", "split_identities"],
                name="split_videos",
            ),
            node(nodes.describe_splits, ["splits", "params:feature_split"], "splits_json", name="describe_splits"),
            node(nodes.index_samples, ["splits", "faces", "videos"], "samples", name="index_samples"),
        ],
        tags="feature_split",
    )

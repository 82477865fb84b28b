"""videos, faces, face_crops → splits, splits.json, leakage_report, samples."""

from kedro.pipeline import Pipeline, node

from fakefocus.pipelines.feature_split import nodes


def create_pipeline() -> Pipeline:
    """Divide videos by group, audit the sides and index the samples."""
    return Pipeline(
        [
            node(
                nodes.split_videos,
                [
                    *("videos", "faces", "listed_media", "unreadable_media"),
                    *("previous_split_identities", "imported_splits", "params:feature_split"),
                ],
                ["splits", "split_identities"],
                name="split_videos",
            ),
            node(nodes.describe_splits, ["splits", "params:feature_split"], "splits_json", name="describe_splits"),
            node(
                nodes.audit_splits,
                ["splits", "videos", "faces", "face_crops", "params:feature_split", "face_weights"],
                "leakage_report",
                name="audit_splits",
            ),
            node(
                nodes.index_samples,
                ["splits", "faces", "videos", "leakage_report", "params:feature_split"],
                "samples",
                name="index_samples",
            ),
        ],
        tags="feature_split",
    )

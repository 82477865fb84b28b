"""videos → face_crops, faces, rejected_media."""

from kedro.pipeline import Pipeline, node

from fakefocus.pipelines.preprocessing import nodes


def create_pipeline() -> Pipeline:
    """Cut the main face out of sampled frames of each clip."""
    return Pipeline(
        [
            node(nodes.plan_face_crops, ["videos", "params:preprocessing"], "face_crops", name="extract_faces"),
            node(nodes.collect_faces, ["videos", "face_crops"], "faces", name="collect_faces"),
            node(
                nodes.list_rejected,
                ["videos", "faces", "unreadable_media"],
                "rejected_media",
                name="list_rejected_media",
            ),
        ],
        tags="preprocessing",
    )

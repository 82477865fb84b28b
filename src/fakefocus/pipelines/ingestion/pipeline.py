"""raw_media → videos, unreadable_media."""

from kedro.pipeline import Pipeline, node

from fakefocus.pipelines.ingestion import nodes


def create_pipeline() -> Pipeline:
    """List the files of a data set and look into each."""
    return Pipeline(
        [
            node(
                nodes.list_media, ["raw_media", "params:ingestion", "params:dataset"], "listed_media", name="list_media"
            ),
            node(nodes.probe_media, "listed_media", ["videos", "unreadable_media"], name="probe_media"),
        ],
        tags="ingestion",
    )

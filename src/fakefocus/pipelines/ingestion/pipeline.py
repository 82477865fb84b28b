"""raw_media → probed_media → videos, unreadable_media."""

from kedro.pipeline import Pipeline, node

from fakefocus.pipelines.ingestion import nodes


def create_pipeline() -> Pipeline:
    """List the files of a data set and look into each."""
    return Pipeline(
        [
            node(
                nodes.list_media,
                ["raw_media", "params:ingestion", "params:dataset"],
                "listed_media",
                name="list_media",
            ),
            node(nodes.plan_probes, ["listed_media", "previous_probes"], "probed_media", name="probe_media"),
            node(nodes.sort_media, ["listed_media", "probed_media"], ["videos", "unreadable_media"], name="sort_media"),
        ],
        tags="ingestion",
    )
